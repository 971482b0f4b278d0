"""A place as a report of a scan prints it: PATH:LINE or PATH:LINE:COLUMN, also with the rest of its line."""

import os
import re

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen

_LINE = re.compile(r":([1-9]\d{0,8})(?::(\d{1,9}))?(?=:|$)", re.ASCII)


class FindingPlace(Frozen, frozen=True, kw_only=True):
    """Where something was found."""

    path: str
    line: int
    column: int = 0
    """0 if it was not given: every column."""

    def is_at(self, line: int, column: int) -> bool:
        """Whether something at this line and column is meant."""
        return line == self.line and self.column in {0, column}


def parse_place(text: str) -> FindingPlace:
    """Read a place; of a text that can be read in two ways, the one whose file exists. InputError if it is none."""
    places = [
        FindingPlace(path=text[: found.start()], line=int(found[1]), column=int(found[2] or 0))
        for found in _LINE.finditer(text)
        if found.start()
    ]
    if not places:
        raise InputError("not a place in a file", hint="give PATH:LINE, as the report shows it")
    return next((place for place in places if os.path.lexists(place.path)), places[0])
