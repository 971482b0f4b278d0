"""What a push would publish: as git tells a plain pre-push hook, or as pre-commit and prek pass it on."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.scanning.git import Git

_NONE = "0" * 40


def incoming() -> list[str]:
    """The updates of a push that arrives, as git gives them to a pre-receive hook.

    Raises:
        InputError: there is none, though git runs the hook for some: another program has read them.
    """
    told = _updates(sys.stdin.buffer.read())
    if not told:
        raise InputError(
            "standard input names no pushed ref",
            hint="git names them to the pre-receive hook; give what another program reads there to this one too",
        )
    return told


def outgoing(remote: str, environ: Mapping[str, str] = os.environ) -> tuple[list[str], str]:
    """The updates of a push in git's form, and the remote.

    Args:
        remote: what git gave the hook as the first argument; empty under a runner of hooks.
        environ: where runners say what they read from git.

    Raises:
        InputError: what is pushed is not known.
    """
    told = [] if sys.stdin.isatty() else _updates(sys.stdin.buffer.read())
    if told:
        return told, remote
    by_runner = environ.get("PRE_COMMIT_REMOTE_NAME", "")
    if by_runner or environ.get("PRE_COMMIT_TO_REF"):
        return [_update(environ)], by_runner
    if sys.stdin.isatty():
        raise InputError(
            "the pushed commits cannot be determined",
            hint="git runs it at `git push`, after `tokenguard doctor --install-hook pre-push`",
        )
    return [], remote


def _updates(data: bytes) -> list[str]:
    """The lines in which git tells a hook what is pushed; names of refs may hold what Python takes for a line's end."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line.removesuffix("\r") for line in lines if line.strip()]


def _update(environ: Mapping[str, str]) -> str:
    """The one update that a runner passes on; before the first commit that a remote has it names no start."""
    git = Git(Path())
    to, start = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD", _NONE
    if environ.get("PRE_COMMIT_FROM_REF"):
        start = _commit(git, environ["PRE_COMMIT_FROM_REF"])
    return f"local {_commit(git, to)} remote {start}"


def _commit(git: Git, name: str) -> str:
    return git.output("rev-parse", "--verify", "--end-of-options", name).decode().strip()
