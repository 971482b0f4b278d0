"""A real embedded store on disk, with key, configuration and state, behind the command line in this process."""

import base64
import io
import secrets
import sys
from pathlib import Path

from tests.fakes.answer import Answer, Refusal
from tokenguard.cli.error_handler import run
from tokenguard.shell.wiring import Wiring

NAME = "video/app/prod/upload"
MARKER = "zq-marker-that-nobody-may-see"
"""Stands for a value in the wrong place; it is short of what the check of arguments knows, so that all code is met."""
FIELDS = ("--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads", "--no-consumers")


class Premises:
    """Everything is below one directory, so that "nothing was written" can be looked up."""

    def __init__(self, directory: Path, monkeypatch, capfd) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self.directory = directory
        self.key, self.config, self.store = directory / "key", directory / "config.toml", directory / "store"
        self.database = self.store / "store.db"
        self.write(self.key, base64.b64encode(secrets.token_bytes(32)))
        self.write(self.config, b"")
        self.environ = {
            "TOKENGUARD_KEY_FILE": str(self.key),
            "TOKENGUARD_CONFIG": str(self.config),
            "TOKENGUARD_STATE_DIR": str(directory / "state"),
            "TOKENGUARD_STORE": f"local://{self.store}",
            "NO_COLOR": "1",
        }
        monkeypatch.chdir(directory)
        monkeypatch.setenv("TOKENGUARD_STATE_DIR", self.environ["TOKENGUARD_STATE_DIR"])

    def furnished(self) -> "Premises":
        """With a store in it, and one token in that."""
        assert self("init").code == 0
        answer = self("add", NAME, "--provider", "manual", *FIELDS, "--stdin", stdin=f"{MARKER}-as-value".encode())
        assert answer.code == 0, answer
        return self

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Answer:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        wiring = Wiring(environ=self.environ)
        wiring.tty = None
        code = run(arguments, wiring)
        shown = self._capfd.readouterr()
        return Answer(code, shown.out, shown.err, arguments)

    def refused(self, *arguments: str, code: int = 2, stdin: bytes = b"") -> Refusal:
        """Run it, and hold it to what every refusal promises; returns the error's text."""
        before = self.everything()
        answer = self(*arguments, stdin=stdin)
        after = self.everything()
        check_refusal(answer, code)
        assert after == before, "something was written"
        return Refusal.of(answer)

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every file with its mode and bytes, as a stranger would see it."""
        found = {}
        for place in sorted(self.directory.rglob("*")):
            info = place.lstat()
            content = bytes(place.readlink()) if place.is_symlink() else b""
            found[str(place)] = (info.st_mode, place.read_bytes() if place.is_file() else content)
        return found

    @staticmethod
    def write(path: Path, data: bytes, mode: int = 0o600) -> None:
        path.write_bytes(data)
        path.chmod(mode)


def check_refusal(answer: Answer, code: int) -> None:
    """The exit code of design, one `error:`, one `hint:`, nothing on stdout, no value anywhere."""
    assert answer.code == code, answer
    assert not answer.out, answer
    lines = answer.err.splitlines()
    assert [line.partition(": ")[0] for line in lines[-2:]] == ["error", "hint"], answer
    assert sum(line.startswith(("error:", "hint:")) for line in lines) == 2, answer
    assert not lines[-2].endswith("."), answer
    assert MARKER not in answer.err, "what was given was echoed"
