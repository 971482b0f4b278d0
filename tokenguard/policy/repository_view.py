"""What the rules about a repository look at: paths, modes and text, gathered elsewhere. Nothing here opens a file."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tokenguard.frozen import Frozen, field


class FileView(Frozen, frozen=True, kw_only=True):
    """One file."""

    path: str
    """Relative to the top, with `/`; a file of the user's home begins with `~/`."""
    mode: int = 0o600
    """Permission bits in the working tree."""
    tracked: bool = False
    text: str = ""
    """Its content, where a rule asks for it; what is not UTF-8 is replaced."""


class Presigned(Frozen, frozen=True, kw_only=True):
    """A pre-signed URL in a file, without anything that would let it be used."""

    path: str
    line: int
    kind: str
    """`S3`, `Azure SAS`, …"""
    length: timedelta | None = None
    """How long it was issued for; None: it does not say when it began."""
    upper_bound: bool = False
    """It may end earlier, with the session that signed it."""
    ends_at: datetime | None = None
    grants: str = ""
    """`read`, `more`, or empty where the URL does not say."""
    digest: str = ""
    """Equal for the same signature."""


class RepositoryView(Frozen, frozen=True, kw_only=True):
    """A working tree, or those of its files that a commit changes."""

    files: Mapping[str, FileView] = field(default_factory=dict)
    not_ignored: tuple[str, ...] = ()
    """Paths at which a `.env` may come to lie, and which git would then track."""
    with_git: bool = True
    """Whether it is a git repository; otherwise tracking is not evaluable."""
    presigned: tuple[Presigned, ...] = ()
    examined: int = 0
    """How many files were looked at, also those in which nothing was found that a rule asks for."""

    def __iter__(self) -> Iterator[FileView]:
        """All files in the order of their paths."""
        return (self.files[path] for path in sorted(self.files))
