"""What the judge is asked about: a value, the name that it is given to, and where both stand."""

import re
from functools import cached_property

_AROUND = 300
"""Characters of a line on each side of a value: a line may be a whole file."""
_MOST = 500
"""Characters of a value that are looked at."""
_TAIL = 40
"""Characters at the end of a value in which its line feeds are: one may be a whole file."""
_LINE_END = re.compile(r"(?:\\+[nrt])*\\*\Z")
"""Escaped line feeds at the end of a value, and the beginning of an escaped quote."""
_NAME = re.compile(
    r"(?P<name>(?:\$\w{1,12}:)?[A-Za-z_$@][\w.$@-]{0,80})"
    r"(?:[ \t]{0,8}(?::[ \t]{0,4}[\w.&<>\[\]]{1,20}|[ \t]string)[ \t]{0,4}:?="
    r"|(?:\\?[\"'`]|[\])>]){0,3}[ \t]{0,8}(?::=|=>|->|[!=]={1,2}|[:=,(]|[ \t]value=|>|[ \t]))"
    r"[ \t]{0,8}(?:\[\]byte\()?(?:(?i:bearer|basic|token)[ \t]{1,4})?(?:[@$bruf]{0,2}\\?[\"'`]){0,2}$"
)


class JudgedValue:
    """One candidate. Frozen in effect; what is asked of it twice is kept."""

    def __init__(self, *, value: str, line: str, path: str, source: str, at: int | None = None) -> None:
        """Keep what the judge needs.

        Args:
            value: what may be a secret.
            line: where it stands.
            path: of the file.
            source: what found it: the type of the match.
            at: where on the line the value begins, if it is known.
        """
        value = value[:-_TAIL] + _LINE_END.sub("", value[-_TAIL:])
        self.value = value[:_MOST].partition(" #")[0].rstrip()
        self.path = path
        self.source = source
        found = line.find(value) if at is None else at
        start = max(found, 0)
        self.before = line[max(start - _AROUND, 0) : start] if found >= 0 else line[:_AROUND]
        self.after = line[start + len(value) : start + len(value) + _AROUND] if found >= 0 else ""
        self.long_line = len(line) > _AROUND

    @cached_property
    def name(self) -> str:
        """The identifier that the value is given to; empty if there is none."""
        found = _NAME.search(self.before[-140:])
        return found.group("name") if found else ""
