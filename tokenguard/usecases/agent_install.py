"""The use case of `agent install` and `agent uninstall`: writes hooks of coding agents after showing a diff."""

import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import Agent, SettingsScope
from tokenguard.agents.hook_file import MAX_BYTES, HookFile
from tokenguard.agents.hook_switches import switched_off
from tokenguard.agents.installed_version import check_version
from tokenguard.errors import InputError, NeedsPerson, TokenguardError
from tokenguard.file_replacement import replace_kept
from tokenguard.files import not_written, read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.places import home_dir
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.text import diff_lines, pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasClock, HasEnvironment, HasPrinter, HasProgress, HasScanRules, HasTerminal
from tokenguard.usecases.working_tree import WorkingTree

_PROGRAM = "tokenguard"
_TEXT = re.compile(r'^([-+]\s*(?:"(?:[^"\\]|\\.)*":\s*)?)"(?:[^"\\]|\\.)*"(,?)$')
_PRIVATE = 0o600
DIGEST = 16
"""Digits of the scan key's digest in a hook's command."""


class AgentInstallParts(HasClock, HasEnvironment, HasPrinter, HasProgress, HasScanRules, HasTerminal, Protocol):
    """What this use case takes."""


class HookChange(Frozen, frozen=True, kw_only=True):
    """What becomes of one file."""

    agent: str
    path: Path
    text: str | None
    """Its content now; None if there is no file."""
    before: str
    after: str
    """Both in the same layout; empty `after`: the file goes."""

    @property
    def changes(self) -> bool:
        """Whether there is something to write."""
        return self.before != self.after


class HookPolicy(Frozen, frozen=True, kw_only=True):
    """What the user decides about the hook; its command says it."""

    reads: str = "refuse"
    """Of files with known tokens: `refuse`, or `mask` where the agent can replace text."""
    formats: str = "refuse"
    """What is found by a vendor's format alone: `refuse`, or `report` and let it through."""

    @property
    def words(self) -> list[str]:
        """As words of the command; nothing for what is the default."""
        given = (("--reads", self.reads), ("--formats", self.formats))
        return [word for pair in given if pair[1] != "refuse" for word in pair]


def install(
    parts: AgentInstallParts, names: Iterable[str], scope: SettingsScope, policy: HookPolicy, *, yes: bool
) -> None:
    """Show what is added to the agents' hooks, and write it after confirmation.

    Raises:
        InputError: a file cannot be read, extended or written; nothing was written.
        NeedsPerson: not a terminal, and --yes was not given.
    """
    places = _SettingsPlaces(parts, scope)
    changes, notes = [], []
    for each in _agents(names, places):
        notes.append(check_version(each, parts.environ))
        command = hook_command(parts, each, scope, policy)
        changes.append(places.change(each, partial(HookFile.installed, command=command)))
    _make(parts, places, changes, yes=yes)
    for change in changes:
        for path in switched_off(agent(change.agent), home_dir(), Path.cwd(), parts.environ):
            parts.progress.note(f"{shown(path)} sets disableAllHooks: the hook runs only after you take that out")
    if any(change.changes for change in changes):
        for note in filter(None, (*notes, *(agent(change.agent).trust for change in changes))):
            parts.progress.note(note)
        if scope is SettingsScope.USER and not _own_digest(parts):
            parts.progress.note(
                "this machine has no list of known tokens, so only vendors' formats are recognised: "
                "`tokenguard fingerprints pull`, then install again"
            )


def uninstall(parts: AgentInstallParts, names: Iterable[str], scope: SettingsScope, *, yes: bool) -> None:
    """Show what is taken out of the agents' hooks, and write it after confirmation; raises as `install`."""
    places = _SettingsPlaces(parts, scope)
    changes = [places.change(each, HookFile.removed) for each in _agents(names, places)]
    _make(parts, places, changes, yes=yes)


def hook_command(parts: AgentInstallParts, each: Agent, scope: SettingsScope, policy: HookPolicy) -> str:
    """The command that an agent is to run.

    That of a user names this installation and the scan key in use, so that neither a PATH nor a variable that a
    project sets can take their place. That of a project holds for everybody who clones it.
    """
    words = ["agent", "hook", each.name, *policy.words]
    if scope is SettingsScope.PROJECT:
        return shlex.join([_PROGRAM, *words])
    if digest := _own_digest(parts):
        words += ["--own", digest]
    return shlex.join([program(parts), *words])


def program(parts: HasEnvironment) -> str:
    """Where this installation's program is."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    found = str(beside) if beside.is_file() else shutil.which(_PROGRAM, path=parts.environ.get("PATH"))
    if not found:
        raise InputError(
            "the program tokenguard was not found", hint="install tokenguard with its programs on the PATH"
        )
    return os.path.abspath(found)  # noqa: PTH100 - a link such as pipx's stays one


def _own_digest(parts: AgentInstallParts) -> str:
    """The beginning of the scan key's digest, if known tokens can be searched for here."""
    key = parts.scan_key()
    if key is None or load_own_tokens(key, parts.clock.now()).stage is None:
        return ""
    return key.digest[:DIGEST]


def _agents(names: Iterable[str], places: "_SettingsPlaces") -> list[Agent]:
    """The named agents; without names those whose folder is there."""
    chosen = [agent(name) for name in dict.fromkeys(names)]
    if not chosen:
        chosen = [each for each in map(agent, AGENTS) if places.has(each)]
    if not chosen:
        raise InputError(
            "no coding agent was found here", hint=f"name one: tokenguard agent install {next(iter(AGENTS))}"
        )
    return chosen


class _SettingsPlaces:
    """Where the files of one scope are."""

    def __init__(self, parts: HasEnvironment, scope: SettingsScope) -> None:
        self._scope = scope
        self._environ = parts.environ
        self._tree = WorkingTree(Path.cwd(), parts.environ) if scope is SettingsScope.PROJECT else None
        self.root = self._tree.root if self._tree else home_dir()

    def has(self, each: Agent) -> bool:
        """Whether the agent is used: its folder is in the home directory, or a hook file in the project."""
        if self._tree is None:
            return each.folder(self.root, self._environ).is_dir()
        return each.hook_file(self._scope, self.root, self._environ).parent.is_dir()

    def change(self, each: Agent, edit: Callable[[HookFile], str]) -> HookChange:
        """What an edit makes of an agent's file."""
        path = each.hook_file(self._scope, self.root, self._environ)
        text = self._read(path)
        file = HookFile(each, text, shown(path))
        return HookChange(agent=each.name, path=path, text=text, before=file.before(), after=edit(file))

    def write(self, change: HookChange) -> None:
        """Put the file in its place, or remove it; InputError if it has changed since it was read."""
        if self._read(change.path) != change.text:
            raise InputError(f"{shown(change.path)} has changed meanwhile", hint="run the command again")
        try:
            if not change.after:
                change.path.unlink()
            elif self._tree is not None:
                self._tree.write(str(change.path.relative_to(self.root)), change.after)
            else:
                change.path.parent.mkdir(parents=True, exist_ok=True)
                replace_kept(change.path, change.after.encode(), fresh=_PRIVATE)
        except OSError as error:
            raise not_written(change.path, error, hint="make its folder writable") from None

    def _read(self, path: Path) -> str | None:
        if self._tree is not None:
            return self._tree.read(str(path.relative_to(self.root)))
        if not os.path.lexists(path):
            return None
        if not stat.S_ISREG(path.lstat().st_mode):
            raise InputError(f"not a plain file: {shown(path)}", hint="links are not followed; nothing was written")
        try:
            return read_limited(path, MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError):
            raise InputError(f"cannot read {shown(path)} as text", hint="nothing was written") from None


def _make(parts: AgentInstallParts, places: _SettingsPlaces, changes: list[HookChange], *, yes: bool) -> None:
    new = [change for change in changes if change.changes]
    if not parts.screen.as_json:
        _show(parts, changes)
    if new and not yes:
        _accepted(parts, changes)
    for written, change in enumerate(new):
        try:
            places.write(change)
        except TokenguardError as error:
            error.hint += f"; {written} of {pluralize(len(new), 'file')} written" if written else ""
            raise
    if parts.screen.as_json:
        _tell(parts, changes, written=True)
    elif new:
        parts.screen.line(f"wrote {pluralize(len(new), 'file')}")


def _show(parts: AgentInstallParts, changes: list[HookChange]) -> None:
    """Only lines that change; of one that only gets a comma, no value: others in the file may hold secrets."""
    for change in changes:
        before = None if change.text is None else change.before
        lines = list(diff_lines(shown(change.path), before, change.after, context=0))
        ours = {line[1:].removesuffix(",") for line in lines if line.startswith("+")}
        kept = {line[1:].removesuffix(",") for line in lines if line.startswith("-")} & ours
        for line in lines:
            parts.screen.line(_without_value(line) if line[1:].removesuffix(",") in kept else line)
        if change.changes and change.text is not None and change.text.strip() != change.before.strip():
            parts.progress.note(f"{shown(change.path)} is also reformatted as JSON")
    if not any(change.changes for change in changes):
        parts.screen.line("nothing to write")


def _without_value(line: str) -> str:
    """A line of JSON with what stands for its text."""
    return _TEXT.sub(r'\1"…"\2', line)


def _accepted(parts: AgentInstallParts, changes: list[HookChange]) -> None:
    if parts.tty is None:
        if parts.screen.as_json:
            _tell(parts, changes, written=False)
        raise NeedsPerson(
            "Not a terminal: pass --yes to write; nothing was written",
            hint="review the diff, then run it again with --yes",
        )
    confirm(parts.tty, "write these files", undone="written")


def _tell(parts: HasPrinter, changes: list[HookChange], *, written: bool) -> None:
    files = [{"agent": each.agent, "path": str(each.path), "changes": each.changes} for each in changes]
    parts.screen.document({"files": files, "written": written})
