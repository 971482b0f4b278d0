"""`exec` without a terminal: what the child gets, what comes out of it, and how it ends."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from tests.integration.exec_world import NAME, OURS, world

ECHO = "import os,sys; print(os.environ['TOKEN']); print('err', os.environ['TOKEN'], file=sys.stderr); sys.exit(7)"


def test_output_is_masked_on_both_streams_and_the_exit_code_is_the_childs():
    done = world().exec(ECHO, "--names")
    assert done.returncode == 7
    assert done.stdout == f"[tokenguard:{NAME}]\n".encode()
    assert f"err [tokenguard:{NAME}]".encode() in done.stderr
    assert f"masked 2 values in the output ({NAME})".encode() in done.stderr
    assert b"`tokenguard respond`" in done.stderr


def test_the_child_gets_what_it_asked_for_and_no_key_to_the_store():
    done = world().exec(
        "import json,os; print(json.dumps({k: len(v) for k, v in os.environ.items()}))",
        "--keep",
        "AWS_SECRET_ACCESS_KEY",
    )
    found = json.loads(done.stdout)
    assert found["TOKEN"] == len(world().value)
    assert "AWS_SECRET_ACCESS_KEY" in found
    assert not [name for name in found if name.startswith(("TOKENGUARD_", "VAULT_"))]


def test_the_disclosure_is_written_down_before_and_after_and_so_is_the_leak():
    world().exec("import os; print(os.environ['TOKEN'].encode().hex())")
    trail = json.dumps(world().events()[-3:])
    assert '"intent"' in trail
    assert '"exit 0"' in trail
    assert '"hex"' in trail
    assert world().value not in trail


def test_no_mask_must_be_said_and_then_output_is_untouched():
    done = world().exec("import os; print(os.environ['TOKEN'][:9], len(os.environ['TOKEN']))", "--no-mask")
    assert done.stdout.split() == [b"tgcanary_", str(len(world().value)).encode()]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["exec"], "missing PROGRAM"),
        (["exec", "--no-such-option", "--", "true"], "unknown option --no-such-option"),
        (["exec", "-t", "no/such/token", "--", "true"], "there is no token named"),
        (["exec", "-t", f"{NAME}=LD_PRELOAD", "--", "true"], "LD_PRELOAD changes how programs run"),
        (["exec", "-t", f"{NAME}=a-b", "--", "true"], "this is not a valid variable name"),
        (["exec", "-t", f"{NAME}=A", "-t", f"{NAME}=A", "--", "true"], "two tokens have the same variable"),
        (["exec", "-t", NAME, "--", "/no/such/program"], "the program cannot be started"),
        (["exec", "-t", NAME, "--", "/"], "the program cannot be started"),
    ],
)
def test_whatever_is_wrong_before_the_child_starts_is_125(arguments, why):
    done = world().run(*arguments, check=125)
    assert not done.stdout
    assert f"error: {why}" in done.stderr.decode()


def test_a_store_that_cannot_be_opened_fails_closed():
    done = world().run("exec", "-t", NAME, "--", "echo", "ran", env={"TOKENGUARD_KEY_FILE": "/dev/null"}, check=125)
    assert b"ran" not in done.stdout


def test_without_tokens_no_store_is_opened_and_shapes_are_masked():
    done = world().run("exec", "--", "echo", "Bearer tgcanary_0123456789", env={"TOKENGUARD_STORE": "local:///nowhere"})
    assert (done.returncode, done.stdout) == (0, b"Bearer [tokenguard:bearer]\n")


def test_a_value_written_byte_by_byte_and_in_halves_over_time_is_masked():
    code = (
        "import os,sys,time\n"
        "for c in os.environ['TOKEN']: sys.stdout.write(c); sys.stdout.flush()\n"
        "t = os.environ['TOKEN']; print(); sys.stdout.write(t[:20]); sys.stdout.flush(); time.sleep(.2); print(t[20:])"
    )
    lines = world().exec(code).stdout.splitlines()
    assert [line.endswith(b"]") for line in lines] == [True, True]
    assert world().value[20:].encode() not in b"".join(lines)


def test_output_of_any_bytes_and_any_length_is_passed_on_whole():
    done = world().exec("import sys; sys.stdout.buffer.write(bytes(range(256)) * 8000)")
    assert done.stdout == bytes(range(256)) * 8000


def test_the_order_of_both_streams_is_kept_where_they_are_one():
    code = "import sys\nfor i in range(50): print(i, flush=True); print(i, file=sys.stderr, flush=True)"
    done = subprocess.run(
        [*OURS, "exec", "--", sys.executable, "-c", code],
        env=world().environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == [str(i // 2).encode() for i in range(100)]


def started(code, **how):
    child = subprocess.Popen(
        [*OURS, "exec", "-t", f"{NAME}=TOKEN", "--", sys.executable, "-u", "-c", code],
        env=world().environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how,
    )  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    return child


HANDLES = (
    "import signal,sys,time\n"
    "def h(n, f): print('got', n); sys.exit(n)\n"
    "for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1): signal.signal(n, h)\n"
    "print('ready'); time.sleep(30)"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_child_and_its_answer_is_ours(number):
    child = started(HANDLES, start_new_session=True)
    child.send_signal(number)
    out, _ = child.communicate(timeout=30)
    assert (out, child.returncode) == (b"got %d\n" % number, number)


def test_a_child_that_dies_of_a_signal_is_128_and_its_number():
    assert world().exec("import os,signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 128 + signal.SIGKILL


def test_a_reader_that_leaves_ends_the_writer():
    child = started("print('ready')\nwhile True: print('y' * 1000)")
    child.stdout.close()
    child.stderr.close()
    assert child.wait(timeout=30) in {1, 120, 128 + signal.SIGPIPE}


def test_a_slow_reader_slows_the_writer_and_loses_nothing():
    child = started("print('ready')\nfor i in range(60_000): print(i)")
    time.sleep(0.3)
    out, _ = child.communicate(timeout=30)
    assert out.split()[-1] == b"59999"


def test_a_child_that_closes_its_output_is_waited_for():
    done = world().exec("import os,time,sys; os.close(1); time.sleep(.3); os._exit(5)")
    assert done.returncode == 5


def test_what_a_child_leaves_running_is_still_masked():
    code = (
        "import os,time\n"
        "if os.fork() == 0:\n"
        "    time.sleep(.4); os.write(1, (os.environ['TOKEN'] + ' later').encode()); os._exit(0)\n"
        "os.write(1, b'first ')"
    )
    begun = time.monotonic()
    done = world().exec(code)
    assert done.stdout.startswith(b"first [tokenguard:")
    assert done.stdout.endswith(b"] later")
    assert time.monotonic() - begun < 30


def test_the_childs_files_have_the_modes_it_was_meant_to_give_them(tmp_path):
    world().exec(f"open({str(tmp_path / 'made')!r}, 'w')", preexec_fn=lambda: os.umask(0o022))
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644


def test_the_value_is_in_no_argument_list():
    code = "import os,pathlib; print([p.read_bytes().hex() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline') if os.access(p, os.R_OK)])"
    done = world().exec(code, "--no-mask")
    assert world().value.encode().hex().encode() not in done.stdout


def test_git_runs_as_ever(tmp_path):
    world().run("exec", "-t", f"{NAME}=TOKEN", "--", "git", "init", "-q", str(tmp_path), check=0)
    done = world().run(
        "exec", "-t", f"{NAME}=TOKEN", "--", "sh", "-c",
        f'cd {tmp_path} && echo "$TOKEN" > f && git add f && git -c color.ui=always diff --cached', check=0,
    )  # fmt: skip
    assert b"+\x1b[m\x1b[32m[tokenguard:" in done.stdout or b"[tokenguard:" in done.stdout
    assert world().value.encode() not in done.stdout


def rotate_to(value):
    """Make another value live, as a rotation does in the end."""
    code = (
        "import os\n"
        "from tokenguard.domain.names import new_label\n"
        "from tokenguard.domain.secret import Value\n"
        "from tokenguard.frozen import replace\n"
        "from tokenguard.shell.wiring import Wiring\n"
        "store = Wiring().store\n"
        f"found = store.find({NAME!r})\n"
        f"label = new_label({NAME!r}, 9)\n"
        "store.put_candidate(found.id, label, Value.of(os.environ['NEW']))\n"
        "store.publish(found.id, label, store.read_live(found.id).version)\n"
        "record = replace(found.document.record, fingerprint=store.fingerprint(Value.of(os.environ['NEW'])))\n"
        "store.commit(found.id, found.version, replace(found.document, record=record), [])\n"
    )
    subprocess.run([sys.executable, "-c", code], env=world().environ | {"NEW": value}, check=True)


LIVES = (
    "import os,signal,sys,time\n"
    "signal.signal(signal.SIGHUP, lambda *_: sys.exit(9))\n"
    "print('ready'); print(len(os.environ['TOKEN']))\n"
    "if len(os.environ['TOKEN']) > 60: print(os.environ['TOKEN'], 'new'); sys.exit(3)\n"
    "time.sleep(30)"
)


@pytest.mark.parametrize(("how", "code"), [("signal", 9), ("restart", 3)])
def test_a_child_hears_of_a_rotation_or_is_started_anew_with_the_new_value(how, code):
    before, new = world().value, f"tgcanary_{os.urandom(30).hex()}"
    child = subprocess.Popen(
        [*OURS, "exec", "-t", f"{NAME}=TOKEN", "--on-rotate", how, "--check-every", "1", "--", sys.executable, "-u", "-c", LIVES],
        env=world().environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    rotate_to(new)
    try:
        out, err = child.communicate(timeout=30)
    finally:
        rotate_to(before)
    assert child.returncode == code
    assert new.encode() not in out + err
    if how == "restart":
        assert re.search(rb"ready\n69\n\[tokenguard:\w+\] new", out)


def test_watching_needs_something_to_watch():
    assert b"--on-rotate needs tokens" in world().run("exec", "--on-rotate", "signal", "--", "true", check=125).stderr


STUBBORN = """
import os, signal, sys
from tokenguard.redaction.matcher import Matcher
from tokenguard.streams.child import run_masked
from tokenguard.streams.program import Program
from tokenguard.streams.token_watch import TokenWatch
looks = iter([Matcher()])
child = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True)); [time.sleep(1) for _ in range(40)]"
watch = TokenWatch(look=lambda: next(looks, None), tell=signal.SIGTERM, every=0.4, grace=0.3)
ended = run_masked(Program(argv=[sys.executable, "-c", child], environment=os.environ), Matcher(), watch)
print(ended.code)
"""


@pytest.mark.parametrize("terminal", [False, True])
def test_a_child_that_will_not_end_for_a_new_token_is_killed(terminal):
    argv = [sys.executable, "-c", STUBBORN]
    if terminal:
        argv = ["script", "-qec", shlex.join(argv), "/dev/null"]
    nothing, open_end = os.pipe()  # `script` would type the end of its input
    try:
        done = subprocess.run(argv, stdin=nothing, capture_output=True, env=world().environ, timeout=30, check=True)
    finally:
        os.close(nothing)
        os.close(open_end)
    assert done.stdout.split() == [b"heard", b"137"]


def test_what_was_typed_ahead_reaches_the_child_the_end_of_input_too():
    """`script` types a line and Ctrl-D before the child is there."""
    line = shlex.join(["sh", "-c", f"sleep 0.1; exec {shlex.join(OURS)} exec -- cat"])
    done = subprocess.run(
        ["script", "-qec", line, "/dev/null"], input=b"ahead\n", capture_output=True, env=world().environ, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.count(b"ahead") >= 2
