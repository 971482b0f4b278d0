"""What `doctor` checks of this machine and of the directory it is run in, without opening the store."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tokenguard.domain.diagnosis import Diagnosis, broken, doubt, well
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shown
from tokenguard.shell.deliveries import credential_at
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted

_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_MAX_HOOK = 1 << 20


def settings(wiring: Wiring) -> Iterator[Diagnosis]:
    """The configuration: reading it refuses a file that others could write to; that they can read it is told."""
    source = wiring.settings.source
    if source is None:
        yield well("configuration", "none; the defaults apply")
    elif source.stat().st_mode & _OTHERS_READ:
        text = f"others can read {shown(source)}, which names stores, providers and commands"
        yield doubt("configuration", text, f"chmod 600 {shown(source)}")
    else:
        yield well("configuration", str(source))


def policy(wiring: Wiring) -> Iterator[Diagnosis]:
    """The policy in force can be read."""
    yield well("policy", f"{wiring.policy.name}, {counted(len(wiring.policy.rules), 'rule')}")


def destinations(wiring: Wiring) -> Iterator[Diagnosis]:
    """The hosts that values are delivered to: whether our credential there is at hand. Consumers are asked later on."""
    hosts = wiring.settings.destinations
    lacking = 0
    for host, each in sorted(hosts.items()):
        try:
            credential_at(host, each, wiring.environ)
        except InputError as error:
            lacking += 1
            yield doubt("destinations", error.message, error.hint)
    if hosts and not lacking:
        yield well("destinations", f"the credential of each is at hand: {', '.join(sorted(hosts))}")


def environment_file(wiring: Wiring) -> Iterator[Diagnosis]:  # noqa: ARG001 - every check has this form
    """A .env file in the working directory must not be on its way into git, nor open to others."""
    from tokenguard.delivery.git_tracking import Tracking, tracking  # asks git

    path = Path.cwd() / ".env"
    if not path.exists():
        yield well(".env", "there is none in the working directory")
        return
    match tracking(path):
        case Tracking.TRACKED:
            yield broken(
                ".env",
                "git tracks it: what it holds is in the repository's history",
                "git rm --cached .env, ignore it, and rotate every token in it",
            )
        case Tracking.EXPOSED:
            yield doubt(".env", "git does not ignore it: `git add .` would take it", "echo .env >> .gitignore")
        case _:
            yield well(".env", "not on its way into git")
    if path.stat().st_mode & _OTHERS_READ:
        yield doubt(".env mode", "others on this machine can read it", "chmod 600 .env")


def hook(wiring: Wiring) -> Iterator[Diagnosis]:
    """In a repository: whether a commit is scanned at all, and for the team's own tokens."""
    from tokenguard.scanning.git import find_git  # asks git
    from tokenguard.scanning.hook_file import PROGRAM  # loaded with it

    try:
        git = find_git(Path(), wiring.environ)
    except InputError:  # there is no git at all
        git = None
    if git is None:
        yield well("hook", "the working directory is in no git repository")
        return
    common = Path(git.output("rev-parse", "--git-common-dir").decode(errors="surrogateescape").rstrip("\n"))
    root = Path(git.output("rev-parse", "--show-toplevel").decode(errors="surrogateescape").rstrip("\n") or ".")
    if not _is_hooked(common / "hooks" / "pre-commit", root / ".pre-commit-config.yaml"):
        yield doubt("hook", "no commit of this repository is scanned", "tokenguard doctor --install-hook")
    elif shutil.which(PROGRAM, path=wiring.environ.get("PATH")) is None:
        yield broken("hook", f"{PROGRAM} is not on the PATH: commits will fail", "install tokenguard for this user")
    else:
        yield well("hook", "commits are scanned before they are made")
    yield from _own_tokens(wiring)


def _is_hooked(file: Path, configuration: Path) -> bool:
    """Whether the hook runs us, by itself or through pre-commit; other managers are told apart by nobody but users."""
    text = _read(file)
    return b"tokenguard" in text or (b"pre-commit" in text and b"tokenguard" in _read(configuration))


def _read(path: Path) -> bytes:
    try:
        return read_limited(path, _MAX_HOOK)
    except (OSError, InputError):
        return b""


def _own_tokens(wiring: Wiring) -> Iterator[Diagnosis]:
    """Whether scans here know the team's own tokens, and not those of last year."""
    from tokenguard.scanning.known_token_stage import load_own_tokens  # only in a repository
    from tokenguard.shell.scan_key import find_scan_key  # may ask the keyring

    notes = load_own_tokens(find_scan_key(wiring.environ), wiring.clock.now()).notes
    if notes:
        yield doubt("own tokens", "; ".join(notes), "tokenguard fingerprints pull")
    else:
        yield well("own tokens", "scans here know the team's own tokens")
