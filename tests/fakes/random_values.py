"""Random values of many kinds, each with at least 112 bits: what no bundle may leave out."""

import random
import string
from collections.abc import Callable
from functools import partial
from math import log2

from tests.fakes.token_examples import ALPHABETS, filled_template
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Run, pieces

_LETTERS = string.ascii_letters + string.digits
_LEAST_BITS = 112


def _of(alphabet: str, length: int, prefix: str = "") -> Callable[[random.Random], str]:
    return lambda source: prefix + "".join(source.choices(alphabet, k=length))


def _uuid(source: random.Random) -> str:
    text = f"{source.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


UNDECLARED: dict[str, Callable[[random.Random], str]] = {
    "20 alphanumerics": _of(_LETTERS, 20),
    "24 alphanumerics": _of(_LETTERS, 24),
    "64 alphanumerics": _of(_LETTERS, 64),
    "20 url-safe": _of(_LETTERS + "-_", 20),
    "43 url-safe": _of(_LETTERS + "-_", 43),
    "300 url-safe": _of(_LETTERS + "-_", 300),
    "20 base64": _of(_LETTERS + "+/", 20),
    "88 base64": _of(_LETTERS + "+/", 88),
    "34 Azure": _of(_LETTERS + "-_.~", 34),
    "28 hex": _of("0123456789abcdef", 28),
    "32 hex": _of("0123456789abcdef", 32),
    "40 hex": _of("0123456789abcdef", 40),
    "64 hex": _of("0123456789abcdef", 64),
    "32 upper hex": _of("0123456789ABCDEF", 32),
    "23 base32": _of(ALPHABETS["base32"], 23),
    "20 base58": _of(_LETTERS.translate(str.maketrans("", "", "0OIl")), 20),
    "24 lower": _of(string.ascii_lowercase + string.digits, 24),
    "20 letters": _of(string.ascii_letters, 20),
    "24 lower letters": _of(string.ascii_lowercase, 24),
    "34 digits": _of(string.digits, 34),
    "UUID": _uuid,
    "prefix, 20 alphanumerics": _of(_LETTERS, 20, "acme_live_"),
    "prefix, 32 hex": _of("0123456789abcdef", 32, "acme_"),
    "long prefix, 24 url-safe": _of(_LETTERS + "-_", 24, "production-deployment-key_"),
    "tgcanary": _of("0123456789abcdef", 36, "tgcanary_"),
}
"""Kinds that no vendor declares."""

DECLARED: dict[str, Callable[[random.Random], str]] = {
    f"{kind.id} {template}": partial(filled_template, template)
    for kind in FORMATS
    for template in kind.shapes
    if kind.stands_alone
    and sum(each.least * log2(len(ALPHABETS[each.name])) for each in pieces(template) if isinstance(each, Run))
    >= _LEAST_BITS
    and not set("".join(each for each in pieces(template) if isinstance(each, str))) - set(_LETTERS + "-_:.+/=~")
}
"""Shapes of vendors."""
