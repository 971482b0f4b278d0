"""Full verification of an embedded store: the file, the tree, every row, every chain, every pointer."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tokenguard.audit.chain import first_break
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.document import decode as decode_document
from tokenguard.domain.event import ChainedEvent, ChainHead
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, field
from tokenguard.stores.local import chains
from tokenguard.stores.local.codec import LivePointer, StoreKeys, candidate_key, decode, decode_slot
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.rows import SealedRow, SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind, kind_words
from tokenguard.stores.local.tree import Leaf


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


class StoreCheck:
    """One examination of everything that is stored: each row is read once, and its audit trails are given on the way.

    Args:
        session: the store. Names, documents and audit entries are opened after its lock is released.

    Raises:
        Tampered: the tree does not hold, so that no row can be believed.
    """

    def __init__(self, session: StoreSession) -> None:
        self._sealer = session.sealer
        self._seen = _Seen()
        self._walked: set[str] = set()
        self._kept: dict[bytes, SealedRow] = {}
        self._found: list[IntegrityProblem] = []
        self._unreadable: Tampered | None = None
        with session.snapshot() as (connection, rows):
            self._found += _check_file(connection)
            count = 0
            for leaf in rows.leaves():
                count += 1
                self._take(rows, leaf)
            if connection.execute("SELECT count(*) FROM body").fetchone()[0] != count:
                self._found.append(IntegrityProblem("file", "there are encrypted bytes that belong to no row"))

    def get(self, kind: RowKind, key: str) -> OpenedRow | None:
        """The row of `key`, the first time it is asked for."""
        row = self._kept.pop(self._sealer.tag(kind, key), None)
        return None if row is None else row.open(self._sealer)

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with its audit entries; Tampered for what cannot be read."""
        if self._unreadable is not None:
            raise self._unreadable
        for tag in [tag for tag, row in self._kept.items() if row.leaf.kind == RowKind.NAME]:
            _note_name(self._seen, self._kept.pop(tag).open(self._sealer))
        for _, token in sorted(self._seen.names.items()):
            row = self.get(RowKind.DOCUMENT, token)
            if row is None:
                raise damaged("a name in the store has no document")
            document = _note_document(self._seen, row)
            entries = chains.entries_of(self, token, document.chain)
            self._walked.add(token)
            self._seen.entries[token] = len(entries)
            yield Snapshot(id=TokenId(token), version=row.version, document=document), entries

    def problems(self) -> Iterator[IntegrityProblem]:
        """What does not hold; of the audit trails that were given, only their length is checked."""
        for tag, row in list(self._kept.items()):
            if row.leaf.kind != RowKind.EVENT:
                self._note(self._kept.pop(tag))
        yield from self._found
        unwalked = [(chain, head) for chain, head in self._seen.heads.items() if chain not in self._walked]
        broken = [each for chain, head in unwalked for each in self._check_chain(chain, head)]
        self._found = []
        for row in self._kept.values():
            self._note(row)  # entries that no chain has
        yield from self._found
        yield from _compare(self._seen)
        yield from broken

    def _take(self, rows: SealedRows, leaf: Leaf) -> None:
        try:
            row = rows.sealed(leaf)
        except Tampered as error:
            self._unreadable = error if leaf.kind in _KEPT else self._unreadable
            self._found.append(_row_problem(leaf, error.message))
            return
        if leaf.kind in _KEPT:
            self._kept[leaf.tag] = row
        else:
            self._note(row)

    def _note(self, row: SealedRow) -> None:
        try:
            _NOTE[RowKind(row.leaf.kind)](self._seen, row.open(self._sealer))
        except Tampered as error:
            self._found.append(_row_problem(row.leaf, error.message))
        except ValueError:
            self._found.append(_row_problem(row.leaf, "a row of unknown kind"))

    def _check_chain(self, chain: str, head: ChainHead) -> Iterator[IntegrityProblem]:
        try:
            entries = chains.entries_of(self, chain, head)
        except Tampered as error:
            yield IntegrityProblem(f"chain {chain}", error.message)
            return
        self._seen.entries[chain] = len(entries)
        if broken := first_break(chain, entries, head):
            what = f"its audit trail is broken at entry {broken.seq}: {broken.reason}"
            yield IntegrityProblem(f"chain {chain}", what)


def check_store(session: StoreSession) -> Iterator[IntegrityProblem]:
    """Verify everything; yields problems, none if the store is whole. Unreachable if it cannot be read."""
    try:
        yield from StoreCheck(session).problems()
    except Tampered as error:
        yield IntegrityProblem("tree", error.message)


def _row_problem(leaf: Leaf, what: str) -> IntegrityProblem:
    return IntegrityProblem(f"{kind_words(leaf.kind)} row {leaf.tag.hex()}", what)


def _check_file(connection: sqlite3.Connection) -> Iterator[IntegrityProblem]:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        yield IntegrityProblem("file", "SQLite finds the file's structure damaged")


def _note_document(seen: _Seen, row: OpenedRow) -> Document:
    document = decode_document(row.data)
    seen.documents[document.record.name] = row.key
    seen.heads[row.key] = document.chain
    seen.known.update((fingerprint, row.key) for fingerprint in document.fingerprints)
    return document


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


_KEPT = frozenset({RowKind.NAME, RowKind.DOCUMENT, RowKind.EVENT})
"""What the audit trails need."""
_NOTE: dict[RowKind, Callable[[_Seen, OpenedRow], object]] = {
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
        yield IntegrityProblem(f"token {token}", "its name and its document do not match")
    for name in seen.names.keys() & seen.documents.keys():
        if seen.names[name] != seen.documents[name]:
            yield IntegrityProblem(f"token {seen.names[name]}", "its name belongs to another token's document")
    for token in sorted({token for _, token in seen.known ^ seen.indexed}):
        yield IntegrityProblem(f"token {token}", "its values and their index do not match")
    for pointer in seen.pointers:
        if pointer not in seen.values:
            yield IntegrityProblem(f"token {pointer.partition(':')[0]}", "the live version has no value")
    for chain, head in seen.heads.items():
        if seen.entries.get(chain, 0) != head.seq:
            yield IntegrityProblem(f"chain {chain}", "the number of audit entries does not fit the chain's head")
    for chain in seen.entries.keys() - seen.heads.keys():
        yield IntegrityProblem(f"chain {chain}", "there are audit entries without a document")
