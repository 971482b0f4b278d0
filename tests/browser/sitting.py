"""One guided command in a pseudo-terminal: what the person sees there, and what the person types."""

import io
import re
import sys
from collections.abc import Mapping

import pexpect

PASTE = "then Enter: "
DONE = "leave it for later: "
FOUND = "what did you find? "
HOW_MANY = "type the number to continue: "
WHO = ("who does this? your name [", "your login at ")
YOUR_NAME = "your name ["
_SECONDS = 30
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Sitting:
    """A real `tokenguard` process on a terminal of its own."""

    def __init__(self, arguments: tuple[str, ...], environ: Mapping[str, str], columns: int = 100) -> None:
        self._screen = io.StringIO()
        self._seen = 0
        self.child = pexpect.spawn(
            sys.executable,
            ["-P", "-m", "tokenguard", *arguments],
            env=dict(environ),
            encoding="utf-8",
            timeout=_SECONDS,
            dimensions=(40, columns),
        )
        self.child.logfile_read = self._screen
        self.child.delaybeforesend = None
        self.child.delayafterclose = self.child.ptyproc.delayafterclose = 0

    @property
    def screen(self) -> str:
        """Everything the terminal was sent, echo included, without its colours."""
        return _COLOUR.sub("", self._screen.getvalue()).replace("\r\n", "\n")

    def until(self, prompt: str) -> str:
        """Wait for a question; returns what was shown since the last one."""
        while self.child.expect_exact([prompt, *WHO]):  # asked once a sitting: Enter takes what is offered
            self.child.sendline("")
        text = self.screen
        shown, self._seen = text[self._seen :], len(text)
        return shown

    def type(self, answer: str) -> None:
        self.child.sendline(answer)

    def paste(self, value: str) -> None:
        """Answer the hidden prompt, which must be deaf already when it appears."""
        assert not self.child.getecho(), "the prompt is there and the terminal still echoes"
        self.child.sendline(value)

    def interrupt(self) -> str:
        """Ctrl-C at the question that is open; returns the end of the screen, which must tell how to go on."""
        self.child.sendintr()
        return self.leaves(130)

    def leaves(self, code: int) -> str:
        """Wait for the process to end with that exit code; returns what was shown since the last question."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        text = self.screen
        assert self.child.exitstatus == code, text
        return text[self._seen :]


def asked_label(shown: str) -> str:
    """The name that the person is to type at the provider."""
    return re.search(r"exactly this name: (\S+)", shown)[1]


def asked_drive(shown: str) -> str:
    """The Drive that the person is to choose."""
    return re.search(r"choose the Drive (.+) \(drive:\S+\)", shown)[1]


def asked_to_revoke(shown: str) -> str:
    """The name of the token that the person is to revoke."""
    return re.search(r"find the token named (\S+)", shown)[1]
