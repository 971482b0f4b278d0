"""A .env file on a real disk: permissions, links, git, other writers, and a kill at any moment."""

import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import warnings

import pytest

from tokenguard.delivery import dotenv
from tokenguard.delivery.dotenv import DotenvDelivery
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.delivery import ConsumerVerdict

OLD = Value.of("tgcanary-old-1")
NEW = Value.of("tgcanary-new-2")
DELIVERY = DotenvDelivery()


def at(path, variable="V"):
    return Consumer(ConsumerKind.DOTENV, f"{path}#{variable}")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_file_is_created_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        DELIVERY.push(at(tmp_path / ".env"), NEW)
    finally:
        os.umask(before)
    assert (tmp_path / ".env").read_text() == "V=tgcanary-new-2\n"
    assert mode_of(tmp_path / ".env") == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o600, 0o400, 0o660, 0o440])
@pytest.mark.parametrize("before", ["A=1\n", "A=1\nV=tgcanary-new-2\n"])
def test_the_file_keeps_its_mode(tmp_path, mode, before):
    path = tmp_path / ".env"
    path.write_text(before)
    path.chmod(mode)
    DELIVERY.push(at(path), NEW)
    assert mode_of(path) == mode
    assert path.read_text() == "A=1\nV=tgcanary-new-2\n"


def test_a_file_that_everybody_can_read_is_told(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    assert DELIVERY.warnings(at(path)) == (), "behind a directory that is closed"
    tmp_path.chmod(0o755)
    path.chmod(0o640)
    assert DELIVERY.warnings(at(path)) == ()
    path.chmod(0o644)
    assert [f"chmod o-r {path}" in each for each in DELIVERY.warnings(at(path))] == [True]


def test_a_file_that_everybody_can_write_is_refused(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o666)
    for use in (lambda: DELIVERY.check(at(path)), lambda: DELIVERY.push(at(path), NEW)):
        with pytest.raises(InputError) as caught:
            use()
        assert caught.value.hint == f"chmod o-w {path}"
    assert path.read_text() == "A=1\n"


def test_a_repeated_push_leaves_the_file_alone(tmp_path):
    path = tmp_path / ".env"
    DELIVERY.push(at(path), NEW)
    inode = path.stat().st_ino
    DELIVERY.push(at(path), NEW)
    assert path.stat().st_ino == inode


def test_bytes_that_are_not_utf8_survive(tmp_path):
    path = tmp_path / ".env"
    path.write_bytes(b"# caf\xe9 \xff\r\nV=old\r\n")
    DELIVERY.push(at(path), NEW)
    assert path.read_bytes() == b"# caf\xe9 \xff\r\nV=tgcanary-new-2\r\n"


def _symlink(folder):
    (folder / "real").write_text("V=old\n")
    (folder / ".env").symlink_to(folder / "real")


def _hard_link(folder):
    (folder / ".env").write_text("V=old\n")
    os.link(folder / ".env", folder / "other")


def _others_may_write(folder):
    (folder / ".env").write_text("V=old\n")
    folder.chmod(0o777)


BAD_PLACES = {
    "a symbolic link": _symlink,
    "a dangling link": lambda folder: (folder / ".env").symlink_to(folder / "nowhere"),
    "a hard link": _hard_link,
    "a directory": lambda folder: (folder / ".env").mkdir(),
    "a FIFO": lambda folder: os.mkfifo(folder / ".env"),
    "a directory that everybody can write to": _others_may_write,
    "UTF-16": lambda folder: (folder / ".env").write_text("V=old\n", "utf-16"),
    "a huge file": lambda folder: (folder / ".env").write_bytes(b"#" * (dotenv.LIMIT + 1)),
    "an unclosed quote": lambda folder: (folder / ".env").write_text("V='old\n"),
}


@pytest.mark.parametrize("kind", BAD_PLACES)
def test_a_bad_place_is_refused_and_nothing_changes(tmp_path, kind):
    folder = tmp_path / "app"
    folder.mkdir()
    BAD_PLACES[kind](folder)
    listing = sorted(entry.name for entry in folder.iterdir())
    for attempt in (DELIVERY.check, lambda consumer: DELIVERY.push(consumer, NEW)):
        with pytest.raises(InputError) as caught:
            attempt(at(folder / ".env"))
        assert caught.value.hint
    assert sorted(entry.name for entry in folder.iterdir()) == listing
    assert b"tgcanary" not in b"".join(entry.read_bytes() for entry in folder.iterdir() if entry.is_file())


def test_a_file_of_another_format_is_refused_unless_it_sets_the_variable(tmp_path):
    file = tmp_path / "secret.yaml"
    file.write_text("kind: Secret\nstringData:\n  V: old\n")
    for attempt in (DELIVERY.check, lambda consumer: DELIVERY.push(consumer, NEW)):
        with pytest.raises(InputError) as caught:
            attempt(at(file))
        assert str(file) in caught.value.message
        assert "V=" in caught.value.hint
    assert file.read_text() == "kind: Secret\nstringData:\n  V: old\n"
    file.write_text("kind: Secret\nV=\n")  # as the hint says
    DELIVERY.push(at(file), NEW)
    assert DELIVERY.verify(at(file), NEW) is ConsumerVerdict.EXPECTED


def test_somebody_elses_file_is_refused(tmp_path, monkeypatch, words):
    (tmp_path / ".env").write_text("V=old\n")
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(InputError) as caught:
        DELIVERY.check(at(tmp_path / ".env"))
    words(caught.value)


@pytest.mark.parametrize(
    "target", ["", "V", "#V", "rel/.env#V", "/a/.env", "/a/.env#", "/a/.env#1V", "/a/.env#V-W", "/#V"]
)
def test_a_bad_target_is_refused(target, words):
    with pytest.raises(InputError) as caught:
        DELIVERY.check(Consumer(ConsumerKind.DOTENV, target))
    words(caught.value)


def test_a_missing_directory_is_named(tmp_path, words):
    with pytest.raises(InputError) as caught:
        DELIVERY.push(at(tmp_path / "none" / ".env"), NEW)
    words(caught.value)
    assert DELIVERY.verify(at(tmp_path / "none" / ".env"), NEW) is ConsumerVerdict.UNKNOWN


def test_a_value_of_several_fields_is_refused(tmp_path, words):
    pair = Value({"id": Secret("tgcanary-id"), "secret": Secret("tgcanary-secret")})
    with pytest.raises(InputError) as caught:
        DELIVERY.push(at(tmp_path / ".env"), pair)
    words(caught.value)
    assert not (tmp_path / ".env").exists()


def test_two_lines_that_disagree_do_not_count_as_delivered(tmp_path):
    (tmp_path / ".env").write_text("V=tgcanary-new-2\nV=tgcanary-old-1\n")
    assert DELIVERY.verify(at(tmp_path / ".env"), NEW) is ConsumerVerdict.DIFFERENT


def test_a_full_disk_is_to_be_tried_again_and_keeps_the_old_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("V=old\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="ENOSPC"):
        DELIVERY.push(at(tmp_path / ".env"), NEW)
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]
    assert (tmp_path / ".env").read_text() == "V=old\n"


def test_a_variable_behind_a_byte_order_mark_is_not_confirmed_until_every_program_reads_it(tmp_path):
    path = tmp_path / ".env"

    def in_a_shell():
        done = subprocess.run(
            ["/bin/sh", "-c", '. ./.env; echo "$V"'], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    path.write_text(f"\ufeffV={NEW.token.reveal()}\n", encoding="utf-8")
    assert in_a_shell() == "", "it reads another name"
    assert DELIVERY.verify(at(path), NEW) is ConsumerVerdict.DIFFERENT
    DELIVERY.push(at(path), NEW)
    assert in_a_shell() == NEW.token.reveal()
    assert DELIVERY.verify(at(path), NEW) is ConsumerVerdict.EXPECTED


@pytest.mark.parametrize("damage", ["ambiguous", "binary", "writable by all", "a directory"])
def test_a_file_that_is_there_and_cannot_be_checked_is_told_as_an_error(tmp_path, damage):
    path = tmp_path / ".env"
    if damage == "a directory":
        path.mkdir()
    else:
        path.write_bytes({"ambiguous": b"V='open\nW=1\n", "binary": b"V=\0\n"}.get(damage, b"V=1\n"))
        path.chmod(0o666 if damage == "writable by all" else 0o600)
    with pytest.raises(InputError) as caught:
        DELIVERY.verify(at(path), NEW)
    assert str(path) in caught.value.message


def test_another_program_that_writes_at_the_same_time_is_not_overwritten(tmp_path, monkeypatch, words):
    path = tmp_path / ".env"
    path.write_text("V=old\n")

    def meddling(*arguments):
        path.write_text("V=old\nTHEIRS=1\n")
        return original(*arguments)

    original = dotenv.with_value
    monkeypatch.setattr(dotenv, "with_value", meddling)
    with pytest.raises(Unreachable) as caught:
        DELIVERY.push(at(path), NEW)
    words(caught.value)
    assert path.read_text() == "V=old\nTHEIRS=1\n"


def test_a_directory_locked_by_another_runner_is_waited_for_then_given_up(tmp_path, monkeypatch, words):
    monkeypatch.setattr(dotenv, "_LOCK_TRIES", 2)
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        with pytest.raises(Unreachable) as caught:
            DELIVERY.push(at(tmp_path / ".env"), NEW)
        words(caught.value)
    finally:
        os.close(holder)
    DELIVERY.push(at(tmp_path / ".env"), NEW)


def test_two_runners_do_not_lose_each_others_line_in_one_file(tmp_path):
    path = tmp_path / ".env"

    def pushing(variable):
        for number in range(25):
            DELIVERY.push(at(path, variable), Value.of(f"tgcanary-{variable}-{number}"))

    children = [_started(lambda variable=variable: pushing(variable)) for variable in ("ONE", "TWO")]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert sorted(path.read_text().splitlines()) == ["ONE=tgcanary-ONE-24", "TWO=tgcanary-TWO-24"]


def test_a_file_system_without_locks_is_still_served(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    DELIVERY.push(at(tmp_path / ".env"), NEW)
    assert DELIVERY.verify(at(tmp_path / ".env"), NEW) is ConsumerVerdict.EXPECTED


def test_a_file_where_the_directory_should_be_is_refused(tmp_path, words):
    (tmp_path / "app").write_text("")
    with pytest.raises(InputError) as caught:
        DELIVERY.check(at(tmp_path / "app" / ".env"))
    words(caught.value)


# -- git ----------------------------------------------------------------------------------------------------------

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=clean)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / ".env").write_text("V=old\n")
    return tmp_path


@needs_git
def test_a_file_that_git_tracks_is_refused(repository):
    git(repository, "add", ".env")
    with pytest.raises(InputError, match="git tracks"):
        DELIVERY.push(at(repository / ".env"), NEW)
    assert (repository / ".env").read_text() == "V=old\n"


@needs_git
def test_a_tracked_name_with_pathspec_magic_is_still_seen(repository):
    odd = repository / ":(exclude)[.]env"
    odd.write_text("V=old\n")
    git(repository, "--literal-pathspecs", "add", "--", odd.name)
    with pytest.raises(InputError, match="git tracks"):
        DELIVERY.check(at(odd))


@needs_git
def test_an_untracked_file_is_taken_with_a_warning_until_it_is_ignored(repository):
    assert "does not ignore" in DELIVERY.warnings(at(repository / ".env"))[0]
    (repository / ".gitignore").write_text(".env\n")
    assert DELIVERY.warnings(at(repository / ".env")) == ()
    DELIVERY.push(at(repository / ".env"), NEW)


@needs_git
def test_a_directory_reached_through_a_link_is_asked_in_its_own_repository(repository, tmp_path_factory):
    git(repository, "add", ".env")
    alias = tmp_path_factory.mktemp("alias") / "app"
    alias.symlink_to(repository)
    with pytest.raises(InputError, match="git tracks"):
        DELIVERY.check(at(alias / ".env"))


@needs_git
def test_a_repository_cannot_run_programs_through_its_config(repository):
    witness = repository / "ran"
    git(repository, "config", "core.fsmonitor", f"touch {witness}")
    git(repository, "config", "core.hooksPath", str(repository))
    git(repository, "config", "alias.ls-files", f"!touch {witness}")
    DELIVERY.check(at(repository / ".env"))
    DELIVERY.warnings(at(repository / ".env"))
    assert not witness.exists()


@needs_git
def test_the_environment_cannot_point_git_to_another_repository(repository, monkeypatch, tmp_path_factory):
    git(repository, "add", ".env")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    git(elsewhere, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / "index"))
    with pytest.raises(InputError, match="git tracks"):
        DELIVERY.check(at(repository / ".env"))


def test_a_repository_that_git_cannot_read_is_refused(tmp_path):
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(InputError, match="git"):
        DELIVERY.check(at(tmp_path / ".env"))


@needs_git
def test_a_git_that_hangs_is_refused(repository, monkeypatch, words):
    def hanging(*_, **__):
        raise subprocess.TimeoutExpired("git", 10)

    monkeypatch.setattr(subprocess, "run", hanging)
    with pytest.raises(InputError) as caught:
        DELIVERY.check(at(repository / ".env"))
    words(caught.value)


def test_a_repository_without_git_is_refused_and_planted_git_is_not_run(tmp_path, monkeypatch, words):
    (tmp_path / ".git").mkdir()
    planted = tmp_path / "git"
    planted.write_text("#!/bin/sh\nexit 1\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".:")
    with pytest.raises(InputError) as caught:
        DELIVERY.check(at(tmp_path / ".env"))
    words(caught.value)


# -- kill -9 ------------------------------------------------------------------------------------------------------


def _push_and_die(path, countdown):
    """In a child: kill -9 at the n-th system effect of a push (open, write, fsync, chmod, rename, lock)."""
    left = countdown

    def tick(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_and_after(function):
        def wrapped(*arguments, **options):
            tick()
            result = function(*arguments, **options)
            tick()
            return result

        return wrapped

    for name in ("open", "fsync", "fchmod", "rename", "close", "fdopen"):
        setattr(os, name, before_and_after(getattr(os, name)))
    sys.addaudithook(lambda event, _: tick() if event in {"open", "os.rename", "os.remove", "os.chmod"} else None)
    DELIVERY.push(at(path), NEW)


def _started(work):
    """A child that does the work and ends, 0 if nothing was raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside xdist's thread; the child only pushes
        child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child must never return into pytest
            os._exit(1)
        os._exit(0)
    return child


def test_killed_at_any_moment_the_file_is_the_old_one_or_the_new_one_and_the_next_push_cleans_up(tmp_path):
    path = tmp_path / ".env"
    old, new = "A=1 # kept\nV='tgcanary-old-1'\n", "A=1 # kept\nV='tgcanary-new-2'\n"
    seen = set()
    for countdown in range(1, 200):
        path.write_text(old)
        path.chmod(0o640)
        status = os.waitpid(_started(lambda at_step=countdown: _push_and_die(path, at_step)), 0)[1]
        text = path.read_text()
        assert text in {old, new}
        seen.add(text)
        for leftover in set(tmp_path.iterdir()) - {path}:
            assert not mode_of(leftover) & ~mode_of(path), "more open than the file that it was to replace"
        DELIVERY.push(at(path), NEW)
        assert path.read_text() == new
        assert [entry.name for entry in tmp_path.iterdir()] == [".env"]
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            break
    else:
        pytest.fail("the push never ended")
    assert countdown > 20
    assert seen == {old, new}
