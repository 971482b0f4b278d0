"""An own token in disguise blocks a commit under real runners, and is named where the user lets the hook ask the store."""

import base64
import json
import os
import secrets
import string
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.forked_commands import program
from tests.integration.hook_runners import ROOT, RUNNERS, hook, runner

NAME = "video/app/prod/upload"
FIELDS = ("--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")
LETTERS = string.ascii_letters + string.digits


@dataclass
class Team:
    """A real store, a pulled bundle, a repository, and the environment in which its developer commits."""

    repository: Repository
    environ: dict[str, str]
    value: str
    home: Path

    def tokenguard(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [program("tokenguard"), *arguments],
            env=os.environ | self.environ, cwd=self.home, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done
        return done.stdout

    def run(self, *command: str, **environ: str):
        return self.repository.run(*command, **self.environ, **environ)

    def stage_disguised(self) -> None:
        encoded = base64.b64encode(f"user:{self.value}".encode()).decode()
        self.repository.stage("deploy.sh", f'#!/bin/sh\ncurl -H "Authorization: Basic {encoded}" "$URL"\n')

    def configure(self, text: str) -> None:
        (self.home / "config.toml").write_text(text)


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Made once: a store, its bundle, and a home in which it was pulled."""
    home = tmp_path_factory.mktemp("premises") / "home"
    home.mkdir(mode=0o700)
    key = home / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    environ = {
        "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TOKENGUARD_KEY_FILE": str(key),
        "TOKENGUARD_STORE": f"local://{home}/store", "TOKENGUARD_CONFIG": str(home / "config.toml"), "NO_COLOR": "1",
    }  # fmt: skip
    value = "sk-social-" + "".join(secrets.choice(LETTERS) for _ in range(64))
    made = Team(Repository(home.parent / "none"), environ, value, home)
    made.configure("")
    made.tokenguard("init", "--no-input")
    made.tokenguard("add", NAME, *FIELDS, "--stdin", stdin=value)
    (home / "public").mkdir()
    (home / "public" / "code.py").write_text("x = 1\n")
    options = ("bundle", "--key-file", "publisher", "--create-key", "--public-code", "public", "--format", "json")
    environ["TOKENGUARD_SCAN_KEY"] = json.loads(made.tokenguard("fingerprints", "publish", *options))["scan_key"]
    made.tokenguard("fingerprints", "pull", "bundle")
    return made


@pytest.fixture
def team(premises: Team, tmp_path: Path) -> Team:
    premises.configure("")
    return Team(Repository(tmp_path / "work"), dict(premises.environ), premises.value, premises.home)


def test_names_are_only_looked_up_with_the_users_leave(team: Team) -> None:
    team.stage_disguised()
    team.repository.write(".tokenguard.toml", "")
    unnamed = team.run(hook())
    assert unnamed.returncode == 1
    assert NAME not in unnamed.stdout
    team.configure("[scan]\nnames = true\n")
    named = team.run(hook())
    assert named.returncode == 1
    assert f"deploy.sh:2:31: own: token {NAME}, owner video, scope drive:d1, state live, as base64" in named.stdout
    assert "  report: " in named.stdout
    assert team.value not in named.stdout + named.stderr


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"TOKENGUARD_STORE": "local:///nowhere/at/all"}, "there is no store"),
        ({"TOKENGUARD_KEY_FILE": ""}, "no key for this store"), ({"TOKENGUARD_STORE": "vault://kv/x"}, ""),
    ],
)  # fmt: skip
def test_a_store_out_of_reach_leaves_the_commit_blocked_and_asks_nobody(team: Team, broken, said: str) -> None:
    team.configure("[scan]\nnames = true\n")
    team.stage_disguised()
    team.environ |= broken
    done = team.run(hook())
    assert done.returncode == 1, done
    assert "note: names were not looked up: " in done.stdout
    assert said in done.stdout
    assert "own: token " in done.stdout
    assert not done.stderr


def test_a_clean_commit_opens_no_store_whatever_the_settings_say(team: Team) -> None:
    team.configure("[scan]\nnames = true\n")
    team.environ["TOKENGUARD_STORE"] = "local:///nowhere/at/all"
    team.repository.stage("app.py", "print('hello')\n")
    done = team.run(hook())
    assert (done.returncode, "names" in done.stdout) == (0, False)


@pytest.mark.usefixtures("unmeasured")
def test_without_leave_nothing_that_could_reach_a_network_is_even_loaded(team: Team) -> None:
    """Offline by construction, also when own tokens are found."""
    team.stage_disguised()
    code = "import sys\nfrom tokenguard.precommit.hook import run\nprint(run([]))\nprint(*sys.modules, file=sys.stderr)"
    done = team.run(sys.executable, "-I", "-c", code)
    assert done.stdout.endswith("\n1\n"), done
    assert "own: token" in done.stdout
    loaded = set(done.stderr.split())
    assert not loaded & {
        "urllib3",
        "hvac",
        "boto3",
        "requests",
        "ssl",
        "tokenguard.shell.wiring",
        "tokenguard.http.client",
    }


def configuration() -> str:
    """Of a runner that has both hooks."""
    return "repos:\n- repo: local\n  hooks:\n" + "".join(
        f"  - id: {kind}\n    name: {kind}\n    entry: {hook()}{options}\n    language: system\n    require_serial: true\n"
        f"    stages: [{kind}]\n"
        for kind, options in (("pre-commit", ""), ("commit-msg", " --commit-msg"))
    )


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runner_blocks_an_own_token_in_base64_and_names_its_owner(team: Team, name: str, tmp_path: Path) -> None:
    program = runner(name)
    cache = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "PREK_HOME": str(tmp_path / "cache")}
    team.configure("[scan]\nnames = true\n")
    team.repository.write(".pre-commit-config.yaml", configuration())
    team.repository.commit("configuration")
    team.run(program, "install", "-t", "pre-commit", "-t", "commit-msg", **cache)
    team.stage_disguised()
    blocked = team.run("git", "commit", "-m", "deploy", **cache)
    assert blocked.returncode == 1, blocked
    assert f"token {NAME}, owner video, scope drive:d1, state live, as base64" in blocked.stdout + blocked.stderr
    team.repository.stage("deploy.sh", "#!/bin/sh\n")
    in_message = team.run("git", "commit", "-m", f"deploy with {team.value.encode().hex()}", **cache)
    assert in_message.returncode == 1, in_message
    assert "(commit message):1:13: own: token " in in_message.stdout + in_message.stderr
    assert team.run("git", "commit", "-m", "deploy", **cache).returncode == 0
    for done in (blocked, in_message):
        assert team.value not in done.stdout + done.stderr


def test_the_hooks_that_this_repository_offers_are_ones_that_a_runner_takes() -> None:
    program = runner("pre-commit")
    done = subprocess.run([program, "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNERS)
def test_with_this_repository_as_the_source(team: Team, name: str, tmp_path: Path) -> None:
    """As a user has it: the runner clones the repository, builds the environment, and runs the hook from there."""
    program = runner(name)
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", "--no-local", ROOT, source], check=True, timeout=120)
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, check=True, capture_output=True, text=True)
    team.repository.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: {source}\n  rev: {revision.stdout.strip()}\n  hooks:\n  - id: tokenguard\n",
    )
    team.repository.commit("configuration")
    team.configure("[scan]\nnames = true\n")
    team.stage_disguised()
    cache = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "PREK_HOME": str(tmp_path / "cache")}
    environ = os.environ | team.environ | cache
    blocked = subprocess.run(
        [program, "run"], cwd=team.repository.path, env=environ, capture_output=True, text=True, check=False, timeout=600
    )  # fmt: skip
    assert blocked.returncode == 1, blocked
    for part in (NAME, "owner video", "as base64"):
        assert part in blocked.stdout
    team.repository.stage("deploy.sh", "#!/bin/sh\n")
    passed = subprocess.run(
        [program, "run", "--all-files"], cwd=team.repository.path, env=environ, check=False, timeout=600
    )
    assert passed.returncode == 0
