"""The lines that detect-secrets rebuilds from a text without sections that can be read as INI.

`configparser` reads it here as there. What detect-secrets then does to find the line of each value, an expression for
each key and a copy of the rest of the file, takes most of its time on a large file; here it is string comparison.
"""

import configparser
from collections.abc import Iterator

from tokenguard.detection import detect_secrets_adapter

_BETWEEN = " :="
_COMMENTS = (";", "#")
_QUOTES = ("'", '"')


def rebuilt_ini(text: str) -> list[str] | None:
    """The lines, or None if the text is not INI below a section of its own.

    Raises:
        ValueError, TypeError, LookupError, AttributeError, RecursionError: where detect-secrets does.
    """
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    lines: list[str] = []
    try:
        parser.read_string(f"[global]\n{text}")
        for key, value, number in _values(parser, text):
            lines.extend([""] * (number - 1 - len(lines)))
            lines.append(value if _allows_next(value) else f'{key} = "{_unquoted(value)}"')
    except configparser.Error:
        return None
    return lines


def _values(parser: configparser.ConfigParser, text: str) -> Iterator[tuple[str, str, int]]:
    """Each key with each line of its value, and the number of that line."""
    places = _Places([line.strip() for line in text.split("\n")])
    for section in parser:
        for key, values in parser.items(section):
            yield from ((key, value, number) for value, number in places.of(key, values) if value)


class _Places:
    """Looks for values from where the value before was found."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._start = 0

    def of(self, key: str, values: str) -> list[tuple[str, int]]:
        """The lines of one value, blank ones and comments left out, with their numbers."""
        rows = values.splitlines()
        if not rows:
            return []
        wanted = [rows[0], *filter(None, rows[1:])]
        found: list[tuple[str, int]] = []
        next_one = 0
        for at in range(self._start, len(self._lines)):
            line = self._lines[at]
            if _allows_next(line):
                found.append((line, at + 1))
            elif not line or line.startswith(_COMMENTS) or (next_one == 0 and not _assigns(line, key, wanted[0])):
                continue
            elif next_one == len(wanted):
                self._start = max(at, self._start + 1)
                return found
            else:
                found.append((wanted[next_one], at + 1))
                next_one += 1
        self._start = len(self._lines)
        return found


def _assigns(line: str, key: str, value: str) -> bool:
    """Whether the line is the key, one or more delimiters, and the value."""
    if not line.startswith(key):
        return False
    at = len(key)
    while line[at : at + 1] in _BETWEEN and at < len(line):
        at += 1
        if line.startswith(value, at):
            return True
    return False


def _unquoted(value: str) -> str:
    if value[0] in _QUOTES and value[-1] == value[0]:
        value = value[1:-1]
    return value.replace('"', '\\"')


def _allows_next(line: str) -> bool:
    """Whether the line is a comment that silences the one below it."""
    if "pragma:" not in line:
        return False
    expressions = detect_secrets_adapter.allowlist().get_allowlist_regexes
    return any(expressions(comment_tuple=(mark, ""), nextline=True).search(line) for mark in ("#", ";"))
