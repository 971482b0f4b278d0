"""Journals and logs beside the embedded store that a crash did not leave: refused before SQLite acts on them."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.local_stores import added, everything, made, opened
from tokenguard.errors import Tampered
from tokenguard.stores.local import beside
from tokenguard.stores.local.layout import anchor_directory

PAGE = 4096
MAGIC = bytes.fromhex("d9d505f920a163d7")


class World:
    """A store that went on after a copy of it was made, with a file of the user elsewhere."""

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "store"
        store = made(self.home)
        self.earlier = self.file.read_bytes()
        added(store, "video/upload")
        self.content = everything(store)
        store.close()
        self.now = self.file.read_bytes()
        self.victim = tmp_path / "victim"
        self.victim.write_bytes(b"precious")
        self.anchor = anchor_directory() / store.store_id

    @property
    def file(self) -> Path:
        return self.home / "store.db"

    def beside(self, suffix: str = "-journal") -> Path:
        return self.home / f"store.db{suffix}"

    def plant(self, data: bytes, suffix: str = "-journal") -> None:
        self.beside(suffix).write_bytes(data)
        self.beside(suffix).chmod(0o600)

    def pages(self) -> int:
        return len(self.now) // PAGE

    def refused(self, read: Callable[[], object] | None = None) -> None:
        """Tampering, and neither the anchor nor a file of the user is gone."""
        anchor = self.anchor.read_bytes()
        with pytest.raises(Tampered) as caught:
            (read or (lambda: opened(self.home)))()
        assert caught.value.exit_code == 6
        assert "store restore" in caught.value.hint
        assert self.victim.is_file()
        assert self.anchor.is_file()
        assert self.victim.read_bytes() == b"precious"
        assert self.anchor.read_bytes() == anchor


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    return World(tmp_path)


def header(world: World, **changed: int) -> bytes:
    """The first sector of a journal that fits the store and has no pages."""
    told = {"records": 0, "nonce": 0x1234, "pages": world.pages(), "sector": 512, "page_size": PAGE, **changed}
    return (MAGIC + struct.pack(">5I", *told.values())).ljust(512, b"\0")


def record(number: int, page: bytes, nonce: int = 0x1234) -> bytes:
    """One page as SQLite journals it."""
    checksum = nonce + sum(page[at] for at in range(len(page) - 200, 0, -200))
    return struct.pack(">I", number) + page + struct.pack(">I", checksum & 0xFFFFFFFF)


def super_record(path: Path) -> bytes:
    name = os.fsencode(path)
    return struct.pack(">I", 0x40000000 // PAGE + 1) + name + struct.pack(">II", len(name), sum(name)) + MAGIC


def earlier_pages(world: World, target: Path | None) -> bytes:
    """A journal that puts the earlier copy back as a whole."""
    count = len(world.earlier) // PAGE
    records = (record(at + 1, world.earlier[at * PAGE : (at + 1) * PAGE]) for at in range(count))
    return header(world, records=count, pages=count) + b"".join(records) + (super_record(target) if target else b"")


SUPERS: dict[str, Callable[[World], bytes]] = {
    "the anchor": lambda world: header(world) + super_record(world.anchor),
    "a file of the user": lambda world: header(world) + super_record(world.victim),
    "with the pages of an earlier copy": lambda world: earlier_pages(world, world.anchor),
    "without a header": lambda world: bytes(512) + super_record(world.anchor),
    "with a torn header": lambda world: os.urandom(512) + super_record(world.victim),
    "nothing but the record": lambda world: super_record(world.anchor),
    "a file that is not there": lambda world: header(world) + super_record(world.home / "absent"),
    "a wrong checksum": lambda world: header(world) + super_record(world.anchor)[:-12] + bytes(4) + MAGIC,
    "the shortest": lambda _world: bytes(8) + MAGIC,
}


@pytest.mark.parametrize("journal", SUPERS.values(), ids=SUPERS)
def test_a_journal_with_a_super_journal_record_is_tampering(world: World, journal: Callable[[World], bytes]):
    world.plant(journal(world))
    world.refused()
    world.file.write_bytes(world.earlier)
    world.refused()


@pytest.mark.parametrize("use", ["read", "write", "check", "backup"])
def test_an_open_store_looks_before_every_transaction(world: World, use: str, tmp_path: Path):
    store = opened(world.home)
    world.plant(header(world) + super_record(world.anchor))
    uses: dict[str, Callable[[], object]] = {
        "read": lambda: list(store.scan()),
        "write": lambda: added(store, "video/more"),
        "backup": lambda: store.backup(tmp_path / "backup"),
        "check": lambda: opened(world.home).check(),
    }
    world.refused(uses[use])
    world.refused(lambda: list(store.scan()))


def test_a_compaction_looks_too(world: World):
    store = opened(world.home)
    world.plant(header(world) + super_record(world.anchor))
    world.refused(store.session.compact)


def test_the_file_of_a_backup_is_looked_at_too(world: World, tmp_path: Path):
    """SQLite writes the copy: what lies beside the new file is as dangerous."""
    target = tmp_path / "backup.db"
    planted = tmp_path / "backup.db-journal"
    planted.write_bytes(header(world) + super_record(world.victim))
    planted.chmod(0o600)
    world.refused(lambda: opened(world.home).backup(target))


HEADERS: dict[str, dict[str, int]] = {
    "one page more": {"pages": 10_000},
    "no page": {"pages": 0},
    "a record that is not there": {"records": 1},
    "many records that are not there": {"records": 0xFFFFFFFE},
    "a small page size": {"page_size": 512},
    "a large page size": {"page_size": 65_536},
    "no page size": {"page_size": 0},
    "an odd page size": {"page_size": 5000},
    "an odd sector size": {"sector": 513},
    "a huge sector size": {"sector": 1 << 20},
    "no sector size": {"sector": 0},
}


@pytest.mark.parametrize("changed", HEADERS.values(), ids=HEADERS)
def test_a_hot_journal_is_replayed_only_if_its_header_fits_the_store(world: World, changed: dict[str, int]):
    world.plant(header(world, **changed))
    world.refused()
    assert world.file.read_bytes() == world.now


def test_a_journal_that_says_to_cut_the_store_is_refused(world: World):
    world.plant(header(world, pages=1, records=1) + record(1, world.now[:PAGE])[:-1])
    world.refused()
    assert world.file.read_bytes() == world.now


def test_an_earlier_copy_out_of_a_journal_is_as_old_as_one_put_back(world: World):
    """Nothing about the journal is wrong: the anchor tells."""
    world.plant(earlier_pages(world, None))
    world.refused()


HARMLESS: dict[str, Callable[[World], bytes]] = {
    "empty": lambda _world: b"",
    "a torn header": lambda _world: os.urandom(512),
    "zeros": lambda _world: bytes(2048),
    "a header that was not synced": header,
    "the start of a header": lambda _world: MAGIC,
}


@pytest.mark.parametrize("journal", HARMLESS.values(), ids=HARMLESS)
def test_what_a_crash_can_leave_is_gone_on_from(world: World, journal: Callable[[World], bytes]):
    world.plant(journal(world))
    store = opened(world.home)
    assert everything(store) == world.content
    added(store, "video/more")


# ---- what is not a file of ours, in the place of each


def _hardlink(path: Path, world: World) -> None:
    path.hardlink_to(world.victim)


def _open_to_all(path: Path, world: World) -> None:
    path.write_bytes(header(world))
    path.chmod(0o644)


def _foreign(path: Path, world: World) -> None:
    path.write_bytes(header(world))
    path.chmod(0o600)
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: a journal of somebody else (needs root)")
    os.chown(path, 12345, 12345)


SHAPES: dict[str, Callable[[Path, World], None]] = {
    "a link": lambda path, world: path.symlink_to(world.victim),
    "a link to nowhere": lambda path, world: path.symlink_to(world.home / "nowhere"),
    "a link to the anchor": lambda path, world: path.symlink_to(world.anchor),
    "a second name": _hardlink,
    "a directory": lambda path, _world: path.mkdir(mode=0o700),
    "a pipe": lambda path, _world: os.mkfifo(path, 0o600),
    "open to all": _open_to_all,
    "of somebody else": _foreign,
}


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_stranger_in_the_place_of_a_companion_is_tampering(
    world: World, suffix: str, shape: Callable[[Path, World], None]
):
    shape(world.beside(suffix), world)
    world.refused()
    assert os.path.lexists(world.beside(suffix))


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
@pytest.mark.parametrize("data", [b"", bytes(64), os.urandom(64)], ids=["empty", "zeros", "random"])
def test_a_write_ahead_log_is_tampering(world: World, suffix: str, data: bytes):
    world.plant(data, suffix)
    world.refused()


def test_a_store_that_asks_for_a_write_ahead_log_is_read_without_one(world: World):
    data = bytearray(world.now)
    data[18:20] = b"\x02\x02"
    world.file.write_bytes(data)
    assert everything(opened(world.home)) == world.content
    assert not any(os.path.lexists(world.beside(suffix)) for suffix in ("-wal", "-shm"))


# ---- the test of the tests: each check taken out


def _twice(world: World) -> None:
    world.plant(header(world))
    (world.home.parent / "twin").hardlink_to(world.beside())


MUTANTS: dict[str, tuple[str, Callable[[World], None]]] = {
    "owner": ("_check_owner", lambda world: _open_to_all(world.beside(), world)),
    "second name": ("_check_owner", _twice),
    "header": ("_check_header", lambda world: world.plant(header(world, page_size=512, pages=world.pages() * 8))),
    "pages": ("_check_pages", lambda world: world.plant(header(world, pages=world.pages() + 1))),
    "super-journal": ("_check_journal", lambda world: world.plant(header(world) + super_record(world.victim))),
}


@pytest.mark.parametrize(("check", "plant"), MUTANTS.values(), ids=MUTANTS)
def test_no_check_can_be_taken_out_unseen(
    world: World, monkeypatch: pytest.MonkeyPatch, check: str, plant: Callable[[World], None]
):
    plant(world)
    monkeypatch.setattr(beside, check, lambda *_: None)
    unnoticed = True
    try:
        opened(world.home)
    except Tampered:
        unnoticed = world.file.read_bytes() != world.now  # too late: SQLite has acted on it
    assert unnoticed


def test_without_the_check_sqlite_deletes_what_the_journal_names(world: World, monkeypatch: pytest.MonkeyPatch):
    """The attack is real here, with this SQLite: or the tests above would prove nothing."""
    world.plant(header(world) + super_record(world.victim))
    monkeypatch.setattr(beside, "_check_journal", lambda *_: None)
    opened(world.home)
    assert not world.victim.exists()


def test_an_anchor_that_sqlite_deletes_all_the_same_is_missed(world: World, monkeypatch: pytest.MonkeyPatch):
    """The second line: the anchor was there before SQLite opened the file."""
    monkeypatch.setattr(beside, "_check_journal", lambda *_: None)
    world.plant(earlier_pages(world, world.anchor))
    with pytest.raises(Tampered):
        opened(world.home)
    assert not world.anchor.exists()
    with pytest.raises(Tampered):
        opened(world.home)
