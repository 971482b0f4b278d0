"""What a coding agent's hooks are told and may answer, one table an agent, each with its source and date."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum, unique
from pathlib import Path
from typing import ClassVar

from tokenguard.documents import JsonTree
from tokenguard.frozen import Frozen

Event = Mapping[str, JsonTree]
"""One event as the agent gives it on standard input."""
BLOCKED = 2
"""The exit code with which all four agents let a hook block an action."""


@unique
class Effect(StrEnum):
    """What a hook can do about a token in an event."""

    REFUSE = "refused"
    MASK = "masked"
    STOP = "withheld"
    """The text cannot be replaced in its form: all of it is withheld, or the agent stops before its model gets it."""
    TELL = "reported"
    """The agent lets a hook change nothing."""
    NOTHING = "not searched"
    """The event holds no text that a model is about to get."""


class HookStage(Frozen, frozen=True, kw_only=True):
    """One event of an agent."""

    event: str
    effect: Effect
    fields: tuple[str, ...] = ()
    """Which fields of the event are searched; `a.*.b` is field `b` of every entry of `a`."""
    installed: bool = True
    """Whether `agent install` registers it. It does not where another event has had the same text before."""


class HookVerdict(Frozen, frozen=True, kw_only=True):
    """What is to be done about an event."""

    effect: Effect
    reason: str = ""
    """One sentence on what was found, and what to do instead."""
    changed: Mapping[str, JsonTree] = {}
    """Fields of the event with masked text, for `MASK`."""
    notice: str = ""
    """What the user must know although nothing is blocked."""


class HookReply(Frozen, frozen=True, kw_only=True):
    """What the hook process writes, and its exit code."""

    document: Mapping[str, JsonTree] | None = None
    """The one JSON object on standard output; None: nothing is written."""
    progress: Mapping[str, JsonTree] | None = None
    """A line of JSON before it, where the agent shows such lines."""
    error: str = ""
    """A line on standard error."""
    code: int = 0


class SettingsScope(StrEnum):
    """Whose configuration a hook is written to."""

    USER = "user"
    PROJECT = "project"


class Agent(ABC):
    """One coding agent."""

    name: ClassVar[str]
    """As on the command line."""
    title: ClassVar[str]
    source: ClassVar[str]
    """The page of its documentation that says what is here."""
    as_of: ClassVar[str]
    """ISO date on which that page was read."""
    stages: ClassVar[tuple[HookStage, ...]]
    writers: ClassVar[frozenset[str]]
    """Tools that put text into files."""
    masks_reads: ClassVar[bool]
    """Whether masked text can take the place of a file that its model reads."""
    program: ClassVar[str] = ""
    """What says its version."""
    oldest: ClassVar[tuple[int, ...]] = ()
    """The first version with what the contract relies on, where its vendor says one."""
    version: ClassVar[int | None] = None
    """The version of its hook file, where that has one."""
    trust: ClassVar[str]
    """What else it asks for before it runs a hook."""
    folder_name: ClassVar[str]
    """Its folder below the home directory."""
    folder_variable: ClassVar[str] = ""
    """The variable that names another one."""
    hook_files: ClassVar[Mapping["SettingsScope", str]]
    """Below that folder, and below a project."""
    switch_files: ClassVar[Mapping["SettingsScope", tuple[str, ...]]] = {}
    record_names: ClassVar[tuple[str, ...]]
    """Patterns below its folder."""

    def stage(self, event: str) -> HookStage | None:
        """The stage of an event; None if the documentation names no such event."""
        return next((each for each in self.stages if each.event == event), None)

    def effect(self, stage: HookStage, event: Event) -> Effect:  # noqa: ARG002 - some decide by the event
        """What can be done in this event."""
        return stage.effect

    def files(self, stage: HookStage, event: Event) -> Iterable[str]:  # noqa: ARG002 - as above
        """Paths of files whose content reaches the model because of this event, without another event with it."""
        return ()

    def writes(self, event: Event) -> bool:
        """Whether an event is the call of a tool that puts its text into a file."""
        return not self.writers.isdisjoint((text_of(event, "tool_name"), text_of(event, "toolName")))

    def directory(self, event: Event) -> str:
        """The directory in which relative paths of an event begin."""
        return text_of(event, "cwd")

    @abstractmethod
    def reply(self, stage: HookStage, verdict: HookVerdict) -> HookReply:
        """The documented answer with this verdict."""

    def failure(self, reason: str) -> HookReply:
        """The answer to an event that cannot be read: no action that can be blocked happens."""
        return HookReply(error=reason, code=BLOCKED)

    @abstractmethod
    def notice(self, text: str) -> HookReply:
        """The answer that only shows a line to the user; on standard error where the agent documents no way."""

    def folder(self, home: Path, environ: Mapping[str, str]) -> Path:
        """The user's folder of this agent."""
        moved = environ.get(self.folder_variable, "") if self.folder_variable else ""
        return Path(moved) if moved else home / self.folder_name

    def hook_file(self, scope: SettingsScope, root: Path, environ: Mapping[str, str]) -> Path:
        """The file with its hooks.

        Args:
            scope: the user's own, or a project's.
            root: the user's home, or the project.
            environ: may name another folder of the user.
        """
        name = self.hook_files[scope]
        return self.folder(root, environ) / name if scope is SettingsScope.USER else root / name

    def switches(self, scope: SettingsScope, root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Settings in which `disableAllHooks` switches its hooks off."""
        below = self.folder(root, environ) if scope is SettingsScope.USER else root
        yield from (below / name for name in self.switch_files.get(scope, ()))

    def records(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Files and directories with its transcripts and caches."""
        for name in self.record_names:
            yield from sorted(self.folder(home, environ).glob(name))

    @abstractmethod
    def registration(self, stage: HookStage, command: str) -> dict[str, JsonTree]:
        """The entry of its hook file that runs `command` at a stage."""


def text_of(event: Event, *path: str) -> str:
    """A text in an event; empty if there is none."""
    node: JsonTree = dict(event)
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, str) else ""
