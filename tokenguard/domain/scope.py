"""What a token can reach at its provider: one Drive, one organisation, one project."""

import re

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.text import safe_text

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


class Scope(Frozen, frozen=True):
    """`KIND:ID`, for example `drive:6f1c…`. Ids are compared exactly; the display name is never a key."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind) or not _ID.fullmatch(self.id):
            raise ValueError("not a scope")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Read `KIND:ID`; InputError (exit 2) when it is not one."""
        kind, _, identifier = text.partition(":")
        try:
            return cls(kind, identifier)
        except ValueError:
            raise InputError(
                f"not a scope: {safe_text(text, one_line=True, limit=80)!r}",
                hint="write KIND:ID, for example drive:8c1f2a or org:acme",
            ) from None
