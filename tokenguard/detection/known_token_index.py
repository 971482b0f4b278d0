"""Knows the team's own tokens in running text, without holding one: by keyed tags and a 16-bit anchor of their start.

With the key and the tags an attacker can test guesses, so the key counts as public: `value_coverage` says which values
may be included. The anchor reveals 16 bits of a value.
"""

import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator

from tokenguard.detection.anchor_search import AnchorSearch
from tokenguard.domain.secret import token_digests
from tokenguard.frozen import Frozen

KEY_BYTES = 32
ANCHOR_BYTES = 12
"""How much of a value's start the anchor covers; no value is shorter."""
MIN_LENGTH = 19
"""What has 112 bits is not shorter (`value_coverage`)."""
_ANCHOR_MASK = 0xFFFF
_TAG_BYTES = 16
_BLOCK = 64
"""Bytes of a block of SHA-256: no key is longer."""
_LONG_RUN = 512
"""Bytes from which on a run is looked at in whole pieces."""
SYMBOLS = "-_:.+/=~"
_IN, _OUT = b"a", b" "
_PAIR = r"(dx_bearer_[0-9a-f-]{36}):(dx_secret_[0-9a-f-]{36})"


class OwnTag(Frozen, frozen=True, kw_only=True):
    """What a bundle says of one value (or half of one)."""

    tag: str
    """32 hex digits."""
    anchor: int
    length: int
    token: str
    """The opaque id of its record."""
    revoked_on: str = ""
    """ISO date since when it opens nothing; empty: it is live."""


class KnownTokenMatch(Frozen, frozen=True):
    """A value of ours in some bytes."""

    start: int
    value: bytes
    entry: OwnTag


def pieces(text: str) -> list[str]:
    """What to look for: the value, and for a pair each half, which is as secret."""
    pair = re.fullmatch(_PAIR, text)
    return [text, *pair.groups()] if pair else [text]


def tag_of(key: bytes, text: str) -> tuple[str, int, int]:
    """Tag, anchor and length of one piece."""
    data = text.encode()
    return _tagger(key)(data).hex(), _anchor_of(_seed(key), data), len(data)


class OwnIndex:
    """Finds indexed values in bytes, in time that grows with the bytes and hardly with the number of values."""

    def __init__(self, key: bytes, entries: Iterable[OwnTag], symbols: str) -> None:
        from tokenguard.detection.decoded_views import disguises_of  # a commit without a scan key has no use for it

        self.key = key
        self._seed = _seed(key)
        self._tags: dict[bytes, OwnTag] = {}
        by_anchor: dict[int, set[int]] = {}
        for entry in entries:
            self._tags.setdefault(bytes.fromhex(entry.tag), entry)
            by_anchor.setdefault(entry.anchor, set()).add(entry.length)
        self._tag = _tagger(key)
        self._search = AnchorSearch(ANCHOR_BYTES, self._seed, by_anchor)
        self._lengths = {anchor: sorted(lengths, reverse=True) for anchor, lengths in by_anchor.items()}
        shortest = min((entry.length for entry in self._tags.values()), default=MIN_LENGTH)
        self._characters = _table(symbol for symbol in symbols if symbol in SYMBOLS)
        self._least = _IN * shortest
        self.disguises = disguises_of(shortest)
        self._shortest = shortest
        self._longest = max((entry.length for entry in self._tags.values()), default=0)

    def __len__(self) -> int:
        return len(self._tags)

    def hits(self, data: bytes) -> Iterator[KnownTokenMatch]:
        """Every value in `data` as it stands there, from left to right."""
        crc, seed, lengths = zlib.crc32, self._seed, self._lengths
        shortest, longest = self._shortest, self._longest
        text, least = data.translate(self._characters), self._least  # sooner than by an expression
        start = text.find(least)
        while start >= 0:
            end = text.find(_OUT, start + shortest)
            end, after = end if end >= 0 else len(text), start
            is_long = end - start >= _LONG_RUN
            for place in self._places(data, start, end) if is_long else range(start, end - shortest + 1):
                if crc(data[place : place + ANCHOR_BYTES], seed) & _ANCHOR_MASK in lengths and place >= after:
                    hit = self._at(data[place : min(end, place + longest)])
                    if hit is not None:
                        yield KnownTokenMatch(place, *hit)
                        after = place + len(hit[0])
            start = text.find(least, end)

    def _places(self, data: bytes, start: int, end: int) -> Iterator[int]:
        """The places of a long run at which a value may stand."""
        crc, seed, lengths, tag, tags = zlib.crc32, self._seed, self._lengths, self._tag, self._tags
        text = data[start:end]
        for place in self._search.places(text):
            for length in lengths[crc(text[place : place + ANCHOR_BYTES], seed) & _ANCHOR_MASK]:
                if tag(text[place : place + length]) in tags:
                    yield start + place
                    break

    def _at(self, text: bytes) -> tuple[bytes, OwnTag] | None:
        """The longest value with which a part of a run begins, as long as any value."""
        anchor = zlib.crc32(text[:ANCHOR_BYTES], self._seed) & _ANCHOR_MASK
        for length in self._lengths[anchor]:
            window = text[:length]
            entry = self._tags.get(self._tag(window))
            if entry is not None and len(window) == length:
                return window, entry
        return None


def _table(symbols: Iterable[str]) -> bytes:
    """Turns the characters of values into one byte and all others into another one."""
    inside = {*string.ascii_letters, *string.digits, *symbols}
    return b"".join(_IN if chr(byte) in inside else _OUT for byte in range(256))


def _tagger(key: bytes) -> Callable[[bytes], bytes]:
    """Gives values their tags, by HMAC-SHA256 (RFC 2104) with what is the same for all of them hashed beforehand."""
    import hashlib  # a commit without a scan key has no use for it

    block = key.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + b"tokenguard scan 1")
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    digest, inner_copy, outer_copy = token_digests(), inner.copy, outer.copy

    def tag(value: bytes) -> bytes:
        within, around = inner_copy(), outer_copy()
        within.update(digest(value))
        around.update(within.digest())
        return around.digest()[:_TAG_BYTES]

    return tag


def _anchor_of(seed: int, data: bytes) -> int:
    return zlib.crc32(data[:ANCHOR_BYTES], seed) & _ANCHOR_MASK


def _seed(key: bytes) -> int:
    import hashlib  # as above

    return int.from_bytes(hashlib.sha256(b"anchor" + key).digest()[:4])
