"""The limits of requests, reached by the real program: it ends with exit 4 (2 for a setting), and its memory stays small."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.hostile_answers import HOSTILE
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.secrets_manager.stores import CREDENTIALS

COMMAND = Path(sys.executable).parent / "tokenguard"
STORES = {
    "vault": ("vault://secret/team", '[vault]\naddress = "{url}"\ncredential = "env:LOGIN"\n'),
    "aws": ("aws://eu-central-1/team", '[aws]\nendpoint = "{url}"\n'),
}
LOGIN = "tgcanary-login"
_MIB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the unit of memory is Linux's")


@pytest.fixture(params=STORES)
def run(request, tmp_path):
    """Run `list` on a store at a server with 400 MiB of data at most; gives exit code and standard error."""

    def running(server: ScriptedServer, **environ: str) -> tuple[int, str]:
        url, table = STORES[request.param]
        config = tmp_path / "config.toml"
        config.write_text(f'[store]\nurl = "{url}"\n' + table.format(url=server.url))
        config.chmod(0o600)
        given = {"LOGIN": LOGIN, "TOKENGUARD_STATE_DIR": str(tmp_path / "state"), **CREDENTIALS, **environ}
        errors = tmp_path / "errors"
        with errors.open("w") as stream:
            ended = subprocess.run(
                ["prlimit", f"--data={400 * _MIB}", COMMAND, "--config", config, "--no-input", "list"], check=False,
                env={**os.environ, **given}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream,
            )  # fmt: skip
        return ended.returncode, errors.read_text()

    return running


def _said(errors: str) -> None:
    """One error and one hint at the end, whatever was told before, and no login in either."""
    error, hint = errors.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert "tgcanary" not in errors


@linux
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("case", ["body without end", "body of a declared gigabyte", "header line without end"])
def test_an_answer_without_end_fills_no_memory(run, case):
    with ScriptedServer(HOSTILE[case][0]) as server:
        code, errors = run(server)
    assert code == 4
    _said(errors)


@pytest.mark.usefixtures("unmeasured")
def test_a_log_of_tls_keys_stops_the_program_before_it_asks(run, tmp_path):
    with ScriptedServer(HOSTILE["nothing at all"][0]) as server:
        code, errors = run(_Secured(server), SSLKEYLOGFILE=str(tmp_path / "keys"))
        assert server.connections == 0
    assert code == 2
    _said(errors)
    assert not (tmp_path / "keys").exists()


class _Secured:
    """A server's address with https."""

    def __init__(self, server: ScriptedServer) -> None:
        self.url = server.url.replace("http:", "https:")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("case", ["one byte at a time", "headers one byte at a time", "continue without end"])
def test_an_answer_that_never_comes_to_its_end_is_given_up(run, case):
    """Slow, because a command waits for as long as its limits say: 15 seconds for a Vault, 60 for AWS."""
    with ScriptedServer(HOSTILE[case][0]) as server:
        code, errors = run(server)
    assert code == 4
    _said(errors)
