"""Writes the tables of `clean_text`: what a text must hold before a rule, a vendor's format or an assignment can match.

`make docs` runs it: formats, rules and assignments may have changed. A test compares the files with what this module
makes of them. No scan imports it.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from pprint import pformat
from re import _constants as op  # type: ignore[attr-defined]  # the only parser that reads exactly what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from tokenguard.detection import (
    assignments,
    credential_files,
    disguise_marks,
    encoded_tokens,
    extras,
    rule_table,
    secret_arguments,
    secret_places,
    table_columns,
)
from tokenguard.detection.regex_set import loosened
from tokenguard.detection.secret_forms import FORMS as SECRET_FORMS
from tokenguard.detection.token_matcher import spellings
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Piece, Run, pieces
from tokenguard.token_formats.token_format import TokenFormat

_WRITTEN_BY = "Written by `clean_text_writer`; do not edit."
_OF_ROWS = f'''"""What a text must hold before a rule or a vendor's format can match. {_WRITTEN_BY}"""

Literals = tuple[tuple[bytes, ...], tuple[bytes, ...]]
Row = tuple[int, int, int, int, int, tuple[Literals, ...], tuple[Literals, ...]]
'''
_OF_NAMES = f'"""Names that sound secret, what assigns to them, and names of files with logins. {_WRITTEN_BY}"""\n\n'
_OF_BASE64 = f'"""What base64 makes of the beginnings of tokens and of words for them. {_WRITTEN_BY}"""\n\n'
_OF_LITERALS = f'"""Beginnings of tokens that are looked for in other writings. {_WRITTEN_BY}"""\n\n'
_ALNUM = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_NAME = _ALNUM | frozenset("_-")
_RUN = _NAME | frozenset("+/\\=")
_CLASSES = (_ALNUM, _NAME, _RUN)
"""The characters of the runs that `clean_text` measures."""
_SPACE = frozenset(" \t\n\r\v\f\x1c\x1d\x1e\x1f")
_MOVED = frozenset("\"':")
"""What a line that is rebuilt from YAML or INI may have added, lost or moved."""
_MOST_EXACT, _MOST_OF_CLASS, _ASCII = 600, 20, 128
_ANY_CASE = 1000
"""Added to the code of a small letter that may also be a capital."""
_CATEGORIES = {
    op.CATEGORY_DIGIT: frozenset("0123456789"),
    op.CATEGORY_WORD: _NAME - {"-"},
    op.CATEGORY_SPACE: _SPACE,
}
_EVERY = frozenset(map(chr, range(_ASCII)))
NOWHERE, IN_PLAIN_LINES, ALWAYS = range(3)
"""When a match holds no white space: never, where the file's own lines are looked at, also where they are rebuilt."""

Exact = frozenset[str]
Literals = tuple[tuple[str, ...], tuple[str, ...]]
"""As they are, and in small letters for any case."""
Row = tuple[int, int, int, int, int, tuple[Literals, ...], tuple[Literals, ...]]
"""Of each match: its longest runs of letters and digits, of characters of names, and of all that tokens have; its
length, when it holds no white space, its literals, and those that stand somewhere in the text."""


def written() -> dict[Path, str]:
    """The content of each file."""
    rows = _without_stricter({*_of_rules(), *_of_formats(), *_of_others()})
    assigned = "|".join(
        map(loosened, (assignments.ASSIGNED_PATTERN, *secret_places.PATTERNS, table_columns.HEAD_PATTERN))
    )
    words = tuple(sorted(_shortest((*alternatives(assignments.ASSIGNED_PATTERN)[0][1], *secret_places.OTHER_WORDS))))
    base64 = sorted(_shortest((*encoded_tokens.literals(), *disguise_marks.PACKED)))
    begun = sorted(_shortest(disguise_marks.literals()))
    cuts = disguise_marks.short_cuts().items()
    contents = {
        "clean_text_rows.py": f"{_OF_ROWS}ROWS: tuple[Row, ...] = {_as_code(rows)}\n",
        "clean_text_names.py": (
            f"{_OF_NAMES}ASSIGNED: str = {_shown(assigned)}\n"
            f"WORDS: tuple[bytes, ...] = {_as_code(words)}\n"
            f"FILES: tuple[str, ...] = {_shown(tuple(sorted(_in_paths())))}\n"
        ),
        "clean_text_literals.py": (
            f"{_OF_LITERALS}LITERALS: tuple[bytes, ...] = {_as_code(begun)}\n"
            f"SIGNED: tuple[bytes, ...] = {_as_code(sorted(each for each, behind in cuts if not behind))}\n"
            f"UNSIGNED: tuple[bytes, ...] = {_as_code(sorted(each for each, behind in cuts if behind))}\n"
            f"INNER: tuple[bytes, ...] = {_as_code(sorted(disguise_marks.inner_literals()))}\n"
        ),
        "clean_text_base64.py": f"{_OF_BASE64}IN_BASE64: tuple[bytes, ...] = {_as_code(base64)}\n",
    }
    return {Path(__file__).with_name(name): content for name, content in contents.items()}


def _as_code(value: object) -> str:
    return _shown(_encoded(value))


def _shown(value: object) -> str:
    return pformat(value, width=118, compact=True)


def _encoded(value: object) -> object:
    if isinstance(value, str):
        return value.encode("ascii")
    return tuple(map(_encoded, value)) if isinstance(value, list | tuple) else value


def _without_stricter(rows: set[Row]) -> list[Row]:
    """Without those that ask for all that another one asks for, and more."""
    kept = set(rows)
    for row in sorted(rows, reverse=True):
        if any(_asks_for_less(other, row) for other in kept if other is not row):
            kept.remove(row)
    return sorted(kept)


def _asks_for_less(row: Row, stricter: Row) -> bool:
    """Whether each text that has what the stricter row asks for has what the other one asks for."""
    *lengths, held, inside, around = row
    *longer, held_too, inside_too, around_too = stricter
    return (
        held == held_too
        and all(least <= most for least, most in zip(lengths, longer, strict=True))
        and all(any(_is_part(each, other) for other in inside_too) for each in inside)
        and all(any(_is_part(each, other) for other in (*inside_too, *around_too)) for each in around)
    )


def _is_part(literals: Literals, others: Literals) -> bool:
    """Whether each of the others has one of these in it."""
    (same, any_case), (same_too, any_case_too) = literals, others
    return all(
        any(each in other for each in same) or any(each in other.lower() for each in any_case) for other in same_too
    ) and all(any(each in other for each in any_case) for other in any_case_too)


def _in_paths() -> set[str]:
    """Of these, one at least is in the path of every file that programs keep logins in."""
    telling = (
        max((same for same, _ in alternatives(name)), key=lambda literals: min(map(len, literals)))
        for name in credential_files.NAMES
    )
    return _shortest(each for literals in telling for each in literals)


def _of_rules() -> Iterator[Row]:
    own = list(rule_table.regexes())
    for number, rule in enumerate(rule_table.table()["rules"]):
        needed = tuple(dict.fromkeys(each for core in rule["cores"] for each in alternatives(core)))
        tree = parser.parse(own[number][1].pattern, own[number][1].flags) if number < len(own) else None
        if tree is None or not _is_without(_SPACE, tree):
            yield (0, 0, rule["run"], 0, NOWHERE, (), needed)
            continue
        stays = rule["plugin"] in rule_table.WHOLE_IS_CORE or _is_without(_SPACE | _MOVED, tree)
        yield (0, 0, rule["run"], int(tree.getwidth()[0]), ALWAYS if stays else IN_PLAIN_LINES, needed, ())


def _of_others() -> Iterator[Row]:
    for pattern in (
        assignments.ADDRESS_PATTERN,
        extras.PRESIGNED_PATTERN,
        "-----BEGIN",
    ):
        yield (0, 0, 0, 1, ALWAYS, tuple(alternatives(pattern)), ())
    for pattern in (*secret_arguments.HEADS, *secret_places.WITHOUT_WORD, *(form.begins for form in SECRET_FORMS)):
        yield (0, 0, 0, 0, NOWHERE, (), tuple(alternatives(pattern)))


def _of_formats() -> Iterator[Row]:
    for kind in FORMATS:
        for template in kind.shapes:
            yield _of_shape(kind, pieces(template))


def _of_shape(kind: TokenFormat, parts: Sequence[Piece]) -> Row:
    runs = [(each.least, frozenset(_members(each))) for each in parts if isinstance(each, Run)]
    literals = [each for each in parts if isinstance(each, str)]
    alnum, name, run = (max((least for least, chars in runs if chars <= each), default=0) for each in _CLASSES)
    width = sum(map(len, literals)) + sum(least for least, _ in runs)
    inside = tuple(((each,), ()) for each in dict.fromkeys(literals))
    words = {each.lower() for word in kind.names or kind.near for each in spellings(word)}
    around: tuple[Literals, ...] = (((), tuple(sorted(_shortest(words)))),) if words else ()
    if _SPACE & set("".join(literals)):
        return (alnum, name, run, 0, NOWHERE, (), (*inside, *around))
    return (alnum, name, run, width, ALWAYS, inside, around)


def _is_without(barred: Exact, tree: Any) -> bool:
    """Whether no match can hold one of these characters."""
    for kind, value in tree:
        match kind:
            case op.LITERAL:
                without = chr(value) not in barred
            case op.NOT_LITERAL:
                without = barred <= {chr(value)}
            case op.IN:
                without = not barred & _class(value)
            case op.SUBPATTERN:
                without = _is_without(barred, value[3])
            case op.BRANCH:
                without = all(_is_without(barred, branch) for branch in value[1])
            case op.MAX_REPEAT | op.MIN_REPEAT:
                without = _is_without(barred, value[2])
            case op.ASSERT | op.ASSERT_NOT | op.AT:
                without = True
            case _:
                without = False
        if not without:
            return False
    return True


def _members(run: Run) -> Iterator[str]:
    (node,) = parser.parse(f"[{run.chars}]")
    return iter(_class(node[1])) if node[0] is op.IN else iter((chr(node[1]),))


def alternatives(pattern: str) -> list[Literals]:
    """Sets of literals: every match in ASCII has one of each set in it."""
    found: list[Exact] = []
    found.append(_walk(parser.parse(pattern), found))
    return [_literals(each, any_case="(?i" in pattern) for each in found if each and "" not in each]


def _literals(every: Exact, *, any_case: bool) -> Literals:
    same = {each for each in every if not any_case and all(ord(char) < _ASCII for char in each)}
    folded = {_lowered(each) for each in every - same}
    return tuple(sorted(_shortest(same))), tuple(sorted(_shortest(folded)))


def _lowered(text: str) -> str:
    return "".join(chr(ord(char) - _ANY_CASE) if ord(char) > _ASCII else char for char in text).lower()


def _shortest(literals: Iterable[str]) -> set[str]:
    """Without those that hold another one."""
    every = set(literals)
    return {each for each in every if not any(other != each and other in each for other in every)}


def _walk(tree: Any, found: list[Exact]) -> Exact:
    """What the end of a sequence is exactly; what comes before is put into `found`."""
    here: Exact = frozenset({""})
    for kind, value in tree:
        exact = _exact(kind, value)
        joined = _joined(here, exact)
        if joined is not None:
            here = joined
            continue
        found.append(here)
        if exact is None:
            _inside(kind, value, found)
            here = frozenset({""})
        else:
            here = exact
    return here


def _joined(first: Exact, second: Exact | None) -> Exact | None:
    if second is None or len(first) * len(second) > _MOST_EXACT:
        return None
    return frozenset(one + two for one in first for two in second)


def _exact(kind: Any, value: Any) -> Exact | None:  # noqa: PLR0911 - one case per kind of node
    """All that a node can match; None if that is too much."""
    match kind:
        case op.LITERAL:
            return frozenset({chr(value)} if value < _ASCII else ())
        case op.AT | op.ASSERT | op.ASSERT_NOT:
            return frozenset({""})
        case op.IN:
            members = _folded(set(_class(value)))
            return members if len(members) <= _MOST_OF_CLASS else None
        case op.SUBPATTERN:
            return _of_sequence(value[3])
        case op.BRANCH:
            every = [_of_sequence(branch) for branch in value[1]]
            return None if None in every else frozenset().union(*(each for each in every if each is not None))
        case op.MAX_REPEAT | op.MIN_REPEAT if tuple(value[:2]) == (0, 1):
            once = _of_sequence(value[2])
            return None if once is None else once | {""}
        case op.MAX_REPEAT | op.MIN_REPEAT if tuple(value[:2]) == (1, 1):
            return _of_sequence(value[2])
    return None


def _folded(members: set[str]) -> Exact:
    """With one sign for a letter that may be small or a capital."""
    both = {each for each in members if each.islower() and each.upper() in members}
    return frozenset(chr(ord(each) + _ANY_CASE) for each in both) | (members - both - set(map(str.upper, both)))


def _of_sequence(tree: Any) -> Exact | None:
    whole: Exact | None = frozenset({""})
    for kind, value in tree:
        whole = None if whole is None else _joined(whole, _exact(kind, value))
    return whole


def _inside(kind: Any, value: Any, found: list[Exact]) -> None:
    """What each match of a node that is not exact has in it."""
    if kind is op.SUBPATTERN:
        found.append(_walk(value[3], found))
    elif kind in {op.MAX_REPEAT, op.MIN_REPEAT} and value[0]:
        found.append(_walk(value[2], found))
    elif kind is op.BRANCH:
        best = []
        for branch in value[1]:
            inner: list[Exact] = []
            inner.append(_walk(branch, inner))
            best.append(max((each for each in inner if each), key=lambda each: min(map(len, each)), default={""}))
        found.append(frozenset().union(*best))


def _class(items: Any) -> Exact:
    """The members of a character class, in ASCII."""
    members = set[str]()
    for kind, value in items:
        if kind is op.LITERAL:
            members.add(chr(value))
        elif kind is op.RANGE:
            members.update(map(chr, range(value[0], min(value[1], _ASCII - 1) + 1)))
        elif kind is op.CATEGORY:
            members |= _CATEGORIES.get(value, _EVERY)
    return _EVERY - members if items[0][0] is op.NEGATE else _EVERY & members


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="ascii")
