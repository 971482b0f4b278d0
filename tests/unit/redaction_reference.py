"""The naive reference: every needle at every place, every pattern as a regular expression, then one union."""

import re
from collections.abc import Sequence

from tokenguard.redaction.known import Needle
from tokenguard.redaction.patterns import Pattern


def naive(needles: Sequence[Needle], patterns: Sequence[Pattern], data: bytes) -> bytes:
    ranges = []
    wanted = {}
    for needle in needles:
        wanted.setdefault(needle.data, needle.source.id)
    whole = dict(wanted)
    heads = [needle.data for needle in needles if needle.head]
    for text in whole:
        for head in heads:
            if text.startswith(head):
                for length in range(len(head), len(text)):
                    longest = max((each for each in whole if text[:length].startswith(each)), key=len)
                    wanted.setdefault(text[:length], whole[longest])
    longest_at = {}
    for text in sorted(wanted, key=len):
        at = data.find(text)
        while at >= 0:
            longest_at[at] = text
            at = data.find(text, at + 1)
    before = {needle.source.id for needle in needles if needle.before}
    after = {needle.source.id for needle in needles if needle.after}
    for at, text in longest_at.items():
        end, label = at + len(text), wanted[text]
        start = at - (label in before and is_digit(data[at - 1 : at]))
        ranges.append((start, -(end + (label in after and is_digit(data[end : end + 1]))), label))
    for pattern in patterns:
        groups = b"".join(
            b"(" + (re.escape(piece) if isinstance(piece, bytes) else _run(piece)) + b")" for piece in pattern.pieces
        )
        for found in re.finditer(b"(?=" + groups + b")", data):
            last = len(pattern.pieces)
            first = 1 if pattern.masked is None else pattern.masked + 1
            ranges.append((found.start(first), -found.end(last if pattern.masked is None else first), pattern.name))
    return _masked(data, sorted(ranges))


def is_digit(byte: bytes) -> bool:
    """Whether it is one byte, and a digit of base64."""
    return re.fullmatch(rb"[A-Za-z0-9+/_-]", byte) is not None


def _run(piece) -> bytes:
    return f"[{piece.chars}]{{{piece.least},{piece.most}}}+".encode()


def _masked(data: bytes, ranges) -> bytes:
    out, cursor, until = b"", 0, -1
    for start, negative_end, label in ranges:
        if start > until:
            out += data[cursor:start] + f"[tokenguard:{label}]".encode()
        cursor = until = max(until, -negative_end)
    return out + data[cursor:]


def feed_all(stream, pieces) -> bytes:
    return b"".join([*map(stream.feed, pieces), stream.finish()])
