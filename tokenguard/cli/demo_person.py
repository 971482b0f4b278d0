"""The person of the demo: clicks on the sandbox's settings page, and answers the questions on a real terminal."""

import os
import re
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from html import unescape
from urllib.parse import urlencode

import click

from tokenguard.errors import TokenguardError

_PASTE = "then Enter: "
_DONE = "leave it for later: "
_WHO = re.compile(r"(who does this\? your name|your login at \w+) \[[^]]*\]: $")
_LABEL = re.compile(r"exactly this name: (\S+)")
_DRIVE = re.compile(r"choose the Drive .* \(drive:([^)]+)\), and create")
_REVOKE = re.compile(r"find the token named (\S+)")
_PATIENCE = 60.0
_REPLACED = re.compile(r"[^\n]*\r\x1b\[K")
"""A line that was replaced by a later one, as progress is."""
# A session leader that opens a terminal gets it as its own; then the real command takes the process over.
_LAUNCHER = "import os,sys;os.close(os.open(sys.argv[1],os.O_RDWR));os.execv(sys.argv[2],sys.argv[2:])"


class DemoPerson:
    """Does by hand what Descript offers no API for. Knows only what is on the screen and on the page."""

    def __init__(self) -> None:
        self.settings_url = ""
        self.values: set[str] = set()
        """Every value that ever was on the screen of the settings page."""

    def create(self, name: str, drive_id: str) -> str:
        """Fill in the form of the settings page; returns the value it shows this once."""
        page = self._submit({"name": name, "drive_id": drive_id})
        shown = re.search(r'id="new-token">([^<]+)<', page)
        if shown is None:
            raise TokenguardError("the settings page showed no new token", hint="please report this")
        value = unescape(shown[1])
        self.values.add(value)
        return value

    def revoke(self, name: str) -> None:
        """Click Revoke in the row of that name."""
        row = re.search(rf'data-token-id="([^"]+)"><td>{re.escape(name)}<', self._page())
        if row is None:
            raise TokenguardError("the settings page lists no such token", hint="please report this")
        self._submit({"token_id": row[1]})

    def attend(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
        """Run a command on a terminal, answer what it asks; returns what the screen showed and the exit code."""
        ours, theirs = os.openpty()
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, os.ttyname(theirs)]
        child = subprocess.Popen(
            [*launcher, *command], env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        try:
            screen = self._converse(ours)
        finally:
            os.close(ours)
            code = child.wait(timeout=_PATIENCE)
        return screen, code

    def _converse(self, terminal: int) -> str:
        screen, pending, answered = "", "", 0
        while True:
            ready, _, _ = select.select([terminal], [], [], _PATIENCE)
            try:
                data = os.read(terminal, 65_536) if ready else b""
            except OSError:  # Linux says so when the other side has gone
                data = b""
            if not data:
                click.echo(_REPLACED.sub("", pending), nl=False)
                return screen
            text = data.decode(errors="replace").replace("\r\n", "\n")
            screen += text
            pending = self._echo(pending + text)
            fresh = screen[answered:]
            if _WHO.search(fresh):
                os.write(terminal, b"demo\n")
                answered = len(screen)
            if fresh.endswith((_PASTE, _DONE)):
                os.write(terminal, self._answer(fresh).encode() + b"\n")
                answered = len(screen)

    def _echo(self, text: str) -> str:
        """Show what came, as a terminal would leave it where there is none; returns what is not settled yet."""
        if sys.stdout.isatty():
            click.echo(text, nl=False)
            return ""
        settled, newline, rest = text.rpartition("\n")
        click.echo(_REPLACED.sub("", settled + newline), nl=False)
        return rest

    def _answer(self, question: str) -> str:
        if question.endswith(_PASTE):
            label, drive = _LABEL.search(question), _DRIVE.search(question)
            if label is None or drive is None:
                raise TokenguardError("the question does not name what to create", hint="please report this")
            return self.create(label[1], drive[1])
        named = _REVOKE.search(question)
        if named is not None:
            self.revoke(named[1])
        return "done demo"

    def _page(self) -> str:
        return self._request("GET")

    def _submit(self, fields: Mapping[str, str]) -> str:
        token = re.search(r'name="csrf" value="([^"]+)"', self._page())
        return self._request("POST", urlencode({**fields, "csrf": unescape(token[1]) if token else ""}))

    def _request(self, method: str, form: str | None = None) -> str:
        import urllib3  # only the demo's person browses

        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request(method, self.settings_url, body=form, headers=headers, redirect=False)
            return answer.data.decode()
