"""One line as a person types it: shown key by key. What is pasted may be a value, and is shown as stars."""

_TYPED = 4
"""Bytes that one key may send; more at once were pasted."""
_ERASE, _KILL, _END = frozenset({"\x7f", "\b"}), "\x15", "\x04"


class TypedLine:
    """What was typed so far, and what of it is on the screen."""

    def __init__(self) -> None:
        self.text = ""
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
