"""The command line in this process, on a store of a real OpenBao and the sandbox's providers."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.answer import Answer
from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import SwiftClock
from tests.integration.openbao import OpenBao
from tokenguard.cli.error_handler import run
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

NAME = "video/app/prod/post"


@dataclass
class VaultCommandLine:
    server: OpenBao
    sandbox: Sandbox
    directory: Path
    capfd: object
    url: str = ""
    address: str = ""
    token: str = ""
    vault: dict[str, object] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)
    """More stores of the configuration: their addresses by name."""
    more: str = ""
    """Further tables of the configuration."""
    asked: int = 0
    clock: SwiftClock = field(default_factory=SwiftClock)
    approver: bool = True
    """Whether every plan was approved before it is applied; False: the approvals are those of the store."""

    def __call__(self, *arguments: str, token: str = "", url: str = "") -> Answer:
        lines = {"address": self.address or self.server.url, "credential": "env:LOGIN", **self.vault}
        config = self.directory / "config.toml"
        config.write_text(
            f'[store]\nurl = "{url or self.url}"\n[vault]\n'
            + "".join(f"{name} = {json.dumps(each)}\n" for name, each in lines.items())
            + "".join(f'[stores.{name}]\nurl = "{each}"\n' for name, each in self.stores.items())
            + f'[providers.autoposting]\nbase_url = "{self.sandbox.info.autoposting_url}"\ndeath_floor = 2\n'
            + self.more
        )
        config.chmod(0o600)
        environ = {
            "NO_COLOR": "1",
            "TOKENGUARD_CONFIG": str(config),
            "LOGIN": token or self.token or self.server.root_token,
            "TOKENGUARD_ADMIN_AUTOPOSTING": self.sandbox.info.admin_key,
            **self.environ,
        }
        wiring = Wiring(environ=environ)
        wiring.clock = self.clock
        if self.approver:
            wiring.approvals = EverythingApproved()
        code = run(["--no-input", *arguments], wiring)
        shown = self.capfd.readouterr()
        if "store" in wiring.__dict__:
            self.asked = getattr(wiring.store, "asked", 0)  # a local store sends none
            wiring.store.close()
        return Answer(code, shown.out, shown.err, arguments)

    def issue(self, name: str = NAME) -> Answer:
        return self(
            "add", name, "--provider", "autoposting", "--scope", f"org:{self.sandbox.info.org_id}", "--env", "prod",
            "--owner", "video", "--purpose", "posting", "--no-consumers", "--issue",
        )  # fmt: skip

    def live(self, name: str = NAME) -> str:
        place = self.url.removeprefix("vault://").split("/", 1)
        path = f"{place[0]}/data/{place[1]}/live/{name}"
        return self.server.api("GET", path).json()["data"]["data"]["token"]
