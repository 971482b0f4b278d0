"""Makes `tokenguard-hook` a plain git hook of a repository that has none."""

import os
from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import create_private, not_written, read_limited, shown
from tokenguard.places import home_dir
from tokenguard.scanning.git import Git, find_git

PROGRAM = "tokenguard-hook"
COMMANDS = {
    "pre-commit": PROGRAM,
    "pre-merge-commit": PROGRAM,
    "commit-msg": f'{PROGRAM} --commit-msg "$1"',
    "pre-push": f'{PROGRAM} --pre-push -- "$@"',
}
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
    git.require_tree(
        hint="install it in a clone; on a server, write `exec tokenguard-hook --pre-receive` to hooks/pre-receive"
    )
    if shared_hooks(git, environ):
        raise InputError(
            "core.hooksPath is set: git looks for hooks elsewhere, and others may share that place",
            hint=f"add the line `{COMMANDS[stage]} || exit` to the {stage} hook there",
        )
    path = _own_hook(git, stage).absolute()
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


def hook_path(git: Git, environ: Mapping[str, str], stage: str = "pre-commit") -> Path:
    """Where git looks for a hook of this repository, in the repository or where `core.hooksPath` says."""
    if shared := shared_hooks(git, environ):
        return git.directory / _line(git, "rev-parse", "--show-toplevel") / shared / stage
    return _own_hook(git, stage)


def _own_hook(git: Git, stage: str) -> Path:
    """Where the hook is in the repository itself."""
    return git.directory / _line(git, "rev-parse", "--git-common-dir") / "hooks" / stage


def shared_hooks(git: Git, environ: Mapping[str, str]) -> str:
    """Where the repository's or the user's configuration puts the hooks, or nothing. No hook is run."""
    home = Path(environ.get("HOME") or home_dir())
    files = (
        Path("/etc/gitconfig"),
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config",
        home / ".gitconfig",
        *((Path(environ["GIT_CONFIG_GLOBAL"]),) if environ.get("GIT_CONFIG_GLOBAL") else ()),
    )
    sources = [*(("--file", str(path.absolute())) for path in files if path.is_file()), ("--local",)]
    asked = ("--includes", "--type=path", "--get", "core.hooksPath")
    found = [_line(git, "config", *source, *asked) for source in sources]
    return next(filter(None, reversed(found)), "")


def _line(git: Git, *arguments: str) -> str:
    """The one line that git prints; nothing if it fails, as in a bare repository, which has no working tree."""
    return os.fsdecode(git.output(*arguments, fine=range(256)).rstrip(b"\n"))
