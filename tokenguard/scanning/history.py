"""Every content that a repository ever held, each once, with the commit in which it appeared first."""

import os
import re
from collections.abc import Iterable, Iterator

from tokenguard.domain.finding import Origin, Skipped
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.scanning.git import Git
from tokenguard.scanning.source import MAX_BYTES, Blob, Message, Source

_COMMIT, _FORMAT = b"\x01commit ", "%x01commit %H %aI%n%B"
_LINK_TO_REPOSITORY = b"160000"
_UPDATE_FIELDS = 3
_MESSAGES = 512
_MANY = 1000
_ID = re.compile(r"[0-9a-f]{40,64}", re.ASCII)


class _Seen:
    """Which blob appeared where first, oldest commit first, and what was said of the commits."""

    def __init__(self) -> None:
        self.blobs: dict[str, tuple[str, Origin]] = {}
        self.submodules: set[str] = set()
        self.messages: list[Item] = []


class Version(Frozen, frozen=True, kw_only=True):
    """A content to read, under the path and in the commit in which it appeared first."""

    path: str
    blob: str
    origin: Origin
    size: int


Item = Version | Message | Skipped
"""What there is in a history: to be read, known already, or not to be had."""


def find_history(git: Git, since: str = "") -> list[list[Item]]:
    """All commits of all refs, their messages, and all contents; after `since` only, if it is given.

    What belongs together is in one list: messages, or the versions of one path, the oldest first.

    Raises:
        InputError: `since` names nothing, or git fails.
    """
    if since:
        start = git.output("rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}").decode().strip()
        return _find(git, ["HEAD", f"^{start}"])
    if git.output("for-each-ref", "--count=1") or git.succeeds("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        return _find(git, ["--all", "HEAD"])
    return []


def find_pushed(git: Git, updates: Iterable[str]) -> list[list[Item]]:
    """What a push brings that no ref has yet, from the lines that git gives a pre-receive hook.

    Raises:
        InputError: a line is not `OLD NEW REF`, or git fails.
    """
    tips = []
    for update in updates:
        fields = update.split(" ", 2)
        if len(fields) != _UPDATE_FIELDS or not all(_ID.fullmatch(each) for each in fields[:2]):
            raise InputError("not the input of a pre-receive hook", hint="git gives it: one `OLD NEW REF` a line")
        if fields[1].strip("0"):  # zeros: the ref is deleted
            tips.append(fields[1])
    return _find(git, [*tips, "--not", "--all"]) if tips else []


def read_items(git: Git, items: Iterable[Item]) -> Iterator[Source]:
    """The contents behind them, in their order."""
    versions: dict[str, Version] = {}
    for item in items:
        if isinstance(item, Version):
            versions[item.blob] = item
        else:
            yield item
    for blob, data in git.contents(versions, MAX_BYTES) if versions else ():
        if data is None:  # cannot be: they were measured
            continue
        yield Blob(path=versions[blob].path, data=data, origin=versions[blob].origin)


def size_of(items: Iterable[Item]) -> int:
    """How many bytes there are to read or known already."""
    return sum(
        each.size if isinstance(each, Version) else len(each.data) if isinstance(each, Message) else 0 for each in items
    )


def _find(git: Git, revisions: list[str]) -> list[list[Item]]:
    seen = _seen(git, revisions)
    groups = [seen.messages[at : at + _MESSAGES] for at in range(0, len(seen.messages), _MESSAGES)]
    groups.append([Skipped(path=name, reason="submodule") for name in sorted(seen.submodules)])
    sizes = git.sizes(seen.blobs)
    paths: dict[str, list[Item]] = {}
    for blob, (name, origin) in seen.blobs.items():
        size = sizes.get(blob, MAX_BYTES + 1)
        if size <= MAX_BYTES:
            paths.setdefault(name, []).append(Version(path=name, blob=blob, origin=origin, size=size))
        else:
            reason = "too-large" if blob in sizes else "missing-object"
            groups[-1].append(Skipped(path=f"{name}@{origin.commit[:12]}", reason=reason))
    return [*groups, *paths.values()]


def _seen(git: Git, revisions: list[str]) -> _Seen:
    """Blobs from raw diffs against every parent, oldest first, so that the first to name a blob brought it."""
    seen = _Seen()
    origin = Origin(commit="", author_date="")
    records = git.records(
        *("diff-tree", "--stdin", "--always", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--root", "-m"),
        *("--no-ext-diff", "--no-textconv", "--diff-filter=ACMRT", f"--format={_FORMAT}"),
        asked=_halves(git.output("rev-list", "--reverse", *revisions, "--").splitlines(keepends=True)),
    )
    pending = b""
    for part in records:
        if pending:
            _, mode, _, blob, _ = pending.split()
            if mode == _LINK_TO_REPOSITORY:
                seen.submodules.add(os.fsdecode(part))
            elif blob.strip(b"0"):
                seen.blobs.setdefault(blob.decode(), (os.fsdecode(part), origin))
            pending = b""
        elif part.startswith(_COMMIT):
            head, _, message = part.removeprefix(_COMMIT).partition(b"\n")
            commit, date = head.decode().split(" ")
            if commit == origin.commit:  # against its next parent
                continue
            origin = Origin(commit=commit, author_date=date)
            if message.strip():
                seen.messages.append(Message(path=f"(message of {commit[:12]})", data=message, origin=origin))
        elif part.lstrip(b"\n").startswith(b":"):
            pending = part.lstrip(b"\n").lstrip(b":")
    return seen


def _halves(commits: list[bytes]) -> list[bytes]:
    """What two processes are asked, if it is much."""
    middle = len(commits) // 2 if len(commits) > _MANY else len(commits)
    return [b"".join(half) for half in (commits[:middle], commits[middle:]) if half]
