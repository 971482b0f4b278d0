"""Operator implementations: an interactive terminal, and a non-interactive one that raises NeedsPerson."""

import getpass
import os
import re
from collections.abc import Callable
from typing import NoReturn

from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.ports.operator import Creator, StrayToken, Task, TokenTrace, TokenTraceAnswer
from tokenguard.shell.progress import StderrProgress
from tokenguard.shell.tty import Tty
from tokenguard.text import safe_text

_DONE = re.compile(r"done\b[\s,:-]*(.*)", re.IGNORECASE)
_LATER = frozenset({"", "no", "n", "later", "not yet"})
_NAME_LIMIT = 80


class TerminalOperator:
    """Asks on the controlling terminal. Ctrl-C and Ctrl-D leave at any question, without harm."""

    def __init__(self, tty: Tty, progress: StderrProgress) -> None:
        self._tty = tty
        self._progress = progress
        self._shown: Task | None = None
        self._person = ""
        self._logins: dict[str, str] = {}
        """By provider, as they were given in this sitting."""
        self._leaves: Callable[[str], bool] = lambda _: False
        """Whether a name or login is that of a person who leaves."""
        self._successor: Creator | None = None

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        """Show the task and take a value by hidden prompt."""
        self._explain(task, retry)
        while True:
            try:
                secret = self._tty.ask_hidden("  paste the value here (it stays hidden), then Enter: ")
            except InputError as error:
                self._tty.show(f"  not yet: {error.message}")
                continue
            if len(secret):
                return secret
            self._tty.show("  nothing was pasted; Ctrl-C leaves, and you can continue later")

    def created_now(self, stray: StrayToken) -> bool:
        """Say where the token belongs, and ask whether it was created just now."""
        self._progress.clear()
        self._tty.show(
            f"  that token belongs to {_line(stray.found)} at {stray.provider}, not to {_line(stray.wanted)}"
        )
        self._tty.show("    yes        I just created it, in the wrong place: it is not used and must be revoked")
        self._tty.show("    no         I did not just create it: it stays as it is, and no value is kept")
        while True:
            answer = self._tty.ask("  did you just create it? ").lower()
            if answer in {"yes", "y", "no", "n"}:
                return answer.startswith("y")
            self._tty.show("  please answer yes or no")

    def done(self, task: Task, *, retry: str = "") -> str | None:
        """Show the task and take `done NAME`; Enter alone postpones it."""
        self._explain(task, retry)
        while True:
            answer = self._tty.ask("  type `done` and your name when it is done, or Enter to leave it for later: ")
            if answer.lower() in _LATER:
                return None
            if (found := _DONE.fullmatch(answer)) is not None:
                self._person = self._name(found[1].strip() or self._person)
                return self._person
            self._tty.show("  please begin with the word `done`, for example: done alex")

    def ask_outcome(self, task: Task) -> TokenTrace:
        """Show the task and ask what was found under the label; that nothing is left is said by name."""
        self._explain(task, "")
        for trace, meaning in _FINDINGS.items():
            self._tty.show(f"    {trace.value:<10} {meaning}")
        while True:
            answer = self._tty.ask("  what did you find? ").lower().replace(" ", "-")
            matching = [trace for trace in TokenTraceAnswer if answer and trace.value.startswith(answer)]
            if len(matching) == 1:
                found = TokenTrace(matching[0])
                return TokenTrace(found.answer, self._name("")) if found.ended else found
            self._tty.show(f"  please answer one of: {', '.join(trace.value for trace in TokenTraceAnswer)}")

    def creator(self, provider: str, recorded: Creator | None) -> Creator:
        """Ask for name and login, each once; Enter takes what is offered."""
        if self._successor is not None:
            return self._in_place_of_leaver(provider, recorded, self._successor)
        here = self._person or _login()
        if recorded is None or (not recorded.account and recorded.person in {"", here}):
            return Creator(here, self._logins.get(provider, ""))
        account = recorded.account
        self._progress.clear()
        if not self._person:
            self._tty.show()
            self._person = self._name("", "who does this? your name")
        if provider not in self._logins:
            question = f"your login at {provider}"
            self._logins[provider] = self._name("", question, default=account or "not recorded", empty=account)
        return Creator(self._person, self._logins[provider])

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        """Offer the successor, and refuse the person who leaves."""
        self._leaves, self._successor = leaves, successor

    def _in_place_of_leaver(self, provider: str, recorded: Creator | None, successor: Creator) -> Creator:
        """Ask for name and login; a recorded login is offered only if it is not that of the person who leaves."""
        self._progress.clear()
        if not self._person:
            self._tty.show()
            self._person = self._name("", "who does this? your name")
        if provider not in self._logins:
            kept = recorded.account if recorded is not None and not self._is_leaving(recorded) else ""
            account = successor.account or kept
            self._logins[provider] = self._name(
                "", f"your login at {provider}", default=account or "not recorded", empty=account
            )
        return Creator(self._person, self._logins[provider])

    def _is_leaving(self, who: Creator) -> bool:
        return self._leaves(who.account) or self._leaves(who.person)

    def _offered(self) -> str:
        """Who is offered as the one who acts: the person logged in here, unless they leave."""
        here = self._person or _login()
        successor = self._successor.person if self._successor is not None else ""
        return successor if self._leaves(here) else here

    def _explain(self, task: Task, retry: str) -> None:
        self._progress.clear()
        if retry:
            self._tty.show(f"  not yet: {_line(retry)}")
        if task == self._shown:
            return
        self._shown = task
        self._tty.show()
        self._tty.show(f"You are needed: {_line(task.title)}")
        if task.why:
            self._tty.show(f"  why    {_line(task.why)}")
        if task.where:
            self._tty.show(f"  where  {_line(task.where)}")
        for number, step in enumerate(task.steps, 1):
            self._tty.show(f"  {number:>5}. {_line(step)}")

    def _name(self, given: str, question: str = "your name", *, default: str = "", empty: str | None = None) -> str:
        """A name or login, which goes on record: a value that was pasted in its place is refused.

        Args:
            given: what was typed already.
            question: what is asked for otherwise.
            default: what is offered; by default the person of this sitting.
            empty: what Enter means; by default what is offered.
        """
        default = default or self._offered()
        empty = default if empty is None else empty
        name = given.strip() or self._tty.ask(f"  {question} [{default}]: ", public=True) or empty
        while (issued := holds_issued(name) or holds_opaque(name)) or (name and self._leaves(name)):
            why = (
                "that looks like a token value, and no part of it was kept; type your name"
                if issued
                else "that is the person who leaves; give the one who does this now"
            )
            self._tty.show(f"  not yet: {why}")
            name = self._tty.ask(f"  {question} [{default}]: ", public=True) or empty
        return safe_text(name, one_line=True, limit=_NAME_LIMIT)


class NonInteractiveOperator:
    """Non-interactive operator: every question raises NeedsPerson with the task (exit 3)."""

    def __init__(self, why: str) -> None:
        self._why = why

    def paste(self, task: Task, *, retry: str = "") -> Secret:  # noqa: ARG002 - the port's signature
        """NeedsPerson."""
        self._refuse(task)

    def created_now(self, stray: StrayToken) -> bool:
        """NeedsPerson."""
        self._refuse(
            Task(
                title=f"say whether the pasted token of {stray.found} was created for {stray.wanted}",
                where=stray.provider,
                steps=(),
            )
        )

    def done(self, task: Task, *, retry: str = "") -> str | None:  # noqa: ARG002 - the port's signature
        """NeedsPerson."""
        self._refuse(task)

    def ask_outcome(self, task: Task) -> TokenTrace:
        """NeedsPerson."""
        self._refuse(task)

    def creator(self, provider: str, recorded: Creator | None) -> Creator:  # noqa: ARG002 - the port's signature
        """No person is known; the step itself then raises NeedsPerson, and says what is to be done."""
        return Creator("", "")

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        """Nothing: no person is asked."""

    def _refuse(self, task: Task) -> NoReturn:
        raise NeedsPerson(
            f"a person is needed ({self._why}): {task.title}",
            hint=f"run it in a terminal, without --no-input (manual step: {task.where or 'the provider'})",
        )


_FINDINGS = {
    TokenTraceAnswer.ABSENT: "there is no token of that name",
    TokenTraceAnswer.ON_SCREEN: "it is there, and its value can still be copied",
    TokenTraceAnswer.REVOKED: "it was there, and you have revoked it now",
    TokenTraceAnswer.UNKNOWN: "you cannot tell",
}


def _line(text: str) -> str:
    return safe_text(text, one_line=True)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
