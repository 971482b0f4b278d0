"""Makes `tokenguard-hook` the plain pre-commit or pre-push hook of a repository that has none."""

import os
from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import create_private, not_written, read_limited, shown
from tokenguard.places import home_dir
from tokenguard.scanning.git import Git, find_git

PROGRAM = "tokenguard-hook"
COMMANDS = {"pre-commit": PROGRAM, "pre-push": f'{PROGRAM} --pre-push -- "$@"'}
"""What each hook runs."""
_EXECUTABLE = 0o755
_MAX_BYTES = 64 << 10


def install_hook(
    directory: Path, environ: Mapping[str, str] = os.environ, stage: str = "pre-commit"
) -> tuple[Path, bool]:
    """Write the hook, unless it is there already.

    Args:
        directory: any directory of the repository.
        environ: where the user's own git configuration is looked for.
        stage: when git runs it, one of COMMANDS.

    Returns:
        Where it is, and whether it was written now.

    Raises:
        InputError: there is no repository, another hook is there, or git is told to look for hooks elsewhere.
    """
    git = find_git(directory, environ)
    if git is None:
        raise InputError("not in a git repository", hint="change into the repository first")
    if _elsewhere(git, environ):
        raise InputError(
            "core.hooksPath is set: git looks for hooks elsewhere, and others may share that place",
            hint=f"add the line `{COMMANDS[stage]} || exit` to the {stage} hook there",
        )
    common = os.fsdecode(git.output("rev-parse", "--git-common-dir").rstrip(b"\n"))
    path = (directory / common / "hooks" / stage).absolute()
    return path, _write(path, COMMANDS[stage])


def _write(path: Path, command: str) -> bool:
    content = f"#!/bin/sh\nexec {command}\n".encode()
    if path.parent.is_symlink():
        raise InputError(f"a link, not a directory of hooks: {shown(path.parent)}", hint="write the hook by hand")
    try:
        path.parent.mkdir(exist_ok=True)
        create_private(path, content)
        path.chmod(_EXECUTABLE)
    except FileExistsError:
        if not path.is_symlink() and read_limited(path, _MAX_BYTES) == content:
            path.chmod(_EXECUTABLE)
            return False
        raise InputError(
            f"another hook exists: {shown(path)}",
            hint=f"add the line `{command} || exit` to it, or let pre-commit run both",
        ) from None
    except OSError as error:
        hint = "check who owns the repository and its .git/hooks directory"
        raise not_written(path, error, hint=hint) from None
    return True


def _elsewhere(git: Git, environ: Mapping[str, str]) -> bool:
    """Whether the repository's or the user's configuration moves the hooks; it is only read, never followed."""
    home = Path(environ.get("HOME") or home_dir())
    files = (
        Path("/etc/gitconfig"),
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config",
        home / ".gitconfig",
        *((Path(environ["GIT_CONFIG_GLOBAL"]),) if environ.get("GIT_CONFIG_GLOBAL") else ()),
    )
    sources = [("--local",), *(("--file", str(path.absolute())) for path in files if path.is_file())]
    return any(git.succeeds("config", *source, "--includes", "--get", "core.hooksPath") for source in sources)
