"""docs/coding-agents.md: its commands, run as they stand, and its tables, held to the contracts."""

import json
import re
from pathlib import Path

import docs.coding_agents as generated
from tests.integration.page import DOCS, Page
from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import SettingsScope

PAGE = (DOCS / "coding-agents.md").read_text()


def test_its_commands_do_what_it_says(tmp_path, capfd):
    page = Page(
        "coding-agents.md", tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store", TOKENGUARD_KEY_FILE="./key"
    )
    for line in ("(umask 077; head -c 32 /dev/urandom | base64 > ./key)", "tokenguard init --no-input", "git init -q",
                 "mkdir .claude .cursor .codex .copilot"):  # fmt: skip
        page.line(line)
    files = []
    for line in page.lines():
        page.line(line)
        if line.startswith("tokenguard agent"):
            files.append({each.relative_to(tmp_path).parts[0] for each in tmp_path.glob(".*/**/*.json")})
        if line.startswith("tokenguard doctor"):
            assert page.output.count("trusted is not visible") == len(AGENTS)
    everywhere = {".claude", ".cursor", ".codex", ".copilot"}
    assert files[:2] == [set(), everywhere]
    assert files[-1] == set()


def test_its_table_of_stages_is_made_of_the_contracts():
    assert generated.render() == PAGE, "run `make docs`"


def test_its_places_and_dates_are_those_of_the_contracts():
    for each in map(agent, AGENTS):
        (row,) = re.findall(rf"^\| \[{re.escape(each.title)}\]\((.*?)\).*$", PAGE, re.MULTILINE)
        assert row == each.source
        (line,) = [text for text in PAGE.splitlines() if text.startswith(f"| [{each.title}](")]
        user = each.hook_file(SettingsScope.USER, Path("~"), {})
        project = each.hook_file(SettingsScope.PROJECT, Path(), {})
        assert f"| `{user}` | `{project}` | {each.as_of} |" in line


def test_a_project_s_hook_runs_by_its_documented_words(tmp_path, capfd):
    """The command that a project's file has, run by a shell as an agent runs it."""
    page = Page("coding-agents.md", tmp_path, capfd)
    page.line("git init -q")
    page.line("tokenguard agent install claude-code --project --yes")
    tree = json.loads((tmp_path / ".claude/settings.json").read_text())
    (group,) = tree["hooks"]["UserPromptSubmit"]
    (hook,) = group["hooks"]
    event = json.dumps({"hook_event_name": "UserPromptSubmit", "prompt": "hello"})
    (tmp_path / "event.json").write_text(event)
    page.line(f"{hook['command']} < event.json")
    assert page.output == ""
