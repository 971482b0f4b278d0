"""The example of docs/webhooks.md is run as it stands, against the sandbox."""

import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.test_webhooks_descript import ask
from tokenguard import webhooks
from tokenguard.sandbox.sandbox_server import Sandbox

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_the_example_receives_what_the_sandbox_sends(capsys):
    names: dict[str, object] = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1], names)
    with Sandbox() as sandbox:
        info, drive = sandbox.info, sandbox.info.drives[0][0]
        token = sandbox.world.create_token("guide", drive).secret.reveal()
        hook = sandbox.world.create_hook("http://127.0.0.1:1/", ["post.published"])
        server, url = names["serve"](token, sandbox.world.jobs, {drive}, hook.secret.reveal(), info.descript_url)
        with server:
            names["Receiver"].log_message = lambda *_: None
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            ask(info.descript_url, token, "jobs", "agent", callback_url=url)
            hook = replace(hook, url=url.replace("descript", "autoposting"))
            sandbox.world.callbacks.event(hook, "post.published", sandbox.info.org_id, {})
            sandbox.world.callbacks.stop()
            server.shutdown()
    assert sandbox.world.callbacks.statuses == [204, 204]
    assert capsys.readouterr().out == "job stopped: success\nevent post.published\n"


def test_every_public_name_is_there_and_no_other():
    for name in webhooks._LAZY:
        assert getattr(webhooks, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = webhooks.Nothing


def test_receiving_signed_deliveries_loads_no_http_client():
    code = "import sys; from tokenguard.webhooks import AutopostingDeliveries; print('urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
