"""The use case of `audit export`: every audit entry once, from a cursor on, also after a run that was stopped.

The cursor is a position in each chain, with the hash of the entry there. Chains only grow, and an entry's number says
where it belongs: an entry that another runner writes meanwhile, with any date, is after the cursor and comes next time.
"""

import base64
import binascii
import json
import os
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tokenguard.domain.event import GENESIS, STORE_CHAIN, ChainedEvent, ChainHead, Op
from tokenguard.domain.migration_status import MoveStage, plain_address
from tokenguard.errors import InputError, Tampered, Unreachable
from tokenguard.files import not_written, shown
from tokenguard.inventory.views import entry_json
from tokenguard.ports.shared_item import shared_trails
from tokenguard.ports.store import Store

Cursor = dict[str, ChainHead]
"""The last exported entry of each chain."""
MAX_CURSOR = 64 << 20
_HASH = len(GENESIS)
_PREFIX = "tgc1."
_SHARED = "shared:"
_AGAIN = "export again without --since, and compare"


def entries_after(store: Store, cursor: Cursor) -> Iterator[tuple[str, ChainedEvent]]:
    """Every entry after the cursor with its chain, in the order of each chain; the cursor moves along.

    Raises:
        Tampered: a chain is shorter than it was, or has another entry at the cursor.
        InputError: the cursor is of the store that was moved here, whose own chain stayed there.
    """
    for chain, entries in _chains(store):
        known = cursor.get(chain, ChainHead())
        if known.seq and (len(entries) < known.seq or entries[known.seq - 1].hash != known.hash):
            if chain == STORE_CHAIN:
                _check_moved(store, cursor)
            raise Tampered(
                f"the audit chain {chain} is not the one that was exported before",
                hint=f"run `tokenguard audit verify`; after a restored backup {_AGAIN}",
            )
        for entry in entries[known.seq :]:
            cursor[chain] = ChainHead(entry.seq, entry.hash)
            yield chain, entry


def _check_moved(store: Store, cursor: Mapping[str, ChainHead]) -> None:
    """Refuse a cursor from before a migration to this store: each chain that it has went on with the migration.

    Raises:
        InputError: it is one.
    """
    move = store.move()
    if move is None or move.stage is not MoveStage.ARRIVED:
        return
    chains = dict(_chains(store))
    for chain, head in cursor.items():
        left_behind = chain == STORE_CHAIN or (chain.startswith(_SHARED) and chain not in chains)
        if not left_behind and not any(_is_of(each, move.id) for each in chains.get(chain, ())[head.seq :]):
            return
    raise InputError(
        f"the export is from before {plain_address(move.other)} moved here",
        hint="export again to another file, without --since, and keep this one: it has the earlier store's own entries",
    )


def _is_of(entry: ChainedEvent, move: str) -> bool:
    return entry.event.op is Op.MIGRATE and entry.event.detail.get("move") == move


def line_of(chain: str, entry: ChainedEvent) -> str:
    """One line of JSON: the entry, its chain and the hash that it follows."""
    return json.dumps({"chain": chain, **entry_json(entry), "prev": entry.prev}, ensure_ascii=True)


def cursor_text(cursor: Cursor) -> str:
    """The cursor as one word."""
    places = {chain: [head.seq, head.hash] for chain, head in sorted(cursor.items())}
    packed = zlib.compress(json.dumps(places, separators=(",", ":")).encode(), 9)
    return _PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """Read what `cursor_text` wrote; InputError for anything else."""
    try:
        found = msgspec.json.decode(_unpacked(text.strip()), type=dict[str, tuple[int, str]])
        return {chain: _head(*place) for chain, place in found.items()}
    except (ValueError, binascii.Error, zlib.error, msgspec.DecodeError):
        raise InputError("--since must be a cursor", hint="give the last line of an export, or @FILE of one") from None


def _unpacked(word: str) -> bytes:
    if not word.startswith(_PREFIX) or len(word) > MAX_CURSOR:
        raise ValueError
    packed = word.removeprefix(_PREFIX)
    inflating = zlib.decompressobj()
    plain = inflating.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), MAX_CURSOR)
    if not inflating.eof or inflating.unused_data:
        raise ValueError
    return plain


def cursor_of_lines(data: bytes, *, source: str) -> tuple[Cursor, int]:
    """The cursor after the complete lines of an export, and where they end: a last line that was cut off is none.

    Raises:
        InputError: a line is not one of an export, or one is missing or repeated.
    """
    cursor: Cursor = {}
    end = data.rfind(b"\n") + 1
    for number, line in enumerate(data[:end].splitlines(), 1):
        place = f"{source}:{number}"
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, ValueError):
            raise InputError(f"{place}: this is not a line of an export", hint=_AGAIN) from None
        if found.cursor:
            if any(head.seq > read_cursor(found.cursor).get(chain, ChainHead()).seq for chain, head in cursor.items()):
                raise InputError(f"{place}: this cursor is older than the lines before it", hint=_AGAIN)
            cursor = read_cursor(found.cursor)
            continue
        known = cursor.get(found.chain, ChainHead())
        if not found.chain or found.seq != known.seq + 1 or found.prev != known.hash:
            raise InputError(f"{place}: an entry before it is missing, or it occurs twice", hint=_AGAIN)
        cursor[found.chain] = _head(found.seq, found.hash)
    return cursor, end


def append_export(store: Store, file: Path) -> int:
    """Append every entry that the file lacks, and say how many; a line that was cut off is written anew.

    The file is its own cursor: a run that was killed at any moment neither skips nor repeats an entry in the next.
    """
    try:
        return _append(store, file)
    except OSError as error:
        raise not_written(file, error) from None


def _append(store: Store, file: Path) -> int:
    import fcntl  # only where a store is

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(file, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(
            f"{shown(file)} is not a regular file", hint="leave --output out to write into a pipe or device"
        )
    with os.fdopen(descriptor, "r+b") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unreachable(f"another export writes {shown(file)}", hint="wait for it, then try again") from None
        cursor, end = cursor_of_lines(out.read(), source=file.name)
        out.truncate(end)
        out.seek(end)
        count = 0
        for chain, entry in entries_after(store, cursor):
            out.write(f"{line_of(chain, entry)}\n".encode())
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return count


class _Line(msgspec.Struct):
    chain: str = ""
    seq: int = 0
    hash: str = ""
    prev: str = ""
    cursor: str = ""


def _head(seq: int, digest: str) -> ChainHead:
    if seq < 1 or len(digest) != _HASH:
        raise ValueError
    return ChainHead(seq, digest)


def _chains(store: Store) -> Iterator[tuple[str, Sequence[ChainedEvent]]]:
    yield STORE_CHAIN, store.history(None)
    for snapshot, entries in store.trails():
        yield snapshot.id, entries
    for item, _, entries in shared_trails(store):
        yield f"{_SHARED}{item}", entries


def lines_and_cursor(store: Store, cursor: Mapping[str, ChainHead]) -> Iterator[str]:
    """The lines after the cursor, and last the line with the cursor to continue from."""
    moving = dict(cursor)
    for chain, entry in entries_after(store, moving):
        yield line_of(chain, entry)
    yield json.dumps({"cursor": cursor_text(moving)})
