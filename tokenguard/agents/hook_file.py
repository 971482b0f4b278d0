"""The file in which an agent finds its hooks: ours are added, renewed and taken out, and nothing else is changed."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePath

from tokenguard.agents.contract import Agent
from tokenguard.documents import JsonTree, load_json
from tokenguard.errors import InputError

MAX_BYTES = 1 << 20
_MAX_NODES = 100_000
_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_Document = dict[str, JsonTree]


class HookFile:
    """One such file.

    Args:
        agent: whose it is.
        text: its content; None if there is no file.
        source: how errors name it.

    Raises:
        InputError: it is not plain JSON of a form and version that is known.
    """

    def __init__(self, agent: Agent, text: str | None, source: str) -> None:
        self._agent = agent
        self._source = source
        self._text = text
        self._tree = self._read(text or "")
        self._events()

    def _read(self, text: str) -> _Document:
        if not text.strip():
            return {}
        tree = load_json(text.encode(), source=self._source, max_bytes=MAX_BYTES, max_nodes=_MAX_NODES)
        if not isinstance(tree, dict):
            raise self._refused("it is not a JSON object")
        version = tree.get("version", self._agent.version)
        if self._agent.version is not None and version != self._agent.version:
            raise self._refused(f"its version is not {self._agent.version}, the only one supported")
        return tree

    def _events(self) -> dict[str, list[JsonTree]]:
        """The lists of hooks, by event."""
        hooks = self._tree.get("hooks", {})
        if not isinstance(hooks, dict):
            raise self._refused("`hooks` is not an object")
        events: dict[str, list[JsonTree]] = {}
        for event, entries in hooks.items():
            if not isinstance(entries, list):
                raise self._refused(f"the hooks of {event} are not a list")
            events[event] = entries
        return events

    def _refused(self, why: str) -> InputError:
        return InputError(f"{self._source}: {why}", hint="repair or move the file; nothing was written")

    def commands(self) -> list[str]:
        """The commands of our hooks in it."""
        return [
            command
            for entries in self._events().values()
            for entry in entries
            for command in _commands(entry)
            if self._is_ours(command)
        ]

    def stages(self) -> set[str]:
        """The events at which a hook of ours runs."""
        return {
            event
            for event, entries in self._events().items()
            if any(self._is_ours(command) for entry in entries for command in _commands(entry))
        }

    def installed(self, command: str) -> str:
        """The text with our hooks at each stage, and none elsewhere."""
        wanted = {
            stage.event: self._agent.registration(stage, command) for stage in self._agent.stages if stage.installed
        }
        events = {event: self._renewed(entries, wanted.get(event)) for event, entries in self._events().items()}
        events |= {event: [entry] for event, entry in wanted.items() if event not in events}
        return self._written(events)

    def removed(self) -> str:
        """The text without our hooks; empty if nothing is left."""
        if not self.commands():
            return self.before()
        events = {event: self._renewed(entries, None) for event, entries in self._events().items()}
        left = self._written(events)
        return "" if self._read(left).keys() <= {"version"} else left

    def before(self) -> str:
        """The text as it would be written if nothing changed."""
        return "" if self._text is None else _dumped(self._tree, self._text)

    def _renewed(self, entries: list[JsonTree], wanted: _Document | None) -> list[JsonTree]:
        """The hooks of one event with ours in its place, or at the end."""
        renewed: list[JsonTree] = []
        for entry in entries:
            kept = self._without_ours(entry)
            if kept != entry and wanted is not None and wanted not in renewed:
                renewed.append(wanted)
            if kept is not None:
                renewed.append(kept)
        return renewed if wanted is None or wanted in renewed else [*renewed, wanted]

    def _without_ours(self, entry: JsonTree) -> JsonTree:
        """A hook, or a group of hooks, without ours; None if nothing is left."""
        if not isinstance(entry, dict):
            return entry
        if any(self._is_ours(command) for command in _own_commands(entry)):
            return None
        group = entry.get("hooks")
        if not isinstance(group, list):
            return entry
        left = [each for each in group if not any(map(self._is_ours, _own_commands(each)))]
        if len(left) == len(group):
            return entry
        return {**entry, "hooks": left} if left else None

    def _is_ours(self, command: str) -> bool:
        try:
            words = shlex.split(command)
        except ValueError:
            return False
        called = ["agent", "hook", self._agent.name]
        return any(
            words[at : at + 3] == called and PurePath(words[at - 1]).stem == "tokenguard" for at in range(1, len(words))
        )

    def _written(self, events: dict[str, list[JsonTree]]) -> str:
        had = self._events()
        hooks: _Document = {
            event: [*entries] for event, entries in events.items() if entries or not had.get(event, [1])
        }
        tree = dict(self._tree)
        if self._agent.version is not None:
            tree.setdefault("version", self._agent.version)
        if hooks or tree.get("hooks") == {}:
            tree["hooks"] = hooks
        else:
            tree.pop("hooks", None)
        return _dumped(tree, self._text or "")


def _commands(entry: JsonTree) -> Iterator[str]:
    """The commands of a hook, or of a group of hooks."""
    yield from _own_commands(entry)
    group = entry.get("hooks") if isinstance(entry, dict) else None
    for each in group if isinstance(group, list) else ():
        yield from _own_commands(each)


def _own_commands(entry: JsonTree) -> Iterator[str]:
    for key in ("command", "bash", "powershell"):
        value = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(value, str):
            yield value


def _dumped(tree: _Document, like: str) -> str:
    """JSON with the indentation that a text has."""
    found = _INDENT.search(like)
    indent = found[1] if found else "  "
    return json.dumps(tree, indent=indent, ensure_ascii=False) + "\n"
