"""The lines that detect-secrets rebuilds from a YAML file, by libyaml, where both parsers are known to agree.

detect-secrets composes YAML in pure Python, ten times as slow, to learn on which line each value stands: the one on
which its parser has arrived, which for a plain `key: value` is the key's own. What is written in another way (explicit
keys, aliases, tags, several documents, braces over several lines) or could be read in two ways is left to it.
"""

import contextlib
import datetime as dt
import re
from collections import deque
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from tokenguard.frozen import Frozen

# Characters that one of the two refuses or takes for the end of a line, directives, a bare tag, a comment where only
# libyaml allows it, and names of detect-secrets' own.
_UNTAMED = re.compile(
    r"[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    r"|^%|(?:^|[\s\[{,])!(?:\s|$)|[|>][-+0-9]*#|__(?:line|value|original_key)__",
    re.MULTILINE,
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SIGNS = (("!", re.compile(r"(?:(?m:^)|[\s\[{,])!(?:\s|(?m:$))")), ("#", re.compile(r"[|>][-+0-9]*#")))
_KEPT_NAMES = ("__line__", "__value__", "__original_key__")
_SAME_PROBLEMS = frozenset(
    {
        "mapping values are not allowed in this context",
        "block sequence entries are not allowed in this context",
        "found character that cannot start any token",
    }
)
_COLON = re.compile(r" *:")
_DEPTH, _LONGEST_NUMBER = 40, 100
_YAML = "tag:yaml.org,2002:"
_TEXT, _OTHER, _COLLECTION, _MERGE = f"{_YAML}str", "other", "collection", f"{_YAML}merge"
_TRUE, _FALSE = "true", "false"
_COMMENT = re.compile(r"(\s+#[\S ]*)")  # detect-secrets' own
_COMMENT_LINE = re.compile(r"^ *#.*\n", re.MULTILINE)


# Comments and the mark of the first document, before any content; where an entry may begin; marks of documents.
_HEADER = re.compile(r"(?: *(?:#.*)?\n)*(?:---\n(?: *(?:#.*)?\n)*)?")
_ITEM, _ENTRY = re.compile(r"^- ", re.MULTILINE), re.compile(r"^[^\s#-]", re.MULTILINE)
_ANCHOR = re.compile(r"&[\w-]+", re.ASCII)
_DOCUMENT = re.compile(r"^(?:---|\.\.\.)", re.MULTILINE)

Value = tuple[int, str, str]
"""A text value in a mapping: the line of its key, from 0; the key; the value."""
Entry = tuple[str, str]
"""An entry: what of it is looked at, and its text."""


class _UnsupportedYaml(Exception):
    """detect-secrets itself has to read this."""


class _Refused(Exception):
    """detect-secrets gives up on it, and looks at the file's own lines."""


def rebuilt_yaml(text: str) -> list[str] | None:
    """What detect-secrets makes of this YAML (nothing, if it gives up), or None where it has to be asked itself.

    Args:
        text: the content, with every line end as a line feed; it does not begin as an INI file does.
    """
    pieces = _pieces(text)
    if pieces is not None:
        return _lines_by_piece(pieces, text)
    if _UNTAMED.search(text):
        return None
    try:
        return _lines(_values_of(text)[0], text)
    except _Refused:
        return []
    except _UnsupportedYaml:
        return None


def independent_entries(text: str) -> list[Entry] | None:
    """The entries of the topmost list or mapping, if each is rebuilt as it would be without the others; else None."""
    pieces = _pieces(text)
    if pieces is None or any(piece.shifts for piece in pieces):
        return None
    return [(_without_comments(piece), piece.text) for piece in pieces]


def _without_comments(piece: "_YamlPiece") -> str:
    """What is looked at: the lines that are rebuilt from it, and its own but for comments, or all if none is."""
    if not piece.rebuilt or "#" not in piece.text:
        return piece.text
    return "\n".join((*piece.rebuilt, _COMMENT_LINE.sub("", piece.text)))


def _lines_by_piece(pieces: "list[_YamlPiece]", text: str) -> list[str]:
    """The lines, rebuilt entry by entry."""
    line = text.count("\n") - sum(piece.lines for piece in pieces)
    lines: list[str] = []
    values: list[Value] = []
    for piece in pieces:
        if piece.rebuilt:
            lines.extend([""] * (line - len(lines)))
            lines.extend(piece.rebuilt)
        values.extend((line + number, key, value) for number, key, value in piece.values)
        line += piece.lines
    return _lines(values, text) if any(piece.shifts for piece in pieces) else lines


def _pieces(text: str) -> "list[_YamlPiece] | None":
    """The entries of the topmost list or mapping, which versions of a file have in common.

    An entry at the left margin ends everything that was open in the one before, so each can be read separately. None
    if the text cannot be split this way.
    """
    header = _HEADER.match(text)
    start = header.end() if header else 0
    cut = _ITEM if text.startswith("- ", start) else _ENTRY
    if _UNTAMED.search(text, 0, start) or _DOCUMENT.search(text, start) or not cut.match(text, start):
        return None
    starts = [found.start() for found in cut.finditer(text, start)]
    pieces: list[_YamlPiece] = []
    names: set[str] = set()
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = _piece(text[begin:end], cut is _ENTRY)
        if piece is None or not names.isdisjoint(piece.names):
            return None
        names |= piece.names
        pieces.append(piece)
    return pieces


class _YamlPiece(Frozen, frozen=True):
    """One or more entries."""

    text: str
    names: frozenset[str]
    """Characters that may not occur twice: those of keys and of possible anchors."""
    values: tuple[Value, ...]
    rebuilt: tuple[str, ...]
    """The lines that are made of them."""
    lines: int
    shifts: bool
    """Whether a line has several values, each of which is rebuilt as a line: those below are taken for later ones."""


def _is_untamed(text: str) -> bool:
    """What `_UNTAMED` says, asked of text in ASCII by what stands in few entries."""
    if not text.isascii() or _CONTROL.search(text):
        return _UNTAMED.search(text) is not None
    if text.startswith("%") or "\n%" in text or any(name in text for name in _KEPT_NAMES):
        return True
    return any(sign in text and pattern.search(text) for sign, pattern in _SIGNS)


@lru_cache(maxsize=1024)
def _piece(text: str, mapping: bool) -> _YamlPiece | None:  # noqa: FBT001 - a cache's key
    if _is_untamed(text):
        return None
    try:
        values, root = _values_of(text)
    except (_Refused, _UnsupportedYaml):
        return None
    if root is None or not _is_block(root, mapping):
        return None
    keys = {name for key, _ in root.value for name in (key.value, _name(key))} if mapping else set()
    names = keys.union(_ANCHOR.findall(text))
    if "<<" in keys:
        return None
    shifts = len({line for line, _, _ in values}) < len(set(values))
    return _YamlPiece(text, frozenset(names), tuple(values), tuple(_lines(values, text)), text.count("\n"), shifts)


def _is_block(root: Any, mapping: bool) -> bool:  # noqa: FBT001 - as above
    """Whether it is of that kind and the first thing there: not behind an anchor or a tag that stands alone."""
    if root.tag != _COLLECTION or root.flow_style or _is_mapping(root) != mapping:
        return False
    first = root.value[0][0] if mapping else root
    return bool(first.start_mark.index == 0)


def _values_of(text: str) -> tuple[list[Value], Any]:
    """Every text value, and the topmost node. Raises _Refused or _Untamed."""
    import yaml  # only files that could hold something come here

    if not yaml.__with_libyaml__:
        raise _UnsupportedYaml
    try:
        root = _loader()(text).get_single_node()
        return (_values(root, text) if root is not None else []), root
    except yaml.MarkedYAMLError as error:
        raise _Refused if _fails_in_both(error, text) else _UnsupportedYaml from None
    except (yaml.YAMLError, UnicodeError, RecursionError):
        raise _UnsupportedYaml from None


def _fails_in_both(error: Any, text: str) -> bool:
    """Whether detect-secrets' parser gives up too: both have one grammar, but not the same rules for characters."""
    import yaml

    grammar = isinstance(error, yaml.parser.ParserError) or error.problem in _SAME_PROBLEMS
    return grammar and "?" not in text


def _values(root: Any, text: str) -> list[Value]:
    """Every text value, in the order in which detect-secrets comes to them."""
    visited: set[int] = set()
    values: list[Value] = []
    aliases = False
    ahead = deque([(root, None, 0)])
    while ahead:
        node, key, depth = ahead.popleft()
        if id(key) in visited or depth > _DEPTH:
            raise _UnsupportedYaml
        if id(node) in visited:
            if node.tag != _COLLECTION:
                raise _UnsupportedYaml  # the place of the alias becomes that of both
            aliases = True  # brings the same lines once more, which are dropped
            continue
        visited.update({id(node), id(key)} - {id(None)})
        if node.tag == _COLLECTION:
            _check_flow(node, text)
            ahead.extend(_children(node, depth + 1))
            continue
        _check_scalar(node, text)
        if key is not None and node.tag == _TEXT:
            values.append((_line_of(key, text), key.value, node.value))
    if aliases:
        _check_no_circle(root, set(), set())
    return values


def _check_scalar(node: Any, text: str) -> None:
    if node.tag.startswith("!"):
        raise _Refused  # it cannot be constructed
    if node.tag not in {_TEXT, _OTHER, _TRUE, _FALSE} or not isinstance(node.value, str):
        raise _UnsupportedYaml
    if node.style == '"' and "\\'" in _written(node, text):
        raise _UnsupportedYaml  # an escape of libyaml's alone


def _check_no_circle(node: Any, above: set[int], done: set[int]) -> None:
    if id(node) in above:
        raise _UnsupportedYaml
    if node.tag != _COLLECTION or id(node) in done:
        return
    above.add(id(node))
    for child, _, _ in _children(node, 0):
        _check_no_circle(child, above, done)
    above.remove(id(node))
    done.add(id(node))


def _children(node: Any, depth: int) -> Iterator[tuple[Any, Any, int]]:
    """What a collection holds, with the keys."""
    if not _is_mapping(node):
        yield from ((child, None, depth) for child in node.value)
        return
    keys: set[str] = set()
    for key, value in node.value:
        if key.tag not in {_TEXT, _MERGE, _TRUE, _FALSE} or _name(key) in keys:
            raise _UnsupportedYaml  # what does not hash, or hides an earlier value
        keys.add(_name(key))
        if key.tag == _MERGE and not _may_merge(value, node):
            raise _UnsupportedYaml
        yield value, key, depth


def _name(key: Any) -> str:
    """What a key is told apart by: `on`, with which workflows of GitHub begin, is true, as `yes` is."""
    name: str = key.value
    return f"\0{key.tag}" if key.tag in {_TRUE, _FALSE} else name


def _may_merge(value: Any, node: Any) -> bool:
    """Only an alias of lines of their own: what is merged in place may be hidden, and braces share their line."""
    return _is_mapping(value) and not value.flow_style and value.start_mark.index < node.start_mark.index


def _is_mapping(node: Any) -> bool:
    return node.tag == _COLLECTION and bool(node.value) and isinstance(node.value[0], tuple)


def _check_flow(node: Any, text: str) -> None:
    """Within brackets plain scalars end differently where a question mark follows; pairs need braces, on one line."""
    if not node.flow_style or not node.value:
        return
    if _is_mapping(node) and (text[node.start_mark.index] != "{" or node.start_mark.line != node.end_mark.line):
        raise _UnsupportedYaml
    if "?" in _written(node, text):
        raise _UnsupportedYaml


def _line_of(key: Any, text: str) -> int:
    line: int = key.end_mark.line
    if (
        key.start_mark.line != line
        or not _COLON.match(text, key.end_mark.index)
        or (key.style == '"' and "\\'" in _written(key, text))
    ):
        raise _UnsupportedYaml
    return line


def _written(node: Any, text: str) -> str:
    return text[node.start_mark.index : node.end_mark.index]


def _lines(values: list[Value], text: str) -> list[str]:
    """As detect-secrets writes them: each value quoted on its line, or after it, with the comment of that line."""
    own = text.split("\n")
    lines: list[str] = []
    for line, key, value in dict.fromkeys(sorted(values, key=lambda each: each[0])):
        lines.extend([""] * (line - len(lines)))
        comment = _COMMENT.search(own[line].strip()) if "#" in own[line] else None
        quoted = value.replace('"', '\\"')
        lines.append(f'{key}: "{quoted}"{comment.group(0) if comment else ""}')
    return lines


@cache
def _loader() -> Any:
    """The composer of libyaml, with tags that say only what matters here."""
    import yaml

    resolvers = yaml.SafeLoader.yaml_implicit_resolvers

    class Loader(yaml.cyaml.CParser):  # type: ignore[misc, name-defined]  # a C class without stubs
        depth = 0

        def descend_resolver(self, _parent: Any, _index: Any) -> None:
            """No tag depends on a path; the composer calls itself for each node, until the stack is full."""
            self.depth += 1
            if self.depth > _DEPTH + 1:
                raise _UnsupportedYaml

        def ascend_resolver(self) -> None:
            """As above."""
            self.depth -= 1

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            if kind is not yaml.ScalarNode:
                return _COLLECTION
            if not implicit[0]:
                return _TEXT
            for tag, expression in resolvers.get(value[:1], ()):
                if expression.match(value):
                    return _MERGE if tag == _MERGE else _plain_tag(tag.removeprefix(_YAML), value)
            return _TEXT

    return Loader


def _plain_tag(tag: str, value: str) -> str:
    """The tag of what can be constructed for sure."""
    if tag == "bool":
        return _TRUE if value.lower() in {"yes", "true", "on"} else _FALSE
    if tag == "null" or (tag in {"int", "float"} and "_" not in value and len(value) <= _LONGEST_NUMBER):
        return _OTHER
    if tag == "timestamp":
        with contextlib.suppress(ValueError):
            dt.date.fromisoformat(value)
            return _OTHER
    raise _UnsupportedYaml  # what may not be a number or date
