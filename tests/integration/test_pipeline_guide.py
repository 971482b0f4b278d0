"""The guide's page "from zero to governed in ten minutes", followed literally: its files, its lines, their exit codes."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.fakes.ci_issuer import GITHUB, PULL_REQUEST, Issuer
from tests.integration.forked_commands import program
from tests.integration.openbao import running
from tests.integration.pipeline_jobs import Runner
from tokenguard.cli.error_handler import run
from tokenguard.shell.wiring import Wiring

PAGE = Path(__file__).parents[2] / "docs/ten-minutes.md"
_BLOCK = re.compile(r"^```(sh|toml|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who does what the page says; only addresses are those of this machine."""

    def __init__(self, openbao, sandbox, issuer, directory: Path, capfd) -> None:
        self.capfd = capfd
        self.digest = ""
        """What the job `plan` has shown last."""
        self.issuer, self.home, self.repository = issuer, directory, directory / "repository"
        self.openbao, self.provider = openbao, sandbox.info.autoposting_url
        self.providers = f'[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\ndeath_floor = 0.3\n'
        self.here = {
            "https://vault.example.org:8200": openbao.url, "org:acme": f"org:{sandbox.info.org_id}",
        }  # fmt: skip
        self.repository.mkdir()
        self.environ = {
            "PATH": f"{program('tokenguard').parent}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(directory),
            "VAULT_TOKEN": openbao.root_token, "VAULT_ADDR": openbao.url, "ADMIN_KEY": sandbox.info.admin_key, "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        self.runner = Runner(self.repository, directory, issuer.job)
        for line in ("git init -q -b main", "git remote add origin git@github.com:acme/tokens.git"):
            assert self.run(line) == 0

    def run(self, line: str) -> int:
        """A line of the page; tokenguard itself without a process of its own, which costs most of a second."""
        if line.startswith("tokenguard "):
            wiring = Wiring(environ=self.environ)
            words = [word.replace("~", str(self.home)) for word in shlex.split(line)[1:]]
            code = run([*words, "--no-input"], wiring)
            wiring.close()
            shown = self.capfd.readouterr()
            self.runner.log += [shown.out, shown.err]
            return code
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.repository, env=self.environ, capture_output=True, text=True, check=False, timeout=60
        )  # fmt: skip
        self.runner.log += [done.stdout, done.stderr]
        return done.returncode

    def file(self, text: str) -> None:
        name, _, body = text.partition("\n")
        for page, here in self.here.items():
            body = body.replace(page, here)
        path = self.repository / Path(name.removeprefix("# ").replace("~", str(self.home)))
        path.write_text(body + (self.providers if path.suffix == ".toml" else ""))
        path.chmod(0o600)

    def line(self, line: str) -> int:
        match line.split()[:3]:
            case ["gh", "pr", "create"]:
                return self.jobs(PULL_REQUEST, "plan")
            case ["gh", "pr", "merge"]:
                return self.jobs(GITHUB, "plan", "apply")
            case ["gh", "variable", "set"]:
                assert line.split()[3:] == ["TOKENGUARD_SERVER", "--body", "https://vault.example.org:8200"]
                self.runner.variables["TOKENGUARD_SERVER"] = self.openbao.url
                return 0
            case ["gh", "workflow", "run"]:
                assert "--field allow-retire=true" in line
                return self.jobs(
                    {**GITHUB, "event_name": "workflow_dispatch"}, "plan", "apply", **{"allow-retire": "true"}
                )
        line = line.replace("init --ci github", "init --yes --ci github").replace("org:acme", self.here["org:acme"])
        line = line.replace("admin.toml init", "admin.toml init --sandbox")
        line = line.replace("approve DIGEST", f"approve --yes {self.digest}")
        code = self.run(line.replace("provider_admin", "provider_admin --from-env ADMIN_KEY"))
        if "--ci github" in line:  # the issuer and the provider of this machine
            server, config = self.repository / "server.yaml", self.repository / ".tokenguard/ci.toml"
            server.write_text(f"{server.read_text()}  issuer: {self.issuer.url}\n")
            text = config.read_text().replace('"policy.yaml"', f'"{config.with_name("policy.yaml")}"')
            self.runner.variables["TOKENGUARD_CONFIG"] = text + self.providers
        return code

    def publisher_reads(self) -> str:
        """What the publisher finds in its entry when it starts."""
        return self.openbao.api("GET", "kv/data/apps/publisher").json()["data"]["data"]["autoposting_key"]

    def is_accepted(self, key: str) -> bool:
        """Whether the provider lets the publisher post with it."""
        return requests.get(f"{self.provider}/auth/profile", headers={"x-api-key": key}, timeout=10).ok

    def tonight(self) -> int:
        """What the schedule does, of which the page says that it puts everything right and then finds no drift."""
        self.issuer.claims = {**GITHUB, "event_name": "schedule", "environment": "tokens-schedule"}
        return self.runner.github("upkeep").code

    def jobs(self, claims, *names: str, **inputs: str) -> int:
        outputs: dict[str, str] = {}
        for name in names:
            self.issuer.claims = (
                claims if name == "apply" else {key: each for key, each in claims.items() if key != "environment"}
            )
            ran = self.runner.github(name, outputs, **inputs)
            self.digest = ran.outputs.get("digest", self.digest)
            outputs |= {f"{name}.outputs.{key}": each for key, each in ran.outputs.items()}
            if ran.code:
                return ran.code
        return 0


@pytest.fixture
def reader(sandbox, tmp_path, capfd, monkeypatch):
    with running() as openbao, Issuer() as issuer:
        made = Reader(openbao, sandbox, issuer, tmp_path, capfd)
        monkeypatch.chdir(made.repository)
        yield made


def test_the_page_is_followed_literally(reader):
    followed, read = 0, []
    for language, text in _BLOCK.findall(PAGE.read_text()):
        if language != "sh":
            reader.file(text)
            continue
        for line in re.sub(r"\\\n +", "", text).splitlines():
            command, _, expected = line.partition("  # exit ")
            code = reader.line(command)
            assert code == int(expected or 0), (line, code, "".join(reader.runner.log[-3:]))
            followed += 1
            if "drift" in command:
                assert reader.tonight() == 0, reader.runner.log[-3:]
            if command == "gh pr merge --merge" or "drift" in command:
                read.append(reader.publisher_reads())
                assert reader.is_accepted(read[-1]), line
    assert followed > 15
    assert len(read) == 3
    assert len(set(read)) == 1
    assert not reader.is_accepted(read[0]), "the publisher is switched off"
    assert read[0] not in "".join(reader.runner.log)
