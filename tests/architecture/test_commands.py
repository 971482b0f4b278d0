"""The command table: every entry is there, says what it does, and costs nothing until it is called."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.fakes.local_stores import KEY
from tokenguard.cli.app import COMMANDS, SECTIONS, app
from tokenguard.cli.base import Group, RenamedOption

HEAVY = {"rich", "yaml", "urllib3", "requests", "boto3", "botocore", "hvac", "detect_secrets", "dotenv", "keyring",
         "markdown_it", "cryptography", "sqlite3", "asyncio"}  # fmt: skip


def _every_command(group=app, path=()):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield (*path, name), command
        if isinstance(command, Group):
            yield from _every_command(command, (*path, name))


def test_the_oldest_click_that_is_allowed_loads_every_command():
    """Its classes take type parameters since 8.4 only, so that those are for type checkers."""
    assert "click>=8.2" in Path("pyproject.toml").read_text()
    for path in Path("tokenguard").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for each in [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ]:
            each.body = []
        generic = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
        assert [path for node in generic if ast.unparse(node.value).startswith("click.")] == []


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(path, found, id=" ".join(path)) for path, found in _every_command()]
)
def test_every_entry_resolves_and_explains_itself(path, command):
    assert command.name == path[-1]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.name} of {' '.join(path)} has no help"


def test_the_table_says_what_each_command_does_in_one_sentence():
    for name, (_, summary) in COMMANDS.items():
        assert summary.endswith("."), name
        assert len(summary) <= 90, name


def test_the_help_lists_each_command_under_one_job():
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(COMMANDS)


def _imported(*arguments, env=None):
    script = (
        "import sys\nfrom tokenguard.cli.error_handler import run\n"
        f"code = run({list(arguments)!r})\nprint(*sorted(sys.modules), sep='\\n', file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}, set(done.stderr.split())


@pytest.mark.usefixtures("unmeasured")
def test_help_imports_no_command_and_nothing_heavy():
    roots, modules = _imported("--help")
    assert not roots & HEAVY
    ours = {name for name in modules if name.startswith("tokenguard.cli.")}
    assert ours == {"tokenguard.cli.app", "tokenguard.cli.base", "tokenguard.cli.error_handler", "tokenguard.cli.usage"}
    assert not [name for name in modules if name.startswith(("tokenguard.stores", "tokenguard.providers"))]


@pytest.mark.usefixtures("unmeasured")
def test_listing_an_empty_store_imports_only_what_opens_it(tmp_path, monkeypatch):
    import base64
    import os

    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(bytes.fromhex(KEY.secret.reveal())))
    key.chmod(0o600)
    env = {**os.environ, "TOKENGUARD_KEY_FILE": str(key), "TOKENGUARD_STATE_DIR": str(tmp_path / "state")}
    env["TOKENGUARD_STORE"] = f"local://{tmp_path}/store"
    _imported("--no-input", "init", env=env)
    roots, _ = _imported("--no-input", "list", env=env)
    assert roots & HEAVY <= {"cryptography", "sqlite3"}


@pytest.mark.usefixtures("unmeasured")
def test_a_program_without_tokens_starts_without_what_reads_and_reports_them():
    roots, modules = _imported("exec", "--", "true")
    assert not roots & HEAVY
    late = {"disclose", "masked_values", "mask_files", "report_leaks"}
    assert not modules & {f"tokenguard.usecases.{name}" for name in late}
    assert not modules & {"tokenguard.domain.document", "tokenguard.domain.token", "hashlib"}


def test_the_hidden_work_of_completion_knows_every_command(monkeypatch, capsys):
    from click.shell_completion import get_completion_class

    completion = get_completion_class("bash")(app, {}, "tokenguard", "_TOKENGUARD_COMPLETE")
    assert {item.value for item in completion.get_completions([], "")} == set(COMMANDS)
    assert "--reveal" in {item.value for item in completion.get_completions(["show"], "--")}


_RENAMED = [
    pytest.param(command, option, id=" ".join((*path, *option.opts)))
    for path, command in _every_command()
    for option in command.params
    if isinstance(option, RenamedOption)
]


@pytest.mark.parametrize(("command", "option"), _RENAMED)
def test_an_option_s_former_name_is_accepted_and_left_out_of_the_help(command, option):
    shown = option.get_help_record(click.Context(command))[0]
    names = [name for name in option.opts if name in shown]
    assert names == option.opts[:1]
    assert option.opts[1:], "a renamed option has a former name"
    value = option.type.choices[0] if isinstance(option.type, click.Choice) else "x"
    for name in option.opts:
        parsed, _, _ = command.make_parser(click.Context(command)).parse_args([name, value])
        assert str(parsed[option.name]) == value
