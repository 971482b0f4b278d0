"""Full verification of an embedded store: the file, the tree, every row, every chain, every pointer."""

import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from tokenguard.audit.chain import first_break
from tokenguard.domain.document import decode as decode_document
from tokenguard.domain.event import ChainedEvent, ChainHead
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, field
from tokenguard.stores.local import chains
from tokenguard.stores.local.codec import LivePointer, StoreKeys, candidate_key, decode, decode_slot
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind, kind_words


class IntegrityProblem(Frozen, frozen=True):
    """Something stored that does not hold."""

    where: str
    """`file`, `tree`, or a row by kind and token id; never a name or a value."""
    what: str
    hint: str = "keep a copy of the store as evidence, then restore it from a backup: tokenguard store restore FILE"


class _Seen(msgspec.Struct):
    """What the rows say of each other, gathered in one pass and compared afterwards."""

    names: dict[str, str] = field(default_factory=dict)
    """Token id by name, from the name rows."""
    documents: dict[str, str] = field(default_factory=dict)
    """Token id by name, from the documents."""
    heads: dict[str, ChainHead] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    pointers: list[str] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    """Fingerprint and token id, from the documents."""
    indexed: set[tuple[str, str]] = field(default_factory=set)
    """The same, from the index."""


def check_store(session: StoreSession) -> Iterator[IntegrityProblem]:
    """Verify everything; yields problems, none if the store is whole. Unreachable if it cannot be read."""
    try:
        with session.snapshot() as (connection, rows):
            problems = [*_check_file(connection), *_check_rows(connection, rows)]
    except Tampered as error:
        problems = [IntegrityProblem("tree", error.message)]
    yield from problems


def _check_file(connection: sqlite3.Connection) -> Iterator[IntegrityProblem]:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        yield IntegrityProblem("file", "SQLite finds the file's structure damaged")


def _check_rows(connection: sqlite3.Connection, rows: SealedRows) -> Iterator[IntegrityProblem]:
    seen = _Seen()
    count = 0
    for leaf in rows.leaves():
        count += 1
        try:
            _NOTE[RowKind(leaf.kind)](seen, rows.opened(leaf))
        except (Tampered, ValueError) as error:
            what = error.message if isinstance(error, Tampered) else "a row of unknown kind"
            yield IntegrityProblem(f"{kind_words(leaf.kind)} row {leaf.tag.hex()}", what)
    if connection.execute("SELECT count(*) FROM body").fetchone()[0] != count:
        yield IntegrityProblem("file", "there are encrypted bytes that belong to no row")
    yield from _compare(seen)
    for chain, head in seen.heads.items():
        yield from _check_chain(rows, chain, head, seen.entries.get(chain, 0))


def _note_document(seen: _Seen, row: OpenedRow) -> None:
    document = decode_document(row.data)
    seen.documents[document.record.name] = row.key
    seen.heads[row.key] = document.chain
    seen.known.update((fingerprint, row.key) for fingerprint in document.fingerprints)


def _note_entry(seen: _Seen, row: OpenedRow) -> None:
    chain = row.key.partition(":")[0]
    decode(row.data, ChainedEvent)
    seen.entries[chain] = seen.entries.get(chain, 0) + 1


def _note_candidate(seen: _Seen, row: OpenedRow) -> None:
    if isinstance(decode_slot(row.data), Value):
        seen.values.add(row.key)


def _note_pointer(seen: _Seen, row: OpenedRow) -> None:
    label = decode(row.data, LivePointer).label
    if label is not None:
        seen.pointers.append(candidate_key(TokenId(row.key), label))


def _note_name(seen: _Seen, row: OpenedRow) -> None:
    seen.names[row.key] = row.data.decode()


def _note_head(seen: _Seen, row: OpenedRow) -> None:
    seen.heads[row.key] = decode(row.data, ChainHead)


def _note_holders(seen: _Seen, row: OpenedRow) -> None:
    seen.indexed.update((row.key, token) for token in decode(row.data, tuple[str, ...]))


def _note_move(_seen: _Seen, row: OpenedRow) -> None:
    decode(row.data, Move)


def _note_shared(_seen: _Seen, _row: OpenedRow) -> None:
    """Any bytes: who reads them checks their signature."""


def _note_keys(_seen: _Seen, row: OpenedRow) -> None:
    decode(row.data, StoreKeys)


_NOTE: dict[RowKind, Callable[[_Seen, OpenedRow], None]] = {
    RowKind.DOCUMENT: _note_document,
    RowKind.NAME: _note_name,
    RowKind.EVENT: _note_entry,
    RowKind.VALUE: _note_candidate,
    RowKind.LIVE: _note_pointer,
    RowKind.CHAIN: _note_head,
    RowKind.KEYS: _note_keys,
    RowKind.HOLDERS: _note_holders,
    RowKind.MOVE: _note_move,
    RowKind.SHARED: _note_shared,
}


def _compare(seen: _Seen) -> Iterator[IntegrityProblem]:
    for name in seen.names.keys() ^ seen.documents.keys():
        token = seen.names.get(name) or seen.documents[name]
        yield IntegrityProblem(f"token {token}", "its name and its document do not belong together")
    for name in seen.names.keys() & seen.documents.keys():
        if seen.names[name] != seen.documents[name]:
            yield IntegrityProblem(f"token {seen.names[name]}", "its name belongs to another token's document")
    for token in sorted({token for _, token in seen.known ^ seen.indexed}):
        yield IntegrityProblem(f"token {token}", "its values and their index do not belong together")
    for pointer in seen.pointers:
        if pointer not in seen.values:
            yield IntegrityProblem(f"token {pointer.partition(':')[0]}", "what should be live has no value")
    for chain in seen.entries.keys() - seen.heads.keys():
        yield IntegrityProblem(f"chain {chain}", "there are audit entries without a document")


def _check_chain(rows: SealedRows, chain: str, head: ChainHead, stored: int) -> Iterator[IntegrityProblem]:
    if stored != head.seq:
        yield IntegrityProblem(f"chain {chain}", "the number of audit entries does not fit the chain's head")
    try:
        entries = chains.entries_of(rows, chain, head)
    except Tampered as error:
        yield IntegrityProblem(f"chain {chain}", error.message)
        return
    if broken := first_break(chain, entries, head):
        yield IntegrityProblem(f"chain {chain}", f"its audit trail is broken at entry {broken.seq}: {broken.reason}")
