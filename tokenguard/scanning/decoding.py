"""Bytes of a file as text: what detect-secrets would read, and what it would pass over as binary."""

import codecs

from tokenguard.frozen import Frozen

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4096


class Text(Frozen, frozen=True):
    """Decoded content, line ends as line feeds."""

    text: str
    rules_apply: bool
    """Whether detect-secrets' rules are asked: it is text, not bytes that were forced into characters."""


def decoded(data: bytes) -> Text:
    """Decode anything: UTF-8 as detect-secrets does, UTF-16 and UTF-32 by their marks or zeros, else byte by byte."""
    for mark, encoding in _MARKS:
        if data.startswith(mark) and b"\0" in data:  # no text in them does without; what does only begins like one
            return Text(_line_feeds(data.decode(encoding, "replace")), rules_apply=True)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Text(_line_feeds(data.decode("latin-1")), rules_apply=False)
    wide = _without_mark(data) if "\0" in text[:_SAMPLE] else ""
    return Text(_line_feeds(text if not wide else data.decode(wide, "replace")), rules_apply=True)


def _without_mark(data: bytes) -> str:
    """The UTF-16 that ASCII text without a byte order mark is in, if it is."""
    sample = data[:_SAMPLE]
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) > half * 0.8 and sample[0::2].count(0) < half * 0.2:
        return "utf-16-le"
    if sample[0::2].count(0) > half * 0.8 and sample[1::2].count(0) < half * 0.2:
        return "utf-16-be"
    return ""


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
