"""Reads all documents in few requests, through the index and the documents changed since it was written.

A writer sets a mark before it changes a document, and an index row is valid only if its token is not marked. If the
server lists versions (OpenBao), each scan also verifies a page of a thousand rows against them, which detects an index
changed by other writers. Readers with write permission repair the index.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tokenguard.clients.vault.kv import PAGE, KvEntry, KvMount
from tokenguard.clients.vault.parallel import in_parallel
from tokenguard.clients.vault.vault_errors import CasLost, VaultError, VaultFailure
from tokenguard.domain.document import Snapshot, decode
from tokenguard.domain.names import TokenId
from tokenguard.errors import Tampered
from tokenguard.stores.vault.codec import document_bytes, is_foreign, stamp, unpack_envelope
from tokenguard.stores.vault.folders import Folders, document_in, mark_in, shard_in
from tokenguard.stores.vault.layout import VaultAddress, shard_of
from tokenguard.stores.vault.shards import IndexRow, pack_shard, unpack_shard


@dataclass(frozen=True, slots=True)
class _Read:
    """A shard as it was read; version 0 without rows if it does not exist."""

    version: int
    rows: dict[TokenId, IndexRow]


class VaultInventory:
    """The index rows of all documents."""

    def __init__(self, kv: KvMount, place: VaultAddress, folders: Folders, *, detailed: bool) -> None:
        self._kv = kv
        self._folders = folders
        self._place = place
        self._detailed = detailed
        self._marked: dict[TokenId, int] = {}
        self._may_write = True

    def rows(self) -> list[IndexRow]:
        """Return a current row for every document; tokens whose creation failed are left out."""
        # in this order: a mark is removed only when its shard is current, and a document is written only after its mark
        marks = [(name, *mark) for name, mark in self._folders.ours(self._place.marks, mark_in)]
        shards = self._shards([number for _, number in self._folders.ours(self._place.shards, shard_in)])
        documents = [token for _, token in self._folders.ours(self._place.documents, document_in)]
        rows = {token: row for read in shards.values() for token, row in read.rows.items()}
        known = {token: rows[token] for token in documents if token in rows and rows[token].name}  # none hides a token
        for token, row in rows.items():
            if row.name and token not in known:
                self._folders.note_gone(token, row.name)
        behind = {token for _, token, _ in marks} | (set(documents) - known.keys()) | self._outdated(documents, known)
        fresh = self._documents(sorted(behind))
        for number in {shard_of(token) for token in fresh}:
            read = shards.get(number, _Read(0, {}))
            if self._put_right(number, read, fresh, {*read.rows, *fresh}):
                self._sweep(marks, fresh, number)
        return [row for row in {**known, **fresh}.values() if row.name]

    def documents(self, load: Callable[[TokenId], Snapshot | None]) -> list[Snapshot]:
        """Return every token by its document, one request each, and record those of which the index tells otherwise."""
        told = {row.token: row for row in self.rows()}
        found = {token: one for token, one in in_parallel(load, list(told)).items() if one is not None}
        behind = [token for token, one in found.items() if told[token].version < one.version]
        again = {row.token: row for row in self.rows()} if behind else {}  # a document may change meanwhile
        for token, one in found.items():
            row = again.get(token, told[token]) if token in behind else told[token]
            changed_since = token in behind and row.version > one.version
            if not changed_since and _differs(row, one):
                self._folders.note_altered(self._place.shard(shard_of(token)), one.document.record.name)
        return [*found.values()]

    def about_to_move(self, token: TokenId, expected: int) -> None:
        """Set a mark before the document changes from `expected`, unless an own mark still covers it.

        A new document needs none: the index has no row for it, and readers look up documents without a row.
        """
        if expected == 0 or self._marked.get(token) == expected:
            return
        self._kv.write(self._place.mark(token, expected), stamp(), 0)
        self._marked[token] = expected

    def moved(self, token: TokenId, version: int, *, busy: bool) -> None:
        """Record our commit of `version`: during an operation, its first mark covers the following commits too."""
        if not busy:
            self._marked.pop(token, None)
        elif token in self._marked:
            self._marked[token] = version

    def _outdated(self, documents: Sequence[TokenId], known: Mapping[TokenId, IndexRow]) -> set[TokenId]:
        """Return the documents of one page (or all, if they fit one page) whose rows are outdated."""
        if not self._detailed or not known:
            return set()
        pages = ["", *sorted(documents)[PAGE - 1 : -1 : PAGE]]
        try:
            listed = self._kv.versions(self._place.documents, secrets.choice(pages))
        except VaultError as error:
            if error.reason is not VaultFailure.UNSUPPORTED:
                raise
            return set()  # the store is now on another kind of server
        return {token for token, row in known.items() if listed.get(token, row.version) > row.version}

    def _sweep(self, marks: Iterable[tuple[str, TokenId, int]], fresh: Mapping[TokenId, IndexRow], number: int) -> None:
        """Remove marks of finished operations: the document has a newer version and no open operation."""
        over = [
            f"{self._place.marks}/{name}"
            for name, token, expected in marks
            if shard_of(token) == number and token in fresh
            if fresh[token].version > expected and not fresh[token].busy
        ]
        in_parallel(self._kv.forget, over)

    def _put_right(
        self, number: int, read: _Read, fresh: Mapping[TokenId, IndexRow], wanted: Iterable[TokenId]
    ) -> bool:
        rows = {**read.rows, **{token: row for token, row in fresh.items() if shard_of(token) == number}}
        data = pack_shard(rows[token] for token in set(wanted) if token in rows and shard_of(token) == number)
        if data is None or not self._may_write:
            return False
        try:
            self._kv.write(self._place.shard(number), data, read.version)
        except CasLost:
            return False  # another reader repaired it
        except VaultError:
            self._may_write = False
            return False
        return True

    def _shards(self, numbers: Sequence[int]) -> dict[int, _Read]:
        def read(number: int) -> _Read:
            entry = self._kv.read(self._place.shard(number))
            try:
                rows = {token: row for token, row in unpack_shard(entry).items() if shard_of(token) == number}
                return _Read(entry.version if entry else 0, rows)
            except Tampered:
                return _Read(entry.version if entry else 0, {})  # derived data: rebuilt from the documents

        return in_parallel(read, numbers)

    def _documents(self, tokens: Iterable[TokenId]) -> dict[TokenId, IndexRow]:
        found = in_parallel(lambda token: self._kv.read(self._place.document(token)), list(tokens))
        rows = {}
        for token, entry in found.items():
            if entry is not None and is_foreign(entry):
                self._folders.note(self._place.document(token))
            elif entry is not None:
                rows[token] = self._row(token, entry)
        return rows

    def _row(self, token: TokenId, entry: KvEntry) -> IndexRow:
        envelope = unpack_envelope(entry, self._kv.mount, self._place.document(token))
        if envelope is None:
            return IndexRow(name="", token=token, version=entry.version, busy=False, document=msgspec.Raw(b"null"))
        return IndexRow(
            name=envelope.document.record.name,
            token=token,
            version=entry.version,
            busy=envelope.document.busy,
            document=msgspec.Raw(document_bytes(entry.data)),
        )


def _differs(row: IndexRow, found: Snapshot) -> bool:
    """Whether a row says something else of a token than its document."""
    about = (found.version, found.document.record.name, found.document.busy)
    try:
        return (row.version, row.name, row.busy) != about or decode(bytes(row.document)) != found.document
    except Tampered:
        return True
