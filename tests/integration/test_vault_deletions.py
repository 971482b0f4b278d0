"""A mount that begins to delete by itself while a command runs: nothing is done on the strength of what will be gone."""

from collections.abc import Iterator

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.fakes.vault_proxy import Asked, VaultProxy
from tests.integration.openbao import OpenBao

AT = {"the new value": "/cand/", "its publication": "/live/", "the record": "/doc/"}
LINES = {"planned": ("rotate", NAME), "revoked first": ("rotate", NAME, "--compromised", "--reason", "leak")}


class Mount:
    """One of its own, whose configuration changes at the first write of a kind."""

    def __init__(self, cli: VaultCommandLine, proxy: VaultProxy, name: str) -> None:
        self.cli, self.proxy, self.name = cli, proxy, name

    def configure(self, time: str) -> None:
        self.cli.server.api("POST", f"{self.name}/config", {"delete_version_after": time})

    def begins_at(self, kind: str) -> None:
        def fault(_number: int, asked: Asked) -> None:
            if asked.method == "POST" and kind in asked.path:
                self.proxy.clear()
                self.configure("1h")

        self.proxy.fault = fault


@pytest.fixture
def mount(openbao: OpenBao, sandbox, tmp_path, capfd) -> Iterator[Mount]:
    with VaultProxy(openbao.port) as proxy:
        name = openbao.new_mount()
        cli = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://{name}/tg", address=proxy.url)
        assert cli("init", "--sandbox").code == 0
        assert cli.issue().code == 0
        yield Mount(cli, proxy, name)


def living(cli: VaultCommandLine) -> list[str]:
    made = cli.sandbox.world.keys()
    return [key.secret.reveal() for key in made]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("at", AT)
def test_it_stops_and_goes_on_when_that_is_switched_off(mount: Mount, line: str, at: str):
    cli = mount.cli
    mount.begins_at(AT[at])
    stopped = cli(*LINES[line])
    assert stopped.code in ({4, 5} if line == "revoked first" else {4}), stopped
    assert "delete by itself" in stopped.error
    assert f"vault write {mount.name}/config delete_version_after=0s" in stopped.hint
    mount.configure("0s")
    assert cli("rotate", "--resume").code == 0
    [value] = living(cli)
    live = cli.server.api("GET", f"{mount.name}/data/tg/live/{NAME}").json()["data"]
    assert live["data"]["token"] == value
    assert live["metadata"]["deletion_time"] == ""
    for then in (("audit", "verify"), ("verify", "--all"), ("rotate", NAME)):
        assert cli(*then).code == 0, then
