"""A command as consumer: the value goes to stdin and nowhere else, and the whole process group can be ended."""

import errno
import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tokenguard.delivery.command import CommandDelivery, CommandSettings
from tokenguard.delivery.git_tracking import tracking
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.scanning.git import Git
from tokenguard.streams import child
from tokenguard.streams.job_control import Monitor
from tokenguard.streams.program import Program

NEW = Value.of("tgcanary-command-1")
CONSUMER = Consumer(ConsumerKind.COMMAND, "deploy")


def delivery(script, verify=None, timeout=10.0):
    program = (sys.executable, "-I", "-c")
    return CommandDelivery(
        {
            "deploy": CommandSettings(
                argv=(*program, script), verify_argv=None if verify is None else (*program, verify), timeout=timeout
            )
        }
    )


def test_the_value_comes_on_stdin_without_a_newline_and_is_not_in_argv_or_environment(tmp_path, monkeypatch):
    out = tmp_path / "seen"
    for name in ("TOKENGUARD_KEY_FILE", "VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD", "FOO"):
        monkeypatch.setenv(name, "tgcanary-environment")
    monkeypatch.setenv("TZ", "UTC")
    delivery(
        f"import json,os,sys; open({str(out)!r},'w').write(json.dumps("
        "[sys.stdin.read(), sys.argv, dict(os.environ), os.getcwd(), os.getsid(0) == os.getpid()]))"
    ).push(CONSUMER, NEW)
    value, argv, environment, folder, own_session = json.loads(out.read_text())
    assert value == "tgcanary-command-1"
    assert "tgcanary" not in str(argv)
    sentry = {"SUBPROCESS_SENTRY_TRACE", "SUBPROCESS_BAGGAGE"}  # added by the SDK, once another test has started it
    assert set(environment) - sentry <= {"PATH", "HOME", "LANG", "TZ", "LC_CTYPE"}  # LC_CTYPE is Python's own doing
    assert environment["TZ"] == "UTC"
    assert folder == "/"
    assert own_session


def test_several_fields_come_as_one_json_object(tmp_path):
    out = tmp_path / "seen"
    value = Value({"id": Secret("tgcanary-id"), "secret": Secret("tgcanary-secret")})
    delivery(f"import sys; open({str(out)!r},'w').write(sys.stdin.read())").push(CONSUMER, value)
    assert json.loads(out.read_text()) == {"id": "tgcanary-id", "secret": "tgcanary-secret"}


def test_an_echo_of_the_value_is_never_shown(capfd):
    script = "import sys; text = sys.stdin.read() * 10000; print(text); print(text, file=sys.stderr); sys.exit(3)"
    with pytest.raises(Unreachable, match="exit code 3") as caught:
        delivery(script).push(CONSUMER, NEW)
    shown = capfd.readouterr()
    assert "tgcanary" not in shown.out + shown.err + str(caught.value) + caught.value.hint
    assert caught.value.__cause__ is None


def test_a_command_that_does_not_read_is_judged_by_its_exit_code():
    delivery("import os; os.close(0)").push(CONSUMER, NEW)


def test_a_signal_is_reported_as_one():
    with pytest.raises(Unreachable, match="signal 9"):
        delivery("import os; os.kill(os.getpid(), 9)").push(CONSUMER, NEW)


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path, words):
    """The grandchild holds the write end of a FIFO; end of file on it is the proof that it is gone."""
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    script = (
        "import subprocess,sys\n"
        f"held = open({str(pipe)!r}, 'w')\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], pass_fds=[held.fileno()])\n"
        "child.wait()\n"
    )
    ended = threading.Event()

    def watch():
        with pipe.open() as reading:
            reading.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    with pytest.raises(Unreachable) as caught:
        delivery(script, timeout=0.5).push(CONSUMER, NEW)
    words(caught.value)
    with suppress(OSError):  # on a slow machine it was ended before it had opened its end: let the reader go on
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    assert ended.wait(10)


def test_an_interrupt_ends_the_command_too(tmp_path, monkeypatch):
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def interrupted(process, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.Popen.communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        delivery(f"held = open({str(pipe)!r}, 'w'); import time; time.sleep(60)").push(CONSUMER, NEW)
    deadline = time.monotonic() + 5
    while os.read(reader, 1) != b"" and time.monotonic() < deadline:
        time.sleep(0.01)
    os.close(reader)


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("0", ConsumerVerdict.EXPECTED),
        ("1", ConsumerVerdict.DIFFERENT),
        ("2", ConsumerVerdict.UNKNOWN),
        ("127", ConsumerVerdict.UNKNOWN),
    ],
)
def test_the_verifying_commands_exit_code_is_the_answer(code, holds):
    assert delivery("", verify=f"import sys; sys.stdin.read(); sys.exit({code})").verify(CONSUMER, NEW) is holds


def test_without_a_verifying_command_nothing_is_known():
    assert delivery("").verify(CONSUMER, NEW) is ConsumerVerdict.UNKNOWN


def test_a_verifying_command_that_hangs_says_nothing():
    assert (
        delivery("", verify="import time; time.sleep(60)", timeout=0.3).verify(CONSUMER, NEW) is ConsumerVerdict.UNKNOWN
    )


@pytest.mark.parametrize("argv", [(), ("",), ("./run",), ("bin/run",), ("/nowhere/run",), ("/",), ("no-such-program",)])
def test_a_program_that_is_not_at_a_fixed_place_is_refused(argv, tmp_path, monkeypatch):
    for name in ("run", "bin/run", "no-such-program"):
        planted = tmp_path / name
        planted.parent.mkdir(exist_ok=True)
        planted.write_text("#!/bin/sh\nexit 0\n")
        planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:.")
    refused = CommandDelivery({"deploy": CommandSettings(argv=argv)})
    with pytest.raises(InputError, match=r"does not exist|not an executable file"):
        refused.check(CONSUMER)
    with pytest.raises(InputError, match=r"does not exist|not an executable file"):
        refused.push(CONSUMER, NEW)


def test_a_program_that_everybody_can_change_is_refused(tmp_path, words):
    program = tmp_path / "run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    with pytest.raises(InputError) as caught:
        CommandDelivery({"deploy": CommandSettings(argv=(str(program),))}).check(CONSUMER)
    words(caught.value)


def test_a_bare_name_is_found_in_the_fixed_places():
    CommandDelivery({"deploy": CommandSettings(argv=("sh", "-c", "cat"))}).check(CONSUMER)


def test_a_file_that_cannot_be_started_is_no_traceback(tmp_path, words):
    program = tmp_path / "run"
    program.write_bytes(b"\x7fnot a program")
    program.chmod(0o755)
    with pytest.raises(Unreachable) as caught:
        CommandDelivery({"deploy": CommandSettings(argv=(str(program),))}).push(CONSUMER, NEW)
    words(caught.value)


def test_a_store_record_cannot_bring_its_own_program():
    with pytest.raises(InputError, match="no command"):
        CommandDelivery({}).push(Consumer(ConsumerKind.COMMAND, "/bin/sh -c id\x1b[2J"), NEW)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["a directory", "a file without that permission"])
def test_a_program_that_cannot_be_executed_is_not_called_missing(make, tmp_path):
    make(tmp_path / "reload")
    refused = CommandDelivery({"deploy": CommandSettings(argv=(str(tmp_path / "reload"),))})
    with pytest.raises(InputError, match="not an executable file"):
        refused.check(CONSUMER)


STARTS = {
    "git": lambda place: Git(place).output("version"),
    "git, asked yes or no": lambda place: Git(place).succeeds("version"),
    "git, read while it runs": lambda place: list(Git(place).records("version", asked=[b""])),
    "git, about a target": lambda place: tracking(place / ".env"),
    "a delivery": lambda _place: delivery("").push(CONSUMER, NEW),
    "exec": lambda _place: child._start(Program(argv=["true"], environment={})),
    "exec on a terminal": lambda _place: Monitor.start(
        Program(argv=["true"], environment={}), terminal=0, stdin=0, stdout=1, stderr=2
    ),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.E2BIG])
def test_a_limit_that_keeps_a_program_from_starting_is_named(start, number, tmp_path, monkeypatch):
    """Containers limit processes and memory: that is no bug of ours, and no fault of the program."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("subprocess.Popen", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    found = None
    try:
        start(tmp_path)
    except (TokenguardError, OSError) as error:
        found = error
    assert isinstance(found, Unreachable)
    assert "cannot be started: " in str(found)


def test_a_git_that_cannot_run_is_no_bug(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC))

    monkeypatch.setattr("subprocess.Popen", refuse)
    with pytest.raises(InputError):
        Git(tmp_path).output("version")
