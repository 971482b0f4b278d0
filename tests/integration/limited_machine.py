"""A machine with a store, and the real program on it: commands that are refused leave nothing there."""

import base64
import os
import secrets
import subprocess
from pathlib import Path

from tests.integration.forked_commands import ForkedCommands

FACTS = (
    "--provider", "manual", "--scope", "org:x", "--env", "dev", "--owner", "x", "--purpose", "x", "--no-consumers",
    "--no-verify",
)  # fmt: skip
KEPT = "kept/a"
"""A token that is in the store."""


class LimitedMachine:
    """Its home, which has a store and an empty repository, and `run`, which gives a command little memory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
        (home / "key").chmod(0o600)
        subprocess.run(["git", "init", "-q", home / "repository"], check=True)
        self.run = ForkedCommands({
            "PATH": "/usr/bin:/bin", "HOME": str(home), "TOKENGUARD_STORE": f"local://{home}/store",
            "TOKENGUARD_KEY_FILE": str(home / "key"), "TOKENGUARD_STATE_DIR": str(home / "state"),
            "GIT_CONFIG_GLOBAL": os.devnull,
        })  # fmt: skip
        assert self.run(["init", "--no-input"], home).code == 0
        assert self.run(["add", KEPT, *FACTS, "--stdin"], home, b"tgcanary-a-value").code == 0
