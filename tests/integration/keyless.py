"""A repository's pipeline in this process: its jobs' identities, its configuration, and the command line they call."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.answer import Answer
from tests.fakes.ci_issuer import AUDIENCE, Issuer
from tests.fakes.clock import SwiftClock
from tests.integration.openbao import OpenBao
from tokenguard.cli.error_handler import run
from tokenguard.provisioning.server_setup.vault_setup import method_of, role_of
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

GITHUB_SERVER = """\
version: 1
github:
  issuer: {issuer}
  repository: acme/tokens
  repository_id: 4711
  workflow: .github/workflows/tokens.yml
  environments: [tokens, tokens-schedule]
"""
GITLAB_SERVER = """\
version: 1
gitlab:
  issuer: {issuer}
  project: acme/tokens
  project_id: 42
  environments: [tokens]
"""


@dataclass
class Pipeline:
    """Each call is a command of one job; it has no credential but its identity."""

    server: OpenBao
    sandbox: Sandbox
    issuer: Issuer
    directory: Path
    capfd: Any
    url: str
    system: str = "github"
    clock: SwiftClock = field(default_factory=SwiftClock)
    policy: str = ""
    """The policy's file, beside the configuration."""
    seen: list[str] = field(default_factory=list)
    """Everything that any command printed."""

    def owner(self, *arguments: str) -> Answer:
        """A command of whoever runs the server."""
        return self._run({"credential": "env:LOGIN"}, {"LOGIN": self.server.root_token}, arguments)

    def job(self, part: str, *arguments: str, claims: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        """A command of a job that wants to be `part`, and that its system describes with `claims`."""
        login = {"auth": "jwt", "auth_mount": method_of(self.system), "role": self.role(part)}
        if claims is not None:
            self.issuer.claims = {**claims, **more}
        if self.system == "github":
            return self._run({**login, "credential": f"github-oidc:{AUDIENCE}"}, self.issuer.job, arguments)
        token = self.issuer.signed()
        answer = self._run(
            {**login, "credential": "env:TOKENGUARD_ID_TOKEN"}, {"TOKENGUARD_ID_TOKEN": token}, arguments
        )
        assert token not in answer.out + answer.err
        return answer

    def role(self, part: str) -> str:
        """What a job logs in as."""
        mount, _, prefix = self.url.removeprefix("vault://").partition("/")
        return role_of(mount, prefix, part)

    def _run(self, vault: Mapping[str, str], environ: Mapping[str, str], arguments: Iterable[str]) -> Answer:
        config = self.directory / "config.toml"
        config.write_text(
            f'[store]\nurl = "{self.url}"\n[vault]\naddress = "{self.server.url}"\n'
            + "".join(f"{name} = {json.dumps(each)}\n" for name, each in vault.items())
            + f'[providers.autoposting]\nbase_url = "{self.sandbox.info.autoposting_url}"\ndeath_floor = 2\n'
            + (f'[policy]\nfile = "{self.policy}"\n' if self.policy else "")
        )
        config.chmod(0o600)
        admin = {"TOKENGUARD_ADMIN_AUTOPOSTING": self.sandbox.info.admin_key}
        wiring = Wiring(environ={"NO_COLOR": "1", "TOKENGUARD_CONFIG": str(config), "CI": "true", **admin, **environ})
        wiring.clock = self.clock
        code = run(["--no-input", *arguments], wiring)
        shown = self.capfd.readouterr()
        if "store" in wiring.__dict__:
            wiring.store.close()
        self.seen.append(shown.out + shown.err)
        return Answer(code, shown.out, shown.err, tuple(arguments))
