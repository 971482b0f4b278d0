"""`agent install`, `agent uninstall` and what `doctor` says: others' hooks stay, nothing is written unseen."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.known_fingerprints import known_value, pulled
from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import SettingsScope
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.shell.scan_key import find_scan_key

PLACES = {
    "claude-code": (".claude/settings.json", ".claude/settings.json"),
    "cursor": (".cursor/hooks.json", ".cursor/hooks.json"),
    "codex": (".codex/hooks.json", ".codex/hooks.json"),
    "copilot": (".copilot/hooks/tokenguard.json", ".github/hooks/tokenguard.json"),
}
"""Where the agents' documentation says that hooks are: of a user, below the home directory; of a project."""
OTHERS = {
    "claude-code": {
        "model": "opus", "env": {"API_KEY": "tgcanary_in_settings"}, "permissions": {"allow": ["Bash(ls)"]},
        "hooks": {
            "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./guard.sh"}]}],
            "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
        },
    },
    "cursor": {"version": 1, "hooks": {"stop": [{"command": "./audit.sh"}], "preToolUse": [{"command": "./x.sh"}]}},
    "codex": {"hooks": {"PreToolUse": [{"matcher": "^Bash$", "hooks": [{"type": "command", "command": "./p.py"}]}]}},
    "copilot": {"version": 1, "hooks": {"preToolUse": [{"type": "command", "bash": "./p.sh", "timeoutSec": 5}]}},
}  # fmt: skip


@pytest.fixture
def home():
    return Path.home()


@pytest.fixture
def project(tmp_path, monkeypatch):
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    subprocess.run(["git", "init", "-q"], check=True, timeout=20)
    return place


def install(cli, *arguments):
    return cli("agent", "install", *arguments)


def written(path: Path):
    return json.loads(path.read_text())


def commands(tree, name: str) -> dict[str, list[str]]:
    """The commands of a hook file by event, as its agent reads them."""
    return {
        event: [
            hook.get("command", hook.get("bash"))
            for entry in entries
            for hook in (entry["hooks"] if name in {"claude-code", "codex"} else [entry])
        ]
        for event, entries in tree["hooks"].items()
    }


@pytest.mark.parametrize("name", AGENTS)
def test_it_registers_every_stage_at_the_documented_place(cli, home, name):
    answer = install(cli, name, "--yes")
    assert answer.code == 0, answer
    found = commands(written(home / PLACES[name][0]), name)
    assert set(found) == {stage.event for stage in agent(name).stages if stage.installed}
    for event, (command,) in found.items():
        program, *words = command.split()
        assert os.access(program, os.X_OK)
        assert words == ["agent", "hook", name, *([event] if name == "copilot" else [])]


def test_what_decides_in_cursor_decides_by_failing_too(cli, home):
    assert install(cli, "cursor", "--yes").code == 0
    hooks = written(home / ".cursor/hooks.json")["hooks"]
    assert {event for event, (hook,) in hooks.items() if hook.get("failClosed")} == set(hooks) - {"postToolUse"}


@pytest.mark.parametrize("name", AGENTS)
def test_a_project_gets_a_command_that_works_on_every_machine(cli, project, name):
    assert install(cli, name, "--project", "--yes").code == 0
    found = commands(written(project / PLACES[name][1]), name)
    assert {command.split(" agent hook ")[0] for (command,) in found.values()} == {"tokenguard"}


@pytest.mark.parametrize("name", AGENTS)
def test_what_was_there_stays_and_comes_back(cli, home, name):
    path = home / PLACES[name][0]
    path.parent.mkdir(parents=True)
    text = json.dumps(OTHERS[name], indent=4) + "\n"
    path.write_text(text)
    path.chmod(0o640)
    assert install(cli, name, "--yes").code == 0
    both = written(path)
    assert {key: each for key, each in both.items() if key != "hooks"} == {
        key: each for key, each in OTHERS[name].items() if key != "hooks"
    }
    for event, entries in OTHERS[name]["hooks"].items():
        assert both["hooks"][event][: len(entries)] == entries
    first = path.read_bytes()
    again = install(cli, name, "--yes")
    assert (again.code, "nothing to write" in again.out, path.read_bytes()) == (0, True, first)
    assert cli("agent", "uninstall", name, "--yes").code == 0
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", AGENTS)
def test_a_file_that_only_had_our_hooks_goes(cli, home, name):
    assert install(cli, name, "--yes").code == 0
    assert cli("agent", "uninstall", name, "--yes").code == 0
    assert not (home / PLACES[name][0]).exists()


def test_an_empty_file_of_others_is_no_file_of_ours(cli, home):
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text("{}\n")
    assert cli("agent", "uninstall", "claude-code", "--yes").code == 0
    assert path.read_text() == "{}\n"


def test_an_older_hook_of_ours_is_renewed_in_its_place_and_where_it_no_longer_belongs_it_goes(cli, home):
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    ours = {"type": "command", "command": "/old/bin/tokenguard agent hook claude-code --own 12"}
    other = {"type": "command", "command": "tokenguard-like agent hook"}
    tree = {"hooks": {"PreToolUse": [{"hooks": [ours, other]}, {"hooks": [other]}], "Stop": [{"hooks": [ours]}]}}
    path.write_text(json.dumps(tree))
    assert install(cli, "claude-code", "--yes").code == 0
    found = written(path)["hooks"]
    assert [len(each["hooks"]) for each in found["PreToolUse"]] == [1, 1, 1]
    assert found["PreToolUse"][1:] == [{"hooks": [other]}, {"hooks": [other]}]
    assert "Stop" not in found
    assert "/old/" not in path.read_text()


@pytest.mark.parametrize(
    "tree",
    [OTHERS["claude-code"], {"env": {"API_KEY": "tgcanary_in_settings"}}, {"apiKeyHelper": "tgcanary_in_settings"}],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_diff_shows_only_the_lines_that_change(cli, home, tree, indent):
    """One that only gets a comma is shown without its value."""
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(tree, indent=indent))
    cli.tty = FakeTty("yes")
    answer = install(cli, "claude-code")
    assert answer.code == 0
    assert "+++ " in answer.out
    assert "tgcanary_in_settings" not in answer.out + answer.err + "".join(cli.tty.shown)
    assert all(line[:1] in "+-@" for line in answer.out.splitlines() if "agent hook" in line)


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("tree", [None, {}, {"version": 1}, {"permissions": {"allow": ["Bash(ls)"]}, "version": 1}])
def test_what_a_diff_shows_is_the_json_that_is_written(cli, home, name, tree):
    path = home / PLACES[name][0]
    path.parent.mkdir(parents=True)
    lines = []
    if tree is not None:
        path.write_text(json.dumps(tree, indent=2))
        lines = path.read_text().splitlines()
    answer = install(cli, name, "--yes")
    for hunk in reversed(re.split(r"^(?=@@ )", answer.out, flags=re.MULTILINE)[1:]):
        start, size = re.match(r"@@ -(\d+)(?:,(\d+))?", hunk).groups(default="1")
        first = int(start) - (size != "0")
        lines[first : first + int(size)] = [line[1:] for line in hunk.splitlines() if line.startswith("+")]
    assert lines == path.read_text().splitlines()
    assert json.loads("\n".join(lines)) == written(path)


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("there", [False, True])
def test_the_lines_of_a_diff_are_those_that_will_be_in_the_file(cli, home, name, there):
    path = home / PLACES[name][0]
    if there:
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(OTHERS[name], indent=2))
    shown = [line[1:] for line in install(cli, name, "--yes").out.splitlines() if line[:1] == "+" and line[:3] != "+++"]
    lines = path.read_text().splitlines()
    assert set(shown) <= set(lines)
    assert there or shown == lines


@pytest.mark.parametrize(("answers", "code"), [(("no",), 3), ((), 130)])
def test_nothing_is_written_that_was_not_accepted(cli, home, answers, code):
    cli.tty = FakeTty(*answers)
    assert install(cli, "cursor").code == code
    assert not (home / ".cursor").exists()


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_without_a_terminal_and_yes_it_is_exit_3(cli, home, command):
    if command == "uninstall":
        assert install(cli, "cursor", "--yes").code == 0
    before = sorted(home.rglob("*.json"))
    answer = cli("agent", command, "cursor", "--no-input")
    assert (answer.code, "agent hook cursor" in answer.out) == (3, True), answer
    document = cli("agent", command, "cursor", "--no-input", "--format", "json")
    assert (document.code, document.document["written"]) == (3, False)
    assert sorted(home.rglob("*.json")) == before


def test_without_a_name_it_takes_the_agents_that_are_used(cli, home):
    assert install(cli, "--yes").code == 2
    (home / ".cursor").mkdir()
    (home / ".codex").mkdir()
    answer = install(cli, "--yes", "--format", "json")
    assert [each["agent"] for each in answer.document["files"]] == ["cursor", "codex"]


BAD = {
    "comments": '{\n  // mine\n  "model": "opus"\n}',
    "not JSON": "{",
    "another kind": "[]",
    "hooks of another kind": '{"hooks": []}',
    "an event of another kind": '{"hooks": {"PreToolUse": {}}}',
    "a name twice": '{"hooks": {}, "hooks": {}}',
    "deep": '{"a": ' + "[" * 100 + "]" * 100 + "}",
    "not UTF-8": b'{"a": "\xff"}',
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_understood_is_left_as_it_is(cli, home, case):
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    content = BAD[case] if isinstance(BAD[case], bytes) else BAD[case].encode()
    path.write_bytes(content)
    answer = install(cli, "claude-code", "--yes")
    assert answer.code == 2
    assert "settings.json" in answer.err
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["cursor", "copilot"])
def test_an_unknown_version_is_said_and_not_guessed(cli, home, name):
    path = home / PLACES[name][0]
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 2, "hooks": {}}')
    answer = install(cli, name, "--yes")
    assert (answer.code, "version" in answer.err) == (2, True)
    assert path.read_text() == '{"version": 2, "hooks": {}}'


def says(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


VERSIONS = [
    ("claude", "claude-code", "2.1.120 (Claude Code)", 2), ("claude", "claude-code", "2.1.121 (Claude Code)", 0),
    ("claude", "claude-code", "10.0.0", 0), ("codex", "codex", "codex-cli 0.123.9", 2), ("codex", "codex", "codex-cli 0.124.0", 0),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "version", "code"), VERSIONS)
def test_an_agent_older_than_its_contract_is_refused(cli, home, tmp_path, program, name, version, code):
    says(tmp_path / "bin", program, f'test "$1" = --version && echo "{version}"')
    cli.environ = {**cli.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    answer = install(cli, name, "--yes")
    assert answer.code == code
    assert (home / PLACES[name][0]).exists() is (code == 0)
    assert "is unknown" not in answer.err


@pytest.mark.parametrize("script", ["exit 1", "echo none", "exec sleep 60", "kill -9 $$", None])
def test_an_unknown_version_of_an_agent_is_said(cli, home, tmp_path, monkeypatch, script):
    monkeypatch.setattr("tokenguard.agents.installed_version._PATIENCE", 0.2)
    if script:
        says(tmp_path / "bin", "claude", script)
    cli.environ = {**cli.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    answer = install(cli, "claude-code", "--yes")
    assert (answer.code, "is unknown" in answer.err) == (0, True)


def test_no_program_of_the_working_directory_is_asked_for_its_version(cli, home, project):
    says(project, "claude", f"touch {project}/sprung; echo 9.9.9")
    cli.environ = {**cli.environ, "PATH": ":.:/usr/bin:/bin"}
    assert "is unknown" in install(cli, "claude-code", "--yes").err
    assert not (project / "sprung").exists()


@pytest.mark.parametrize("scope", ["--user", "--project"])
def test_a_link_is_not_written_through(cli, home, project, tmp_path, scope):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}\n")
    path = (home if scope == "--user" else project) / ".claude/settings.json"
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    assert install(cli, "claude-code", scope, "--yes").code == 2
    assert elsewhere.read_text() == "{}\n"


def test_a_link_among_the_folders_of_a_project_is_not_followed(cli, project, tmp_path):
    (tmp_path / "outside").mkdir()
    (project / ".claude").symlink_to(tmp_path / "outside")
    assert install(cli, "claude-code", "--project", "--yes").code == 2
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(cli, home):
    (home / ".cursor").write_text("")
    answer = install(cli, "cursor", "--yes")
    assert (answer.code, answer.err.startswith("error: ")) == (2, True)


def test_a_file_that_changes_while_the_user_reads_is_not_overwritten(cli, home):
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text("{}")

    class Meanwhile(FakeTty):
        def ask(self, prompt, *, public=False):
            path.write_text('{"model": "new"}')
            return super().ask(prompt)

    cli.tty = Meanwhile("yes")
    assert install(cli, "claude-code").code == 2
    assert path.read_text() == '{"model": "new"}'


def test_a_project_cannot_hide_the_scan_key_from_a_user_s_hook(cli, home):
    cli.environ = {**cli.environ, **pulled(known_value())}
    assert install(cli, "claude-code", "--yes").code == 0
    key = find_scan_key(cli.environ)
    assert load_own_tokens(key, cli.clock.now()).stage is not None
    found = commands(written(home / ".claude/settings.json"), "claude-code")
    assert all(f"--own {key.digest[:16]}" in command for (command,) in found.values())


def test_reads_may_be_masked_and_formats_reported(cli, home, project):
    assert install(cli, "copilot", "--reads", "mask", "--yes").code == 0
    found = commands(written(home / PLACES["copilot"][0]), "copilot")
    assert found["preToolUse"][0].endswith(" agent hook copilot --reads mask preToolUse")
    assert install(cli, "copilot", "--formats", "report", "--yes").code == 0
    found = commands(written(home / PLACES["copilot"][0]), "copilot")
    assert found["preToolUse"][0].endswith(" agent hook copilot --formats report preToolUse")
    assert checks(cli, "GitHub Copilot")[0][0] == "ok"


# ---- doctor


def checks(cli, title: str) -> list[tuple[str, str, str]]:
    answer = cli("doctor", "--format", "json")
    return [(each["level"], each["text"], each["hint"]) for each in answer.document["checks"] if each["check"] == title]


def test_doctor_says_whether_the_hook_is_in_place(cli, home, project):
    assert checks(cli, "coding agents") == [("ok", "none is used here", "")]
    (home / ".cursor").mkdir()
    ((level, _, hint),) = checks(cli, "Cursor")
    assert (level, hint) == ("warn", "tokenguard agent install cursor")
    assert install(cli, "cursor", "--yes").code == 0
    ((level, text, _),) = checks(cli, "Cursor")
    assert (level, "trusted" in text) == ("ok", True)
    (home / ".cursor/hooks.json").chmod(0o666)
    assert checks(cli, "Cursor")[0][::2] == ("warn", f"chmod go-w {home}/.cursor/hooks.json")


CLAUDE = (".claude.json", '{"projects": {"PLACE": {"hasTrustDialogAccepted": ANSWER}}}')
CODEX = (".codex/config.toml", '[projects."PLACE"]\ntrust_level = ANSWER\n')
COPILOT = (".copilot/config.json", '// written by the program\n{"trustedFolders": ["PLACE"]}')
TRUST = [
    ("claude-code", "--user", CLAUDE, "true", "ok trusts"),
    ("claude-code", "--project", CLAUDE, "true", "ok trusts"),
    ("claude-code", "--user", CLAUDE, "false", "warn does not trust"),
    ("claude-code", "--user", CLAUDE, "1", "warn does not trust"),
    ("claude-code", "--user", (".claude.json", "{}"), "", "ok not visible"),
    ("claude-code", "--user", (".claude.json", "["), "", "ok not visible"),
    ("claude-code", "--user", (".claude.json", '{"projects": {"/": 3}}'), "", "ok not visible"),
    ("claude-code", "--user", (".claude.json", "[" * 100_000), "", "ok not visible"),
    ("claude-code", "--user", (".claude.json", b"\xff"), "", "ok not visible"),
    ("codex", "--project", CODEX, '"trusted"', "ok not visible"),
    ("codex", "--project", CODEX, '"untrusted"', "warn does not trust"),
    ("codex", "--project", (".codex/config.toml", "model = 'x'"), "", "warn does not trust"),
    ("codex", "--project", (".codex/config.toml", "model = "), "", "ok not visible"),
    ("codex", "--user", CODEX, '"untrusted"', "ok not visible"),
    ("copilot", "--project", COPILOT, "", "ok trusts"),
    ("copilot", "--project", (".copilot/config.json", '{"trustedFolders": ["/nowhere", 3]}'), "", "warn does not trust"),
    ("copilot", "--project", (".copilot/config.json", '{"trusted_folders": ["PLACE/"]}'), "", "ok trusts"),
    ("copilot", "--project", (".copilot/config.json", "{}"), "", "ok not visible"),
    ("cursor", "--project", (".cursor/x", ""), "", "ok not visible"),
]  # fmt: skip


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize(("name", "scope", "file", "answer", "expected"), TRUST)
def test_doctor_says_whether_the_agent_trusts_the_folder(
    cli, home, project, monkeypatch, name, scope, file, answer, expected, below
):
    """As far as a documented file says; a folder in a trusted one is trusted too."""
    assert install(cli, name, scope, "--yes").code == 0
    path = home / file[0]
    path.parent.mkdir(exist_ok=True)
    text = file[1] if isinstance(file[1], bytes) else file[1].replace("PLACE", str(project)).encode()
    path.write_bytes(text.replace(b"ANSWER", answer.encode()))
    if below and scope == "--user":
        (project / "deep").mkdir()
        monkeypatch.chdir(project / "deep")
    level, _, words = expected.partition(" ")
    ((found, said, hint),) = checks(cli, agent(name).title)
    assert (found, words in said, bool(hint)) == (level, True, level == "warn"), said


@pytest.mark.parametrize("name", AGENTS)
def test_doctor_knows_what_it_installed(cli, home, project, name):
    for scope in ("--user", "--project"):
        assert install(cli, name, scope, "--yes").code == 0
    assert [level for level, _, _ in checks(cli, agent(name).title)] == ["ok", "ok"]


def test_doctor_sees_another_hook_a_missing_program_and_a_new_key(cli, home, project):
    path = home / ".cursor/hooks.json"
    assert install(cli, "cursor", "--yes").code == 0
    text = path.read_text()
    path.write_text(text.replace(str(Path(sys.executable).parent), "/nowhere"))
    assert checks(cli, "Cursor")[0][0] == "fail"
    tree = json.loads(text)
    tree["hooks"].pop("preToolUse")
    path.write_text(json.dumps(tree))
    assert checks(cli, "Cursor")[0][0] == "warn"
    path.write_text(text)
    cli.environ = {**cli.environ, **pulled(known_value())}
    assert checks(cli, "Cursor")[0][0] == "warn"


@pytest.mark.parametrize("place", ["user", "project"])
def test_doctor_sees_hooks_that_are_switched_off(cli, home, project, place):
    assert install(cli, "claude-code", "--yes").code == 0
    path = home / ".claude/settings.json" if place == "user" else project / ".claude/settings.local.json"
    path.parent.mkdir(exist_ok=True)
    tree = written(path) if path.exists() else {}
    path.write_text(json.dumps(tree | {"disableAllHooks": True}))
    assert [level for level, _, _ in checks(cli, "Claude Code")] == ["ok", "fail"]
    done = install(cli, "claude-code", "--yes")
    assert done.code == 0
    assert f"{path} sets disableAllHooks" in done.err
    path.unlink()
    assert "disableAllHooks" not in install(cli, "claude-code", "--yes").err


def test_doctor_says_that_a_hook_file_cannot_be_understood(cli, home, project):
    path = home / ".cursor/hooks.json"
    path.parent.mkdir()
    path.write_text("{ // x\n}")
    assert [level for level, _, _ in checks(cli, "Cursor")] == ["warn", "warn"]


def test_each_agent_s_project_file_is_below_the_project():
    for name, (_, place) in PLACES.items():
        assert agent(name).hook_file(SettingsScope.PROJECT, Path("/p"), {}) == Path("/p") / place
