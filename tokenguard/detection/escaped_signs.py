r"""Blanks what ends in a letter or digit and belongs to no word: escapes of white space and signs, and colours.

JSON and programs write `\n` and `\u003d`, terminals `ESC[33m`. A token that follows one begins there.
"""

import re

_WHITE = r"\\[nrt]"
_SIGNS = r"\\(?:u00(?:2[0-9a-fA-F]|3[a-fA-F]|40|5[b-eB-E]|60|7[b-eB-E])|(?:e|033|x1[bB]|u001[bB])\[[0-9;]{0,20}m)"
_COLOURS = r"\x1b\[[0-9;]{0,20}m"
_IN_TEXT = tuple(map(re.compile, (_WHITE, _SIGNS, _COLOURS)))
_IN_BYTES = tuple(re.compile(each.encode()) for each in (_WHITE, _SIGNS, _COLOURS))


def without_escapes(text: str) -> str:
    """Of the same length, with form feeds in place of what a token may follow directly."""
    white, signs, colours = _IN_TEXT
    if "\x1b" in text:
        text = colours.sub(lambda found: "\f" * len(found[0]), text)
    if "\\" not in text:
        return text
    return white.sub("\f\f", signs.sub(lambda found: "\f" * len(found[0]), text))


def bytes_without_escapes(data: bytes) -> bytes:
    """The same of bytes."""
    white, signs, colours = _IN_BYTES
    if b"\x1b" in data:
        data = colours.sub(lambda found: b"\f" * len(found[0]), data)
    if b"\\" not in data:
        return data
    return white.sub(b"\f\f", signs.sub(lambda found: b"\f" * len(found[0]), data))
