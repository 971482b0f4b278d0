"""Decodes the files of people and of tokens: UTF-8 of a limited size, with the place of what is not."""

from typing import NoReturn

from tokenguard.errors import InputError
from tokenguard.text import safe_text


def decoded(data: bytes, *, source: str, max_bytes: int, hint: str) -> str:
    """The text, without a byte-order mark.

    Args:
        data: the file's bytes.
        source: how errors name it.
        max_bytes: its largest size.
        hint: what helps with a file that is too large.

    Raises:
        InputError: with line and column, for anything that is not such a text.
    """
    if len(data) > max_bytes:
        refuse(source, f"larger than {max_bytes:,} bytes", hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        refuse(f"{source}:{line}:{column}", "this is not UTF-8 text", "save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        refuse(f"{source}:{line}", "there is a NUL character in it: it may be UTF-16", "save it as UTF-8")
    return text


def refuse(place: str, reason: str, hint: str) -> NoReturn:
    """Raise the error that names a place of a file, and never quotes what is there."""
    raise InputError(f"{safe_text(place, one_line=True, limit=200)}: {reason}", hint=hint) from None
