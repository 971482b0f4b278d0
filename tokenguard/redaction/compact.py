"""Data without its white space, and the way back: a value that is wrapped, indented or grouped is whole again."""

WHITE_SPACE = b"\t\n\x0b\x0c\r "
_SPARSE = 4
"""Where more of the data than so much is white space, the way back is walked."""


def compact(data: bytes) -> bytes:
    """The data without white space."""
    return data.translate(None, WHITE_SPACE)


class CompactText:
    """Some data without its white space; offsets in it are turned back into offsets in the data.

    The way back is walked from the place that was asked for last, or from the end, whichever is nearer: a stream asks
    for few places, and mostly for one near its end.
    """

    __slots__ = ("_data_at", "_text_at", "data", "text")

    def __init__(self, data: bytes, text: bytes | None = None) -> None:
        self.data = data
        self.text = data.translate(None, WHITE_SPACE) if text is None else text
        self._data_at = self._text_at = 0

    def start(self, offset: int, size: int = 0) -> int:
        """Where the byte at `offset` of the text is; the end of the data for the end of the text.

        If so many bytes from there stand in one piece, as mostly they do, they are looked for: that is faster.
        """
        if len(self.data) == len(self.text):
            return offset
        if size and offset >= self._text_at:
            far = self._data_at + _SPARSE * (offset - self._text_at + size)
            at = self.data.find(self.text[offset : offset + size], self._data_at, far)
            if at >= 0 and self.kept(self._data_at, at) == offset - self._text_at:
                self._data_at, self._text_at = at, offset
                return at
        if offset == len(self.text):
            return len(self.data)
        if offset < self._text_at or len(self.text) - offset < offset - self._text_at:
            self._walk_back(offset)
        else:
            self._walk(offset)
        at = self._data_at
        while self.data[at] in WHITE_SPACE:
            at += 1
        return at

    def end(self, offset: int) -> int:
        """Where the data goes on after the first `offset` bytes of the text."""
        return self.start(offset - 1) + 1 if offset else 0

    def kept(self, start: int, end: int) -> int:
        """How many bytes of `data[start:end]` are in the text."""
        return len(self.data[start:end].translate(None, WHITE_SPACE))

    def _walk(self, offset: int) -> None:
        at, missing = self._data_at, offset - self._text_at
        while missing:
            kept = len(self.data[at : at + missing].translate(None, WHITE_SPACE))
            at += missing
            missing -= kept
        self._data_at, self._text_at = at, offset

    def _walk_back(self, offset: int) -> None:
        near = offset < self._text_at and self._text_at - offset < len(self.text) - offset
        at, missing = (self._data_at, self._text_at - offset) if near else (len(self.data), len(self.text) - offset)
        while missing:
            kept = len(self.data[at - missing : at].translate(None, WHITE_SPACE))
            at -= missing
            missing -= kept
        self._data_at, self._text_at = at, offset
