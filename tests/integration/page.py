"""A page of the docs, followed by its own text: shell lines are run in order, with the exit codes that it states."""

import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.command_line import FakeTty
from tests.integration.forked_commands import program
from tokenguard.cli.error_handler import run
from tokenguard.shell.wiring import Wiring

DOCS = Path(__file__).parents[2] / "docs"
BIN = Path(sys.executable).parent
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.]+)\n")


class Page:
    """Runs what a page says in one directory; `environ` is what the shell of its reader exports."""

    def __init__(self, name: str, directory: Path, capfd, **environ: str) -> None:
        self.blocks = _BLOCK.findall((DOCS / name).read_text())
        self.directory, self._capfd = directory, capfd
        self.environ = {
            "PATH": f"{program('tokenguard').parent}:{BIN}:{os.environ['PATH']}", "HOME": str(directory),
            "NO_COLOR": "1", "PYTHONPATH": str(DOCS.parent),
            "TOKENGUARD_STATE_DIR": str(directory / "state"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com", **environ,
        }  # fmt: skip
        self.typed: dict[str, tuple[str, ...]] = {}
        """What is answered on the terminal, by the beginning of the line that asks."""
        self.output = ""
        """What the last line has written."""

    def lines(self) -> Iterator[str]:
        """The lines of the page's shell, one after the other; its files are written on the way."""
        for language, text in self.blocks:
            if language == "python":
                self._file(text)
                continue
            yield from re.sub(r"\\\n +", "", text).splitlines()

    def line(self, line: str) -> None:
        """Run one line, and hold it to the exit code that the page states (0 if it states none)."""
        command, _, note = line.partition("  # ")
        allowed = {int(each) for each in re.findall(r"\d+", note)} if note.startswith("exit ") else {0}
        code = self._run(command)
        assert code in allowed, (line, code, self.output)

    def _run(self, command: str) -> int:
        words = shlex.split(command)
        if words[0] == "export":
            name, _, text = words[1].partition("=")
            self.environ[name] = text
            return 0
        if words[0] == "unset":
            self.environ.pop(words[1])
            return 0
        answers = next((each for begin, each in self.typed.items() if command.startswith(begin)), None)
        if answers is not None:
            wiring = Wiring(environ=self.environ)
            wiring.tty = FakeTty(*answers)
            code = run(words[1:], wiring)
            wiring.close()
            shown = self._capfd.readouterr()
            self.output = shown.out + shown.err + "\n".join(wiring.tty.shown)
            return code
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.directory, env=self.environ, capture_output=True, text=True, check=False,
            timeout=60, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.output = done.stdout + done.stderr
        return done.returncode

    def _file(self, text: str) -> None:
        """A file of the page; the dots in its values become something random."""
        name = _FILE.match(text)
        assert name is not None, text
        (self.directory / name[1]).write_text(text.replace("…", secrets.token_hex(32)))
