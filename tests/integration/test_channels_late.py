"""Installations in the middle of a program's life: values that come late, helpers that die, ends without warning."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def output_of(code, **more):
    value = f"tgcanary_{secrets.token_hex(18)}"
    done = subprocess.run(
        [sys.executable, "-c", f"import os, sys, tokenguard\nV = os.environ['V']\n{code}"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "V": value}, capture_output=True, check=False, timeout=60, **more,
    )  # fmt: skip
    text = (done.stdout + done.stderr).decode()
    assert value not in text
    assert value[20:] not in text
    return text


LATE = {
    "a value registered after the helper started": (
        "tokenguard.install(fds='helper'); tokenguard.mask(V, 'late'); os.write(1, V.encode() + b' end')"
    ),
    "a child of fork": (
        "tokenguard.install(values={'v': V}, fds='helper')\n"
        "if os.fork() == 0: os.write(1, V.encode()); os._exit(0)\n"
        "os.wait(); os.write(1, b' end')"
    ),
    "processes of one helper, each with a value of its own": (
        "tokenguard.install(fds='helper')\n"
        "asked, asking = os.pipe(); told, telling = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    tokenguard.mask(V, 'of the child'); os.write(telling, b'.'); os.read(asked, 1)\n"
        "    os.write(1, V.encode() + b' end'); os._exit(0)\n"
        "os.read(told, 1); tokenguard.mask('tgcanary_of_the_parent', 'of the parent'); os.write(asking, b'.'); os.wait()"
    ),
    "a program that ends by a signal": (
        "tokenguard.install(values={'v': V}, fds='helper'); os.write(1, V.encode() + b' end'); os.kill(os.getpid(), 9)"
    ),
    "a C extension that writes more than a pipe holds": (
        "import ctypes; tokenguard.install(values={'v': V}, fds='helper')\n"
        "ctypes.pythonapi.PyObject_Repr.restype = ctypes.py_object\n"
        "data = (V.encode() + b' ') * 8000; ctypes.PyDLL(None).write(1, data, len(data)); os.write(1, b' end')"
    ),
    "the text stream, half a value at a time and through its buffer": (
        "tokenguard.install(values={'v': V}, stdio=True)\n"
        "sys.stdout.write(V[:15]); sys.stdout.flush(); sys.stdout.buffer.write(V[15:].encode()); print(' end', end='')"
    ),
    "the end of a value at the end of the program": (
        "tokenguard.install(values={'v': V}, stdio=True); print('[tokenguard: end', V, end='')"
    ),
    "the streams that Python started with": (
        "tokenguard.install(values={'v': V}, stdio=True); print(V, file=sys.__stderr__); sys.__stdout__.write(V + ' end')"
    ),
    "an object that prints when Python ends": (
        "tokenguard.install(values={'v': V}, stdio=True)\n"
        "class Last:\n"
        "    def __del__(self): print(V, 'end')\n"
        "last = Last()"
    ),
    "a hook of somebody else's that fails": (
        "def fails(*_): raise RuntimeError('of the hook')\n"
        "import threading; sys.excepthook = threading.excepthook = fails\n"
        "tokenguard.install(values={'v': V})\n"
        "thread = threading.Thread(target=int, args=(V,)); thread.start(); thread.join()\n"
        "raise ValueError(V + ' end')"
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_nothing_comes_through_and_the_rest_does(case):
    text = output_of(LATE[case])
    assert "[tokenguard:" in text
    assert "end" in text


PRINTS = """
for stream in (sys.stdout, sys.stderr):
    for text in ('plain', 'é ß 日本', 'é tgcan', os.fsdecode(b'name \\xff \\xc3')):
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:
            print('refused', file=stream, flush=True)
    stream.buffer.write(bytes(range(256)))
    stream.buffer.flush()
    print('after', file=stream)
"""


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8:surrogateescape", "latin-1", "ascii:backslashreplace", "ascii:strict"]
)
def test_text_and_bytes_come_out_of_a_wrapped_stream_as_without_us(encoding):
    def printed(first):
        done = subprocess.run(
            [sys.executable, "-c", f"import os, sys, tokenguard\n{first}\n{PRINTS}"], capture_output=True, check=True, timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        return done.stdout, done.stderr

    masked = printed("tokenguard.install(values={'v': 'tgcanary_elsewhere_1x9q'}, stdio=True)")
    assert masked == printed("")
    assert bytes(range(256)) in masked[0]


LAYERS = {
    "detached": "b = sys.stdout.detach(); b.write(b'one ' + V); b.write(b' two t'); sys.stdout = None",
    "another text layer": "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), 'utf-8'); print('one', V.decode()); print('two t', end='')",
    "another text layer over the binary one": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'utf-8'); print('one', V.decode(), 'two t')",
    "a writer of codecs": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer); print('one', V.decode(), 'two t')",
}


@pytest.mark.parametrize("case", LAYERS)
def test_a_program_may_put_its_own_text_layer_before_a_wrapped_stream(case):
    """As programs that insist on UTF-8 do: all of it comes out, and nothing is said at the program's end."""
    value = f"tgcanary_{secrets.token_hex(18)}"
    code = f"import codecs, io, os, sys, tokenguard\ntokenguard.install(env=['V'], stdio=True)\nV = os.environb[b'V']\n{LAYERS[case]}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "V": value},
    )  # fmt: skip
    assert re.sub(r"\[tokenguard:\w+\]", "MASK", done.stdout.decode()).split() == ["one", "MASK", "two", "t"]
    assert done.stderr == b""


CROWDED = """
import signal, threading
tokenguard.install(values={'v': V}, stdio=True)
def chatter():
    while True:
        print('x' * 50)
for _ in range(3):
    threading.Thread(target=chatter, daemon=True).start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        tokenguard.mask('tgcanary_of_the_child')
        print(V, 'end')
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_fork_and_the_end_beside_threads_that_print_hang_nobody():
    """A lock that a thread holds at that moment is released by nobody in the child, or at Python's end."""
    text = output_of(CROWDED)
    assert "AssertionError" not in text
    assert text.count("] end") == 20


def test_a_prompt_on_a_wrapped_stream_appears_when_it_is_flushed():
    text = output_of(
        "tokenguard.install(values={'v': V}, stdio=True); sys.stdout.write('name: t'); sys.stdout.flush(); os._exit(0)"
    )
    assert text == "name: t"


def test_after_uninstall_the_descriptors_are_the_programs_again_and_nothing_is_lost():
    code = (
        "i = tokenguard.install(values={'v': V}, fds='helper', stdio=True)\n"
        "print('one', V); i.uninstall(); print('two', os.readlink('/proc/self/fd/1').startswith('pipe'))"
    )
    lines = output_of(code).splitlines()
    assert lines[0].startswith("one [tokenguard:")
    assert lines[1] == "two True"


def test_without_its_helper_a_program_writes_nothing_and_is_told_so(tmp_path):
    told = tmp_path / "told"
    code = (
        "from tokenguard.masking import descriptors, current\n"
        "helper = descriptors.Helper(); helper.start(()); current.inform_helper(helper.update)\n"
        "helper._process.kill(); helper._process.wait()\n"
        "try: tokenguard.mask(V, 'v')\n"
        f"except Exception as error: open({str(told)!r}, 'w').write(type(error).__name__)\n"
        "try: os.write(1, V.encode())\n"
        "except BrokenPipeError: pass\n"
        "os._exit(0)"
    )
    assert output_of(code) == ""
    assert told.read_text() == "Unreachable"
