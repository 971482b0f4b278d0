"""Every content that a repository ever held, each once, with the commit in which it appeared first."""

import os
import re
from collections.abc import Iterable, Sequence

from tokenguard.detection.reading_by_name import reading_by_name
from tokenguard.domain.finding import Origin, SkippedContent
from tokenguard.errors import InputError
from tokenguard.scanning.git import Git
from tokenguard.scanning.refs import add_named
from tokenguard.scanning.versions import FirstSeen, Item, MessageVersion, Reading, Version

_COMMIT, _FORMAT = b"\x01commit ", "%x01commit %H %aI"
_UPDATE_FIELDS, _OUTGOING_FIELDS = 3, 4
_MESSAGES, _ABOUT = 512, 400
"""How many messages are one item of work, and how large the objects of commits are about."""
_MANY = 1000
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}", re.ASCII)
"""The name of a remote; an address, or a name with a glob's characters, has no branches of its own here."""
_TRACKED = "refs/remotes/"
_ID = re.compile(r"[0-9a-f]{40,64}", re.ASCII)


def find_history(git: Git, since: str = "", reading: Reading = reading_by_name) -> list[list[Item]]:
    """All commits and tags of all refs, their messages, and all contents; commits after `since` only, if it is given.

    What belongs together is in one list: messages, or the versions of one path, the oldest first. A content is told
    under its first path, and under others by which it is read in another way.

    Raises:
        InputError: `since` names nothing, or git fails.
    """
    if since:
        return _find(git, ["HEAD", f"^{git.commit(since)}"], (), reading)
    named = git.output("for-each-ref", "--format=%(objectname)").decode().split()
    if named or git.succeeds("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        return _find(git, ["--all", "HEAD"], named, reading)
    return []


def find_pushed(git: Git, updates: Iterable[str], reading: Reading = reading_by_name) -> list[list[Item]]:
    """What a push brings that no ref has yet, from the lines that git gives a pre-receive hook.

    Raises:
        InputError: a line is not `OLD NEW REF`, or git fails.
    """
    tips = []
    for update in updates:
        fields = update.split(" ", 2)
        if len(fields) != _UPDATE_FIELDS or not all(_ID.fullmatch(each) for each in fields[:2]):
            raise InputError(
                "not the input of a pre-receive hook",
                hint="git passes one line `OLD NEW REF` for each pushed ref on standard input",
            )
        if fields[1].strip("0"):  # zeros: the ref is deleted
            tips.append(fields[1])
    return _find(git, [*tips, "--not", "--all"], tips, reading) if tips else []


def find_outgoing(
    git: Git, updates: Iterable[str], remote: str, reading: Reading = reading_by_name
) -> list[list[Item]]:
    """What a push would publish, from the lines that git gives a pre-push hook.

    Args:
        git: the repository.
        updates: `LOCAL_REF LOCAL_ID REMOTE_REF REMOTE_ID`.
        remote: the name of the remote, or its address if it has none; what this clone knows to be there is left out.
        reading: what of a path decides what is found.

    Raises:
        InputError: a line is not as git gives it, or git fails.
    """
    tips, there = [], set[str]()
    for update in updates:
        fields = update.rsplit(" ", 3)
        if len(fields) != _OUTGOING_FIELDS or not all(_ID.fullmatch(each) for each in fields[1::2]):
            raise InputError("not the input of a pre-push hook", hint="git provides it when `git push` runs the hook")
        if fields[1].strip("0"):  # zeros: the ref is deleted, or there is none yet
            tips.append(fields[1])
        if fields[3].strip("0"):
            there.add(fields[3])
    tracked = [*_of_others(git, remote), f"--remotes={remote}"] if _REMOTE.fullmatch(remote) else []
    known = [each for each, (kind, _) in git.kinds(there).items() if kind in {"commit", "tag"}] if there else []
    return _find(git, [*tips, "--not", *known, *tracked], tips, reading) if tips else []


def _of_others(git: Git, remote: str) -> list[str]:
    """Options that leave out branches of other remotes: those of a remote `a/b` lie among those of a remote `a`."""
    settings = git.output("config", "--null", "--get-regexp", r"^remote\..*\.fetch$", fine=(0, 1)).decode(
        "utf-8", "replace"
    )
    found = []
    for setting in settings.split("\0"):
        key, _, refspec = setting.partition("\n")
        _, _, place = refspec.partition(":")
        if key != f"remote.{remote}.fetch" and place.startswith(_TRACKED):
            found.append(f"--exclude={place.removeprefix(_TRACKED)}")
    return found


def _find(git: Git, revisions: list[str], named: Sequence[str], reading: Reading) -> list[list[Item]]:
    seen = _seen(git, revisions, reading)
    add_named(git, named, seen)
    groups = [seen.words[at : at + _MESSAGES] for at in range(0, len(seen.words), _MESSAGES)]
    groups.append([*seen.skipped, *(SkippedContent(path=name, reason="submodule") for name in sorted(seen.submodules))])
    sizes = git.sizes(seen.blobs)
    paths: dict[str, list[Item]] = {}
    for blob, name, origin in seen.places():
        if (size := sizes.get(blob, -1)) >= 0:
            paths.setdefault(name, []).append(Version(path=name, blob=blob, origin=origin, size=size))
        else:
            place = f"{name}@{origin.commit[:12]}" if origin else name
            groups[-1].append(SkippedContent(path=place, reason="missing-object"))
    return [*groups, *paths.values()]


def _seen(git: Git, revisions: list[str], reading: Reading) -> FirstSeen:
    """Blobs from raw diffs against every parent, oldest first, so that the first to name a blob brought it."""
    seen = FirstSeen(reading)
    commits = git.output("rev-list", "--reverse", *revisions, "--").splitlines(keepends=True)
    origin = Origin(commit="", author_date="")
    records = git.records(
        *("diff-tree", "--stdin", "--always", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--root", "-m"),
        *("--no-ext-diff", "--no-textconv", "--diff-filter=ACMRT", "--encoding=none", f"--format={_FORMAT}"),
        asked=_halves(commits),
    )
    pending = b""
    for part in records:
        if pending:
            _, mode, _, blob, _ = pending.split()
            seen.add(mode, blob, part, origin)
            pending = b""
        elif part.startswith(_COMMIT):
            commit, date = part.removeprefix(_COMMIT).decode().split(" ")
            if commit == origin.commit:  # against its next parent
                continue
            origin = Origin(commit=commit, author_date="" if date.startswith("%") else date)
            path = f"(message of {commit[:12]})"
            seen.words.append(MessageVersion(path=path, blob=commit, origin=origin, size=_ABOUT))
        elif part.lstrip(b"\n").startswith(b":"):
            pending = part.lstrip(b"\n").lstrip(b":")
    seen.skipped += [
        SkippedContent(path=f"(parents of {commit[:12]})", reason="shallow-clone")
        for commit in sorted(_boundary(git).intersection(each.strip().decode() for each in commits))
    ]
    return seen


def _boundary(git: Git) -> frozenset[str]:
    """The commits at which a shallow clone ends."""
    told, _, place = git.output("rev-parse", "--is-shallow-repository", "--git-path", "shallow").partition(b"\n")
    if told != b"true":
        return frozenset()
    return frozenset((git.directory / os.fsdecode(place.removesuffix(b"\n"))).read_text("ascii").split())


def _halves(commits: list[bytes]) -> list[bytes]:
    """What two processes are asked, if it is much."""
    middle = len(commits) // 2 if len(commits) > _MANY else len(commits)
    return [b"".join(half) for half in (commits[:middle], commits[middle:]) if half]
