"""What a team has decided to live with: one sorted line a finding, without line numbers, dates or anything of a value.

A line knows the whole token by a short tag: scrypt over the token and the file's own random salt. No key is needed,
so a fork or a machine without network sees the same; guessing costs a scrypt a guess, and the file is of no use
against another one. A finding that moves within its file stays known, a token that is replaced does not.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from tokenguard.detection.match import TextMatch
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.scanning.scanner import Suppressor

NAME = ".tokenguard-baseline"
_HEAD = re.compile(r"# tokenguard baseline 2 salt=([0-9a-f]{32})", re.ASCII)
_TAG = re.compile(r"[0-9a-f]{12}", re.ASCII)
_KINDS = frozenset({"rule", "extra"})
_FIELDS = 4
_MAX_BYTES = 16 << 20
_TAG_DIGITS = 12
_COST = 1 << 12  # 4 MB and about 10 ms a token


class BaselineEntry(Frozen, frozen=True, order=True):
    """One line."""

    kind: str
    type: str
    path: str
    """Percent-encoded."""
    tag: str


class Baseline(Suppressor):
    """The content of a baseline file, and a suppressor of what it lists."""

    def __init__(self, salt: bytes, entries: Iterable[BaselineEntry] = (), directory: Path = Path()) -> None:
        self._tagger = _Tagger(salt)
        self._directory = directory
        self._tags: dict[tuple[str, str, str], set[str]] = {}
        for entry in entries:
            self._tags.setdefault((entry.kind, entry.type, entry.path), set()).add(entry.tag)

    def knows(self, match: TextMatch, path: str) -> bool:
        """Whether this token is listed for this file and type."""
        tags = self._tags.get((match.kind.value, match.type, _encoded(path, self._directory)))
        return tags is not None and self._tagger.tag(match.whole) in tags


class Recorder(Suppressor):
    """Takes everything that a scan finds into a new baseline."""

    learns = True

    def __init__(self, salt: bytes, directory: Path = Path()) -> None:
        self._salt = salt
        self._tagger = _Tagger(salt)
        self._directory = directory
        self.entries: set[BaselineEntry] = set()

    def knows(self, match: TextMatch, path: str) -> bool:
        """Always, from now on."""
        if self.wants(match, path):
            where = _encoded(path, self._directory)
            self.entries.add(BaselineEntry(match.kind.value, match.type, where, self._tagger.tag(match.whole)))
        return True

    def wants(self, _match: TextMatch, _path: str) -> bool:
        """Whether to take it: everything here."""
        return True

    def written(self) -> bytes:
        """The file's content."""
        lines = [f"# tokenguard baseline 2 salt={self._salt.hex()}"]
        lines += [f"{entry.kind}\t{entry.type}\t{entry.path}\t{entry.tag}" for entry in sorted(self.entries)]
        return ("\n".join(lines) + "\n").encode()


def new_salt() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(16)


def read_baseline(path: Path) -> tuple[bytes, list[BaselineEntry]]:
    """The salt and the lines of a baseline file.

    Raises:
        InputError: it is missing, or is not such a file.
    """
    try:
        data = read_limited(path, _MAX_BYTES)
    except OSError:
        raise InputError(f"cannot read {shown(path)}", hint="`tokenguard baseline update` writes one") from None
    head, *rows = data.decode("utf-8", "replace").split("\n")
    found = _HEAD.fullmatch(head)
    if found is None:
        raise InputError(
            f"not a tokenguard baseline: {shown(path)}",
            hint="import a .secrets.baseline with `tokenguard baseline import`",
        )
    return bytes.fromhex(found.group(1)), [_entry(row, path, number) for number, row in enumerate(rows, 2) if row]


def suppressor(path: Path) -> Baseline:
    """The baseline file as a suppressor; InputError if it is missing or damaged."""
    salt, entries = read_baseline(path)
    return Baseline(salt, entries, path.parent)


def _entry(row: str, path: Path, number: int) -> BaselineEntry:
    fields = row.split("\t")
    if len(fields) != _FIELDS or fields[0] not in _KINDS or not _TAG.fullmatch(fields[3]):
        raise InputError(
            f"line {number} of {shown(path)} is damaged",
            hint="after a merge conflict keep the lines of both sides, or run `tokenguard baseline update`",
        )
    return BaselineEntry(*fields)


class _Tagger:
    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._known: dict[bytes, str] = {}

    def tag(self, value: Secret) -> str:
        digest = hashlib.sha256(self._salt + value.reveal().encode("utf-8", "surrogatepass")).digest()
        if digest not in self._known:  # the same token again costs nothing
            slow = hashlib.scrypt(digest, salt=self._salt, n=_COST, r=8, p=1, dklen=_TAG_DIGITS // 2)
            self._known[digest] = slow.hex()
        return self._known[digest]


def _encoded(path: str, directory: Path) -> str:
    relative = os.path.relpath(path, directory.absolute()) if Path(path).is_absolute() else path
    return quote(relative.encode("utf-8", "surrogateescape"), safe="/!@ ,+=()[]{}-._~")
