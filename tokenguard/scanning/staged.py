"""What is about to be committed: blobs of the index, which need not be what the working tree shows."""

import os
from collections.abc import Iterator, Sequence

from tokenguard.domain.finding import SkippedContent
from tokenguard.errors import InputError
from tokenguard.scanning.content import MAX_BYTES, Blob, Source
from tokenguard.scanning.git import Git
from tokenguard.scanning.windows import large_object

_LINK_TO_REPOSITORY = b"160000"


def read_staged(git: Git) -> Iterator[Source]:
    """What the next commit changes against HEAD (everything, if there is no commit yet).

    Raises:
        InputError: this is not a repository.
    """
    try:
        changed = _changes(git, "HEAD")
    except InputError:
        git.check()
        changed = _changes(git, git.output("hash-object", "-t", "tree", "--stdin").decode().strip())
    if not changed:
        git.require_tree()
    parts = changed.split(b"\0")
    entries = []
    for head, name in zip(parts[0::2], parts[1::2], strict=False):
        fields = head.lstrip(b":").split()
        entries.append((fields[1], fields[3].decode(), os.fsdecode(name)))
    yield from _read(git, entries)


def read_index(git: Git, paths: Sequence[str]) -> Iterator[Source]:
    """The index's blobs of `paths`, as pre-commit names them, changed or not; InputError outside a repository."""
    try:
        listing = git.output("ls-files", "--stage", "-z", "--", *paths)
    except InputError:
        git.check(hint="files outside of a repository are scanned by `tokenguard scan FILE`")
        raise
    entries = []
    for row in listing.split(b"\0"):
        if row:
            head, _, name = row.partition(b"\t")
            mode, blob, _ = head.split()
            entries.append((mode, blob.decode(), os.fsdecode(name)))
    yield from _read(git, entries)
    names = {name for _, _, name in entries}
    known = names.union(*map(_folders, names))
    yield from (SkippedContent(path=path, reason="not-in-index") for path in paths if _relative(git, path) not in known)


def _folders(name: str) -> Iterator[str]:
    """The folders above a file, as they may be named."""
    yield "."
    while name := os.path.dirname(name):  # noqa: PTH120 - for each staged file
        yield name


def _relative(git: Git, path: str) -> str:
    """A path as git lists it: relative to the working directory, also where an editor gives a whole one."""
    if not os.path.isabs(path):  # noqa: PTH117
        return os.path.normpath(path)
    folder, name = os.path.split(path)
    return os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(git.directory))  # noqa: PTH118


def _read(git: Git, entries: Sequence[tuple[bytes, str, str]]) -> Iterator[Source]:
    wanted: dict[str, list[str]] = {}
    for mode, blob, name in entries:
        if mode == _LINK_TO_REPOSITORY:
            yield SkippedContent(path=name, reason="submodule")
        elif blob.strip("0"):  # zeros: only announced (`git add --intent-to-add`), so not in this commit
            wanted.setdefault(blob, []).append(name)
    found: set[str] = set()
    for blob, data in git.contents(wanted, MAX_BYTES) if wanted else ():
        found.add(blob)
        for name in wanted[blob]:
            if data is None:
                yield from large_object(git, blob, name)
            else:
                yield Blob(path=name, data=data)
    for blob, names in wanted.items():
        if blob not in found:
            yield from (SkippedContent(path=name, reason="missing-object") for name in names)


def _changes(git: Git, base: str) -> bytes:
    return git.output(
        "diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMRT", base, "--"
    )
