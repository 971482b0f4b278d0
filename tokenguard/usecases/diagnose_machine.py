"""The checks of `doctor` on this machine and its working directory, without opening the store."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tokenguard.domain.diagnosis import Diagnosis, failed_check, passed_check, warned_check
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shell_word, shown
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasClock, HasDeliveries, HasEnvironment, HasPolicy, HasScanRules, HasSettings

_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_MAX_HOOK = 1 << 20
_CONFIGURATIONS = (".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.toml")
_HUSKY = "_"
"""Its folder of hooks, each of which runs the script of the same name in the folder above."""


class DiagnoseMachineParts(HasClock, HasDeliveries, HasEnvironment, HasScanRules, HasSettings, Protocol):
    """What this use case takes."""


def settings(parts: HasSettings) -> Iterator[Diagnosis]:
    """The configuration. Loading it refuses a file that others can write to; one that they can read is reported."""
    source = parts.settings.source
    if source is None:
        yield passed_check("configuration", "no file; the defaults apply")
    elif source.stat().st_mode & _OTHERS_READ:
        text = f"others can read {shown(source)}, which names stores, providers and commands"
        yield warned_check("configuration", text, f"chmod 600 {shell_word(source)}")
    else:
        yield passed_check("configuration", str(source))


def policy(parts: HasPolicy) -> Iterator[Diagnosis]:
    """The policy in force can be read."""
    yield passed_check("policy", f"{parts.policy.name}, {pluralize(len(parts.policy.rules), 'rule')}")


def destinations(parts: DiagnoseMachineParts) -> Iterator[Diagnosis]:
    """Whether a credential is available for each host that values are delivered to."""
    hosts = parts.settings.destinations
    lacking = 0
    for host in sorted(hosts):
        try:
            parts.check_destination(host)
        except InputError as error:
            lacking += 1
            yield warned_check("destinations", error.message, error.hint)
    if hosts and not lacking:
        yield passed_check("destinations", f"a credential is available for each: {', '.join(sorted(hosts))}")


def environment_file(parts: object) -> Iterator[Diagnosis]:  # noqa: ARG001 - every check has this form
    """A .env file in the working directory must be ignored by git and private."""
    from tokenguard.delivery.git_tracking import Tracking, tracking  # asks git

    path = Path.cwd() / ".env"
    if not path.exists():
        yield passed_check(".env", "no file in the working directory")
        return
    match tracking(path):
        case Tracking.TRACKED:
            yield failed_check(
                ".env",
                "git tracks it: its values are in the repository's history",
                "git rm --cached .env; add it to .gitignore; rotate every token in it",
            )
        case Tracking.EXPOSED:
            yield warned_check(".env", "git does not ignore it: `git add .` would stage it", "echo .env >> .gitignore")
        case _:
            yield passed_check(".env", "ignored by git")
    if path.stat().st_mode & _OTHERS_READ:
        yield warned_check(".env mode", "others on this machine can read it", "chmod 600 .env")


def hook(parts: DiagnoseMachineParts) -> Iterator[Diagnosis]:
    """In a repository: whether commits are scanned, and for known tokens."""
    from tokenguard.scanning.git import find_git  # asks git
    from tokenguard.scanning.hook_file import PROGRAM, hook_path, shared_hooks  # loaded with it

    try:
        git = find_git(Path(), parts.environ)
    except InputError:  # git is not installed
        git = None
    if git is None:
        yield passed_check("hook", "the working directory is not in a git repository")
        return
    if not git.has_tree():
        yield from _server_hook(hook_path(git, parts.environ, "pre-receive"), PROGRAM)
        return
    file = hook_path(git, parts.environ)
    scan = _scan_of(file)
    if scan is None:
        free = not os.path.lexists(file) and not shared_hooks(git, parts.environ)
        fix = "tokenguard doctor --install-hook" if free else f"add the line `{PROGRAM} || exit` to {shell_word(file)}"
        yield warned_check("hook", "commits in this repository are not scanned", fix)
    elif not os.access(file, os.X_OK):
        text = "git ignores the hook because it is not executable: commits are not scanned"
        yield warned_check("hook", text, f"chmod +x {shell_word(file)}")
    elif _is_from_path(scan) and shutil.which(PROGRAM, path=parts.environ.get("PATH")) is None:
        yield failed_check(
            "hook",
            f"{PROGRAM} is not on the PATH: commits fail",
            ("install tokenguard for this user, with its programs on the PATH"),
        )
    else:
        yield passed_check("hook", "commits are scanned")
    yield from _own_tokens(parts)


def _server_hook(file: Path, program: str) -> Iterator[Diagnosis]:
    """In a repository without a working tree, which takes pushes: whether those are scanned."""
    if _scan_of(file) is None:
        fix = f"write `exec {program} --pre-receive` to {shell_word(file)}, and make it executable"
        yield warned_check("hook", "pushes to this repository are not scanned", fix)
    else:
        yield passed_check("hook", "pushes are scanned")


def _scan_of(hook: Path) -> bytes | None:
    """The text that makes the hook run tokenguard, of the hook or of a runner's configuration; None if none does.

    Runners that are recognised are pre-commit, prek and husky.
    """
    from tokenguard.scanning.root_paths import top_of  # only in a repository

    text = _read(hook)
    if hook.parent.name == _HUSKY:
        text += _read(hook.parents[1] / hook.name)
    runners = _CONFIGURATIONS if b"pre-commit" in text else ()
    top = top_of(Path()) or Path()
    return next((each for each in (text, *(_read(top / name) for name in runners)) if b"tokenguard" in each), None)


def _is_from_path(scan: bytes) -> bool:
    """Whether `tokenguard-hook` is looked for on the PATH; a runner installs it for itself unless told otherwise."""
    return b"tokenguard-hook" in scan and (b"repos" not in scan or b"system" in scan)


def _read(path: Path) -> bytes:
    try:
        return read_limited(path, _MAX_HOOK)
    except (OSError, InputError):
        return b""


def _own_tokens(parts: DiagnoseMachineParts) -> Iterator[Diagnosis]:
    """Whether scans here have current fingerprints of known tokens."""
    from tokenguard.scanning.known_token_stage import load_own_tokens  # only in a repository

    notes = load_own_tokens(parts.scan_key(), parts.clock.now()).notes
    if notes:
        source = "" if parts.settings.scan.bundle else " --from store"
        yield warned_check("known tokens", "; ".join(notes), f"tokenguard fingerprints pull{source}")
    else:
        yield passed_check("known tokens", "scans here find the team's tokens")
