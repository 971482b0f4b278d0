"""A machine on which fingerprints of some values were pulled, as `fingerprints pull` leaves it."""

import secrets
import string
from collections.abc import Mapping
from datetime import timedelta

from tokenguard.detection.known_token_index import OwnTag, pieces, tag_of
from tokenguard.detection.value_coverage import covered
from tokenguard.scanning.bundle import Bundle, Publisher, now_utc
from tokenguard.scanning.known_token_stage import keep

_LETTERS = string.ascii_letters + string.digits


def known_value() -> str:
    """A value that may be among the fingerprints, and has no vendor's format."""
    while not covered(value := "".join(secrets.choice(_LETTERS) for _ in range(44))):
        pass
    return value


def pulled(*values: str, symbols: str = "-_:", age: timedelta = timedelta()) -> Mapping[str, str]:
    """Pull the fingerprints of these values into this process's state directory; returns what its shell exports."""
    publisher = Publisher(secrets.token_bytes(64))
    key = publisher.scan_key
    entries = []
    for number, value in enumerate(values):
        for piece in pieces(value):
            tag, anchor, length = tag_of(key.tags, piece)
            entries.append(OwnTag(tag=tag, anchor=anchor, length=length, token=f"{number + 1:032x}"))
    now = now_utc() - age
    bundle = Bundle(
        version=1, published=now.isoformat(), expires=(now + timedelta(days=30)).isoformat(), symbols=symbols,
        entries=tuple(entries),
    )  # fmt: skip
    keep(publisher.signed(bundle), key)
    return {"TOKENGUARD_SCAN_KEY": key.text()}
