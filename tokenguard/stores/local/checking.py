"""Full verification of an embedded store: the file, the tree, every row, every chain, every pointer."""

import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from tokenguard.audit.chain import first_break
from tokenguard.domain.document import decode as decode_document
from tokenguard.domain.event import ChainHead, Entry
from tokenguard.domain.move import Move
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, field
from tokenguard.stores.local import chains
from tokenguard.stores.local.contents import Pointer, StoreKeys, candidate_key, decode, decode_slot
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import Kind, Row
from tokenguard.stores.local.session import Session


class Problem(Frozen, frozen=True):
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


def check_store(session: Session) -> Iterator[Problem]:
    """Verify everything; yields problems, none if the store is whole. Unreachable if it cannot be read."""
    try:
        with session.snapshot() as (connection, rows):
            problems = [*_check_file(connection), *_check_rows(connection, rows)]
    except Tampered as error:
        problems = [Problem("tree", error.message)]
    yield from problems


def _check_file(connection: sqlite3.Connection) -> Iterator[Problem]:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        yield Problem("file", "SQLite finds the file's structure damaged")


def _check_rows(connection: sqlite3.Connection, rows: SealedRows) -> Iterator[Problem]:
    seen = _Seen()
    count = 0
    for leaf in rows.leaves():
        count += 1
        try:
            _NOTE[Kind(leaf.kind)](seen, rows.opened(leaf))
        except (Tampered, ValueError) as error:
            what = error.message if isinstance(error, Tampered) else "a row of unknown kind"
            yield Problem(f"row {leaf.tag.hex()}", what)
    if connection.execute("SELECT count(*) FROM body").fetchone()[0] != count:
        yield Problem("file", "there are sealed bytes that no row owns")
    yield from _compare(seen)
    for chain, head in seen.heads.items():
        yield from _check_chain(rows, chain, head, seen.entries.get(chain, 0))


def _note_document(seen: _Seen, row: Row) -> None:
    document = decode_document(row.data)
    seen.documents[document.record.name] = row.key
    seen.heads[row.key] = document.chain
    seen.known.update((fingerprint, row.key) for fingerprint in document.fingerprints)


def _note_entry(seen: _Seen, row: Row) -> None:
    chain = row.key.partition(":")[0]
    decode(row.data, Entry)
    seen.entries[chain] = seen.entries.get(chain, 0) + 1


def _note_candidate(seen: _Seen, row: Row) -> None:
    if isinstance(decode_slot(row.data), Value):
        seen.values.add(row.key)


def _note_pointer(seen: _Seen, row: Row) -> None:
    label = decode(row.data, Pointer).label
    if label is not None:
        seen.pointers.append(candidate_key(TokenId(row.key), label))


def _note_name(seen: _Seen, row: Row) -> None:
    seen.names[row.key] = row.data.decode()


def _note_head(seen: _Seen, row: Row) -> None:
    seen.heads[row.key] = decode(row.data, ChainHead)


def _note_holders(seen: _Seen, row: Row) -> None:
    seen.indexed.update((row.key, token) for token in decode(row.data, tuple[str, ...]))


def _note_move(_seen: _Seen, row: Row) -> None:
    decode(row.data, Move)


def _note_shared(_seen: _Seen, _row: Row) -> None:
    """Any bytes: who reads them checks their signature."""


def _note_keys(_seen: _Seen, row: Row) -> None:
    decode(row.data, StoreKeys)


_NOTE: dict[Kind, Callable[[_Seen, Row], None]] = {
    Kind.DOCUMENT: _note_document,
    Kind.NAME: _note_name,
    Kind.EVENT: _note_entry,
    Kind.VALUE: _note_candidate,
    Kind.LIVE: _note_pointer,
    Kind.CHAIN: _note_head,
    Kind.KEYS: _note_keys,
    Kind.HOLDERS: _note_holders,
    Kind.MOVE: _note_move,
    Kind.SHARED: _note_shared,
}


def _compare(seen: _Seen) -> Iterator[Problem]:
    for name in seen.names.keys() ^ seen.documents.keys():
        token = seen.names.get(name) or seen.documents[name]
        yield Problem(f"token {token}", "its name and its document do not belong together")
    for name in seen.names.keys() & seen.documents.keys():
        if seen.names[name] != seen.documents[name]:
            yield Problem(f"token {seen.names[name]}", "its name leads to another token's document")
    for token in sorted({token for _, token in seen.known ^ seen.indexed}):
        yield Problem(f"token {token}", "its values and their index do not belong together")
    for pointer in seen.pointers:
        if pointer not in seen.values:
            yield Problem(f"token {pointer.partition(':')[0]}", "what should be live has no value")
    for chain in seen.entries.keys() - seen.heads.keys():
        yield Problem(f"chain {chain}", "there are audit entries without a document")


def _check_chain(rows: SealedRows, chain: str, head: ChainHead, stored: int) -> Iterator[Problem]:
    if stored != head.seq:
        yield Problem(f"chain {chain}", "the number of audit entries does not fit the chain's head")
    try:
        entries = chains.entries_of(rows, chain, head)
    except Tampered as error:
        yield Problem(f"chain {chain}", error.message)
        return
    if broken := first_break(chain, entries, head):
        yield Problem(f"chain {chain}", f"its audit trail does not hold at entry {broken.seq}: {broken.reason}")
