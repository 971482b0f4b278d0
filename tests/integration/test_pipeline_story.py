"""From nothing to an offboarding: the pipeline that `init --ci` writes, its own shell, on a real OpenBao."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.fakes.ci_issuer import GITHUB, GITLAB, MERGE_REQUEST, PULL_REQUEST, Issuer
from tests.integration.pipeline_jobs import Runner
from tokenguard.cli.error_handler import run
from tokenguard.shell.wiring import Wiring

ACTION = Path(__file__).parents[2] / "action.yml"
NAME = "video/app/prod/post"
TOKEN = """\
version: 1
tokens:
  {name}:
    provider: autoposting
    scope: org:{org}
    environment: prod
    owner: video
    purpose: posting
    consumers: ["dotenv:{env}#POST_KEY"]
    issue: true
{more}"""


@pytest.fixture(scope="module")
def openbao(own_openbao):
    return own_openbao


@pytest.fixture
def issuer():
    with Issuer() as issuer:
        yield issuer


class Story:
    """A scratch repository, the person who runs the server, and the runner of its pipeline."""

    def __init__(self, system, openbao, sandbox, issuer, directory: Path, capfd) -> None:
        self.capfd = capfd
        self.system, self.openbao, self.sandbox, self.issuer = system, openbao, sandbox, issuer
        self.repository, self.env = directory / "repository", directory / "app" / ".env"
        for folder in (self.repository, self.env.parent, directory / "runner"):
            folder.mkdir()
        self.url = f"vault://secret/story{system}"
        self.config = directory / "owner.toml"
        self.config.write_text(
            f'[store]\nurl = "{self.url}"\n[vault]\naddress = "{openbao.url}"\ncredential = "env:LOGIN"\n'
            + self.providers
        )
        self.config.chmod(0o600)
        self.runner = Runner(
            self.repository,
            directory / "runner",
            {"TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key},
            hosted=False,
        )  # on the machine where the application reads its file
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", f"git@{system}.com:acme/tokens.git")

    @property
    def providers(self) -> str:
        return f'[providers.autoposting]\nbase_url = "{self.sandbox.info.autoposting_url}"\ndeath_floor = 0.3\n'

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.repository, *arguments], check=True, capture_output=True, timeout=20)

    def owner(self, *arguments: str, code: int = 0) -> str:
        environ = {
            "NO_COLOR": "1",
            "PATH": os.environ["PATH"],
            "TOKENGUARD_CONFIG": str(self.config),
            "LOGIN": self.openbao.root_token,
        }
        wiring = Wiring(environ=environ)
        ended = run([*arguments, "--no-input"], wiring)
        wiring.close()
        shown = self.capfd.readouterr()
        assert ended == code, shown
        self.runner.log += [shown.out, shown.err]
        return shown.out

    def declare(self, *more: str) -> None:
        lines = "".join(f"    {line}\n" for line in more)
        text = TOKEN.format(name=NAME, org=self.sandbox.info.org_id, env=self.env, more=lines)
        (self.repository / "tokens.yaml").write_text(text)
        self.owner("fmt")

    def begin(self) -> None:
        """`init --ci`, the server set up by whoever runs it, and the store made."""
        self.owner("init", "--ci", "--yes", "--repository-id", {"github": "4711", "gitlab": "42"}[self.system])
        server, config = self.repository / "server.yaml", self.repository / ".tokenguard/ci.toml"
        server.write_text(server.read_text() + f"  issuer: {self.issuer.url}\n")
        self.runner.variables["TOKENGUARD_SERVER"] = self.openbao.url
        self.runners_own = (
            config.read_text().replace('"policy.yaml"', f'"{config.with_name("policy.yaml")}"') + self.providers
        )
        self.owner("setup", "--apply")
        assert "matches its declaration" in self.owner("setup", "--exit-code")
        self.owner("init", "--sandbox")

    def give_the_runner_its_own(self) -> None:
        """The address of the provider, which no file of the repository may name, comes from the CI's settings."""
        if self.system == "github":
            self.runner.variables["TOKENGUARD_CONFIG"] = self.runners_own
            return
        file = self.runner.directory / "TOKENGUARD_CONFIG"
        file.write_text(self.runners_own)
        file.chmod(0o666)  # as GitLab's runners write a variable of the type file
        self.runner.variables["TOKENGUARD_CONFIG"] = str(file)

    def value(self) -> str:
        return self.env.read_text().partition("POST_KEY=")[2].strip().strip("'\"")


@pytest.fixture
def story(openbao, sandbox, issuer, tmp_path, capfd, monkeypatch):
    def begun(system: str) -> Story:
        story = Story(system, openbao, sandbox, issuer, tmp_path, capfd)
        monkeypatch.chdir(story.repository)
        story.begin()
        return story

    return begun


def test_the_pipeline_of_a_repository_on_github(story, openbao, sandbox, issuer):
    story = story("github")
    runner = story.runner
    runner.environ = {**runner.environ, **issuer.job}
    on_main = {name: each for name, each in GITHUB.items() if name != "environment"}

    def merged(**more):
        issuer.claims = {**on_main, **more}
        planned = runner.github("plan")
        assert planned.code == 0, planned
        return planned.outputs["digest"]

    story.declare()
    issuer.claims = PULL_REQUEST
    assert runner.github("check").code == 0, runner.log
    planned = runner.github("plan")
    assert (planned.code, NAME in planned.out) == (0, True), planned
    config = story.repository / ".tokenguard/ci.toml"
    honest = config.read_text()
    config.write_text(honest + story.providers)
    hijacked = runner.github("plan")
    assert (hijacked.code, "[providers.NAME] base_url" in hijacked.out) == (2, True), hijacked
    config.write_text(honest)
    story.give_the_runner_its_own()
    planned = runner.github("plan")
    assert (planned.code, NAME in planned.out) == (0, True), planned
    refused = runner.github("apply", {"plan.outputs.digest": planned.outputs["digest"]})
    assert (refused.code, story.env.exists()) == (4, False), refused

    digest = merged()
    issuer.claims = GITHUB
    stale = runner.github("apply", {"plan.outputs.digest": "sha256:" + "0" * 64})
    assert (stale.code, story.env.exists()) == (2, False), stale
    unapproved = runner.github("apply", {"plan.outputs.digest": digest})
    assert (unapproved.code, story.env.exists(), f"tokenguard approve {digest}" in unapproved.out) == (3, False, True)
    issuer.claims = {**GITHUB, "event_name": "schedule", "environment": "tokens-schedule"}
    night = runner.github("upkeep")
    assert (night.code, story.env.exists()) == (3, False), night
    story.owner("approve", digest, "--yes")
    issuer.claims = GITHUB
    applied = runner.github("apply", {"plan.outputs.digest": digest})
    assert applied.code == 0, applied
    first = story.value()

    issuer.claims = {**GITHUB, "event_name": "schedule", "environment": "tokens-schedule"}
    quiet = runner.github("upkeep")
    assert (quiet.code, story.value()) == (0, first), quiet
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    story.owner("edit", NAME, "--due", yesterday)  # a month has gone by
    rotated = runner.github("upkeep")
    assert rotated.code == 0, rotated
    second = story.value()
    assert second != first

    story.owner("edit", NAME, "--owner", "somebody-else")
    issuer.claims = GITHUB
    given = {"role": "tg-secret-storygithub-rotator", "runner-config": story.runners_own, "server": openbao.url}
    drift = runner.action(ACTION, command="drift", **given)
    assert (drift.code, "changed" in drift.out) == (1, True), drift

    story.declare("state: retired")
    digest = merged()
    issuer.claims = GITHUB
    assert runner.github("apply", {"plan.outputs.digest": digest}).code == 2, "nobody let it revoke a live token"
    digest = merged(event_name="workflow_dispatch")
    issuer.claims = {**GITHUB, "event_name": "workflow_dispatch"}
    ended = runner.github("apply", {"plan.outputs.digest": digest}, **{"allow-retire": "true"})
    assert ended.code == 0, ended
    shown = json.loads(story.owner("show", NAME, "--format", "json"))
    assert "retired" in json.dumps(shown)
    everything = "".join(runner.log)
    for secret in (first, second, sandbox.info.admin_key, issuer.request_token, openbao.root_token):
        assert secret not in everything
    for file in story.repository.rglob("*"):
        if file.is_file() and ".git/" not in str(file):
            assert first not in file.read_text(), file


def test_the_pipeline_of_a_repository_on_gitlab(story, issuer):
    story = story("gitlab")
    runner = story.runner
    inputs = yaml.safe_load((story.repository / ".gitlab-ci.yml").read_text())["include"][0]["inputs"]
    story.declare()
    (story.repository / ".tokenguard/ci.toml").chmod(0o666)  # as GitLab's runners check files out

    planned = runner.gitlab("tokenguard-plan", inputs, TOKENGUARD_ID_TOKEN=issuer.signed(MERGE_REQUEST))
    assert planned.code == 0, planned
    story.give_the_runner_its_own()
    planned = runner.gitlab("tokenguard-plan", inputs, TOKENGUARD_ID_TOKEN=issuer.signed(MERGE_REQUEST))
    digest = (story.repository / "plan.env").read_text().strip().partition("=")[2]
    assert (planned.code, NAME in planned.out, len(digest)) == (0, True, 71), planned
    story.owner("approve", digest, "--yes")
    for claims, code, made in ((MERGE_REQUEST, 4, False), (GITLAB, 0, True)):
        variables = {"TOKENGUARD_ID_TOKEN": issuer.signed(claims), "TOKENGUARD_DIGEST": digest}
        applied = runner.gitlab("tokenguard-apply", inputs, **variables)
        assert (applied.code, story.env.exists()) == (code, made), applied
        assert variables["TOKENGUARD_ID_TOKEN"] not in applied.out
    assert story.value() not in "".join(runner.log)
