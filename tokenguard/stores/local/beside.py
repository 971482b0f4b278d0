"""Checks the files beside the SQLite file before SQLite opens it.

SQLite acts on any journal it finds: it writes old pages back, and deletes the file that the journal names as its
super-journal, anywhere on disk. So a journal is validated first. The caller holds the store's lock: no commit is then
in progress, and a journal was left by a crash or planted by an attacker.
"""

import os
import stat
import struct
from pathlib import Path

from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen
from tokenguard.stores.local.length_prefix import RESTORE

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = struct.Struct(">8sIIIII")
_SHORTEST_SUPER = 16
"""Length, checksum and magic: a journal's last bytes where it names a super-journal."""
_SECTORS = range(32, 65_537)
_PAGES = range(512, 65_537)
_TO_THE_END = 0xFFFFFFFF
_DATABASE = b"SQLite format 3\0"
_CLOSED = 0o077


class _Journal(Frozen, frozen=True, kw_only=True):
    """The head of a journal that SQLite would replay."""

    records: int
    pages: int
    """How long the database was when the transaction began."""
    sector: int
    page_size: int


def check_beside(database: Path) -> None:
    """Refuse what tokenguard's own SQLite never leaves beside `database`: Tampered."""
    for suffix in ("-wal", "-shm"):
        if os.path.lexists(f"{database}{suffix}"):
            raise _planted("there is a write-ahead log beside the store, and tokenguard never creates one")
    try:
        descriptor = os.open(f"{database}-journal", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:
        raise _planted("the store's journal is not a plain file") from None
    try:
        _check_journal(descriptor, database)
    finally:
        os.close(descriptor)


def _check_journal(descriptor: int, database: Path) -> None:
    info = os.fstat(descriptor)
    _check_owner(info)
    end = os.pread(descriptor, len(_MAGIC), max(0, info.st_size - len(_MAGIC)))
    if info.st_size >= _SHORTEST_SUPER and end == _MAGIC:
        raise _planted("the store's journal names another file, which SQLite would delete")
    start = os.pread(descriptor, _HEADER.size, 0)
    if len(start) < _HEADER.size or not start.startswith(_MAGIC):
        return  # torn before it was durable, so the database is as it was: SQLite replays nothing of it
    _, records, _, pages, sector, page_size = _HEADER.unpack(start)
    journal = _Journal(records=records, pages=pages, sector=sector, page_size=page_size)
    head, length = _start(database)
    _check_header(journal, head)
    _check_pages(journal, info.st_size, length)


def _start(database: Path) -> tuple[bytes, int]:
    """The first bytes of the database, and its size. To close it drops every POSIX lock that this process has on it."""
    descriptor = os.open(database, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, 18, 0), os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _check_owner(info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
        raise _planted("the store's journal is not a plain file")
    if info.st_uid != os.geteuid() or info.st_mode & _CLOSED:
        raise _planted("the store's journal is not a private file that you own")


def _check_header(journal: _Journal, head: bytes) -> None:
    """A page of the database may be torn; where its head is whole, the journal must be of the same page size."""
    sizes = ((journal.sector, _SECTORS), (journal.page_size, _PAGES))
    if any(size not in allowed or size & (size - 1) for size, allowed in sizes):
        raise _planted("the store's journal has sizes that SQLite does not write")
    if head.startswith(_DATABASE):
        stated = int.from_bytes(head[16:18], "big")
        if journal.page_size != (65_536 if stated == 1 else stated):
            raise _planted("the store's journal belongs to another database")


def _check_pages(journal: _Journal, size: int, length: int) -> None:
    """The pages that come back must be there: in the journal, or in the database."""
    room = max(0, size - journal.sector) // (journal.page_size + 8)
    if room < journal.records != _TO_THE_END:
        raise _planted("the store's journal has fewer pages than it says")
    if journal.records == 0:
        fits = journal.pages * journal.page_size == length
    else:
        fits = 0 < journal.pages <= -(-length // journal.page_size) + room
    if not fits:
        raise _planted("the store's journal belongs to a database of a different length")


def _planted(what: str) -> Tampered:
    return Tampered(what, hint=f"keep a copy of the store's directory as evidence, then {RESTORE}")
