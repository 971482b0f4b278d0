"""A real embedded store with one token, made once, and the command line on it as a process."""

import atexit
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.integration.forked_commands import program
from tokenguard.detection.value_coverage import covered

ROOT = Path(__file__).parents[2]
NAME = "video/app/prod/upload"
OURS = [sys.executable, "-P", "-m", "tokenguard"]
"""With its own start; it runs `exec`, whose child, terminal and signals depend on that."""


@dataclass(frozen=True)
class World:
    value: str
    environ: dict[str, str]

    def run(self, *arguments, stdin=b"", env=None, check=None, **how):
        done = subprocess.run(
            [*(OURS if "exec" in arguments else [program("tokenguard")]), *arguments],
            input=stdin,
            capture_output=True,
            env=self.environ | (env or {}),
            timeout=60,
            check=False,
            **how,
        )
        assert self.value.encode() not in done.stderr
        if check is not None:
            assert done.returncode == check, done.stderr
        return done

    def exec(self, code, *arguments, **how):
        """Run Python under `exec`, with the token in TOKEN."""
        return self.run("exec", "-t", f"{NAME}=TOKEN", *arguments, "--", sys.executable, "-c", code, **how)

    def events(self):
        """The trail of the token."""
        return json.loads(self.run("audit", "log", NAME, "--format", "json", check=0).stdout)["entries"]


@cache
def world() -> World:
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    key, config = place / "key", place / "config.toml"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    config.touch()
    for path in (key, config):
        path.chmod(0o600)
    value = next(value for value in iter(lambda: f"tgcanary_{secrets.token_hex(18)}", "") if covered(value))
    environ = {name: setting for name, setting in os.environ.items() if name.startswith("COV")} | {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "PYTHONPATH": str(ROOT),
        "TOKENGUARD_KEY_FILE": str(key),
        "TOKENGUARD_STATE_DIR": str(place / "state"),
        "TOKENGUARD_STORE": f"local://{place / 'store'}",
        "TOKENGUARD_CONFIG": str(config),
        "VAULT_TOKEN": "never-for-a-child",
        "AWS_SECRET_ACCESS_KEY": "never-for-a-child",
    }
    made = World(value, environ)
    made.run("init", "--no-input", check=0)
    made.run(
        "add", NAME, "--provider", "manual", "--scope", "org:x", "--env", "prod", "--owner", "video", "--purpose", "uploads",
        "--no-consumers", "--no-verify", "--stdin", stdin=value.encode(), check=0,
    )  # fmt: skip
    return made
