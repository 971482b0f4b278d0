"""The one error boundary: every way to fail has its exit code, and none shows a value."""

import errno
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.fakes.world import FakeIssuer, canary
from tokenguard.cli import error_handler
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.shell.argv import refuse_values

NAME = "video/app/prod/upload"


def _subclasses(kind):
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def test_every_error_of_ours_leaves_with_its_own_code(cli, monkeypatch):
    ours = [kind for kind in _subclasses(TokenguardError) if kind.__module__.startswith("tokenguard.")]
    # an error with words of its own takes none; which of them exist depends on what else this process has loaded
    for kind in [kind for kind in ours if kind.__init__ is TokenguardError.__init__]:
        monkeypatch.setattr(cli.store, "scan", _raising(kind("it went wrong", hint="mend it")))
        answer = cli("list")
        assert (answer.code, answer.err) == (kind.exit_code, "error: it went wrong\nhint: mend it\n")


def test_a_bug_shows_frames_and_no_values(cli, monkeypatch):
    """T04: a message, a local or an attribute of a foreign exception may hold a value."""
    secret = canary()
    monkeypatch.setattr(cli.store, "scan", _raising(ValueError(f"invalid literal: {secret}")))
    answer = cli("list")
    assert answer.code == ExitCode.BUG
    assert "an unexpected ValueError" in answer.err
    assert "tokenguard/cli/list_.py" in answer.err
    assert secret not in answer.err


def test_an_error_s_words_cannot_act_on_the_terminal(cli, monkeypatch):
    monkeypatch.setattr(cli.store, "scan", _raising(TokenguardError("a\x1b[2J\nerror: b", hint="c\u202ed")))
    assert cli("list").err == "error: a\\x1b[2J\\x0aerror: b\nhint: c\\u202ed\n"


def test_an_error_on_a_terminal_begins_a_line_of_its_own(cli, monkeypatch):
    """What was being waited for is on the line the cursor stands in."""
    cli.add(NAME)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(FakeIssuer, "create", _raising(TokenguardError("it went wrong", hint="mend it")))
    answer = cli("rotate", NAME)
    before, error, _ = answer.err.partition("error: it went wrong")
    assert error, answer
    assert "… asking" in before
    assert before.endswith(("\r\x1b[K", "\n"))


def test_an_interrupt_is_130(cli, monkeypatch):
    monkeypatch.setattr(cli.store, "scan", _raising(KeyboardInterrupt()))
    answer = cli("list")
    assert (answer.code, answer.err.splitlines()[-2]) == (130, "error: interrupted")


def test_a_reader_that_leaves_is_no_error(cli, monkeypatch):
    monkeypatch.setattr(error_handler, "_forget_stdout", lambda: None)
    monkeypatch.setattr(cli.store, "scan", _raising(BrokenPipeError()))
    answer = cli("list")
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize(
    ("number", "why"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the file system is read-only"), (errno.EACCES, "permission")],
)
def test_what_the_system_refuses_is_no_bug_and_is_told_with_its_place(cli, tmp_path, monkeypatch, number, why):
    monkeypatch.setattr(cli.store, "scan", _raising(OSError(number, "tgcanary", str(tmp_path / ".x.123"))))
    answer = cli("list")
    assert (answer.code, "bug" in answer.err, "tgcanary" in answer.err) == (4, False, False)
    assert answer.err.startswith(f"error: {why}")
    assert answer.err.splitlines()[0].endswith(f": {tmp_path}")


def test_any_other_trouble_of_the_system_is_a_bug(cli, monkeypatch):
    monkeypatch.setattr(cli.store, "scan", _raising(OSError(errno.EBADF, "tgcanary")))
    answer = cli("list")
    assert (answer.code, "tgcanary" in answer.err) == (70, False)


@pytest.mark.parametrize("place", ["before", "after", "both"])
def test_global_options_work_before_and_after_the_command(cli, place):
    cli.add(NAME)
    options = ["--format", "json"]
    line = {"before": [*options, "list"], "after": ["list", *options], "both": ["--no-input", "list", *options]}[place]
    assert cli(*line).document["tokens"][0]["name"] == NAME


def test_global_options_work_inside_a_group(cli):
    for line in (["audit", "--format", "json", "verify"], ["audit", "verify", "--format", "json"]):
        assert cli(*line).document["ok"]


def test_a_completion_script_is_printed_or_part_of_a_document(cli):
    script = cli("completion", "bash").out
    document = cli("completion", "bash", "--format", "json").document
    assert (document["shell"], document["script"].split()) == ("bash", script.split())
    assert "tokenguard" in script


def test_verbose_says_what_is_used(cli, tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text("[store]\nurl = 'local:///nowhere/store'\n")
    cli.store = None
    answer = cli("-v", "list", "--config", "config.toml")
    assert "! configuration: " in answer.err
    assert "! store: local:///nowhere/store" in answer.err


LOOKS_LIKE_A_VALUE = [
    "dx_bearer_0123456789:dx_secret_0123456789",
    "dx_secret_0123456789",
    "sk-social-0123456789",
    "tgcanary-0123456789",
    "--scope=tgcanary-0123456789",
    "--notes=see tgcanary-0123456789",
    "https://example.com/tgcanary-0123456789",
    "aB3" * 12,
]
FINE = [
    "video/publisher/prod/upload",
    "drive:8c1f2a6e-1234-4abc-9def-0123456789ab",
    "--from-file=/srv/Secrets2/Tokens/2026/A",
    "local:///var/lib/tokenguard/store",
    "dotenv:/srv/App1/.env#DESCRIPT_API_TOKEN",
    "eyJ",
    "sk-social-",
    "org:org_e910990f212ec71c",
]


@pytest.mark.parametrize("argument", LOOKS_LIKE_A_VALUE)
def test_an_argument_that_looks_like_a_value_stops_everything(cli, argument):
    """T01: it is in the shell's history already; nothing is read, nothing is written, nothing is repeated."""
    error = cli.refused("show", argument)
    assert error == "an argument looks like a token value"


@pytest.mark.parametrize("argument", FINE)
def test_an_ordinary_argument_does_not(argument):
    refuse_values(["add", argument])


def test_what_a_child_is_given_is_not_ours_to_judge():
    refuse_values(["exec", "--", "login", LOOKS_LIKE_A_VALUE[0]])


def _process(*arguments, **how):
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tokenguard", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, start_new_session=True, **how,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_leaves_no_core_and_is_closed_to_its_peers():
    """T03: RLIMIT_CORE is 0; not dumpable, so that others of the same user cannot read its memory."""
    script = (
        "import os, resource, ctypes, sys\nfrom tokenguard.process import harden\nharden()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3), oct(os.umask(0)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "(0, 0) 0 0o77"


def test_a_closed_pipe_ends_quietly():
    with _process("--help") as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.fixture
def housed(tmp_path, monkeypatch):
    """A store of its own for processes; gives the arguments that name it."""
    (tmp_path / "key").write_text("A" * 43 + "=\n")
    (tmp_path / "key").chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TOKENGUARD_KEY_FILE", str(tmp_path / "key"))
    store = ("--store", f"local://{tmp_path}/store", "--no-input")
    assert _shell("init", *store).returncode == 0
    return store


def _shell(*arguments, redirect="", stdin=None):
    """Run it from a shell, which can close what it starts with."""
    command = shlex.join([sys.executable, "-P", "-m", "tokenguard", *arguments])
    return subprocess.run(["bash", "-c", f"{command} {redirect}"], input=stdin, capture_output=True, text=True)  # noqa: PLW1510 - the code is what is asked


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_no_bug_and_never_becomes_a_file_of_the_store(housed, redirect):
    done = _shell("list", *housed, redirect=redirect)
    assert (done.returncode, "bug" in done.stderr) == (0, False)
    assert _shell("audit", "verify", *housed).returncode == 0


def test_a_value_from_a_closed_standard_input_is_an_empty_one(housed):
    fields = ("--provider", "manual", "--scope", "drive:d", "--env", "prod", "--owner", "o", "--purpose", "p")
    done = _shell("add", NAME, *fields, "--stdin", *housed, redirect="<&-")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: the value is empty")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_is_lost_is_an_error_and_never_hides_a_graver_one(housed):
    done = _shell("audit", "verify", *housed, redirect="> /dev/full")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        4,
        "error: standard output could not be written",
    )
    assert _shell("show", NAME, *housed, redirect="> /dev/full").returncode == 2


def test_a_reader_that_leaves_does_not_stop_the_work_nor_change_how_it_ended(housed):
    """P3: `… 2>&1 | head` must not end a rotation half-way, and 0 must not be said for it."""
    fields = ("--provider", "manual", "--scope", "drive:d", "--env", "prod", "--owner", "o", "--purpose", "p")
    gone = "2>&1 | true; exit ${PIPESTATUS[0]}"
    assert _shell("add", NAME, *fields, "--stdin", *housed, redirect=gone, stdin=canary()).returncode == 0
    assert _shell("list", *housed).stdout.count(NAME) == 1
    assert _shell("rotate", NAME, NAME + "2", *housed, redirect=gone).returncode == 2
    assert _shell("rotate", NAME, *housed, redirect=gone).returncode == 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_cannot_say_is_escaped(housed, monkeypatch, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    fields = ("--provider", "manual", "--scope", "drive:d", "--env", "prod", "--owner", "o", "--purpose", "日本")
    assert _shell("add", NAME, *fields, "--stdin", *housed, stdin=canary()).returncode == 0
    assert "\\u65e5" in _shell("show", NAME, *housed).stdout


def test_a_signal_at_a_waiting_process_is_130(tmp_path, until_it_reads):
    """Ctrl-C while the value is awaited on standard input."""
    environment = {
        **os.environ,
        "TOKENGUARD_STATE_DIR": str(tmp_path / "state"),
        "TOKENGUARD_KEY_FILE": str(tmp_path / "key"),
    }
    (tmp_path / "key").write_text("A" * 43 + "=\n")
    (tmp_path / "key").chmod(stat.S_IRUSR | stat.S_IWUSR)
    store = ["--store", f"local://{tmp_path}/store", "--no-input"]
    with _process("init", *store, env=environment) as making:
        assert making.wait() == 0, making.stderr.read()
    fields = [
        "--provider",
        "manual",
        "--scope",
        "drive:d",
        "--env",
        "prod",
        "--owner",
        "o",
        "--purpose",
        "p",
        "--stdin",
    ]
    with _process("add", NAME, *fields, *store, env=environment) as adding:
        until_it_reads(adding)
        adding.send_signal(signal.SIGINT)
        assert adding.wait(10) == 130
        assert b"error: interrupted" in adding.stderr.read()


def _raising(error):
    def raising(*_args):
        raise error

    return raising


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "no/such/token"], ExitCode.USAGE),
        (["show", "--no-such-option"], ExitCode.USAGE),
        (["no-such-command"], ExitCode.USAGE),
        (["add", NAME], ExitCode.USAGE),
        (["scan", "no-such-file"], ExitCode.USAGE),
    ],
)
def test_an_error_under_format_json_is_one_document_on_standard_output(cli, arguments, code):
    answer = cli(*arguments, "--format", "json")
    error = json.loads(answer.out)["error"]
    assert answer.code == error["exit_code"] == code
    assert answer.err == f"error: {error['message']}\nhint: {error['hint']}\n"


@pytest.mark.parametrize(
    ("stopped", "code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (OSError(errno.ENOSPC, "tgcanary"), 4),
        (OSError(errno.EBADF, "tgcanary"), 70),
        (ValueError("tgcanary"), 70),
    ],
)
def test_whatever_stops_a_command_is_one_document_too(cli, monkeypatch, stopped, code):
    monkeypatch.setattr(cli.store, "scan", _raising(stopped))
    answer = cli("list", "--format", "json")
    assert (answer.code, answer.document["error"]["exit_code"]) == (code, code)
    assert "tgcanary" not in answer.out + answer.err
    assert cli("list").out == ""


def test_a_demonstration_is_no_document_and_is_refused_as_one(cli):
    for line in (["--format", "json", "demo"], ["demo", "--format", "json"]):
        answer = cli(*line)
        assert (answer.code, list(answer.document)) == (2, ["error"])


@pytest.mark.parametrize("options", [["--resume"], ["--compromised"], []])
def test_an_interrupt_claims_nothing_of_a_token_that_was_not_looked_up(cli, monkeypatch, options):
    """An operation on it is open, which the interrupted command had not read yet."""
    cli.add(NAME)
    assert cli("edit", NAME, "--no-consumers").code == 0
    monkeypatch.setattr(FakeIssuer, "create", _raising(KeyboardInterrupt()))
    assert f"rotate {NAME} --resume" in cli("rotate", NAME).err
    monkeypatch.setattr(cli.store, "find", _raising(KeyboardInterrupt()))
    answer = cli("rotate", NAME, *options)
    assert answer.code == 130
    assert "no operation" not in answer.err


_STOPPED_AT = """
import importlib.abc, sys
class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
"""


def test_the_entry_point_imports_nothing_before_it_is_ready_for_an_interrupt():
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); before = set(sys.modules); "
        "import tokenguard_entry; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tokenguard_entry"]


@pytest.mark.parametrize("entry", ["command", "hook", "module"])
@pytest.mark.parametrize(
    "module", ["tokenguard.process", "tokenguard.cli.error_handler", "tokenguard.precommit.hook", "click", "msgspec"]
)
def test_an_interrupt_of_the_first_moment_is_130_without_a_traceback(tmp_path, entry, module):
    run = {
        "command": "import tokenguard_entry; tokenguard_entry.command()",
        "hook": "import tokenguard_entry; tokenguard_entry.hook()",
        "module": "import runpy; runpy.run_module('tokenguard', run_name='__main__', alter_sys=False)",
    }[entry]
    program = f"{_STOPPED_AT.format(module=module)}\nsys.argv = ['tokenguard', 'list']\n{run}"
    environ = {**os.environ, "TOKENGUARD_STORE": f"local://{tmp_path}/none", "TOKENGUARD_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environ, check=False
    )
    assert "Traceback" not in done.stderr
    if "error: interrupted" in done.stderr or done.returncode == 130:
        assert (done.returncode, done.stderr.splitlines()[-2]) == (130, "error: interrupted")
        assert done.stderr.splitlines()[-1].startswith("hint: ")
    else:
        assert (entry, module) in {("hook", "tokenguard.cli.error_handler"), ("hook", "click")} | {
            (other, "tokenguard.precommit.hook") for other in ("command", "module")
        }, "it does not load that"


def test_no_error_document_is_added_to_data_or_to_a_document(cli, monkeypatch):
    assert cli("env", "-t", "no/such", "--format", "json").out == ""
    monkeypatch.setattr(cli.store, "scan", _raising(TokenguardError("a", hint="b")))
    assert cli("list").out == ""


def test_a_mistyped_option_is_named_unless_it_could_be_a_value(cli):
    assert "--ownr" in cli("list", "--ownr", "x").err
    pasted = f"--{canary()}"
    assert pasted not in cli("list", pasted).err


def test_the_shell_completes_token_names(cli, monkeypatch):
    from click.shell_completion import get_completion_class

    cli.add(NAME)
    completion = get_completion_class("bash")(
        error_handler.app, {"obj": cli.wiring()}, "tokenguard", "_TOKENGUARD_COMPLETE"
    )
    assert [item.value for item in completion.get_completions(["show"], "video/")] == [NAME]
    assert not completion.get_completions(["show"], "audio/")
    monkeypatch.setattr(cli.store, "scan", _raising(ValueError("broken")))
    completion = get_completion_class("bash")(
        error_handler.app, {"obj": cli.wiring()}, "tokenguard", "_TOKENGUARD_COMPLETE"
    )
    assert not completion.get_completions(["show"], "video/"), "an error would be typed into the command line"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["edit", NAME, "--created"], "--created YYYY-MM-DD"),
        (["edit", NAME, "--owner"], "--owner TEAM"),
        (["list", "--no-input=yes"], "--no-input alone"),
        (["rotate", NAME, "--plan=1"], "--plan alone"),
    ],
)
def test_an_option_that_lacks_its_value_and_a_flag_that_has_one_are_told_apart(cli, line, hint):
    error = cli.refused(*line)
    assert hint in error.answer.err.splitlines()[-1]
    assert "yes" not in error.answer.err


def test_a_hint_to_edit_says_what_to_edit(cli):
    fields = ("--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "x", "--account", "ops")
    assert cli("add", NAME, "--provider", "manual", "--kind", "oauth_grant", *fields).code == 0
    hint = cli.refused("rotate", NAME).answer.err.splitlines()[-1]
    line = hint.partition("tokenguard ")[2].replace("YYYY-MM-DD", f"{cli.clock.now():%Y-%m-%d}")
    assert cli(*line.split()).code == 0


PLACEHOLDER = re.compile(r"`?tokenguard [a-z][^`\n]*?(?:\.\.\.|…)|--[a-z-]+ (?:\.\.\.|…)")


def test_a_placeholder_in_a_command_is_the_word_that_its_help_has():
    package = Path(error_handler.__file__).parents[1]
    found = [
        f"{path.name}: {match[0]}"
        for path in (*package.rglob("*.py"), *package.parent.glob("policies/*.yaml"))
        for match in PLACEHOLDER.finditer(path.read_text())
    ]
    assert found == []


def test_no_hint_names_edit_without_what_to_change():
    package = Path(error_handler.__file__).parents[1]
    bare = re.compile(r"tokenguard edit (?:NAME|\{[^}]*\})[`\"]")
    assert [path.name for path in package.rglob("*.py") if bare.search(path.read_text())] == []


def test_no_hint_names_an_option_without_the_value_that_it_takes():
    def options(command, context):
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter._flag_needs_value:
                yield from parameter.opts
        for name in getattr(command, "table", ()):
            yield from options(command.get_command(context, name), context)

    takes = set(options(error_handler.app, click.Context(error_handler.app)))
    ends = re.compile(r"tokenguard [a-z][^`\n]*?(--[a-z-]+)(?=[`\"])")
    package = Path(error_handler.__file__).parents[1]
    found = [
        f"{path.name}: {match[0]}"
        for path in (*package.rglob("*.py"), *package.parent.glob("policies/*.yaml"))
        for match in ends.finditer(path.read_text())
        if match[1] in takes
    ]
    assert found == []
