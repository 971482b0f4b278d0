"""Making and opening an embedded store: where it may be, and what is said when it cannot be used."""

import errno
import os
import resource
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.local_stores import CHEAP, KEY, LABEL, added, document, event, everything, made, opened
from tokenguard.domain.event import Op
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import ExitCode, InputError, Tampered, Unreachable, WrongKey
from tokenguard.stores.actor import _login, current_actor
from tokenguard.stores.local import anchor as anchor_module
from tokenguard.stores.local import database, lock, network_disk
from tokenguard.stores.local.anchor import Anchor
from tokenguard.stores.local.key_slots import SlotKey, SlotKind
from tokenguard.stores.local.layout import anchor_directory
from tokenguard.stores.local.store import LocalStore, create_store, open_store, restore_store


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a store with ünusual # ? % name"


def test_all_files_are_private(home: Path, state_dir: Path):
    added(made(home), "video/upload")
    found = [*home.rglob("*"), home, *state_dir.rglob("*")]
    assert len(found) >= 5
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_careless_umask_changes_nothing(home: Path):
    before = os.umask(0)
    try:
        made(home)
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "store.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_nothing_readable_is_in_the_files(home: Path, state_dir: Path):
    store = made(home)
    added(store, "video/publisher/prod", "tgcanary-readable")
    store.close()
    data = b"".join(path.read_bytes() for path in (*home.iterdir(), *state_dir.rglob("*")) if path.is_file())
    for word in (b"tgcanary", b"publisher", b"descript", LABEL.encode(), b"tester", b"uploads"):
        assert word not in data


def test_a_destroyed_value_is_gone_from_the_file(home: Path):
    store = made(home)
    token = added(store, "video/upload")
    with closing(sqlite3.connect(home / "store.db")) as connection:
        bodies = {sealed for (sealed,) in connection.execute("SELECT sealed FROM body")}
    store.withdraw(token, 1)
    store.destroy(token, LABEL)
    store.close()
    data = (home / "store.db").read_bytes()
    gone = [sealed for sealed in bodies if sealed not in data]
    assert len(gone) == 2  # the live pointer's and the value's old rows
    assert all(sealed[40:120] not in data for sealed in gone)


def test_settings_are_set_on_every_connection(home: Path):
    store = made(home)
    with store.session.database.reading() as connection:
        for name, (_, expected) in database.PRAGMAS.items():
            assert connection.execute(f"PRAGMA {name}").fetchone() in {(expected,), None}


def test_a_setting_that_sqlite_does_not_take_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch):
    made(home)
    monkeypatch.setitem(database.PRAGMAS, "synchronous", ("NORMAL", 3))
    with pytest.raises(Unreachable, match="synchronous"):
        opened(home)


# ---- places


def test_no_store_is_bad_input_and_names_init(tmp_path: Path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no store") as caught:
            opened(place)
        assert f"tokenguard --store local://{place} init" in caught.value.hint
    assert not (tmp_path / "nowhere").exists()


def test_a_store_that_this_machine_used_is_not_told_like_one_that_never_was(home: Path, tmp_path: Path):
    """A disk that is not mounted: a new store in its place would be empty, and would say that nothing is due."""
    made(home)
    opened(home)
    home.rename(tmp_path / "unmounted")
    for _ in ("no directory", "an empty one"):
        with pytest.raises(InputError, match="not there any more") as caught:
            opened(home)
        assert "mount its disk" in caught.value.hint
        home.mkdir(mode=0o700, exist_ok=True)
    home.rmdir()
    (tmp_path / "unmounted").rename(home)
    assert everything(opened(home))


def test_a_second_store_in_one_place_is_refused(home: Path):
    content = everything(made(home))
    with pytest.raises(InputError, match="already"):
        made(home)
    assert everything(opened(home)) == content


def test_what_an_interrupted_init_left_is_cleared_away(home: Path):
    home.mkdir(mode=0o700)
    (home / "store.db.new").write_bytes(b"half")
    (home / "store.db.new-journal").write_bytes(b"half")
    with pytest.raises(InputError, match="no store"):
        opened(home)
    assert list(made(home).check()) == []
    assert not (home / "store.db.new").exists()


def test_a_store_needs_a_slot(home: Path):
    with pytest.raises(InputError, match="needs a key"):
        create_store(home, [], FakeClock())
    assert not home.exists()


def test_a_link_in_the_place_of_the_file_is_refused(home: Path, tmp_path: Path):
    made(home)
    (home / "store.db").rename(tmp_path / "elsewhere.db")
    (home / "store.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(InputError, match="regular file"):
        opened(home)


def test_a_second_name_of_the_file_is_refused(home: Path, tmp_path: Path):
    made(home)
    (tmp_path / "second").hardlink_to(home / "store.db")
    with pytest.raises(InputError, match="regular file"):
        opened(home)


def test_a_file_others_can_read_is_refused(home: Path, words):
    made(home)
    (home / "store.db").chmod(0o644)
    with pytest.raises(InputError) as caught:
        opened(home)
    words(caught.value)


def test_a_directory_others_can_replace_is_refused(tmp_path: Path, words):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    with pytest.raises(InputError) as caught:
        made(shared / "store")
    words(caught.value)


def test_a_directory_below_one_of_another_user_is_refused(tmp_path: Path, words, monkeypatch: pytest.MonkeyPatch):
    foreign, real = tmp_path / "foreign", Path.stat
    foreign.mkdir(mode=0o755)

    def owned_by_another(self: Path, **how: bool) -> os.stat_result:
        found = real(self, **how)
        return os.stat_result((*found[:4], 4_000_000, *found[5:])) if self == foreign else found

    monkeypatch.setattr(Path, "stat", owned_by_another)
    with pytest.raises(InputError) as caught:
        made(foreign / "store")
    words(caught.value)


def test_a_link_in_the_place_of_the_lock_is_refused(home: Path, tmp_path: Path):
    store = made(home)
    store.close()
    (home / "lock").unlink()
    target = tmp_path / "victim"
    target.write_bytes(b"precious")
    (home / "lock").symlink_to(target)
    with pytest.raises(Unreachable):
        added(opened(home), "video/upload")
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_store_is_not_made_beside_a_part_of_another(home: Path, suffix: str):
    home.mkdir(mode=0o700)
    (home / f"store.db{suffix}").write_bytes(b"x")
    with pytest.raises(InputError):
        made(home)
    assert not (home / "store.db").exists()


MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 22 0:27 / /home rw - nfs4 server:/home rw
32 31 254:1 / /home/local\040disk rw shared:1 - ext4 /dev/vdb rw
33 22 0:30 / /mnt rw - fuse.sshfs user@host: rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/tokenguard", "ext4"),
        ("/home/alice/store", "nfs4"),
        ("/homework", "ext4"),
        ("/home/local disk/store", "ext4"),
        ("/mnt/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_deepest_mount(path: str, kind: str):
    assert network_disk.file_system_of(Path(path), MOUNTS) == kind


def test_a_network_disk_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words):
    made(home)
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(network_disk, "_MOUNTS", mounts)
    list(opened(home).scan())  # no list of mounts: nothing is known, nothing is refused
    mounts.write_text("22 1 0:1 / / rw - nfs4 server:/ rw\n")
    for use in (lambda: opened(home), lambda: made(tmp_path / "another")):
        with pytest.raises(InputError) as caught:
            use()
        words(caught.value)
    mounts.write_text("22 1 0:1 / / rw - ext4 /dev/vda rw\n")
    assert list(opened(home).check()) == []


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((InputError, Unreachable)):
        made(tmp_path / "file")


def test_a_store_moved_to_another_place_is_the_same_store(home: Path, tmp_path: Path):
    content = everything(made(home))
    home.rename(tmp_path / "moved")
    assert everything(opened(tmp_path / "moved")) == content


def test_a_store_on_a_machine_that_never_saw_it_is_accepted_and_anchored(home: Path, tmp_path: Path, monkeypatch):
    store = made(home)
    content = everything(store)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "another machine"))
    assert everything(opened(home)) == content
    assert (anchor_directory() / store.store_id).exists()


def test_the_state_directory_is_the_platforms_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("TOKENGUARD_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert anchor_directory().is_relative_to(tmp_path)
    assert anchor_directory().parts[-2:] == ("tokenguard", "anchors")


# ---- trouble


def test_a_store_replaced_while_it_is_open_is_noticed(home: Path, tmp_path: Path):
    store = made(home)
    data = (home / "store.db").read_bytes()
    (home / "store.db").rename(tmp_path / "away")
    with pytest.raises(Unreachable, match="gone"):
        list(store.scan())
    (home / "store.db").write_bytes(data)
    with pytest.raises(Unreachable, match="replaced"):
        added(store, "video/upload")


def test_a_lock_held_too_long_is_unreachable(home: Path):
    store, other = made(home), opened(home)
    with lock.locked(home / "lock", FakeClock()), pytest.raises(Unreachable, match="locked") as caught:
        added(other, "video/upload")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    added(store, "video/upload")


def test_a_database_locked_too_long_is_unreachable(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    store = made(home)
    store.close()
    with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unreachable, match="locked"):
            list(store.scan())
        with pytest.raises(Unreachable, match="locked"):
            opened(home)
        other.execute("ROLLBACK")
    assert list(store.scan()) == []


def fill(store: LocalStore) -> None:
    for number in range(40):
        added(store, f"video/more{number}", "tgcanary-" + "x" * 3000)


def test_a_full_disk_is_unreachable_and_the_store_goes_on_afterwards(home: Path):
    store = made(home)
    added(store, "video/one")
    content = everything(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((home / "store.db").stat().st_size, hard))
    try:
        with pytest.raises(Unreachable):
            fill(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything(store)[0] == content[0]
    assert list(store.check()) == []
    added(store, "video/afterwards")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; the write-call campaign covers EACCES")
def test_a_read_only_directory_is_read_and_not_written(home: Path):
    store = made(home)
    added(store, "video/upload")
    home.chmod(0o500)
    try:
        assert len(list(opened(home).scan())) == 1
        with pytest.raises(Unreachable, match="written"):
            added(opened(home), "video/other")
    finally:
        home.chmod(0o700)


def test_a_place_where_no_store_can_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words):
    """As `docker run --user 12345` has it: without a home directory the default store is below `/`."""

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(Unreachable) as caught:
        made(tmp_path / "share" / "store")
    words(caught.value)


def _full(*_: object):
    raise Unreachable("the disk is full", hint="make room")


def test_an_anchor_that_cannot_be_written_is_told_before_the_commit(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing is committed that the anchor could not follow."""
    store = made(home)
    token, before = new_token_id(), everything(store)
    with monkeypatch.context() as patched:
        patched.setattr(anchor_module, "write_new", _full)
        with pytest.raises(Unreachable, match="full"):
            store.commit(token, 0, document("video/upload"), [event(Op.ADD)])
    assert everything(store) == before
    assert store.commit(token, 0, document("video/upload"), [event(Op.ADD)]).version == 1


def test_an_anchor_that_fails_after_the_commit_is_told_at_once(home: Path, monkeypatch: pytest.MonkeyPatch):
    """The commit is durable, and it is said that it is, and that the anchor is not; the next use catches up."""
    store = made(home)
    token = new_token_id()
    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "write", _full)
        with pytest.raises(Unreachable, match="full") as caught:
            store.commit(token, 0, document("video/upload"), [event(Op.ADD)])
        assert "stored" in caught.value.message
    assert store.load(token).version == 1
    before = (home / "store.db").read_bytes()
    store.commit(token, 1, document("video/upload"), [event(Op.EDIT)])
    store.close()
    (home / "store.db").write_bytes(before)
    with pytest.raises(Tampered):
        opened(home)


def test_a_state_directory_that_cannot_be_used_is_said_before_anything_is_written(home: Path, state_dir: Path):
    store = made(home)
    before = (home / "store.db").read_bytes()
    (state_dir / "anchors").rename(state_dir / "away")
    (state_dir / "anchors").write_bytes(b"")
    with pytest.raises(Unreachable):
        added(store, "video/upload")
    assert (home / "store.db").read_bytes() == before


def test_a_commit_without_its_anchor_is_caught_up(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Killed between commit and anchor: the next reader takes the newer state, then an older one is refused."""
    store = made(home)
    anchor = anchor_directory() / store.store_id
    before, old = anchor.read_bytes(), (home / "store.db").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "write", lambda *_: None)
        store.commit(new_token_id(), 0, document("video/upload"), [event(Op.ADD)])
    store.close()
    assert anchor.read_bytes() == before
    assert opened(home).find(token_name("video/upload")) is not None
    assert anchor.read_bytes() != before
    (home / "store.db").write_bytes(old)
    with pytest.raises(Tampered):
        opened(home)


# ---- keys


def test_each_kind_of_key_opens_the_store(home: Path):
    keys = [
        KEY,
        SlotKey.passphrase(Secret("tgcanary passphrase"), CHEAP),
        SlotKey.keyring(b"r" * 32, "store-x"),
    ]
    content = everything(made(home, *keys))
    asked = []

    def unlock(slots):
        asked.append({slot.kind for slot in slots})
        return keys[len(asked) - 1]

    for _ in keys:
        assert everything(open_store(home, unlock, FakeClock())) == content
    assert asked[0] == {SlotKind.KEY_FILE, SlotKind.PASSPHRASE, SlotKind.KEYRING}


@pytest.mark.parametrize(
    "key", [SlotKey.key_file(bytes(32)), SlotKey.passphrase(Secret("tgcanary nope")), SlotKey.keyring(bytes(32), "a")]
)
def test_a_wrong_key_is_said_without_the_key(home: Path, key: SlotKey):
    made(home)
    with pytest.raises(WrongKey) as caught:
        opened(home, key)
    assert key.kind.replace("_", " ") in caught.value.message
    assert "tgcanary" not in caught.value.message + caught.value.hint


# ---- who


def test_the_actor_is_the_login_with_host_and_ci_run(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "mallory")
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="build\x1b[31m-7"))
    actor = made(home).actor()
    assert actor.id.startswith("user:")
    assert "mallory" not in actor.id
    assert actor.host == "build__31m-7"


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("GITHUB_RUN_ID", "github:12_34"),
        ("CI_JOB_ID", "gitlab:12_34"),
        ("BUILDKITE_BUILD_ID", "buildkite:12_34"),
        ("BUILD_TAG", "jenkins:12_34"),
    ],
)
def test_a_ci_run_is_what_the_ci_says(monkeypatch: pytest.MonkeyPatch, variable: str, expected: str):
    for name in ("GITHUB_RUN_ID", "CI_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "12\n34")
    assert current_actor().ci_run == expected


def test_a_login_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch):
    def unknown(_uid: int):
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("tokenguard.stores.actor._login", _login.__wrapped__)
    assert current_actor().id == f"user:{os.geteuid()}"


# ---- backups


def test_a_backup_is_a_store(home: Path, tmp_path: Path):
    store = made(home)
    added(store, "video/upload")
    content = everything(store)
    target = tmp_path / "backup" / "store.db"
    target.parent.mkdir(mode=0o700)
    store.backup(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert everything(opened(target.parent)) == content
    with pytest.raises(InputError, match="already"):
        store.backup(target)
    with pytest.raises(InputError, match="no directory"):
        store.backup(tmp_path / "nowhere" / "store.db")


def test_a_backup_put_back_is_refused_until_the_person_says_so(home: Path, tmp_path: Path):
    store = made(home)
    store.backup(tmp_path / "backup.db")
    added(store, "video/upload")
    store.close()
    (tmp_path / "backup.db").replace(home / "store.db")
    with pytest.raises(Tampered) as caught:
        opened(home)
    assert "store restore" in caught.value.hint
    accepted, done = restore_store(home, None, lambda _slots: KEY, FakeClock())
    assert list(accepted.scan()) == []
    assert done.earlier == store.store_id != accepted.store_id
    assert list(opened(home).scan()) == []


def test_a_value_that_utf8_cannot_hold_comes_back(home: Path):
    store = made(home)
    token = new_token_id()
    store.put_candidate(token, LABEL, Value.of("tgcanary\ud800"))
    assert store.read_candidate(token, LABEL) == Value.of("tgcanary\ud800")
