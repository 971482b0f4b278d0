"""Reads the people of an organisation from a CSV file, whose columns an export of SCIM users or of GitHub can fill."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from tokenguard.domain.people import Person, person_key
from tokenguard.inventory.csv_rows import csv_rows
from tokenguard.inventory.record_changes import MAX_TEXT
from tokenguard.inventory.utf8_file import decoded, refuse
from tokenguard.output.csv_table import cell_content, is_formula
from tokenguard.text import is_plain_line

MAX_BYTES = 16 << 20
_MOST = 100_000
_UNIQUE = "each name must belong to one person: change it in one line, or remove its column (such as displayName)"
_HINT = "correct the people file, or leave [people] out of the configuration"
_PERSON = ("person", "username", "login")
"""What names a person, the first of these that is there: our own, SCIM's `userName`, GitHub's `login`."""
_ALIASES = (
    "username", "login", "logins", "displayname", "name", "email", "emails", "externalid", "samlnameid", "identity",
)  # fmt: skip
_ACTIVE = ("active", "status")
_INDEX = re.compile(r"\[[^]]*\]")
_PARTS = {"value", "formatted", "address"}
"""Of a column like `emails[1].value`, what names the person; `emails.type` does not."""
_ANSWERS = {
    "true": False, "yes": False, "1": False, "active": False, "false": True, "no": True, "0": True, "inactive": True,
    "deprovisioned": True, "suspended": True, "left": True, "archived": True, "staged": False, "provisioned": False,
    "recovery": False, "password_expired": False, "locked_out": False,
}  # fmt: skip
"""What a cell says of a person's having left."""


class _Cell:
    """A cell with its place, for errors that never quote it."""

    def __init__(self, text: str, place: str) -> None:
        self.place = place
        if is_formula(text):
            _refuse(place, "this begins like a formula", "if it is text, put a quote (') before it")
        self.text = cell_content(text).strip()
        if len(self.text) > MAX_TEXT or not is_plain_line(self.text):
            _refuse(place, f"this is not one plain line of at most {MAX_TEXT} characters")


def read_people(data: bytes, *, source: str) -> list[Person]:
    """The people of the file; InputError with line and column for anything that is not such a table.

    Args:
        data: the file's bytes: UTF-8, with or without a byte-order mark.
        source: how errors name it.
    """
    rows = csv_rows(decoded(data, source=source, max_bytes=MAX_BYTES, hint=_HINT))
    try:
        header: list[str] = next(rows, [])
        columns = _columns(header, source)
        people = list(_people(rows, columns, len(header), source))
    except csv.Error:
        _refuse(f"{source}:{rows.line_num}", "this is not valid CSV")
    if not people:  # of an export that failed nothing follows, neither that all have left nor that none has
        _refuse(f"{source}:{rows.line_num}", "no person is listed", "export the people again")
    return people


def _people(rows: Any, columns: dict[str, list[int]], width: int, source: str) -> Iterator[Person]:
    seen: dict[str, str] = {}
    for count, row in enumerate(rows, 1):
        line = rows.line_num
        if count > _MOST:
            _refuse(f"{source}:{line}", f"more than {_MOST:,} people")
        if not any(row):
            continue
        if len(row) != width:
            _refuse(f"{source}:{line}", f"{len(row)} fields, and the first line has {width}")
        person = _person(row, columns, f"{source}:{line}")
        for name in {person_key(each) for each in (person.name, *person.aliases)}:
            if name in seen:
                _refuse(f"{source}:{line}", f"a name of this person is in line {seen[name]} too", _UNIQUE)
            seen[name] = str(line)
        yield person


def _person(row: Sequence[str], columns: dict[str, list[int]], place: str) -> Person:
    cells = {name: [_Cell(row[at], f"{place}:{at + 1}") for at in found] for name, found in columns.items()}
    column = next(name for name in _PERSON if name in cells)
    named = cells[column][0]
    if not named.text:
        _refuse(named.place, f"the {column} is empty")
    aliases = [part.strip() for name in _ALIASES for cell in cells.get(name, ()) for part in cell.text.split(";")]
    others = tuple(dict.fromkeys(each for each in aliases if each and each != named.text))
    told = [cell for name in _ACTIVE for cell in cells.get(name, ()) if cell.text]
    return Person(name=named.text, aliases=others, left=_has_left(told))


def _has_left(told: Sequence[_Cell]) -> bool:
    """What the first cell with content says; a later one can only add that the person has left."""
    if told and told[0].text.casefold() not in _ANSWERS:
        _refuse(told[0].place, "this does not say whether the person is active", "write true or false")
    return any(_ANSWERS.get(cell.text.casefold(), False) for cell in told)


def _columns(names: Sequence[str], source: str) -> dict[str, list[int]]:
    """Where the columns that are read are; all others are passed over, since exports have many."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        path = _INDEX.sub(".0", name.casefold()).split(".")
        meaning, *parts = ("".join(filter(str.isalnum, part)) for part in path)
        if meaning not in {*_PERSON, *_ALIASES, *_ACTIVE} or {each for each in parts if not each.isdecimal()} - _PARTS:
            continue
        if meaning in found and not parts:
            _refuse(f"{source}:1:{at + 1}", f"the column {meaning} occurs twice")
        found.setdefault(meaning, []).append(at)
    if not set(_PERSON) & set(found):
        _refuse(
            f"{source}:1",
            "there is no column person, userName or login",
            "rename the column that has the names",
        )
    return found


def _refuse(place: str, reason: str, hint: str = _HINT) -> NoReturn:
    refuse(place, reason, hint)
