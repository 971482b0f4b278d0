"""Gathers what the rules about a repository ask for: names, modes, what git ignores, and the text of a few files."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenguard.detection.presigned import read_presigned
from tokenguard.domain.finding import SkippedContent
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.frozen import Frozen
from tokenguard.policy.repository_names import (
    HOME_AGENT_SETTINGS,
    HOME_MCP,
    VENDOR_CREDENTIALS,
    is_agent_settings,
    is_secret_file,
    is_watched,
    may_hold_callback,
)
from tokenguard.policy.repository_view import FileView, Presigned, RepositoryView
from tokenguard.scanning.file_walk import read_file, walk
from tokenguard.scanning.git import Git, find_git

_LIST = ("ls-files", "-z")
_IGNORED = (*_LIST, "--others", "--ignored", "--exclude-standard", "--directory")
_LOCAL_EXCLUDES = b"info/exclude"


class Repository(Frozen, frozen=True, kw_only=True):
    """The directory whose files are looked at, and its git if there is one."""

    top: Path
    git: Git | None = None


def find_repository(directory: Path) -> Repository:
    """The repository that a directory is in, or the directory itself; InputError if there is no such directory."""
    if not directory.is_dir():
        raise InputError(f"there is no directory {shown(directory)}", hint="name a directory of a repository")
    git = find_git(directory)
    if git is None or not git.succeeds("rev-parse", "--show-toplevel"):  # none, or one without a working tree
        return Repository(top=directory)
    return Repository(top=git.root, git=Git(git.root))


def view_of(repository: Repository, home: Path | None = None) -> RepositoryView:
    """Look at the whole working tree, and at what vendors' programs, MCP clients and coding agents keep in `home`."""
    files: dict[str, FileView] = {}
    presigned: list[Presigned] = []
    examined = 0
    for path, tracked, ignored in _paths(repository):
        examined += 1
        found = _file(repository.top / path, path, tracked=tracked, names_only=ignored and is_secret_file(path))
        if found is None:
            continue
        file, urls = found
        presigned += urls
        if file.text or tracked or is_secret_file(path):
            files[path] = file
    for path in (*VENDOR_CREDENTIALS, *HOME_MCP, *HOME_AGENT_SETTINGS) if home is not None else ():
        found = _file(home / path, f"~/{path}", tracked=False) if home is not None else None
        if found is not None:
            files[f"~/{path}"] = found[0]
    return RepositoryView(
        files=files,
        not_ignored=tuple(_not_ignored(repository.git, files)) if repository.git is not None else (),
        with_git=repository.git is not None,
        presigned=tuple(presigned),
        examined=examined,
    )


def view_of_changes(contents: Iterable[tuple[str, bytes]]) -> RepositoryView:
    """Look at what a commit changes, as the index has it; modes and what git ignores are not asked for."""
    files = {
        path: FileView(path=path, tracked=True, text=data.decode("utf-8", "replace")) for path, data in contents
    }  # fmt: skip
    return RepositoryView(files=files, examined=len(files))


def _paths(repository: Repository) -> Iterator[tuple[str, bool, bool]]:
    """Every path, whether git tracks it, and whether git ignores it."""
    if repository.git is None:
        yield from ((str(path.relative_to(repository.top)), False, False) for path in walk(repository.top))
        return
    for tracked, ignored, listing in (
        (True, False, _names(repository.git.output(*_LIST, "--cached", "--deduplicate"))),
        (False, False, _names(repository.git.output(*_LIST, "--others", "--exclude-standard"))),
        (False, True, list(filter(_is_asked_for, _names(repository.git.output(*_IGNORED))))),
    ):
        yield from ((path, tracked, ignored) for path in listing)


def _is_asked_for(path: str) -> bool:
    """Whether a file that git ignores matters all the same: by its mode, or since an agent obeys it."""
    return is_secret_file(path) or is_agent_settings(path)


def _names(listing: bytes) -> list[str]:
    return sorted(os.fsdecode(name) for name in listing.split(b"\0") if name)


def _file(
    place: Path, path: str, *, tracked: bool, names_only: bool = False
) -> tuple[FileView, Sequence[Presigned]] | None:
    """One file with as much of it as a rule asks for; None if there is none."""
    try:
        info = os.lstat(place)
    except OSError:
        return None  # deleted in the working tree, or owned by another user
    mode = stat.S_IMODE(info.st_mode) if stat.S_ISREG(info.st_mode) else 0
    file = FileView(path=path, mode=mode, tracked=tracked)
    source = read_file(place) if not names_only else None
    if source is None or isinstance(source, SkippedContent):
        return file, ()
    text = ""
    urls: tuple[Presigned, ...] = ()
    if is_watched(path) or may_hold_callback(source.data):
        text = source.data.decode("utf-8", "replace")
    if b"ignature=" in source.data or b"sig=" in source.data:
        urls = tuple(_presigned(path, source.data.decode("utf-8", "replace")))
    return FileView(path=path, mode=mode, tracked=tracked, text=text), urls


def _presigned(path: str, text: str) -> Iterator[Presigned]:
    for url in read_presigned(text):
        yield Presigned(
            path=path,
            line=url.line,
            kind=url.kind,
            length=url.period.length,
            upper_bound=url.period.upper_bound,
            ends_at=url.period.ends_at,
            grants=url.grants,
            digest=hashlib.sha256(url.signature.reveal().encode()).hexdigest(),
        )


def _not_ignored(git: Git, files: Iterable[str]) -> Iterator[str]:
    """Places of a `.env` that no rule of the repository itself keeps out: its top, and beside every example of one."""
    places = {".env"}
    for path in files:
        folder, slash, name = path.rpartition("/")
        if name.startswith(".env") and not path.startswith("~/"):
            places.add(f"{folder}{slash}.env")
    stdin = b"\0".join(os.fsencode(place) for place in sorted(places)) + b"\0"
    answer = git.output("check-ignore", "-z", "-v", "-n", "--no-index", "--stdin", stdin=stdin, fine=(0, 1)).split(
        b"\0"
    )
    for source, pattern, place in zip(answer[0::4], answer[2::4], answer[3::4], strict=False):
        if not source or source.endswith(_LOCAL_EXCLUDES) or pattern.startswith(b"!"):
            yield os.fsdecode(place)
