"""The hook holds what is staged to the rules about repositories, and loads them only when such a file is staged."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.test_hook_start import HEAVY, loaded
from tokenguard.precommit.hook import run

TOKENGUARD = str(Path(sys.executable).parent / "tokenguard")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    made = Repository(tmp_path / "work")
    monkeypatch.chdir(made.path)
    return made


STAGED = {
    "env file": (".env", "A=1\n", "error: .env: env-file-tracked: "),
    "callback": ("app.py", "\ncallback_url='http://hooks.acme.com'\n", "error: app.py:2: callback-url: "),
    "MCP": (".mcp.json", '{"mcpServers": {"a": {"env": {"B_TOKEN": "abcd"}}}}', "error: .mcp.json:1: mcp-static-token: "),
    "CI": (".gitlab-ci.yml", "a:\n  script:\n    - echo $A_TOKEN\n", "error: .gitlab-ci.yml:3: ci-token-echoed: "),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), STAGED.values(), ids=STAGED)
def test_a_staged_violation_stops_the_commit(repository, capsys, path, text, expected):
    repository.stage(path, text)
    assert run([]) == 1
    out = capsys.readouterr().out
    assert expected in out
    assert "\n  fix: " in out
    assert run([path]) == 1, "as pre-commit names files"
    assert expected in capsys.readouterr().out
    assert run(["--own-only"]) in {0, 2}, "own-only mode asks nothing of it"
    assert expected not in capsys.readouterr().out


def test_what_was_committed_before_is_not_asked_again(repository):
    repository.stage(".env", "A=1\n")
    repository.commit("before")
    repository.stage("app.py", "x = 1\n")
    assert run([]) == 0


def test_a_warning_stops_it_only_where_the_repository_says_so(repository, capsys):
    ci = "jobs:\n  a:\n    env:\n      VAULT_TOKEN: ${{ secrets.X }}\n"
    repository.stage(".github/workflows/ci.yml", ci)
    assert run([]) == 0
    assert "warning: .github/workflows/ci.yml:4: ci-long-lived-key" in capsys.readouterr().out
    repository.write(".tokenguard.toml", '[policy]\nfail_on = "warning"\n')
    assert run([]) == 1


def test_a_demand_that_asks_for_less_is_refused(repository, capsys):
    repository.stage(".env", "A=1\n")
    repository.write(".tokenguard.toml", "[policy.rules.env-file-tracked]\nseverity = 'note'\n")
    assert run([]) == 2
    assert "weaker" in capsys.readouterr().err


def test_a_commit_is_held_to_the_policy_that_check_holds_to(repository, capsys, tmp_path, monkeypatch):
    """The configuration's file before the organisation's before the default; what lies in the repository is none."""
    (tmp_path / "own").mkdir()
    config = tmp_path / "own" / "config.toml"
    monkeypatch.setenv("TOKENGUARD_CONFIG", str(config))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    repository.stage(".env", "A=1\n")
    repository.write(
        "policy.yaml", "format: 1\nname: own\nextends: default\nrules: [{id: env-file-tracked, severity: note}]\n"
    )
    config.write_text("")
    assert run([]) == 1
    (tmp_path / "own" / "policy.yaml").write_bytes((repository.path / "policy.yaml").read_bytes())
    config.write_text('[policy]\nfile = "policy.yaml"\n')
    assert run([]) == 0
    assert "note: .env: env-file-tracked: " in capsys.readouterr().out
    environ = {"TOKENGUARD_CONFIG": str(config), "XDG_STATE_HOME": str(tmp_path / "state")}
    assert "note: .env: env-file-tracked: " in repository.run(TOKENGUARD, "check", "--repo-only", **environ).stdout
    (tmp_path / "own" / "policy.yaml").write_text("rules: [")
    assert run([]) == 2


def test_names_that_act_on_a_terminal_are_shown_and_not_obeyed(repository, capsys):
    repository.stage("\x1b[31m/.env", "A=1\n")
    assert run([]) == 1
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.usefixtures("unmeasured")
def test_the_rules_load_only_for_their_files(repository):
    repository.stage("app.py", "x = 'ü'\n")
    assert loaded(repository.path, []) & HEAVY == set()
    code = "import sys\nfrom tokenguard.precommit.hook import run\nrun([])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "tokenguard.policy.repository_names" in done.stderr.split()
    assert not [name for name in done.stderr.split() if name.startswith("tokenguard.policy.rules")]
    assert "tokenguard.policy.loader" not in done.stderr.split()
