"""Does git track a file? Asked in a way that runs nothing a repository's config could name.

Git runs programs from a repository's own config (`core.fsmonitor`, hooks) and can fetch on its own; all of that
is turned off. Where git cannot say, the answer is an error, never a guess.
"""

import os
import shutil
import subprocess
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import resolved, shown
from tokenguard.process import refuse_limit

_TIMEOUT = 10.0
_NOT_TRACKED = 1
_HARDENED = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
)


@unique
class Tracking(StrEnum):
    """What git knows of a file."""

    OUTSIDE = "outside"
    """No repository is above it."""
    TRACKED = "tracked"
    IGNORED = "ignored"
    EXPOSED = "exposed"
    """Not tracked, but `git add .` would take it."""


def tracking(path: Path) -> Tracking:
    """How git sees `path`, which need not exist; InputError if there is a repository and git cannot say."""
    folder = resolved(path.parent)
    if not any(os.path.lexists(above / ".git") for above in (folder, *folder.parents)):
        return Tracking.OUTSIDE
    if _asked(folder, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", path.name):
        return Tracking.TRACKED
    ignored = _asked(folder, "check-ignore", "--quiet", "--", f"./{path.name}")
    return Tracking.IGNORED if ignored else Tracking.EXPOSED


def _asked(folder: Path, *question: str) -> bool:
    try:
        answer = subprocess.run(
            [_git(), *_HARDENED, "-C", str(folder), *question],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except OSError as error:
        refuse_limit("git", error)
        raise _cannot_say(folder) from None
    except subprocess.TimeoutExpired:
        raise _cannot_say(folder) from None
    if answer.returncode not in {0, _NOT_TRACKED}:
        raise _cannot_say(folder)
    return answer.returncode == 0


def _git() -> str:
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = shutil.which("git", path=os.pathsep.join(entry for entry in entries if entry.startswith("/")))
    if found is None:
        raise InputError(
            "the file is inside a git repository and git is not installed to say whether it is tracked",
            hint="install git, or deliver to a file outside the repository",
        )
    return found


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in os.environ}
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",
    }


def _cannot_say(folder: Path) -> InputError:
    return InputError(
        f"git cannot say whether the file is tracked in {shown(folder)}",
        hint="run `git status` there; a repository of another user must be listed in safe.directory",
    )
