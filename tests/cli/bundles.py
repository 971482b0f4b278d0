"""A token that a bundle of fingerprints covers, and the command that publishes the bundle."""

import secrets
import string
from pathlib import Path

_LETTERS = string.ascii_letters + string.digits
NAME = "video/app/prod/upload"
_FIELDS = ("--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


def value() -> str:
    """A value random enough for a bundle."""
    return "sk-social-" + "".join(secrets.choice(_LETTERS) for _ in range(64))


def added(cli, name: str = NAME, text: str = "") -> str:
    """Add a token; return its value."""
    text = text or value()
    answer = cli("add", name, *_FIELDS, "--stdin", stdin=text)
    assert answer.code == 0, answer
    return text


def public_code(directory: Path) -> None:
    """Write public code that holds no token, as `publishing` names it."""
    (directory / "public").mkdir()
    (directory / "public" / "code.py").write_text("x = 1\n")


def publishing(*to: str, key: str = "keys/key", public: str = "public") -> tuple[str, ...]:
    """The command that publishes to the places."""
    return ("fingerprints", "publish", *to, "--key-file", key, "--create-key", "--public-code", public)


def publish(cli):
    """Publish to the file `bundle`; return the answer."""
    answer = cli(*publishing("bundle"), "--format", "json")
    assert answer.code == 0, answer
    return answer
