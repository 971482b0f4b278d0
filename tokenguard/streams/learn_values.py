"""Values that are known by fingerprint only: once one is seen, it is known, and masked in every form from there on.

Words are looked at whole, so data waits here until the next white space; a word that never ends is cut at a length
that no value has.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.redaction.known import MaskedValue, MatchSource
from tokenguard.redaction.matcher import Matcher, formats_only
from tokenguard.redaction.stream import StreamRedactor

_LONGEST = 16_384
"""Bytes of one word that are waited for: more than any form of a value."""
_KEPT = 8_192
_SHORT = 12
"""Bytes of a word that are not a value yet."""
_SPACE = re.compile(rb"\s")

Recognise = Callable[[bytes], Iterable[tuple[str, Secret]]]
"""Finds values in data; gives the opaque id of each with what was found."""


class OwnRedactor:
    """A stream redactor that learns.

    Args:
        known: what is masked from the start.
        recognise: finds values by their fingerprints.
    """

    def __init__(self, known: Iterable[MaskedValue], recognise: Recognise) -> None:
        self._known = list(known)
        self._recognise = recognise
        self._stream = StreamRedactor(Matcher.of(self._known) if self._known else formats_only())
        self._waiting = b""

    @property
    def held(self) -> int:
        """Bytes that were fed and not passed on."""
        return len(self._waiting) + self._stream.held

    @property
    def found(self) -> Counter[MatchSource]:
        """How often each source was masked."""
        return self._stream.found

    def feed(self, chunk: bytes) -> bytes:
        """Take the next piece; returns what can be passed on."""
        data = self._waiting + chunk
        self._learn(data)
        cut = _last_space(data)
        if len(data) - cut > _LONGEST:
            cut = len(data) - _KEPT
        self._waiting = data[cut:]
        return self._stream.feed(data[:cut])

    def idle(self) -> bytes:
        """Pass on what is harmless although undecided, such as a prompt."""
        if len(self._waiting) >= _SHORT:
            return self._stream.idle()
        short, self._waiting = self._waiting, b""
        return self._stream.feed(short) + self._stream.idle()

    def finish(self) -> bytes:
        """Nothing follows; returns the rest."""
        self._learn(self._waiting)
        return self._stream.finish(self._waiting)

    def _learn(self, data: bytes) -> None:
        fresh: list[MaskedValue] = []
        for token, value in self._recognise(data):
            if any(value == each.secret for each in (*self._known, *fresh)):
                continue
            try:
                fresh.append(MaskedValue(id=token[:8], name=token, secret=value))
            except InputError:  # too plain to be masked, and so nothing that a fingerprint covers
                continue
        if fresh:
            self._known += fresh
            self._stream.matcher = Matcher.of(self._known)


def _last_space(data: bytes) -> int:
    """Where the last word begins."""
    end = len(data)
    while end and not _SPACE.match(data, end - 1):
        start = max(0, end - 256)
        found = [space.end() for space in _SPACE.finditer(data, start, end)]
        if found:
            return found[-1]
        end = start
    return end
