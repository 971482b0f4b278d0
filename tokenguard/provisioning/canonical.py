"""Formats a manifest: keys in the model's order, tokens by name, two spaces, comments with their keys.

It works on lines and not on values, so that every comment and every way of writing a value stays. What comes out is
read again and must say the same with the same comments, or nothing is given back.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tokenguard.documents import load_yaml
from tokenguard.errors import InputError
from tokenguard.provisioning.folder import MAX_FILE
from tokenguard.provisioning.manifest_fields import FIELDS, TOP
from tokenguard.provisioning.manifest_source import MAX_NODES

_STEP = 2
Order = Callable[[str], tuple[int, str]]


def canonical(data: bytes, *, source: str) -> bytes:
    """The formatted manifest.

    Args:
        data: a file that was read as a manifest already.
        source: how errors name it.

    Raises:
        InputError: it is laid out so that lines cannot be moved without changing what it says.
    """
    import yaml  # only `fmt` needs it

    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    top: Any = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    lines = [line.rstrip() for line in text.split("\n")]
    if not _is_block(top):
        return data
    header, first = _header(lines, top.value[0][0].start_mark.line)
    block = _YamlBlock.read(top, lines, first, len(lines))
    shown = [*header, *block.lines(0, (), spaced=True)]
    made = ("\n".join(shown).strip("\n") + "\n").encode()
    _check_same(data, made, source)
    return made


@dataclass(frozen=True, slots=True)
class _Entry:
    """One key of a block mapping: the comments above it, its own lines, and what is below it."""

    key: str
    lead: list[str]
    own: list[str]
    child: "_YamlBlock | None"
    column: int

    def lines(self, indent: int, path: tuple[str, ...]) -> list[str]:
        shown = [_at(line, indent) for line in self.lead if line]
        shown += [_shifted(line, indent - self.column) for line in self.own]
        if self.child is not None:
            spaced = (*path, self.key)[-1:] == ("tokens",)
            shown += self.child.lines(indent + _STEP, (*path, self.key), spaced=spaced)
        return shown


@dataclass(frozen=True, slots=True)
class _YamlBlock:
    """A mapping in block style, and comments after its last key."""

    entries: list[_Entry]
    tail: list[str]

    @classmethod
    def read(cls, node: Any, lines: list[str], start: int, end: int) -> "_YamlBlock":
        """The entries of a mapping that fills the lines from `start` to before `end`."""
        entries: list[_Entry] = []
        column = node.value[0][0].start_mark.column
        starts = [key.start_mark.line for key, _ in node.value]
        lead = lines[start : starts[0]]
        for number, (key, value) in enumerate(node.value):
            stop = starts[number + 1] if number + 1 < len(starts) else end
            body_end = _body_end(lines, starts[number], stop, column)
            child, own = None, lines[starts[number] : body_end]
            if _is_block(value) and value.start_mark.line > starts[number]:
                child = cls.read(value, lines, starts[number] + 1, body_end)
                own = own[:1]
            entries.append(_Entry(key.value, lead, own, child, column))
            lead = lines[body_end:stop]
        return cls(entries, lead)

    def lines(self, indent: int, path: tuple[str, ...], *, spaced: bool) -> list[str]:
        """The lines in order; `spaced`: an empty line around what takes more than one."""
        shown: list[str] = []
        before: list[str] = []
        for entry in sorted(self.entries, key=lambda each: _order(path)(each.key)):
            mine = entry.lines(indent, path)
            if spaced and before and (len(mine) > 1 or len(before) > 1):
                shown.append("")
            shown += mine
            before = mine
        return shown + [_at(line, indent) for line in self.tail if line]


def _order(path: tuple[str, ...]) -> Order:
    """How the keys of the mapping at `path` are ordered."""
    known = list(TOP) if not path else [] if path[-1] in {"tokens", "environments"} else list(FIELDS)
    return lambda key: (known.index(key) if key in known else len(known), key)


def _header(lines: list[str], first_key: int) -> tuple[list[str], int]:
    """The comments that head the file, apart from those of its first key by an empty line."""
    empty = [number for number in range(first_key) if not lines[number]]
    cut = empty[-1] + 1 if empty else 0
    header = lines[:cut]
    while header and not header[0]:
        header.pop(0)
    return header, cut


def _body_end(lines: list[str], start: int, stop: int, column: int) -> int:
    """Where an entry's own lines end: empty lines and comments no deeper than its key belong to the next one."""
    end = stop
    while end > start + 1 and (not lines[end - 1] or _is_comment(lines[end - 1])):
        end -= 1
    for number in range(end, stop):
        if lines[number] and _indent(lines[number]) <= column:
            break
        end = number + 1 if lines[number] else end
    return end


def _is_block(node: Any) -> bool:
    return getattr(node, "id", "") == "mapping" and not node.flow_style and bool(node.value)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _at(line: str, indent: int) -> str:
    return " " * indent + line.lstrip()


def _shifted(line: str, by: int) -> str:
    return _at(line, max(_indent(line) + by, 0)) if line else line


def _check_same(before: bytes, after: bytes, source: str) -> None:
    """Every value and every comment is still there, and nothing else."""
    try:
        trees = [
            load_yaml(data, source=source, max_bytes=2 * MAX_FILE, max_nodes=MAX_NODES) for data in (before, after)
        ]
    except InputError:
        trees = [None, {}]
    words = [Counter(data.decode("utf-8-sig").split()) for data in (before, after)]
    if trees[0] != trees[1] or words[0] != words[1]:
        raise InputError(
            f"{source}:1:1: it is laid out so that its lines cannot be moved",
            hint="write each key on a line of its own, in block style; nothing was changed",
        )
