"""`store restore`: a backup in the place of a store, by the words of the help, and what is refused."""

import os
import re
import shlex
import shutil

import pytest

from tests.cli.premises import FIELDS, NAME, Premises

LATER = "video/app/prod/later"


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    return Premises(tmp_path, monkeypatch, capfd).furnished()


@pytest.fixture
def backed_up(premises):
    """A store that went on after its backup."""
    assert premises("store", "backup", "backup.db").code == 0
    answer = premises("add", LATER, "--provider", "manual", *FIELDS, "--stdin", stdin=b"a-value-of-another-token")
    assert answer.code == 0, answer
    return premises


def names(premises):
    answer = premises("list", "--format", "json")
    assert answer.code == 0, answer
    return {token["name"] for token in answer.document["tokens"]}


def audit_ops(premises):
    return [entry["op"] for entry in premises("audit", "log", "--format", "json").document["entries"]]


def test_a_backup_is_restored_as_the_help_of_backup_says(backed_up):
    said = re.search(r"`tokenguard (store restore) FILE`", backed_up("store", "backup", "--help").out)
    assert said is not None
    words = shlex.split(said.group(1))
    answer = backed_up(*words, "backup.db", "--yes", "--format", "json")
    assert answer.code == 0, answer
    assert names(backed_up) == {NAME}
    assert answer.document["tokens"] == 1
    assert answer.document["store_id"] != answer.document["earlier_store_id"]
    assert "restore" in audit_ops(backed_up)
    assert backed_up("audit", "verify").code == 0


def test_the_files_that_were_there_are_kept(backed_up):
    before = backed_up.database.read_bytes()
    (backed_up.store / "store.db-journal").symlink_to("elsewhere")
    answer = backed_up("store", "restore", "backup.db", "--yes", "--format", "json")
    kept = backed_up.store / answer.document["kept"]
    assert (kept / "store.db").read_bytes() == before
    assert (kept / "store.db-journal").is_symlink()
    assert names(backed_up) == {NAME}


def test_a_restored_copy_and_its_original_are_two_stores(backed_up):
    """Each goes on by itself, and neither is taken for an older state of the other."""
    original = backed_up.environ["TOKENGUARD_STORE"]
    backed_up.environ["TOKENGUARD_STORE"] = f"local://{backed_up.directory}/copy"
    assert backed_up("store", "restore", "backup.db", "--yes").code == 0
    for round_ in range(3):
        for url in (f"local://{backed_up.directory}/copy", original):
            backed_up.environ["TOKENGUARD_STORE"] = url
            assert backed_up("edit", NAME, "--owner", f"team{round_}").code == 0
            assert backed_up("audit", "verify").code == 0


def test_after_a_restore_the_store_before_it_is_refused(backed_up):
    before = backed_up.database.read_bytes()
    assert backed_up("store", "restore", "backup.db", "--yes").code == 0
    backed_up.write(backed_up.database, before)
    assert backed_up("list").code == 6


def test_a_restored_store_that_is_put_back_is_refused(backed_up):
    assert backed_up("store", "restore", "backup.db", "--yes").code == 0
    before = backed_up.database.read_bytes()
    assert backed_up("edit", NAME, "--owner", "audio").code == 0
    backed_up.write(backed_up.database, before)
    assert backed_up("list").code == 6


def test_a_copy_that_was_put_there_by_hand_is_accepted_by_a_person(backed_up):
    shutil.copyfile(backed_up.directory / "backup.db", backed_up.database)
    assert backed_up("list").code == 6
    assert backed_up("store", "restore", "--in-place", "--yes").code == 0
    assert names(backed_up) == {NAME}


def test_a_lost_anchor_is_told_and_a_person_accepts_the_store(backed_up):
    shutil.rmtree(backed_up.directory / "state" / "anchors")
    for command in (("list",), ("audit", "verify"), ("doctor",)):
        assert backed_up(*command).code == 6
    assert backed_up("store", "restore", "--in-place", "--yes").code == 0
    assert names(backed_up) == {NAME, LATER}


def test_a_machine_without_an_anchor_says_so(backed_up):
    """Once: from then on it has one."""

    def doctor():
        answer = backed_up("doctor", "--format", "json")
        return next(check for check in answer.document["checks"] if check["check"] == "anchor")

    def new_machine():
        shutil.rmtree(backed_up.directory / "state")

    assert doctor()["level"] == "ok"
    new_machine()
    assert doctor()["level"] == "warn"
    assert doctor()["level"] == "ok"
    new_machine()
    verified = backed_up("audit", "verify", "--format", "json")
    assert verified.document["anchor"]["begun_now"] is True
    assert "no anchor" in verified.err
    assert len(backed_up("audit", "verify").out.splitlines()) == 2, "since when is told to people too"
    verified = backed_up("audit", "verify", "--format", "json")
    assert verified.document["anchor"]["begun_now"] is False
    assert verified.document["anchor"]["since"]
    assert "no anchor" not in verified.err


def test_what_an_interrupted_restore_left_is_cleared_away(backed_up):
    stage = backed_up.store / "restoring"
    stage.mkdir(mode=0o700)
    (stage / "store.db").write_bytes(b"half")
    assert backed_up("store", "restore", "backup.db", "--yes").code == 0
    assert not stage.exists()


def test_an_interrupted_restore_is_run_again(backed_up):
    """Killed between what was there and what comes: no store, and the same command makes one."""
    (backed_up.store / "replaced").mkdir(mode=0o700)
    backed_up.database.rename(backed_up.store / "replaced" / "store.db")
    assert backed_up("store", "restore", "backup.db", "--yes").code == 0
    assert names(backed_up) == {NAME}


def _changed(premises):
    """One bit of a byte that holds something."""
    backup = premises.directory / "backup.db"
    data = bytearray(backup.read_bytes())
    full = [at for at, byte in enumerate(data) if byte]
    data[full[len(full) // 2]] ^= 0x10
    backup.write_bytes(data)


def _backup(data: bytes):
    return lambda premises: premises.write(premises.directory / "backup.db", data)


def _elsewhere(make):
    def spoil(premises):
        backup = premises.directory / "backup.db"
        backup.unlink()
        make(backup, premises)

    return spoil


FILE = ("backup.db", "--yes")
REFUSED = {
    "no file named": (lambda _: None, ("--yes",), 2),
    "a file and the place": (lambda _: None, (*FILE, "--in-place"), 2),
    "no person and no --yes": (lambda _: None, ("backup.db",), 3),
    "no such file": (lambda _: None, ("nowhere", "--yes"), 2),
    "its own file": (lambda _: None, ("store/store.db", "--yes"), 2),
    "a directory": (_elsewhere(lambda path, _: path.mkdir()), FILE, 2),
    "a pipe": (_elsewhere(lambda path, _: os.mkfifo(path)), FILE, 2),
    "empty": (_backup(b""), FILE, 2),
    "text": (_backup(b"not a database\n" * 400), FILE, 2),
    "a header alone": (_backup(b"SQLite format 3\0" + bytes(84)), FILE, 6),
    "cut off": (
        lambda premises: _backup((premises.directory / "backup.db").read_bytes()[: 3 * 4096])(premises), FILE, 6,
    ),
    "a changed bit": (_changed, FILE, 6),
    "another key": (lambda premises: premises.write(premises.key, b"A" * 43 + b"="), FILE, 4),
    "no key": (lambda premises: premises.environ.pop("TOKENGUARD_KEY_FILE"), FILE, 4),
    "a store that is not a local one": (
        lambda premises: premises.environ.update(TOKENGUARD_STORE="aws://eu-central-1/x"), FILE, 2,
    ),
    "nothing in place": (lambda premises: shutil.rmtree(premises.store), ("--in-place", "--yes"), 2),
    "a damaged store in place": (
        lambda premises: premises.database.write_bytes(premises.database.read_bytes()[: 3 * 4096]),
        ("--in-place", "--yes"), 6,
    ),
    "a planted log in place": (
        lambda premises: premises.write(premises.store / "store.db-wal", b""), ("--in-place", "--yes"), 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "arguments", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_backup_changes_nothing(backed_up, spoil, arguments, code):
    spoil(backed_up)
    backed_up.refused("store", "restore", *arguments, code=code)


def test_a_restore_that_fails_leaves_no_directory(backed_up):
    _changed(backed_up)
    backed_up.environ["TOKENGUARD_STORE"] = f"local://{backed_up.directory}/fresh"
    backed_up.refused("store", "restore", *FILE, code=6)


def test_a_cut_backup_is_what_is_damaged_and_the_store_stays(backed_up):
    backup = backed_up.directory / "backup.db"
    backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    answer = backed_up("store", "restore", "backup.db", "--yes")
    assert answer.code == 6, answer
    assert "backup.db" in answer.err
    assert "another backup" in answer.err
    assert names(backed_up) == {NAME, LATER}


def test_a_file_that_is_no_backup_is_refused_before_a_confirmation(backed_up):
    (backed_up.directory / "notes.txt").write_text("notes")
    assert backed_up("store", "restore", "notes.txt").code == 2
    assert backed_up("store", "restore", "backup.db").code == 3


def test_audit_verify_names_the_kind_of_the_row_that_was_changed(backed_up):
    import sqlite3

    with sqlite3.connect(backed_up.database) as connection:
        (row, sealed) = connection.execute("SELECT row, sealed FROM body LIMIT 1").fetchone()
        changed = bytes([sealed[0] ^ 1]) + sealed[1:]
        connection.execute("UPDATE body SET sealed = ? WHERE row = ?", (changed, row))
    connection.close()
    answer = backed_up("audit", "verify")
    assert answer.code == 6, answer
    assert re.search(r"\b[a-z]+ row [0-9a-f]{8,}", answer.err), answer


def test_a_backup_into_a_directory_that_is_not_there_names_it(premises):
    answer = premises("store", "backup", "absent/backup.db")
    assert answer.code == 2
    assert "there is no directory" in answer.err
