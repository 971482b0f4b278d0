"""`init`, `store …` and `doctor` on a real embedded store."""

import base64
import errno
import os
import secrets
import shutil
import socket
import stat
import subprocess

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.stores.local.store import LocalStore

NAME = "video/app/prod/upload"


@pytest.fixture
def cli(cli, tmp_path, monkeypatch):
    """The command line over a local store in a directory, with a key file."""
    _key(tmp_path / "key")
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    cli.store = None
    cli.environ |= {"TOKENGUARD_KEY_FILE": str(tmp_path / "key"), "TOKENGUARD_STORE": f"local://{tmp_path}/store"}
    return cli


def _key(path):
    path.write_bytes(base64.b64encode(secrets.token_bytes(32)) + b"\n")
    path.chmod(0o600)


def _add(cli, name=NAME, value="tgcanary-local-value"):
    answer = cli(
        "add", name, "--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
        "--purpose", "uploads", "--no-consumers", "--stdin", stdin=value,
    )  # fmt: skip
    assert answer.code == 0, answer


@pytest.mark.parametrize("place", ["/proc/nothing", "/proc"])
def test_a_state_directory_that_cannot_be_used_is_named_and_the_store_is_not_blamed(cli, tmp_path, monkeypatch, place):
    assert cli("init").code == 0
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", place)
    for line in (["list"], ["audit", "verify"]):
        answer = cli(*line)
        assert answer.code == 4, answer
        assert "/proc" in answer.err
        assert "TOKENGUARD_STATE_DIR" in answer.err
        assert str(tmp_path) not in answer.err


@pytest.mark.parametrize(
    ("number", "said", "fix"),
    [
        (errno.ESTALE, "stale file handle", "mount it again"),
        (errno.ENOLCK, "gives no locks", "local disk"),
        (errno.EROFS, "cannot be written", "mounted read-only"),
    ],
    ids=errno.errorcode.get,
)
def test_a_file_system_that_fails_is_told_as_what_it_is(cli, monkeypatch, number, said, fix):
    assert cli("init").code == 0
    _add(cli)

    def fails(*_arguments):
        raise OSError(number, "tgcanary")

    with monkeypatch.context() as patched:
        patched.setattr("tokenguard.stores.local.lock.fcntl.flock", fails)
        answer = cli("edit", NAME, "--purpose", "other")
    assert answer.code == 4, answer
    assert (said in answer.error, fix in answer.hint) == (True, True), answer
    assert cli("edit", NAME, "--purpose", "other").code == 0


def test_a_store_that_is_taken_away_in_the_middle_is_told_as_gone_and_not_as_read_only(cli, tmp_path, monkeypatch):
    assert cli("init").code == 0
    _add(cli)
    real = LocalStore.commit

    def after_it_is_gone(self, *arguments):
        (tmp_path / "store").rename(tmp_path / "away")
        return real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "commit", after_it_is_gone)
        answer = cli("edit", NAME, "--purpose", "other")
    assert answer.code == 4, answer
    assert ("is not there any more" in answer.error, "put it back" in answer.hint) == (True, True), answer
    assert not (tmp_path / "store").exists(), "nothing is made in its place"
    (tmp_path / "away").rename(tmp_path / "store")
    assert cli("edit", NAME, "--purpose", "other").code == 0
    assert cli("audit", "verify").code == 0


@pytest.mark.parametrize("place", ["store", "state/anchors"])
def test_doctor_calls_nothing_ready_on_a_read_only_disk(cli, tmp_path, monkeypatch, place):
    assert cli("init").code == 0
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(tmp_path / place) and access(path, mode))
    answer = cli("doctor")
    assert answer.code == 4, answer
    assert str(tmp_path / place) in answer.out


def test_doctor_warns_of_a_full_disk(cli, monkeypatch):
    assert cli("init").code == 0
    assert "almost full" not in cli("doctor").out
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, (1 << 30) - 4096, 4096))
    answer = cli("doctor")
    assert (answer.code, "almost full" in answer.out) == (0, True), answer


def test_the_home_directory_stands_for_the_state_directory(cli, monkeypatch):
    assert cli("init").code == 0
    monkeypatch.delenv("TOKENGUARD_STATE_DIR")
    monkeypatch.setenv("HOME", "/proc")
    answer = cli("list")
    assert (answer.code, "TOKENGUARD_STATE_DIR" in answer.err) == (4, True)


def test_a_port_that_is_in_use_is_named(cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = cli("sandbox", "--port", str(port))
    assert answer.code == 2
    assert f"port {port}" in answer.err
    assert "in use" in answer.err
    assert "--port" in answer.err


def test_a_stray_file_beside_the_store_stops_nothing(cli, tmp_path):
    assert cli("init").code == 0
    _add(cli)
    (tmp_path / "store" / "README").write_text("hi")
    (tmp_path / "store" / "old").mkdir()
    for line in (["list"], ["check", "--inventory-only"], ["report"], ["rotate", "--due"], ["audit", "verify"]):
        assert cli(*line).code in {0, 1}, line
    assert NAME in cli("list").out


class TestInit:
    def test_with_a_key_file_nobody_is_asked(self, cli, tmp_path, words):
        answer = cli("init", "--no-input")
        assert answer.code == 0, answer
        assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
        words(answer)
        _add(cli)
        assert cli("list", "--format", "json").document["tokens"][0]["name"] == NAME

    def test_a_recovery_code_goes_to_a_private_file(self, cli, tmp_path):
        assert cli("init", "--recovery-file", "recovery").code == 0
        path = tmp_path / "recovery"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        code = path.read_text().strip()
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        cli.tty = FakeTty(code)
        assert cli("list").code == 0

    def test_a_recovery_code_is_shown_to_a_person_once(self, cli):
        cli.tty = FakeTty("")
        answer = cli("init", "--format", "json")
        assert answer.document["recovery"] == "shown"
        code = next(text.strip() for text in cli.tty.shown if text.startswith("    "))
        assert code not in answer.out + answer.err

    def test_a_store_is_made_once(self, cli):
        cli("init")
        assert "already" in cli.refused("init")

    def test_nobody_is_asked_for_the_key_of_a_store_that_is_there(self, cli):
        cli("init")
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        assert "already" in cli.refused("init", "--no-input")
        cli.tty = FakeTty()
        assert "already" in cli.refused("init")
        assert not cli.tty.shown

    def test_a_recovery_code_that_cannot_be_written_is_told_as_lost_and_the_store_as_made(
        self, cli, tmp_path, monkeypatch
    ):
        def full(*_arguments):
            raise OSError(errno.ENOSPC, "no room")

        with monkeypatch.context() as patched:
            patched.setattr("tokenguard.shell.recovery_code.replace_file", full)
            answer = cli("init", "--recovery-file", "recovery")
        assert (answer.code, "is lost" in answer.err) == (2, True)
        assert not (tmp_path / "recovery").exists()
        assert cli("store", "add-slot", "--recovery-file", "recovery").code == 0

    def test_who_leaves_at_the_recovery_code_is_told_that_the_store_is_made(self, cli):
        cli.tty = FakeTty()
        answer = cli("init")
        assert answer.code == 130
        assert answer.err.splitlines()[-1].startswith("hint: the store is created, and the code above opens it; ")
        code = next(text.strip() for text in cli.tty.shown if text.startswith("    "))
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        cli.tty = FakeTty(code)
        assert cli("list").code == 0

    @pytest.mark.parametrize("is_given", [False, True])
    @pytest.mark.parametrize("command", [("init",), ("store", "rekey")], ids=" ".join)
    def test_who_interrupts_it_is_told_whether_the_recovery_code_is_in_its_file(
        self, cli, tmp_path, monkeypatch, command, is_given
    ):
        if command != ("init",):
            cli("init")

        def interrupt(*_arguments):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(
                f"tokenguard.shell.recovery_code.{'RecoveryCodeHandover.__exit__' if is_given else '_write'}", interrupt
            )
            answer = cli(*command, "--recovery-file", "code")
        assert answer.code == 130
        said = f"and the code in {tmp_path / 'code'} opens it" if is_given else "without a recovery code; "
        assert said in answer.err.splitlines()[-1]
        assert (tmp_path / "code").exists() is is_given
        assert cli("list").code == 0

    def test_a_store_that_is_missing_is_told_with_the_command_that_makes_it(self, cli):
        hint = cli("list").err.splitlines()[-1]
        assert f"`tokenguard --store {cli.environ['TOKENGUARD_STORE']} init`" in hint

    def test_no_store_without_its_recovery_file(self, cli, tmp_path):
        (tmp_path / "recovery").write_text("mine")
        assert "exists" in cli.refused("init", "--recovery-file", "recovery")
        assert not (tmp_path / "store").exists()
        assert (tmp_path / "recovery").read_text() == "mine"

    def test_no_recovery_file_without_its_store(self, cli, tmp_path):
        cli("init")
        cli.refused("init", "--recovery-file", "recovery")
        assert not (tmp_path / "recovery").exists()

    def test_without_a_key_a_person_is_needed(self, cli, tmp_path):
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        assert "needs a key" in cli.refused("init", "--no-input", code=3)
        assert not (tmp_path / "store").exists()

    def test_a_passphrase_is_asked_for_twice(self, cli, words):
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        cli.tty = FakeTty(*("four random words here", "another one entirely") * 3)
        assert "differ" in cli.refused("init")
        cli.tty = FakeTty(
            "four random words here", "another one entirely", "four random words here", "four random words here", ""
        )
        assert cli("init").code == 0
        cli.tty = FakeTty("four random words here")
        assert cli("list").code == 0
        cli.tty = FakeTty("four other words here")
        words(cli.refused("list", code=4))


def test_a_store_is_not_half_made_where_nothing_can_be_kept_of_it(cli, tmp_path, monkeypatch):
    """Without a place for the anchor `init` failed, and said the next time that there is a store."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "file" / "x"))
    assert cli("init").code == 4
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    assert cli("init").code == 0


class TestKeys:
    def test_slots_are_added_listed_and_removed(self, cli, tmp_path, words):
        cli("init")
        _key(tmp_path / "second")
        assert cli("store", "add-slot", "--key-file", "second").code == 0
        slots = cli("store", "slots", "--format", "json").document["slots"]
        assert [slot["kind"] for slot in slots] == ["key_file", "key_file"]
        first = cli.environ["TOKENGUARD_KEY_FILE"]
        cli.environ["TOKENGUARD_KEY_FILE"] = str(tmp_path / "second")
        entries = cli("audit", "log", "--op", "key-slot", "--format", "json").document["entries"]
        assert {each["id"]: each["added_at"] for each in slots} == {e["detail"]["slot"]: e["at"] for e in entries}
        added = entries[0]
        assert cli("store", "remove-slot", added["detail"]["slot"]).code == 0
        cli.environ["TOKENGUARD_KEY_FILE"] = first
        words(cli.refused("list", code=4))

    def test_the_slot_of_the_key_at_hand_stays(self, cli, tmp_path, words):
        """It could lock out the person who removes it."""
        cli("init")
        first = cli("store", "slots", "--format", "json").document["slots"][0]["id"]
        _key(tmp_path / "second")
        cli("store", "add-slot", "--key-file", "second")
        words(cli.refused("store", "remove-slot", first))
        assert cli("list").code == 0
        cli.environ["TOKENGUARD_KEY_FILE"] = str(tmp_path / "second")
        assert cli("store", "remove-slot", first).code == 0

    def test_the_last_slot_stays(self, cli, words):
        cli("init")
        slot = cli("store", "slots", "--format", "json").document["slots"][0]["id"]
        words(cli.refused("store", "remove-slot", slot))

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            (("add-slot", "--recovery"), "the slot of the new recovery code is "),
            (("rekey",), "the store is re-encrypted under a new key"),
        ],
    )
    def test_who_leaves_at_a_new_recovery_code_is_told_what_is_done(self, cli, command, told):
        cli("init")
        cli.tty = FakeTty()
        answer = cli("store", *command)
        assert answer.code == 130
        assert answer.err.splitlines()[-1].startswith(f"hint: {told}")
        kinds = [each["kind"] for each in cli("store", "slots", "--format", "json").document["slots"]]
        assert sorted(kinds) == ["key_file", "recovery"]

    def test_a_rekey_drops_what_is_not_at_hand_and_makes_a_new_recovery_code(self, cli, tmp_path, words):
        cli("init", "--recovery-file", "old")
        _add(cli)
        document = cli("store", "rekey", "--recovery-file", "new", "--format", "json").document
        assert [slot["kind"] for slot in document["dropped"]] == ["recovery"]
        assert cli("audit", "verify").code == 0
        cli.environ.pop("TOKENGUARD_KEY_FILE")
        cli.tty = FakeTty((tmp_path / "old").read_text().strip())
        words(cli.refused("list", code=4))
        cli.tty = FakeTty((tmp_path / "new").read_text().strip())
        assert NAME in cli("list").out

    @pytest.mark.parametrize(
        "options", [[], ["--recovery", "--passphrase"], ["--key-file", "a", "--recovery-file", "b"]]
    )
    def test_one_kind_of_key_at_a_time(self, cli, options, words):
        cli("init")
        words(cli.refused("store", "add-slot", *options))

    @pytest.mark.parametrize("length", [248, 255, 300])
    def test_a_backup_of_a_name_that_is_too_long_is_bad_input(self, cli, tmp_path, length):
        """A journal beside it could not exist either: nothing was tampered with."""
        cli("init")
        assert "too long" in cli.refused("store", "backup", "x" * length)
        assert not list(tmp_path.glob("xxx*"))

    def test_a_backup_opens_with_the_same_key(self, cli, tmp_path):
        cli("init")
        _add(cli)
        (tmp_path / "restored").mkdir(mode=0o700)
        assert cli("store", "backup", "restored/store.db").code == 0
        assert NAME in cli("list", "--store", f"local://{tmp_path}/restored").out
        assert "already" in cli.refused("store", "backup", "restored/store.db")


class TestDoctor:
    def _levels(self, cli, *arguments):
        answer = cli("doctor", "--format", "json", *arguments)
        return answer.code, {check["check"]: check["level"] for check in answer.document["checks"]}

    def test_all_is_well(self, cli):
        cli("init", "--recovery-file", "recovery")
        _add(cli)
        code, levels = self._levels(cli)
        assert (code, set(levels.values())) == (0, {"ok"})

    def test_a_missing_recovery_code_is_a_warning(self, cli):
        cli("init")
        code, levels = self._levels(cli)
        assert (code, levels["recovery"]) == (0, "warn")

    def test_a_wrong_key_is_a_failure(self, cli, tmp_path):
        cli("init")
        _key(tmp_path / "key")
        assert self._levels(cli)[0] == 4

    def test_damage_is_a_failure(self, cli, tmp_path):
        cli("init")
        database = tmp_path / "store" / "store.db"
        data = bytearray(database.read_bytes())
        data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
        database.write_bytes(data)
        assert self._levels(cli)[0] == 6

    def test_an_open_operation_is_a_warning_with_its_command(self, cli):
        cli("init")
        _add(cli)
        cli.tty = FakeTty()
        assert cli("retire", NAME, "--yes").code == 130
        answer = cli("doctor")
        assert f"tokenguard rotate {NAME} --resume" in answer.out
        assert answer.code == 0

    def test_a_clock_that_went_back_is_a_failure(self, cli):
        cli.clock.sleep(86_400)
        cli("init")
        cli.clock.elapsed = 0.0
        code, levels = self._levels(cli)
        assert (code, levels["clock"]) == (1, "fail")

    def test_an_environment_file_on_its_way_into_git(self, cli, tmp_path):
        cli("init")
        subprocess.run(["git", "init", "-q", "."], check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        (tmp_path / ".env").write_text("A=1\n")
        code, levels = self._levels(cli)
        assert (code, levels[".env"]) == (0, "warn")
        subprocess.run(["git", "add", ".env"], check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        code, levels = self._levels(cli)
        assert (code, levels[".env"]) == (1, "fail")


def test_init_makes_no_empty_store_where_a_known_one_is_gone_unless_asked_to(cli, tmp_path, words):
    """A disk that is not mounted: an empty store in its place would say that nothing is due."""
    assert cli("init").code == 0
    _add(cli)
    (tmp_path / "store").rename(tmp_path / "unmounted")
    refused = cli("init")
    assert (refused.code, (tmp_path / "store").exists()) == (2, False)
    words(refused)
    (tmp_path / "unmounted").rename(tmp_path / "store")
    assert NAME in cli("list").out
    (tmp_path / "store").rename(tmp_path / "unmounted")
    assert cli("init", "--anew").code == 0
    assert NAME not in cli("list").out
