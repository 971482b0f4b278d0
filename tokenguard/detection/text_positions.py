"""Lines and columns of offsets in one text, without counting from its beginning for each."""

from typing import AnyStr, Generic


class TextPositions(Generic[AnyStr]):
    """Fast where most offsets are asked for from left to right.

    Args:
        data: the text.
        line_feed: what ends its lines, of its kind.
    """

    def __init__(self, data: AnyStr, line_feed: AnyStr) -> None:
        self._data: AnyStr = data
        self._line_feed: AnyStr = line_feed
        self._offset, self._line, self._start = 0, 1, 0

    def of(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        if offset < self._offset:
            self._offset, self._line, self._start = 0, 1, 0
        feeds = self._data.count(self._line_feed, self._offset, offset)
        if feeds:
            self._line += feeds
            self._start = self._data.rfind(self._line_feed, self._offset, offset) + 1
        self._offset = offset
        return self._line, offset - self._start + 1
