"""The SQLite file: how it is opened, which settings make its promises true, and its two kinds of transaction."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tokenguard.errors import NewerFormat, Tampered, Unreachable
from tokenguard.files import create_private
from tokenguard.stores.local.beside import check_beside
from tokenguard.stores.local.layout import StoreDirectory
from tokenguard.stores.local.length_prefix import RESTORE, damaged
from tokenguard.stores.local.sqlite_errors import translated

APPLICATION_ID = 0x746B6764
FORMAT = 1
PATIENCE = 10.0
"""Seconds to wait for another process before giving up."""
_LARGEST_VALUE = 16 << 20

PRAGMAS: dict[str, tuple[str, str | int]] = {
    "journal_mode": ("DELETE", "delete"),
    "synchronous": ("EXTRA", 3),  # FULL, the default, can lose an acknowledged commit: the journal's unlink comes back
    "fullfsync": ("ON", 1),  # macOS: fsync alone stops at the drive's cache
    "secure_delete": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "cell_size_check": ("ON", 1),
    "mmap_size": ("0", 0),  # a disk error must be an error, not a signal
    "temp_store": ("MEMORY", 2),  # VACUUM leaves nothing in another directory
}
"""What is set, and what must then be read back."""

SCHEMA = {
    "store": "CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL, key_id BLOB NOT NULL, "
    "generation INTEGER NOT NULL, buckets BLOB NOT NULL, root BLOB NOT NULL)",
    "slot": "CREATE TABLE slot (id TEXT PRIMARY KEY, kind TEXT NOT NULL, params TEXT NOT NULL, salt BLOB NOT NULL, "
    "commitment BLOB NOT NULL, wrapped BLOB NOT NULL) WITHOUT ROWID",
    "leaf": "CREATE TABLE leaf (tag BLOB PRIMARY KEY, kind INTEGER NOT NULL, version INTEGER NOT NULL, "
    "digest BLOB NOT NULL, body INTEGER NOT NULL) WITHOUT ROWID",
    "body": "CREATE TABLE body (row INTEGER PRIMARY KEY, sealed BLOB NOT NULL)",
}


class Database:
    """One store's SQLite file. Not shared between processes that fork; safe between threads.

    Hold the store's lock around every use: what lies beside the file is checked before SQLite looks at it, and only
    under the lock is a journal no commit's that is under way.
    """

    def __init__(self, place: StoreDirectory) -> None:
        self._place = place
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity = place.identity()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view. Hold it for milliseconds: writers wait for it."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed and durable when the block ends, undone when it raises."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection
            connection.execute("COMMIT")

    def compact(self) -> None:
        """Rewrite the file without what was deleted from it."""
        with self._mutex, self._poisoned_by_errors():
            check_beside(self._place.database)
            self._connected().execute("VACUUM")

    def copy_to(self, target: Path) -> None:
        """Copy the store into `target`, a new, empty file, while others may read and write."""
        with self._mutex, self._poisoned_by_errors(copy=target):
            check_beside(self._place.database)
            with contextlib.closing(connect(target)) as copy:
                _configure(copy)
                self._connected().backup(copy)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._mutex:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def __del__(self) -> None:
        """A store that was only dropped is closed too: newer Pythons warn of connections left to the collector."""
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._mutex, self._poisoned_by_errors():
            check_beside(self._place.database)
            connection = self._connected()
            connection.execute(begin)
            try:
                _check_schema(connection)
                yield connection
            finally:
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")

    @contextmanager
    def _poisoned_by_errors(self, copy: Path | None = None) -> Iterator[None]:
        """After a failed fsync nothing a handle says can be believed: the next use opens the file afresh."""
        with translated(copy):
            try:
                yield
            except (sqlite3.Error, OSError):
                self.close()
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._place.identity() != self._identity:
            raise Unreachable("the store's file was replaced while it was in use", hint="run the command again")
        if self._connection is None:
            connection = connect(self._place.database)
            try:
                _configure(connection)
            except BaseException:
                connection.close()
                raise
            if self._place.identity() != self._identity:
                connection.close()
                raise Tampered("the store's file was swapped while it was opened", hint=RESTORE)
            self._connection = connection
        return self._connection


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file, never making one; in autocommit, transactions are ours to begin."""
    address = f"file:{quote(os.fsencode(path))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def create_database(path: Path) -> sqlite3.Connection:
    """Make an empty database at `path`, where nothing may be yet; the schema is committed."""
    create_private(path, b"")
    check_beside(path)
    connection = connect(path)
    _configure(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    for statement in SCHEMA.values():
        connection.execute(statement)
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    for name, (wanted, expected) in PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={wanted}")
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found is not None and found[0] != expected:
            raise Unreachable(
                f"SQLite does not keep the setting {name}={wanted}", hint="use a Python built with a plain SQLite"
            )


def _check_schema(connection: sqlite3.Connection) -> None:
    """Refuse any table, index, trigger or view but ours: a planted trigger would act inside our transactions."""
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if marks[0] != APPLICATION_ID:
        raise damaged("the store's file is not a tokenguard store")
    found = dict(connection.execute("SELECT name, sql FROM sqlite_schema").fetchall())
    if found == SCHEMA and marks[1] != FORMAT:  # each format has tables of its own
        raise damaged(f"the store's tables are those of format {FORMAT}, but the file says {marks[1]}")
    NewerFormat.check("the store", marks[1], FORMAT)
    if found != SCHEMA:
        raise damaged("the store's tables are not the ones that tokenguard created")
