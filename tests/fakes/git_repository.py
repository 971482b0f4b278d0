"""A real git repository in a temporary directory, apart from the machine's own configuration."""

import os
import secrets
import subprocess
from pathlib import Path

_CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def leak() -> str:
    """A line of code with a token that no scan may miss."""
    return f"connect('sk-social-{secrets.token_hex(32)}')\n"


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, env=_CLEAN, check=True, capture_output=True)
        return done.stdout.decode("utf-8", "surrogateescape")

    def feed(self, *arguments: str, data: bytes) -> None:
        """Run git with `data` on its standard input."""
        subprocess.run(["git", *arguments], cwd=self.path, env=_CLEAN, input=data, check=True, capture_output=True)

    def write(self, name: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(data)

    def stage(self, name: str, content: str | bytes) -> None:
        self.write(name, content)
        self.git("--literal-pathspecs", "add", "-f", "--", name)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "-m", message)

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env=_CLEAN | {"XDG_STATE_HOME": str(self.path.parent / "state")} | environ,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=60,
        )
