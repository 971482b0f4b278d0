"""Turns a Python `str` regex into byte regexes that can only match more: the ground of the prefilter.

`superset` matches, inside one line's UTF-8 bytes, wherever the original could. `needs` are factors that every match of
the original must contain *contiguously and unchanged in the raw file*, also where detect-secrets looks at a line that
it rebuilt from YAML or INI: it holds no white space, quote or colon, which such a rebuilding adds, drops or moves.
Both are written in the common ground of RE2 and Python's `re` for bytes. Runs when the tables of `rule_patterns` are
generated and in their test, never during a scan.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]  # the only parser that reads exactly what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_HIGH = r"\x80-\xff"
_CATEGORIES = {
    op.CATEGORY_WORD: r"\w" + _HIGH,
    op.CATEGORY_DIGIT: r"\d" + _HIGH,
    op.CATEGORY_SPACE: r"\t\r\f\v \x1c-\x1f" + _HIGH,
    op.CATEGORY_NOT_WORD: r"\W" + _HIGH,
    op.CATEGORY_NOT_DIGIT: r"\D" + _HIGH,
    op.CATEGORY_NOT_SPACE: r"\S" + _HIGH,
}
# Beyond ASCII only these change their case into ASCII letters: long s, Kelvin sign, dotted and dotless i.
_FOLDED = {"s": r"\xc5\xbf", "k": r"\xe2\x84\xaa", "i": r"\xc4[\xb0\xb1]"}
_UNSAFE_IN_CORE = frozenset("\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f \"':")
_MAX_COUNT = 12  # counting further costs RE2 more states than it saves candidates
_UTF8 = 4  # bytes that one character may take
_ONE = f"{{1,{_UTF8}}}"
_ASCII_END = 128
_MAX_CORES, _LEAST_WEIGHT, _SHORT_RUN, _EXACT_RUN = 2, 1, 4, 8
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT})
_COLON = ord(":")
_RUN_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\\-_=")

Tree = Sequence[tuple[Any, Any]]


def superset(pattern: str, flags: int) -> str:
    """The byte regex (as ASCII text) that matches wherever `pattern` could; existence only, ends are trimmed."""
    return _Converter(flags).convert(_trim(parser.parse(pattern, flags & ~re.UNICODE)))


@dataclass(frozen=True, slots=True)
class Needs:
    """What a file must hold before a pattern can match anything in it."""

    cores: tuple[str, ...]
    """Byte regexes, each of which must match."""
    run: int
    """The longest obligatory run of `RUN` bytes; 0 if there is none."""


def needs(pattern: str, flags: int) -> Needs:
    """The factors of `pattern` that survive YAML and INI."""
    pieces: list[_RegexPiece] = []
    _collect(parser.parse(pattern, flags & ~re.UNICODE), pieces)
    converter = _Converter(flags)
    telling = sorted((piece for piece in pieces if piece.weight >= _LEAST_WEIGHT), key=lambda piece: -piece.weight)
    return Needs(
        cores=tuple(converter.convert(piece.shortened()) for piece in telling[:_MAX_CORES]),
        run=max((piece.longest_run() for piece in pieces), default=0),
    )


class _Converter:
    """Walks the parsed tree and writes bytes."""

    def __init__(self, flags: int) -> None:
        self._ignorecase = bool(flags & re.IGNORECASE)
        self._groups: dict[int, str] = {}

    def convert(self, tree: Tree) -> str:
        return "".join(self._node(kind, value) for kind, value in tree)

    def _node(self, kind: Any, value: Any) -> str:  # noqa: C901, PLR0911 - one case per kind of node
        match kind:
            case op.LITERAL:
                return self._literal(value)
            case op.NOT_LITERAL:
                return _one(rf"[^\n\x{value:02x}]" if value < _ASCII_END else r"[^\n]")
            case op.ANY:
                return _one(r"[^\n]")
            case op.IN:
                return _one(self._class(value))
            case op.BRANCH:
                return "(?:" + "|".join(self.convert(branch) for branch in value[1]) + ")"
            case op.SUBPATTERN:
                number, _, _, body = value
                converted = f"(?:{self.convert(body)})"
                if number:
                    self._groups[number] = converted
                return converted
            case op.MAX_REPEAT | op.MIN_REPEAT:
                return self._repeat(*value)
            case op.GROUPREF:
                return self._groups[value]  # everything the group could match
            case op.ASSERT | op.ASSERT_NOT:
                return ""  # without the condition it matches more
            case op.AT:
                return self._anchor(value)
        raise ValueError(f"no rule for {kind}")

    def _literal(self, code: int) -> str:
        char = chr(code)
        if code >= _ASCII_END:
            forms = {char, char.lower(), char.upper()} if self._ignorecase else {char}
            return "(?:" + "|".join(_bytes(form.encode()) for form in sorted(forms)) + ")"
        if not char.isalpha() or not self._ignorecase:
            return char if char.isalnum() else rf"\x{code:02x}"
        both = f"[{char.lower()}{char.upper()}]"
        return f"(?:{both}|{_FOLDED[char.lower()]})" if char.lower() in _FOLDED else both

    def _class(self, items: Sequence[tuple[Any, Any]]) -> str:
        if items[0][0] is op.NEGATE:
            excluded = "".join(self._excluded(kind, value) for kind, value in items[1:])
            return rf"[^\n{excluded}]"
        plain = "[" + "".join(self._item(kind, value) for kind, value in items) + "]"
        folded = sorted(_FOLDED[char] for char in _FOLDED if self._ignorecase and _HIGH not in plain and char in plain)
        return f"(?:{'|'.join((plain, *folded))})" if folded else plain

    def _item(self, kind: Any, value: Any) -> str:
        match kind:
            case op.LITERAL:
                return self._range(value, value)
            case op.RANGE:
                return self._range(*value)
            case op.CATEGORY:
                return _CATEGORIES[value]
        raise ValueError(f"no rule for {kind} in a class")

    def _range(self, low: int, high: int) -> str:
        ascii_part = rf"\x{low:02x}-\x{min(high, _ASCII_END - 1):02x}" if low < _ASCII_END else ""
        chars = [chr(code) for code in range(low, min(high, _ASCII_END - 1) + 1)]
        if self._ignorecase:  # written out, which is also how `_class` sees whether a folded letter is among them
            letters = {char for char in chars if char.isalpha()}
            ascii_part += "".join(sorted(letters | {char.swapcase() for char in letters}))
        return ascii_part + (_HIGH if high >= _ASCII_END else "")

    @staticmethod
    def _excluded(kind: Any, value: Any) -> str:
        """Only ASCII members are taken out: bytes beyond may belong to any character."""
        match kind:
            case op.LITERAL:
                return rf"\x{value:02x}" if value < _ASCII_END else ""
            case op.RANGE:
                low, high = value
                return rf"\x{low:02x}-\x{min(high, _ASCII_END - 1):02x}" if low < _ASCII_END else ""
            case op.CATEGORY if value in _CATEGORIES:
                return _CATEGORIES[value].removesuffix(_HIGH)
        raise ValueError(f"no rule for {kind} in a negated class")

    def _repeat(self, low: int, high: Any, body: Tree) -> str:
        converted = self.convert(body)
        if not converted:
            return ""
        if converted.endswith(_ONE):  # the bounds count characters, bytes may be four times as many
            converted = converted.removesuffix(_ONE)
            high = high if high is op.MAXREPEAT else high * _UTF8
        unbounded = high is op.MAXREPEAT or high > _MAX_COUNT
        return f"(?:{converted}){{{min(low, _MAX_COUNT)},{'' if unbounded else high}}}"

    @staticmethod
    def _anchor(where: Any) -> str:
        if where in {op.AT_BEGINNING, op.AT_BEGINNING_STRING}:
            return "^"
        if where in {op.AT_END, op.AT_END_STRING}:
            return rf"(?:[\t\r\f\v \x1c-\x1f{_HIGH}]*$)"  # detect-secrets strips the line's end first
        return ""


def _one(of: str) -> str:
    """One character of a class, which is several bytes if the class goes beyond ASCII."""
    return of + _ONE if of.startswith("[^") or _HIGH in of else of


def _bytes(data: bytes) -> str:
    return "".join(rf"\x{byte:02x}" for byte in data)


def _trim(tree: Tree) -> Tree:
    """Drop what may be absent at the end, and let repeats at the end be as short as they may."""
    items = list(tree)
    while items:
        kind, value = items[-1]
        if kind in {op.ASSERT, op.ASSERT_NOT}:
            items.pop()
        elif kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
            low, _, body = value
            if low:
                items[-1] = (kind, (low, low, body))
                break
            items.pop()
        else:
            if kind is op.SUBPATTERN:
                items[-1] = (kind, (*value[:3], _trim(value[3])))
            break
    return items


@dataclass(frozen=True, slots=True)
class _RegexPiece:
    """Nodes that follow each other and whose match stands in the raw file as it is."""

    nodes: Tree

    @property
    def weight(self) -> int:
        return sum(_literals(*node) for node in self.nodes)

    def shortened(self) -> Tree:
        """The most telling factor of the piece that is cheap to look for: it begins with the end of a long run at most.

        There is no long counting in it, and nothing optional at the end.
        """
        starts = [0, *(at for at, (kind, value) in enumerate(self.nodes) if kind in _REPEATS and value[0] > _SHORT_RUN)]
        return max((self._shortened_from(start) for start in starts), key=lambda tree: _RegexPiece(tree).weight)

    def _shortened_from(self, start: int) -> Tree:
        kept: list[tuple[Any, Any]] = []
        for kind, value in self.nodes[start:]:
            if kind in _REPEATS and value[0] > (_EXACT_RUN if kept and value[0] == value[1] else _SHORT_RUN):
                most = _SHORT_RUN if kept or not start else _MAX_COUNT  # what stands before it tells more than a run
                kept.append((kind, (min(value[0], most), min(value[0], most), value[2])))
                if len(kept) > 1:
                    break  # cut here; a run at the very start was merely shortened from its left
            else:
                kept.append((kind, value))
        return _trim(kept)

    def longest_run(self) -> int:
        """The longest obligatory repeat of one class that lies within `RUN`."""
        lengths = [0]
        for kind, value in self.nodes:
            if kind in {op.MAX_REPEAT, op.MIN_REPEAT} and len(value[2]) == 1 and _within_run(*value[2][0]):
                lengths.append(int(value[0]))
            elif kind is op.SUBPATTERN:
                lengths.append(_RegexPiece(value[3]).longest_run())
        return max(lengths)


def _collect(tree: Tree, pieces: list[_RegexPiece]) -> None:
    """Gather the pieces of a concatenation, and those inside its obligatory other parts."""
    items = list(tree)
    run: list[tuple[Any, Any]] = []
    for position, (kind, value) in enumerate((*items, (None, None))):
        colon = kind is op.LITERAL and value == _COLON and _least(*items[position + 1 : position + 2]) > 0
        if kind is not None and (colon or _safe(kind, value)):
            run.append((kind, value))
            continue
        if run:
            pieces.append(_RegexPiece(_trim(run)))
        run = []
        if kind is op.SUBPATTERN:
            _collect(value[3], pieces)
        elif kind in {op.MAX_REPEAT, op.MIN_REPEAT} and value[0]:
            _collect(value[2], pieces)


def _safe(kind: Any, value: Any) -> bool:  # noqa: PLR0911 - one case per kind of node
    """Whether what the node matches can neither be added nor moved by rebuilding a line."""
    match kind:
        case op.LITERAL:
            return chr(value) not in _UNSAFE_IN_CORE
        case op.IN:
            return value[0][0] is not op.NEGATE and all(_safe_item(*item) for item in value)
        case op.BRANCH:
            return all(_safe(*node) for branch in value[1] for node in branch)
        case op.SUBPATTERN:
            return all(_safe(*node) for node in value[3])
        case op.MAX_REPEAT | op.MIN_REPEAT:
            return all(_safe(*node) for node in value[2])
        case op.ASSERT | op.ASSERT_NOT:
            return True
    return False


def _safe_item(kind: Any, value: Any) -> bool:
    if kind is op.RANGE:
        return not any(value[0] <= ord(char) <= value[1] for char in _UNSAFE_IN_CORE)
    if kind is op.LITERAL:
        return chr(value) not in _UNSAFE_IN_CORE
    return value in {op.CATEGORY_WORD, op.CATEGORY_DIGIT}


def _within_run(kind: Any, value: Any) -> bool:
    """Whether a class holds nothing but `RUN`: its own characters, or beyond ASCII."""
    if kind is not op.IN or value[0][0] is op.NEGATE:
        return False
    codes: set[int] = set()
    for item, content in value:
        if item is op.CATEGORY:
            codes |= {ord("_"), ord("0")} if content in {op.CATEGORY_WORD, op.CATEGORY_DIGIT} else {0}
        else:
            codes |= set(range(content[0], content[1] + 1)) if item is op.RANGE else {content}
    return all(code >= _ASCII_END or chr(code) in _RUN_CHARS for code in codes)


def _literals(kind: Any, value: Any) -> int:
    """How telling a node is: the exact characters it cannot do without."""
    match kind:
        case op.LITERAL:
            return 1
        case op.BRANCH:
            return min(sum(_literals(*node) for node in branch) for branch in value[1])
        case op.SUBPATTERN:
            return sum(_literals(*node) for node in value[3])
        case op.MAX_REPEAT | op.MIN_REPEAT:
            return int(value[0]) * sum(_literals(*node) for node in value[2])
    return 0


def _least(node: tuple[Any, Any] = (None, None)) -> int:
    """The least number of characters a safe node takes; 0 for anything else."""
    kind, value = node
    if kind in {op.LITERAL, op.IN}:
        return int(_safe(kind, value))
    if kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
        return int(value[0]) * min((_least(inner) for inner in value[2]), default=0)
    if kind is op.SUBPATTERN:
        return max((_least(inner) for inner in value[3][:1]), default=0)
    return 0
