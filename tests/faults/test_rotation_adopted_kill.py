"""kill -9 around the publish of an adopted value: real command line, real OpenBao; then `--resume` in a fresh process."""

import dataclasses
import secrets
from pathlib import Path

import pytest

from tests.faults.rotation_homes import LocalHome
from tests.faults.rotation_killing import NAME, Launcher, RealWorld, Seen
from tests.faults.rotation_verdicts import (
    MODES,
    bring_to_its_end,
    check_all_is_well,
    check_nothing_is_lost,
    undisturbed,
)
from tests.faults.test_rotation_kill import HOWS, KILLED
from tests.integration.openbao import OpenBao

OTHERS = {"zone": "eu", "nested": {"a": [1, None]}}


class AdoptedWorld(RealWorld):
    """Its token lives in a field of an entry that others own."""

    def __init__(self, launcher: Launcher, directory: Path, server: OpenBao) -> None:
        super().__init__(launcher, directory, "autoposting")
        self._server = server
        self._path = f"secret/data/theirs/{secrets.token_hex(6)}"
        self._home = LocalHome(directory)
        self._home.configuration = f'[vault]\naddress = "{server.url}"\ncredential = "env:LOGIN"\n'
        self._home.environ = {**self._home.environ, "LOGIN": server.root_token}

    def there(self) -> dict[str, object]:
        return self._server.api("GET", self._path).json()["data"]["data"]

    def read(self) -> Seen:
        return dataclasses.replace(super().read(), live=str(self.there()["token"]))

    def _made(self) -> tuple[str, ...]:
        made = self.sandbox.world.create_key("made-by-hand", ["posts:read"])
        fields = {**OTHERS, "token": made.secret.reveal()}
        self._server.api("POST", self._path, {"data": fields})
        address = f"vault://{self._path.replace('/data/', '/')}#token"
        return ("--provider", "autoposting", "--scope", f"org:{self.sandbox.info.org_id}", "--permission", "posts:read",
                "--label", "made-by-hand", "--adopt", address)  # fmt: skip


@pytest.mark.parametrize("how", ["before", "after"])
def test_kill_at_the_write_to_the_place(launcher: Launcher, openbao: OpenBao, tmp_path: Path, how: str):
    effects = _undisturbed(launcher, openbao, tmp_path, "planned")
    _killed_and_resumed(launcher, openbao, tmp_path, "planned", effects, effects.index("place.replace"), how)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("mode", MODES)
def test_kill_at_every_effect(launcher: Launcher, openbao: OpenBao, tmp_path: Path, mode: str, how: str):
    effects = _undisturbed(launcher, openbao, tmp_path, mode)
    for index in range(len(effects)):
        _killed_and_resumed(launcher, openbao, tmp_path, mode, effects, index, how)


def _undisturbed(launcher: Launcher, server: OpenBao, at: Path, mode: str) -> tuple[str, ...]:
    with AdoptedWorld(launcher, at / "clean", server) as world:
        return undisturbed(world, mode)


def _killed_and_resumed(
    launcher: Launcher, server: OpenBao, at: Path, mode: str, effects: tuple[str, ...], index: int, how: str
) -> None:
    where = f"{mode}: {how} effect {index}, {effects[index]}"
    with AdoptedWorld(launcher, at / f"{index}-{how}", server) as world:
        old = world.read().live
        first = world.run("rotate", NAME, *MODES[mode], index=index, how=how)
        if how == "no reply":
            assert first.code in {3, 4, 5} or effects[index] == "store.put_candidate", (where, world.output())
        else:
            assert first.code == KILLED, (where, "the failpoint was not hit", world.output())
        check_nothing_is_lost(world, where, gap=mode == "compromised")
        bring_to_its_end(world, where, old, mode)
        check_all_is_well(world, where, old)
        assert {**world.there(), "token": ""} == {**OTHERS, "token": ""}, where
