"""A disk that loses power: what a store's SQLite file can look like afterwards, by what was synced and what was not.

SQLite's own writes are recorded through an apsw VFS under the store's real traffic. The model: sectors of 512 bytes
that were not synced survive, vanish or turn to garbage, each by itself; a file's first sync makes its name durable;
the first sync of a new journal also syncs the directory (as SQLite's unix VFS does); an unlink that was not synced
may come back.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512
VFS_NAME = "tokenguard-recorder"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: `open write truncate sync unlink` on a file, `anchor` (its bytes), `ack`."""

    what: str
    file: str = ""
    at: int = 0
    data: bytes = b""
    synced: bool = False


class Recorder(apsw.VFS):
    """A VFS that writes down what is done to the files below it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        super().__init__(VFS_NAME, "")

    def xOpen(self, name, flags):  # noqa: N802 - apsw's name
        return _RecordedFile(self.steps, name, flags)

    def xDelete(self, filename, syncdir):  # noqa: N802
        super().xDelete(filename, syncdir)
        self.steps.append(Step("unlink", Path(filename).name, synced=bool(syncdir)))

    def connect(self, path: Path) -> "Connection":
        """In place of `database.connect`."""
        connection = apsw.Connection(str(path), vfs=VFS_NAME, flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(5000)
        return Connection(connection)


class _RecordedFile(apsw.VFSFile):
    def __init__(self, steps, name, flags) -> None:
        self._steps = steps
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__("", name, flags)
        self._record(Step("open", self._name))

    def xWrite(self, data, offset):  # noqa: N802
        super().xWrite(data, offset)
        self._record(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize):  # noqa: N802
        super().xTruncate(newsize)
        self._record(Step("truncate", self._name, newsize))

    def xSync(self, flags):  # noqa: N802
        super().xSync(flags)
        self._record(Step("sync", self._name))

    def _record(self, step: Step) -> None:
        if step.file:  # temporary files have no name and need none
            self._steps.append(step)


class Connection:
    """An apsw connection that looks like the standard library's, as far as the store uses it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> "Cursor":
        return Cursor(self._connection, self._connection.execute(sql, parameters))

    def setlimit(self, category: int, limit: int) -> None:
        self._connection.limit(category, limit)

    def close(self) -> None:
        self._connection.close()


class Cursor:
    def __init__(self, connection: apsw.Connection, cursor: apsw.Cursor) -> None:
        self._cursor = cursor
        self.lastrowid = connection.last_insert_rowid()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._cursor)

    def fetchone(self):
        return self._cursor.fetchone()

    def fetchall(self):
        return self._cursor.fetchall()


@dataclass(slots=True)
class _File:
    now: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)
    named: bool = False
    """Whether its name is durable."""

    def put(self, step: Step) -> None:
        _apply(self.now, step)
        self.pending.append(step)

    def sync(self) -> None:
        self.durable, self.pending, self.named = bytearray(self.now), [], True


class Disk:
    """The files of one directory, as they are and as they are durable."""

    def __init__(self, durable: dict[str, bytes], anchor: bytes) -> None:
        self._files = {name: _File(bytearray(data), bytearray(data), [], True) for name, data in durable.items()}
        self._unlinked: dict[str, _File] = {}
        self.anchor = anchor
        self.acknowledged = 0

    def put(self, step: Step) -> None:
        """Do what `step` did."""
        match step.what:
            case "ack":
                self.acknowledged += 1
            case "anchor":
                self.anchor = step.data
            case "open":
                self._files.setdefault(step.file, _File())
            case "sync":
                self._sync(step.file)
            case "unlink":
                gone = self._files.pop(step.file, _File())
                self._unlinked.pop(step.file, None)
                if not step.synced:
                    self._unlinked[step.file] = gone
            case _:
                self._files[step.file].put(step)

    def after_power_loss(self, mode: str, rng: random.Random) -> dict[str, bytes]:
        """One directory that could be found: `all` (nothing lost), `none` (only what was synced), `some`."""
        found = {}
        for name, file in self._files.items():
            if mode == "all":
                found[name] = bytes(file.now)
            elif file.named or (mode == "some" and rng.random() < 0.5):
                found[name] = bytes(file.durable) if mode == "none" else _torn(file, rng)
        for name, file in self._unlinked.items():
            if name not in found and (mode == "none" or (mode == "some" and rng.random() < 0.5)):
                found[name] = bytes(file.durable)
        return found

    def _sync(self, name: str) -> None:
        file = self._files[name]
        if name.endswith("-journal") and not file.named:
            self._unlinked.clear()
        file.sync()


def _apply(data: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del data[step.at :]
        data.extend(bytes(step.at - len(data)))
        return
    data.extend(bytes(max(0, step.at - len(data))))
    data[step.at : step.at + len(step.data)] = step.data


def _torn(file: _File, rng: random.Random) -> bytes:
    data = bytearray(file.durable)
    for step in file.pending:
        if step.what == "truncate":
            if rng.random() < 0.5:
                _apply(data, step)
            continue
        for start in range(0, len(step.data), SECTOR):
            sector, luck = step.data[start : start + SECTOR], rng.random()
            if luck < 0.6:
                written = sector if luck < 0.5 else rng.randbytes(len(sector))
                _apply(data, Step("write", at=step.at + start, data=written))
    return bytes(data)
