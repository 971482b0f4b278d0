"""Stores that are damaged, locked with another key, unreachable or full: the right exit code, and nothing changed."""

import base64
import os
import resource
import secrets
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.premises import FIELDS, MARKER, NAME, Premises, check_refusal
from tests.fakes.answer import Answer
from tests.fakes.local_stores import made
from tokenguard.stores.local.key_slots import SlotKey

COMPANIONS = ("-journal", "-wal", "-shm")
ADD = ("add", "a/b", "--provider", "manual", *FIELDS, "--stdin")


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    return Premises(tmp_path, monkeypatch, capfd)


def _flipped(place: float):
    """One bit of one byte that holds something, at that fraction of all such bytes."""

    def spoil(path):
        data = bytearray(path.read_bytes())
        full = [index for index, byte in enumerate(data) if byte]
        data[full[int((len(full) - 1) * place)]] ^= 0x10
        path.write_bytes(data)

    return spoil


def _cut(length):
    return lambda path: path.write_bytes(path.read_bytes()[: length(path.stat().st_size)])


def _filled(data: bytes):
    return lambda path: path.write_bytes(data)


def _other_database(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    path.chmod(0o600)


def _rows_gone(table):
    def spoil(path):
        with sqlite3.connect(path) as connection:
            connection.execute(f"DELETE FROM {table}")
        connection.close()

    return spoil


TABLES = ("body", "leaf", "slot", "store")
DAMAGE = {
    "no bytes": _filled(b""),
    "one byte": _filled(b"S"),
    "text": _filled(f"{MARKER}\n".encode() * 1000),
    "zero bytes": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "random bytes": lambda path: path.write_bytes(secrets.token_bytes(path.stat().st_size)),
    "another database": _other_database,
    "its header alone": _cut(lambda _size: 100),
    "its first page alone": _cut(lambda _size: 4096),
    "half of it": _cut(lambda size: size // 2),
    "all but two pages": _cut(lambda size: size - 8192),
    "all but a page": _cut(lambda size: size - 4096),
    "a bit of the header": _flipped(0.0),
    **{f"no {table}": _rows_gone(table) for table in TABLES},
}
FLIPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@pytest.mark.parametrize("command", [("list",), ("audit", "verify"), ADD], ids=lambda words: words[0])
@pytest.mark.parametrize("spoil", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_store_is_said_and_left_as_it_is(premises, spoil, command):
    spoil(premises.furnished().database)
    premises.refused(*command, code=6, stdin=b"a-value-of-a-token")


@pytest.mark.parametrize("place", FLIPS)
def test_a_flipped_bit_is_found_by_whoever_looks_at_everything(premises, place):
    """A command that never reads the spoilt place may do its work."""
    _flipped(place)(premises.furnished().database)
    premises.refused("audit", "verify", code=6)


def test_the_tables_that_are_emptied_here_are_those_of_a_store(premises):
    with sqlite3.connect(premises.furnished().database) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert found == set(TABLES)


def _roll_back(premises):
    shutil.copytree(premises.store, premises.directory / "old")
    assert premises("edit", NAME, "--owner", "audio").code == 0
    shutil.rmtree(premises.store)
    (premises.directory / "old").rename(premises.store)


def _link(premises):
    premises.database.rename(premises.directory / "elsewhere")
    premises.database.symlink_to(premises.directory / "elsewhere")


def _pipe(premises):
    premises.database.unlink()
    os.mkfifo(premises.database)


def _garbled_anchor(premises):
    for anchor in (premises.directory / "state" / "anchors").iterdir():
        anchor.write_bytes(MARKER.encode())


def _super_journal(premises):
    """SQLite would delete the anchor."""
    anchor = next((premises.directory / "state" / "anchors").iterdir())
    name, magic = os.fsencode(anchor), bytes.fromhex("d9d505f920a163d7")
    head = (magic + struct.pack(">5I", 0, 1, premises.database.stat().st_size // 4096, 512, 4096)).ljust(512, b"\0")
    tail = struct.pack(">I", (1 << 30) // 4096 + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    premises.write(premises.store / "store.db-journal", head + tail)


def _beside(suffix, make):
    return lambda premises: make(premises.store / f"store.db{suffix}")


def _lost_anchor(premises):
    for anchor in (premises.directory / "state" / "anchors").iterdir():
        anchor.unlink()


SURROUNDINGS = {
    "a journal that names the anchor": (_super_journal, 6),
    "its anchor is gone": (_lost_anchor, 6),
    **{f"a link for a {suffix}": (_beside(suffix, lambda path: path.symlink_to("key")), 6) for suffix in COMPANIONS},
    **{f"a directory for a {suffix}": (_beside(suffix, Path.mkdir), 6) for suffix in COMPANIONS},
    **{f"a pipe for a {suffix}": (_beside(suffix, os.mkfifo), 6) for suffix in COMPANIONS},
    "rolled back": (_roll_back, 6),
    "its anchor is garbled": (_garbled_anchor, 6),
    "a link": (_link, 2),
    "two names": (lambda premises: os.link(premises.database, premises.directory / "twin"), 2),
    "a pipe": (_pipe, 2),
    "a directory": (lambda premises: (premises.database.unlink(), premises.database.mkdir(mode=0o700)), 2),
    "gone": (lambda premises: premises.database.unlink(), 2),
    "the directory is gone": (lambda premises: shutil.rmtree(premises.store), 2),
    "a file for a directory": (lambda premises: (shutil.rmtree(premises.store), premises.store.write_text("x")), 2),
    "others can read it": (lambda premises: premises.database.chmod(0o644), 2),
    "the state directory is a file": (
        lambda premises: (shutil.rmtree(premises.directory / "state"), (premises.directory / "state").write_text("x")),
        4,
    ),
    "the lock is a directory": (lambda premises: ((premises.store / "lock").unlink(), (premises.store / "lock").mkdir()), 4),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "code"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_a_store_that_is_not_where_or_what_it_was(premises, spoil, code):
    spoil(premises.furnished())
    premises.refused(*ADD, code=code, stdin=b"a-value-of-a-token")


def _key(data: bytes, mode: int = 0o600):
    return lambda premises: premises.write(premises.key, data, mode)


KEY_FILES = {
    "missing": (lambda premises: premises.key.unlink(), 2),
    "not named": (lambda premises: premises.environ.pop("TOKENGUARD_KEY_FILE"), 4),
    "empty": (_key(b""), 2),
    "not base64": (_key(MARKER.encode()), 2),
    "31 bytes": (_key(base64.b64encode(bytes(31))), 2),
    "33 bytes": (_key(base64.b64encode(bytes(33))), 2),
    "raw bytes": (_key(secrets.token_bytes(32)), 2),
    "two lines": (_key(base64.b64encode(bytes(32)) + b"\n" + MARKER.encode()), 2),
    "blanks inside": (_key(b" ".join([base64.b64encode(bytes(15)), base64.b64encode(bytes(17))])), 2),
    "far too long": (_key(b"A" * 100_000), 2),
    "another key": (_key(base64.b64encode(bytes(32))), 4),
    "others can read it": (lambda premises: premises.key.chmod(0o644), 2),
    "others can write it": (lambda premises: premises.key.chmod(0o602), 2),
    "a link": (lambda premises: (premises.key.rename(f"{premises.key}2"), premises.key.symlink_to("key2")), 2),
    "two names": (lambda premises: os.link(premises.key, premises.directory / "key2"), 2),
    "a directory": (lambda premises: (premises.key.unlink(), premises.key.mkdir(mode=0o700)), 2),
    "a pipe": (lambda premises: (premises.key.unlink(), os.mkfifo(premises.key, 0o600)), 2),
    "a device": (lambda premises: premises.environ.update(TOKENGUARD_KEY_FILE="/dev/zero"), 2),
}


@pytest.mark.parametrize(("spoil", "code"), KEY_FILES.values(), ids=KEY_FILES)
def test_a_key_file_that_does_not_open_the_store(premises, spoil, code):
    spoil(premises.furnished())
    premises.refused("list", code=code)


NO_KEYS = {case: spoil for case, (spoil, code) in KEY_FILES.items() if code == 2}
"""Without those that are a key like any other, or no key at all."""


@pytest.mark.parametrize("spoil", NO_KEYS.values(), ids=NO_KEYS)
def test_a_key_file_that_is_none_makes_no_store(premises, spoil):
    spoil(premises)
    premises.refused("init", "--recovery-file", "recovery")


PASSPHRASES = {
    "the wrong one": (b"some other words that are long", 4),
    "two lines": (b"right words that are long\nmore\n", 2),
    "empty": (b"", 2),
    "not UTF-8": (b"\xff" * 20, 2),
    "far too long": (b"x" * 5000, 2),
    "missing": (None, 2),
}


@pytest.mark.parametrize(("data", "code"), PASSPHRASES.values(), ids=PASSPHRASES)
def test_a_passphrase_that_does_not_open_the_store(premises, data, code):
    words = premises.directory / "words"
    del premises.environ["TOKENGUARD_KEY_FILE"]
    premises.environ["TOKENGUARD_PASSPHRASE_FILE"] = str(words)
    premises.write(words, b"right words that are long\n")
    assert premises("init").code == 0
    premises.write(words, data) if data is not None else words.unlink()
    premises.refused("list", code=code)


NO_NEW_STORE = {
    "nobody to ask for a passphrase": (lambda premises: premises.environ.pop("TOKENGUARD_KEY_FILE"), 3),
    "a short passphrase": (
        lambda premises: (
            premises.environ.pop("TOKENGUARD_KEY_FILE"),
            premises.write(premises.directory / "words", b"short"),
            premises.environ.update(TOKENGUARD_PASSPHRASE_FILE=str(premises.directory / "words")),
        ),
        2,
    ),
    "the recovery file is there": (lambda premises: premises.write(premises.directory / "recovery", b"x"), 2),
    "the recovery file is a link": (
        lambda premises: (premises.directory / "recovery").symlink_to(premises.directory / "nowhere"),
        2,
    ),
    "a file is in the store's place": (lambda premises: premises.write(premises.store, b"x"), 2),
    "a file is above the store": (
        lambda premises: premises.environ.update(TOKENGUARD_STORE=f"local://{premises.key}/store"),
        4,
    ),
}


@pytest.mark.parametrize(("prepare", "code"), NO_NEW_STORE.values(), ids=NO_NEW_STORE)
def test_what_keeps_a_store_from_being_made(premises, prepare, code, monkeypatch):
    monkeypatch.setattr("tokenguard.stores.local.os_keyring.find_keyring", lambda: None)
    prepare(premises)
    premises.refused("init", "--recovery-file", "recovery", code=code)


def test_a_store_whose_key_is_in_a_keyring_that_is_not_here(premises, monkeypatch):
    made(premises.store, SlotKey.keyring(bytes(32), "store-elsewhere")).close()
    monkeypatch.setattr("tokenguard.stores.local.os_keyring.find_keyring", lambda: None)
    assert "keyring" in premises.refused("list", code=4)


CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def _held_to_modes():
    """In the child: give up what lets root write where the modes say no."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def _small_files(most=4096):
    """In the child: no file may grow; a write beyond answers an error, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _no_space():
    _small_files(0)


def _process(premises, *arguments, before=None) -> Answer:
    # Not measured for coverage: its file could not be written either, and it would say so on stderr.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tokenguard", *arguments], env={**unmeasured, **premises.environ},
        input=b"a-value-of-a-token", capture_output=True, preexec_fn=before, check=False, start_new_session=True,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_directory_that_cannot_be_written(premises):
    premises.furnished().store.chmod(0o500)
    before = premises.everything()
    check_refusal(_process(premises, *ADD, before=_held_to_modes), 4)
    assert premises.everything() == before
    premises.store.chmod(0o700)
    assert premises("audit", "verify").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_memory_of_the_last_state_that_cannot_be_written(premises):
    """A commit that was durable stays; the next one is refused, and what was begun can be gone on with."""
    anchors = premises.furnished().directory / "state" / "anchors"
    anchors.chmod(0o500)
    check_refusal(_process(premises, *ADD, before=_held_to_modes), 4)
    anchors.chmod(0o700)
    assert premises("audit", "verify").code == 0
    assert premises(*ADD, stdin=b"a-value-of-a-token").code == 0


@pytest.mark.parametrize("command", [ADD, ("edit", NAME, "--owner", "audio"), ("init", "--store")], ids=lambda w: w[0])
def test_a_disk_that_is_full(premises, command):
    if command[0] == "init":
        command = ("init", "--store", f"local://{premises.directory}/new")
    premises.furnished()
    check_refusal(_process(premises, *command, before=_small_files), 4)
    assert premises("audit", "verify").code == 0
    assert premises("show", "a/b").code == 2
    assert not (premises.directory / "new" / "store.db").exists()


def test_at_least_this_many_stores_are_refused():
    assert sum(map(len, (DAMAGE, FLIPS, SURROUNDINGS, KEY_FILES, PASSPHRASES, NO_NEW_STORE))) >= 60


WRITERS = {
    "report": ("report", "--html", "--output", "out"),
    "runbook": ("runbook", NAME, "--output", "out"),
    "metrics": ("metrics", "--output", "out"),
    "audit export": ("audit", "export", "--output", "out"),
    "a provider file": ("provider", "new", "acme", "--output", "out"),
    "a report of a scan": ("--format", "json", "scan", "key", "-o", "out"),
    "units of a schedule": ("init", "--schedule", "cron", "--into", "units"),
    "a hook": ("doctor", "--install-hook"),
    "a hook of an agent": ("agent", "install", "claude-code", "--yes"),
    "a baseline": ("baseline", "update"),
    "the key of evidence": ("audit", "bundle", NAME, "--output", "out", "--key-file", "new", "--create-key"),
    "a manifest": ("fmt", "tokens.yaml"),
    "a copy of the store": ("store", "backup", "out"),
}


def _with_something_to_write(premises) -> dict:
    """A repository in which every writer has work; what there is."""
    premises.furnished()
    premises.environ["HOME"] = str(premises.directory)
    subprocess.run(["git", "init", "-q", "."], check=True)
    premises.write(premises.directory / "tokens.yaml", b"tokens: {}\nversion: 1\n")
    (premises.directory / "units").mkdir()
    return premises.everything()


@pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_is_named_with_the_place_and_the_same_command_works_when_it_has_space(premises, command):
    """Whatever a command writes: no half of a file remains that the next run would take for somebody's own."""
    before = _with_something_to_write(premises)
    full = _process(premises, *command, before=_no_space)
    assert full.code == 4, full
    assert "limit for the size" in full.error
    assert str(premises.directory) in full.error or command[-1] in full.error
    assert {name for name, content in premises.everything().items() if content[1]} == {
        name for name, content in before.items() if content[1]
    }
    assert _process(premises, *command).code in {0, 1}


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS)
def test_a_place_that_may_not_be_written_is_named_and_no_other_cause(premises, words, command):
    before = _with_something_to_write(premises)
    names = ("", "units", ".git/hooks", ".claude")
    modes = {folder: folder.stat().st_mode for name in names if (folder := premises.directory / name).exists()}
    for folder in modes:
        folder.chmod(0o500)
    answer = _process(premises, *command, before=_held_to_modes)
    for folder, mode in modes.items():
        folder.chmod(mode)
    assert answer.code == 2, answer
    words(answer.err.replace(str(premises.directory), "HERE"))
    assert premises.everything() == before
