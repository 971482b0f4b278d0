r"""Blanks what ends in a letter or digit and belongs to no word: escapes of white space and signs, and colours.

JSON and programs write `\n` and `\u003d`, terminals `ESC[33m`. A token that follows one begins there.
"""

import re

_WHITE = re.compile(r"\\[nrt]")
_SIGNS = re.compile(
    r"\\(?:u00(?:2[0-9a-fA-F]|3[a-fA-F]|40|5[b-eB-E]|60|7[b-eB-E])|(?:e|033|x1[bB]|u001[bB])\[[0-9;]{0,20}m)"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")


def without_escapes(text: str) -> str:
    """Of the same length, with form feeds in place of what a token may follow directly."""
    if "\x1b" in text:
        text = _COLOURS.sub(lambda found: "\f" * len(found[0]), text)
    if "\\" not in text:
        return text
    return _WHITE.sub("\f\f", _SIGNS.sub(lambda found: "\f" * len(found[0]), text))


def bytes_without_escapes(data: bytes) -> bytes:
    """The same of bytes; those of one escape are all ASCII."""
    if b"\\" not in data and b"\x1b" not in data:
        return data
    return without_escapes(data.decode("latin-1")).encode("latin-1")
