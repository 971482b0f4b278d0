"""Manifests for tests of `plan`, `apply` and `drift`: written as people write them, on the world in memory."""

from pathlib import Path

HEAD = """\
version: 1
defaults:
  provider: fake
  owner: video
  environment: prod
  scope: drive:d1
  purpose: uploads
"""


def written(directory: Path, *tokens: str, head: str = HEAD, more: str = "") -> Path:
    """A manifest of tokens, each `NAME: {fields}`."""
    lines = "".join(f"  {token}\n" for token in tokens)
    path = directory / "tokens.yaml"
    path.write_text(f"{head}{more}tokens:\n{lines}" if tokens else f"{head}{more}tokens: {{}}\n")
    return path
