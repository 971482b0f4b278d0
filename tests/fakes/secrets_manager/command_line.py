"""The command line in this process, on a store of the fake and the sandbox's providers."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.answer import Answer
from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import client, place
from tokenguard.cli.error_handler import run
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

NAME = "video/app/prod/post"


def accepted(sandbox: Sandbox, value: str) -> bool:
    """Whether the sandbox's provider takes the value as a key."""
    request = urllib.request.Request(
        f"{sandbox.info.autoposting_url}/keys/me", headers={"Authorization": f"Bearer {value}"}
    )
    try:
        with urllib.request.urlopen(request):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code != 401


@dataclass
class AwsCommandLine:
    """Calls commands as a process would. The SDK's own clients are shared: making one takes most of a second."""

    aws: FakeAws
    sandbox: Sandbox
    directory: Path
    capfd: Any
    monkeypatch: Any
    settings: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    real_sdk: bool = False
    clock: SwiftClock = field(default_factory=SwiftClock)
    approver: bool = True
    """Whether every plan was approved before it is applied; False: the approvals are those of the store."""
    more: str = ""
    """Further tables of the configuration."""

    @property
    def url(self) -> str:
        return place(self.aws).url

    def __call__(self, *arguments: str) -> Answer:
        config = self.directory / "config.toml"
        lines = {"endpoint": self.aws.url, **self.settings}
        config.write_text(
            f'[store]\nurl = "{self.url}"\n[aws]\n'
            + "".join(f"{name} = {json.dumps(each)}\n" for name, each in lines.items())
            + f'[providers.autoposting]\nbase_url = "{self.sandbox.info.autoposting_url}"\ndeath_floor = 2\n'
            + self.more
        )
        config.chmod(0o600)
        environ = {
            "NO_COLOR": "1",
            "TOKENGUARD_CONFIG": str(config),
            "TOKENGUARD_ADMIN_AUTOPOSTING": self.sandbox.info.admin_key,
            **self.environ,
        }
        with self.monkeypatch.context() as patch:
            if not self.real_sdk:
                patch.setattr("tokenguard.shell.aws_store.AwsClient", lambda *_, **__: client(self.aws))
            wiring = Wiring(environ=environ)
            wiring.clock = self.clock
            if self.approver:
                wiring.approvals = EverythingApproved()
            code = run(["--no-input", *arguments], wiring)
        shown = self.capfd.readouterr()
        return Answer(code, shown.out, shown.err, arguments)

    def issue(self, name: str = NAME, *more: str) -> Answer:
        return self(
            "add", name, "--provider", "autoposting", "--scope", f"org:{self.sandbox.info.org_id}", "--env", "prod",
            "--owner", "video", "--purpose", "posting", "--no-consumers", "--issue", *more,
        )  # fmt: skip

    def live(self, name: str = NAME) -> str:
        """What a consumer reads."""
        answer = self.aws.service.call("GetSecretValue", {"SecretId": f"{place(self.aws).prefix}/{name}"})
        return json.loads(answer["SecretString"])["token"]
