"""Sealed rows against a plain dictionary: whatever is done, the same is read, and the tree always fits."""

import sqlite3
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tokenguard.stores.local.batch_rows import BatchRows
from tokenguard.stores.local.database import SCHEMA
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import DataKeys, RowKind, Sealer
from tokenguard.stores.local.tree import EMPTY

KINDS = st.sampled_from([RowKind.DOCUMENT, RowKind.NAME, RowKind.VALUE])
KEYS = st.sampled_from([f"key{number}" for number in range(12)])


class RowsAgainstADictionary(RuleBasedStateMachine):
    batched = False

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for statement in SCHEMA.values():
            self.connection.execute(statement)
        self.sealer = Sealer(DataKeys.derive(b"k" * 32), b"s" * 16)
        self.digests = EMPTY
        self.model: dict[tuple[RowKind, str], tuple[int, bytes]] = {}
        self.begin()

    def begin(self) -> None:
        self.connection.execute("BEGIN")
        self.rows = self.opened_rows()
        self.before = dict(self.model)

    def opened_rows(self) -> SealedRows:
        return SealedRows(self.connection, self.sealer, self.digests)

    @rule(kind=KINDS, key=KEYS, data=st.binary(max_size=600))
    def put(self, kind: RowKind, key: str, data: bytes) -> None:
        version = self.rows.put(kind, key, data)
        assert version == self.model.get((kind, key), (0, b""))[0] + 1
        self.model[kind, key] = version, data

    @rule(kind=KINDS, key=KEYS)
    def delete(self, kind: RowKind, key: str) -> None:
        self.rows.delete(kind, key)
        self.model.pop((kind, key), None)

    @rule(kind=KINDS, key=KEYS)
    def get(self, kind: RowKind, key: str) -> None:
        row = self.rows.get(kind, key)
        assert (row and (row.version, row.data)) == self.model.get((kind, key))

    @rule()
    def commit(self) -> None:
        self.digests = self.rows.digests()
        self.connection.execute("COMMIT")
        self.begin()

    @rule()
    def roll_back(self) -> None:
        self.connection.execute("ROLLBACK")
        self.model = self.before
        self.begin()

    @precondition(lambda self: not self.batched)
    @invariant()
    def a_scan_sees_everything_and_only_its_kinds(self) -> None:
        for kinds in (tuple(RowKind), (RowKind.NAME,)):
            found = {
                (row.kind, row.key): (row.version, row.data)
                for row in (sealed.open(self.sealer) for sealed in self.rows.scan(*kinds))
            }
            assert found == {place: content for place, content in self.model.items() if place[0] in kinds}

    @precondition(lambda self: not self.batched)
    @invariant()
    def no_bytes_are_left_without_a_row(self) -> None:
        assert self.connection.execute("SELECT count(*) FROM body").fetchone() == (len(self.model),)

    def teardown(self) -> None:
        self.connection.close()


RowsAgainstADictionary.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestRows = RowsAgainstADictionary.TestCase


class BatchesAgainstADictionary(RowsAgainstADictionary):
    """Rows that are written when the batch ends, or when a scan needs them; each batch knows the rows of the last."""

    batched = True
    committed: BatchRows | None = None

    def opened_rows(self) -> SealedRows:
        known = self.committed
        self.committed = None
        return BatchRows(self.connection, self.sealer, self.digests, known and known.proven)

    @rule()
    def commit(self) -> None:
        self.committed = self.rows
        super().commit()
        assert list(SealedRows(self.connection, self.sealer, self.digests).leaves()) == list(self.rows.leaves())

    @rule(kind=KINDS, key=KEYS, data=st.binary(max_size=60), deleted=st.booleans())
    def a_step_that_fails(self, kind: RowKind, key: str, data: bytes, *, deleted: bool) -> None:
        with suppress(KeyError), self.rows.step():
            self.rows.put(kind, key, data)
            if deleted:
                self.rows.delete(kind, key)
            raise KeyError

    @rule()
    def scan(self) -> None:
        found = {(row.kind, row.key): row.data for row in (each.open(self.sealer) for each in self.rows.scan(*RowKind))}
        assert found == {place: data for place, (_, data) in self.model.items()}


BatchesAgainstADictionary.TestCase.settings = RowsAgainstADictionary.TestCase.settings
TestBatches = BatchesAgainstADictionary.TestCase
