"""How far masking goes for each way of writing a token: those that scans are tried with, and those of streams.

A form is `masked` if what comes out is the same whatever the token is; `in part` if some of it is masked. What is
neither has a reason.
"""

import random
import textwrap
import urllib.parse
from typing import Literal

from tests.fakes.disguises import COVERED as SCANNED
from tests.fakes.disguises import NOT_COVERED as NOT_SCANNED
from tests.fakes.disguises import Write, b64, dump, each, lines, padded

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


_SIZE = 41


def token(seed: int) -> str:
    """A value that has no beginning in common with other ones, so that what is left of it can be told."""
    rng = random.Random(seed)
    return "".join(rng.choice(ALPHABET) for _ in range(_SIZE))


def coloured(text: str) -> str:
    return "".join(f"\x1b[3{at % 8}m{char}\x1b[0m" for at, char in enumerate(text))


STREAMS: dict[str, Write] = {
    "as it is, twice in a line": lambda t: f"a {t} b {t} c",
    "`base64`: 76 columns": lambda t: "\n".join(lines(padded(t), 76)) + "\n",
    "`openssl base64`: 64 columns": lambda t: "\n".join(lines(padded(t), 64)) + "\n",
    "base64, one digit a line": lambda t: "\n".join(b64(t)),
    "base64 in a certificate's indentation": lambda t: textwrap.indent("\n".join(lines(padded(t), 64)), " " * 12),
    "base64 in colours": lambda t: coloured(b64(t)),
    "`xxd -p`: 60 columns": lambda t: "\n".join(lines(("x" * 40 + t + "y" * 40).encode().hex(), 60)),
    "`xxd`": lambda t: dump("x" * 37 + t + "y" * 30),
    "`xxd -u`": lambda t: dump(t).upper(),
    "hexadecimal of UTF-16": lambda t: t.encode("utf-16-le").hex(),
    "broken at 20 columns": lambda t: "\n".join(lines(t, 20)),
    "broken and indented": lambda t: "\n        ".join(lines(t, 9)),
    "broken with carriage returns": lambda t: "\r\n".join(lines(t, 9)),
    "one character a line": "\n".join,
    "a column of a terminal": "\x1b[1B\x1b[1D".join,
    "line separators": "\u2028".join,
    "grapheme joiners": "\u034f".join,
    "tags": "\U000e0041".join,
    "circled letters in part": lambda t: t[:9] + "".join(chr(0x24D0 + ord(c) - 97) if c.islower() else c for c in t[9:]),
    "letters in colours": coloured,
    "form of a web page": lambda t: urllib.parse.urlencode({"k": f"a {t}"}),
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "hexadecimal in mixed case": lambda t: "".join(c.upper() if at % 3 else c for at, c in enumerate(t.encode().hex())),
    "percent in mixed case": lambda t: each(t[:9], "%{n:02x}") + each(t[9:], "%{n:02X}"),
    "base64 with a mark before each line": lambda t: "\n".join("| " + line for line in lines(b64(t), 20)),
    "overwritten with backspaces": lambda t: "".join(f"_\b{char}" for char in t),
    "hyphenated by a table": lambda t: "-\n".join(lines(t, 10)),
}  # fmt: skip

REASONS = {
    "each encoding of an encoding multiplies the forms": [
        "base64 of percent", "percent of base64", "json escapes in base64", "hex twice", "percent twice", "percent thrice",
        "json escapes in json", "octal escapes in json", "entities of entities", "three encodings deep",
    ],
    "compressed data has no form of the value": [
        "gzip in base64", "zlib in base64", "zlib in base64, level 1", "bzip2 in base64", "gzip in base64 twice",
        "gzip in wrapped base64", "cloud-init", "base64 in gzip in base64", "base64 of a PDF", "base64 of a zip",
    ],
    "the data would have to be decoded as source text, which streams are not": [
        "wrapped base64 in a comment", "wrapped base64, quoted mail", "wrapped base64 in a json string",
        "wrapped base64, carriage returns in json", "wrapped base64, json in json", "wrapped base64 in a list of json strings",
        "wrapped base64 in a list of strings", "wrapped base64 in joined literals", "wrapped base64 in literals",
        "wrapped base64, continued", "wrapped base64 in a line comment", "base64 with a mark before each line",
        "joined, many", "join of characters",
       "markup breaks", "html comments", "soft hyphen entities", "zero-width entities",
       "registry, continued", "hyphenated by a table",
        "overwritten with backspaces",
    ],
    "a rare way of writing each byte": [
        "array of characters", "list of characters", "list of characters over lines", "chr calls", "chr calls with dots", "PowerShell characters", "VB characters", "numbers with spaces", "binary numbers",
        "percent u", "java escapes with many u", "long escapes", "brace escapes", "brace escapes of perl",
        "PowerShell escapes", "css escapes", "css escapes with spaces", "decimal escapes", "decimal escapes, wide", "octal escapes", "octal escapes, with a zero",
        "octal in braces", "entities, upper hex", "entities with zeros", "quoted-printable", "utf-32",
    ],
    "digits of both cases would double each form": ["hexadecimal in mixed case", "percent in mixed case", "title case"],
    "other alphabets and ciphers do not occur by accident": [
        "base32", "base85", "ascii85", "uuencode", "reversed", "rot13", "xor",
    ],
    "letters that only look the same are other letters": ["letters of another script"],
    "a dump without a colon behind its offsets looks like other text": ["hex dump, od"],
}  # fmt: skip

FORMS: dict[str, Write] = {**SCANNED, **NOT_SCANNED, **STREAMS}


def written(name: str, value: str) -> bytes:
    text = FORMS[name](value)
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def reason_of(name: str) -> str | None:
    return next((reason for reason, names in REASONS.items() if name in names), None)


def status(outputs: list[bytes]) -> Literal["masked", "in part", "not found"]:
    """What masking made of several values that were written in one form."""
    if not all(b"[tokenguard:" in each for each in outputs):
        return "not found"
    return "masked" if len(set(outputs)) == 1 else "in part"
