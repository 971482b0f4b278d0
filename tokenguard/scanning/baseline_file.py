"""The file of accepted findings: one sorted line a finding, without line numbers or anything of a value.

A line knows the whole token by a short tag, made with a salt of the file. No key is needed, so a fork or a machine
without network sees the same; guessing costs a scrypt a guess, and the file is of no use against another one.

Two branches that both add lines merge: `merge=union` in `.gitattributes` keeps the lines of both, and a file may have
the salts of two files.
"""

import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tokenguard.domain.moment import missing_day, parse_day
from tokenguard.errors import InputError, newer_hint
from tokenguard.files import read_named, shown
from tokenguard.frozen import Frozen
from tokenguard.scanning.slow_tags import DIGITS
from tokenguard.text import is_plain_line

MAX_REASON = 200
_HEAD = re.compile(r"# tokenguard baseline [23] salt=([0-9a-f]{32})", re.ASCII)
_ANY_HEAD = re.compile(r"# tokenguard baseline (\d{1,6}) ", re.ASCII)
FORMAT = 3
_TAG = re.compile(rf"[0-9a-f]{{{DIGITS}}}", re.ASCII)
_CONFLICT = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: .*)?", re.ASCII)
_KINDS = frozenset({"rule", "extra"})
_FIELDS, _ACCEPTED_FIELDS = 4, 6
_NO_DATE = "-"
_MAX_BYTES = 16 << 20
_MOST_SALTS = 8
"""Each costs a slow tag for every finding."""
_HINT = "correct the line; `tokenguard baseline update` keeps intact lines and removes the others"


class BaselineEntry(Frozen, frozen=True, order=True):
    """One line."""

    kind: str
    type: str
    path: str
    """Relative to the root, percent-encoded."""
    tag: str
    until: str = ""
    """YYYY-MM-DD: from this day on it is a finding again; empty: it never is."""
    reason: str = ""

    @property
    def accepts(self) -> tuple[str, str]:
        """What it accepts: a value in a file. Kind and type tell readers what it was taken for."""
        return self.path, self.tag

    @property
    def row(self) -> str:
        """As it is written."""
        accepted = (self.until or _NO_DATE, self.reason) if self.until or self.reason else ()
        return "\t".join((self.kind, self.type, *self.accepts, *accepted))


class BaselineContent(Frozen, frozen=True):
    """All of a file: the first salt is that of new lines."""

    salts: tuple[bytes, ...]
    entries: tuple[BaselineEntry, ...] = ()
    damaged: int = 0
    """How many lines were left out."""

    def with_entries(self, new: Iterable[BaselineEntry], without: Iterable[BaselineEntry] = ()) -> "BaselineContent":
        """The same with further entries; those that were there for the same value in the same file are replaced."""
        added = {entry.accepts: entry for entry in new}
        gone = {*added, *(entry.accepts for entry in without)}
        return BaselineContent(
            self.salts, (*(entry for entry in self.entries if entry.accepts not in gone), *added.values())
        )

    def written(self) -> bytes:
        """The file."""
        heads = (f"# tokenguard baseline {FORMAT} salt={salt.hex()}" for salt in self.salts)
        return "\n".join((*heads, *(entry.row for entry in sorted(set(self.entries))), "")).encode()


def new_baseline() -> BaselineContent:
    """One without a line, and with a salt of its own."""
    return BaselineContent((secrets.token_bytes(16),))


def read_baseline(path: Path, *, both_sides: bool = False) -> BaselineContent:
    """The content of a baseline file.

    Args:
        path: the file.
        both_sides: of a merge conflict take the lines of both sides, and leave out those that are damaged; for
            programs that write the file anew.

    Raises:
        InputError: it is missing, or not such a file; with `file:line:column` of what is damaged.
    """
    data = read_named(path, _MAX_BYTES, hint="`tokenguard baseline update` writes one")
    return parse_baseline(data, source=shown(path), both_sides=both_sides)


def _no_baseline(data: bytes, source: str) -> InputError:
    """The error of a file that is something else: empty, a baseline of detect-secrets, or anything."""
    if not data.strip():
        return InputError(
            f"not a tokenguard baseline: {source} is empty",
            hint="delete it, then `tokenguard baseline update` writes a new one",
        )
    foreign = data.lstrip().startswith(b"{")
    return InputError(
        f"not a tokenguard baseline: {source}",
        hint="import a .secrets.baseline with `tokenguard baseline import`"
        if foreign
        else "restore it from git, or delete it and let `tokenguard baseline update` write a new one",
    )


def parse_baseline(data: bytes, *, source: str, both_sides: bool = False) -> BaselineContent:
    """Read the bytes of a baseline file; `source` is how errors name it. As `read_baseline` otherwise."""
    rows = [row.removesuffix("\r") for row in data.decode("utf-8", "replace").split("\n")]
    if rows and (found := _ANY_HEAD.match(rows[0])) and (newer := newer_hint(found.group(1), FORMAT)):
        raise InputError(f"{source} has format {found.group(1)}, this version reads 2 and {FORMAT}", hint=newer)
    salts = dict.fromkeys(bytes.fromhex(found.group(1)) for row in rows if (found := _HEAD.fullmatch(row)))
    if not salts or not (_HEAD.fullmatch(rows[0]) or _CONFLICT.fullmatch(rows[0])):
        raise _no_baseline(data, source)
    if len(salts) > _MOST_SALTS:
        raise InputError(f"{source} has more than {_MOST_SALTS} salts", hint=_HINT)
    entries: list[BaselineEntry] = []
    damaged = 0
    for number, row in enumerate(rows, 1):
        if not row or _HEAD.fullmatch(row) or (both_sides and _CONFLICT.fullmatch(row)):
            continue
        try:
            entries.append(_entry(row, f"{source}:{number}"))
        except InputError:
            if not both_sides:
                raise
            damaged += 1
    return BaselineContent(tuple(salts), tuple(entries), damaged)


def encoded_path(path: str) -> str:
    """A path as a line has it: no tab, line feed or control character, and the same for every encoding."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/!@ ,+=()[]{}-._~")


def decoded_path(path: str) -> str:
    """The path of a line."""
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape")


def _entry(row: str, place: str) -> BaselineEntry:
    if _CONFLICT.fullmatch(row):
        raise InputError(
            f"{place}:1: a merge conflict that is not resolved",
            hint="keep the lines of both sides; `tokenguard baseline update` does that",
        )
    fields = row.split("\t")
    if len(fields) not in {_FIELDS, _ACCEPTED_FIELDS}:
        raise _damaged(place, len(row) + 1, "a line has 4 or 6 fields, with tabs between them")
    kind, _, _, tag, until, reason = (*fields, _NO_DATE, "")[:_ACCEPTED_FIELDS]
    starts = [1]
    for each in fields:
        starts.append(starts[-1] + len(each) + 1)
    if kind not in _KINDS:
        raise _damaged(place, starts[0], f"the kind is not one of {', '.join(sorted(_KINDS))}")
    if not _TAG.fullmatch(tag):
        raise _damaged(place, starts[3], f"the tag is not {DIGITS} hex digits")
    if until != _NO_DATE and parse_day(until) is None:
        raise _damaged(place, starts[4], missing_day(until) or "the date is not YYYY-MM-DD")
    if len(reason) > MAX_REASON or not is_plain_line(reason):
        raise _damaged(place, starts[5], f"the reason is not one plain line of at most {MAX_REASON} characters")
    return BaselineEntry(kind, fields[1], fields[2], tag, "" if until == _NO_DATE else until, reason)


def _damaged(place: str, column: int, what: str) -> InputError:
    return InputError(f"{place}:{column}: {what}", hint=_HINT)
