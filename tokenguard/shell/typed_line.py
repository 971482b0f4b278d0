"""One line as a person types it: shown key by key. What is pasted may be a value, and is shown as stars.

Where an address or a name is asked for, pasted text is shown if none of its parts could be a value.
"""

import re

from tokenguard.domain.lookalikes import holds_issued

_TYPED = 4
"""Bytes that one key may send; more at once were pasted."""
_PART = re.compile(r"[A-Za-z0-9]+")
_LONGEST_WORD = 20
"""Letters of a word of one case that is shown."""
_LONGEST_MIX, _MOST_MIXES = 7, 3
"""Characters of other parts, such as `v2` or `abc1234`, and how many of those are shown."""
_ERASE, _KILL, _END = frozenset({"\x7f", "\b"}), "\x15", "\x04"


class TypedLine:
    """What was typed so far, and what of it is on the screen."""

    def __init__(self, *, public: bool = False) -> None:
        self.text = ""
        self._public = public
        """Whether what is pasted is shown unless it may be a value."""
        self.left_over = b""
        """What came behind the end of the line."""
        self.ended = False
        self._half = b""
        """The beginning of a character of several bytes."""

    def take(self, data: bytes) -> str:
        """Take what was read at once; returns what is to be shown. KeyboardInterrupt at Ctrl-D in an empty line."""
        line, newline, rest = data.partition(b"\n")
        self.ended, self.left_over = bool(newline), rest
        if line.startswith(b"\x1b"):  # an arrow or another key without a character
            return ""
        pasted = len(line) > _TYPED
        text = (self._half + line).decode(errors="ignore")
        self._half = b"" if text or pasted else self._half + line
        if pasted and self._public and is_plain(self.text + text):
            pasted = False
        return "".join(self._shown(key, pasted=pasted) for key in text)

    def _shown(self, key: str, *, pasted: bool) -> str:
        if key in _ERASE:
            gone, self.text = self.text[-1:], self.text[:-1]
            return "\b \b" if gone else ""
        if key == _KILL:
            gone, self.text = self.text, ""
            return "\b \b" * len(gone)
        if key == _END and not self.text:
            raise KeyboardInterrupt
        if not (pasted or key.isprintable()):
            return ""
        self.text += key
        return "*" if pasted else key


def is_plain(text: str) -> bool:
    """Whether a text consists of words and short numbers, as addresses and names do, and of nothing longer."""
    if holds_issued(text) or not text.isascii():
        return False
    parts = _PART.findall(text)
    mixed = [part for part in parts if not _is_word(part)]
    return len(mixed) <= _MOST_MIXES and all(
        len(part) <= (_LONGEST_WORD if _is_word(part) else _LONGEST_MIX) for part in parts
    )


def _is_word(part: str) -> bool:
    """Whether it has letters of one case only, or of a capitalised word."""
    return part.isalpha() and (part.islower() or part.isupper() or part.istitle())
