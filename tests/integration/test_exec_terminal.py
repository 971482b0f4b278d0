"""`exec` on a terminal: real programs, keys, job control, window size and colours."""

import os
import re
import shutil
import subprocess
import sys
import time

import pexpect
import pytest

from tests.integration.exec_world import NAME, OURS, world

EXEC = " ".join([*OURS, "exec", "-t", f"{NAME}=TOKEN", "--"])


@pytest.fixture
def shell():
    environ = world().environ | {"PS1": "READY> ", "TERM": "xterm-256color"}
    child = pexpect.spawn(
        "/bin/bash", ["--norc", "--noediting", "-i"], env=environ, encoding="utf-8", dimensions=(30, 100), timeout=30
    )
    child.seen = []
    child.logfile_read = type("Log", (), {"write": lambda _, text: child.seen.append(text), "flush": lambda _: None})()
    child.expect_exact("READY> ")
    yield child
    child.close(force=True)
    assert world().value not in "".join(child.seen)


def test_a_terminal_is_a_terminal_and_one_mask_serves_both_streams(shell):
    shell.sendline(
        f"{EXEC} {sys.executable} -c 'import os,sys;print([os.isatty(n) for n in (0,1,2)], os.get_terminal_size())'"
    )
    shell.expect_exact("[True, True, True] os.terminal_size(columns=100, lines=30)")


def test_an_interactive_python_with_keys_stop_continue_interrupt_and_resize(shell):
    shell.sendline(f"{EXEC} {sys.executable} -q -i")
    shell.expect_exact(">>> ")
    shell.sendline("import os; os.environ['TOKEN']")
    shell.expect(r"'\[tokenguard:[0-9a-f]{8}\]'")
    shell.expect_exact(">>> ")
    shell.sendcontrol("z")
    shell.expect_exact("Stopped")
    shell.expect_exact("READY> ")
    shell.sendline("fg")
    shell.expect_exact("-q -i")
    shell.sendline("6 * 7")
    shell.expect_exact("42")
    shell.expect_exact(">>> ")
    shell.sendcontrol("c")
    shell.expect_exact("KeyboardInterrupt")
    shell.setwinsize(20, 77)
    shell.sendline("while os.get_terminal_size().columns != 77: pass\n")  # the size and the keys take ways of their own
    shell.sendline("os.get_terminal_size()")
    shell.expect_exact("columns=77, lines=20")
    shell.expect_exact(">>> ")  # before it, the end of input is a key like any other
    shell.sendcontrol("d")
    shell.expect_exact("READY> ")
    shell.sendline("stty -a | grep -ow -- '-\\?icanon'; echo code $?")
    shell.expect(r"\nicanon")


def test_a_job_in_the_background_is_not_stopped_by_what_is_typed_and_gets_its_keys_when_it_is_back(shell):
    shell.sendline(f"{EXEC} sh -c 'echo star''ted; exec cat' &")
    shell.expect(r"(?s)(?=.*\[1\] \d+\r\n)(?=.*READY> )(?=.*started\r).*")  # shell and job write at the same time
    shell.sendline("echo typed-for-the-shell")
    shell.expect_exact("\r\ntyped-for-the-shell\r\nREADY> ")
    shell.sendline("jobs")
    shell.expect(r"Running.*cat")
    shell.expect_exact("READY> ")
    shell.sendline("fg")
    shell.expect_exact("exec cat'")
    shell.sendline("typed-for-the-job")
    shell.expect(r"typed-for-the-job\r\n(?s:.*)typed-for-the-job\r\n")
    shell.sendcontrol("z")
    shell.expect_exact("^Z")
    shell.expect_exact("Stopped")
    shell.sendline("bg; jobs; fg")
    shell.expect(r"Running.*cat")
    shell.sendline("typed-once-more")
    shell.expect(r"typed-once-more\r\n(?s:.*)typed-once-more\r\n")
    shell.sendcontrol("d")
    shell.expect_exact("READY> ")
    shell.sendline("stty -a | grep -ow -- '-\\?icanon'")
    shell.expect(r"\nicanon")


def test_exit_codes_and_a_pipe_behind_it(shell):
    shell.sendline(f"{EXEC} sh -c 'exit 9'; echo code=$?")
    shell.expect_exact("code=9")
    shell.sendline(f"{EXEC} sh -c 'kill -9 $$'; echo code=$?")
    shell.expect_exact("code=137")
    shell.sendline(f"{EXEC} sh -c 'printf \"\\033[31m$TOKEN\\033[0m\\n\"' | cat -v")
    shell.expect(r"\^\[\[31m\[tokenguard:[0-9a-f]{8}\]\^\[\[0m")
    shell.sendline(f"{EXEC} /no/such/program; echo code=$?")
    shell.expect_exact("code=125")


def test_colours_pass_and_do_not_hide_a_value(shell):
    code = "import os;t=os.environ['TOKEN'];print('\\x1b[1;32mgreen\\x1b[0m',t[:12]+'\\x1b[31m'+t[12:]+'\\x1b[0m')"
    shell.sendline(f'{EXEC} {sys.executable} -c "{code}"')
    shell.expect("\x1b\\[1;32mgreen\x1b\\[0m \\[tokenguard:[0-9a-f]{8}\\]\x1b\\[31m\x1b\\[0m")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_full_screen_programs_look_as_they_should(tmp_path):
    """less and vi, looked at as a person sees them: through a terminal emulator."""
    (tmp_path / "page").write_text("".join(f"line {number}\n" for number in range(200)) + world().value + "\n")
    socket = str(tmp_path / "socket")

    def tmux(*arguments):
        done = subprocess.run(
            ["tmux", "-S", socket, *arguments],
            env=world().environ | {"TERM": "xterm", "LESS": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def wait_for(pattern):
        for _ in range(300):
            screen = tmux("capture-pane", "-p")
            assert world().value not in screen
            if re.search(pattern, screen):
                return screen
            time.sleep(0.1)
        raise AssertionError(screen)

    tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "/bin/bash --norc")
    try:
        tmux("send-keys", f"{EXEC} less {tmp_path / 'page'}", "Enter")
        assert "line 22" in wait_for("line 22")
        tmux("send-keys", "G")
        wait_for(r"\[tokenguard:[0-9a-f]{8}\]")
        tmux("send-keys", "q")
        wait_for(r"masked 1 value")  # keys that are typed before it has ended are its own
        if shutil.which("vi"):
            tmux("clear-history")
            tmux("send-keys", f"clear; {EXEC} vi -u NONE -c 'set nocp' {tmp_path / 'page'}", "Enter")
            wait_for(r"line 20|Press ENTER")
            tmux("send-keys", "Enter")
            wait_for(r"line 20")
            tmux("send-keys", ":$", "Enter")
            wait_for(r"\[tokenguard:[0-9a-f]{8}\]")
            tmux("send-keys", ":q!", "Enter")
            wait_for(r"masked 1 value")
        tmux("send-keys", "echo all$((1+1))done", "Enter")
        wait_for("all2done")
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], check=False, env={"PATH": os.environ["PATH"]})


CURSES = """
import curses, sys
def main(screen):
    curses.start_color(); curses.use_default_colors(); curses.init_pair(1, curses.COLOR_RED, -1)
    text = ""
    while not text.endswith("q"):
        rows, columns = screen.getmaxyx()
        screen.erase(); screen.border()
        screen.addstr(1, 2, f"typed {text!r} on {columns} by {rows}", curses.color_pair(1) | curses.A_BOLD)
        screen.refresh()
        key = screen.getch()
        text += {curses.KEY_UP: "U", curses.KEY_RESIZE: "R"}.get(key, chr(key % 256))
curses.wrapper(main)
print("left")
"""
MAKE = "all: ; @test -t 1 && printf '\\033[32mterminal\\033[0m\\n'; read answer; echo got $$answer; false\n"
PACKAGE = '{"name": "x", "version": "1.0.0", "scripts": {"ask": "read answer; echo got $answer; exit 3"}}'
UP = "\x1bOA"
PROGRAMS = {
    "make": (["make", "--no-print-directory"], [("terminal", "yes\r"), ("got yes", "")]),
    "npm": (["npm", "run", "--no-update-notifier", "--loglevel=error", "--progress=false", "ask"], [("> read answer.*\n", "yes\r"), ("got yes", "")]),
    "python": (
        [sys.executable, "-q", "-i", "-E"],
        [(">>> ", "1 +\x7f+ 1\r"), ("2\r\n>>> ", "import sys; sys.stdout.isatty()\r"), ("True\r\n>>> ", "\x04")],
    ),
    "less": (["less", "-X", "page"], [("line 28", " "), ("line 57", "/line 150\r"), ("line 178", "G"), ("END", "q")]),
    "vi": (
        ["vi", "-u", "NONE", "-i", "NONE", "-n", "-N", "--noplugin", "page"],
        [("line 25", "iwritten \x1b"), ("written", ":w\r"), ("written", "G"), ("199", ":q\r")],
    ),
    "a full-screen program": (
        [sys.executable, "screen.py"],
        [("typed ''", "a"), ("a", UP), ("U", "RESIZE"), ("90", "q"), ("left", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_on_a_terminal_gets_and_writes_the_same_as_without_exec(name, tmp_path):
    """Its output byte for byte, its files and its exit code, for the same keys and the same size of the window."""
    argv, steps = PROGRAMS[name]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"NOT TESTED: {argv[0]} is not installed, so it was not run under exec")

    def run(*before):
        place = tmp_path / ("exec" if before else "alone")
        place.mkdir()
        for file, text in {
            "page": "".join(f"line {n}\n" for n in range(200)),
            "Makefile": MAKE,
            "package.json": PACKAGE,
            "screen.py": CURSES,
        }.items():
            (place / file).write_text(text)
        environ = world().environ | {"TERM": "xterm", "LESS": "", "SHELL": "/bin/sh", "NO_UPDATE_NOTIFIER": "1"}
        child = pexpect.spawn(
            [*before, *argv][0], [*before, *argv][1:], cwd=place, env=environ, encoding="latin-1", dimensions=(30, 100), timeout=30
        )  # fmt: skip
        seen = []
        for text, keys in steps:
            child.expect(text)
            seen.append(child.before + child.after)
            if keys == "RESIZE":
                child.setwinsize(25, 90)
            else:
                child.send(keys)
        child.expect(pexpect.EOF)
        seen.append(child.before)
        child.close()
        kept = {each.name: each.read_bytes() for each in place.iterdir() if each.is_file()}
        return "".join(seen), kept, (child.exitstatus, child.signalstatus)

    alone = run()
    under = run(*OURS, "exec", "-t", f"{NAME}=TOKEN", "--")
    assert under == alone
