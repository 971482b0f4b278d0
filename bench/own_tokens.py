"""The team's own tokens: all of them in every disguise, none anywhere else, and at the speed of the rules."""

import base64
import json
import random
import secrets
import string
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.corpora import files
from bench.sidebyside import report
from tests.fakes.random_values import DECLARED, UNDECLARED
from tokenguard.detection.known_token_index import OwnIndex, OwnTag, tag_of
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch
from tokenguard.detection.value_coverage import covered
from tokenguard.scanning.scanner import Stages, matches_of

_MANY, _FEW, _LENGTHS, _OF_A_KIND = 10_000, 200, 45, 1000
_LETTERS = string.ascii_letters + string.digits
_FORMS: tuple[Callable[[str], str | bytes], ...] = (
    lambda token: f'key = "{token}"',
    lambda token: f"https://example.net/y?token={token}&z=1",
    lambda token: f"abc{token}def",
    lambda token: f"Authorization: Bearer {token}",
    lambda token: base64.b64encode(token.encode()).decode(),
    lambda token: base64.b64encode(f"x{token}".encode()).decode(),
    lambda token: base64.urlsafe_b64encode(f"xy{token}".encode()).decode(),
    lambda token: "Basic " + base64.b64encode(f"user:{token}".encode()).decode(),
    lambda token: base64.b64encode(json.dumps({"a": 1, "t": token}).encode()).decode(),
    lambda token: base64.b64encode(base64.b64encode(token.encode())).decode(),
    lambda token: base64.encodebytes(b"x" * 50 + token.encode() + b"y" * 40).decode(),
    lambda token: token.encode().hex(),
    lambda token: "".join(f"%{byte:02X}" for byte in token.encode()),
    lambda token: "".join(f"\\u{ord(char):04x}" for char in token),
    lambda token: f'x = "{token[:9]}" + "{token[9:]}"',
    lambda token: f'x="{token}"'.encode("utf-16"),
)


def measure(trees: Sequence[Path] | None) -> None:
    """Recall, false hits on the trees (or Python's library), and speed on text and on a lock file."""
    _recall()
    _coverage()
    index = _index([_value(40 + number % _LENGTHS) for number in range(_MANY)])
    library = [path.read_bytes() for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    _speed(index, "library", library, "a.py")
    _speed(index, "lock file", [_lock_file()], "package.json")
    texts = library if trees is None else ((tree / name).read_bytes() for tree in trees for name in files(tree))
    hits = sum(isinstance(each, TextMatch) for data in texts for each in scan_own(index, data))
    report(f"{_MANY:,} own tokens, false hits", "none", hits, "0")


def _recall() -> None:
    values = [_value(40 + number % _LENGTHS) for number in range(_FEW)]
    index = _index(values)
    found = 0
    for number, value in enumerate(values):
        for form in _FORMS:
            written = form(value)
            data = b"first\n" + (written if isinstance(written, bytes) else written.encode())
            found += f"{number:032x}" in {
                each.facts["token"] for each in scan_own(index, data) if isinstance(each, TextMatch)
            }
    total = _FEW * len(_FORMS)
    report(f"{_FEW} own tokens x {len(_FORMS)} forms, found", "none", f"{found} of {total}", "100 %")


def _coverage() -> None:
    """Random values that no bundle would have, of kinds with at least 112 bits."""
    for name, kinds in (("without a vendor", UNDECLARED), ("vendors' shapes", DECLARED)):
        refused = 0
        for kind, make in kinds.items():
            source = random.Random(kind)
            refused += sum(not covered(make(source)) for _ in range(_OF_A_KIND))
        report(f"{len(kinds)} kinds {name} x {_OF_A_KIND:,}, left out", "none", refused, "0")


def _speed(index: OwnIndex, name: str, texts: Sequence[bytes], path: str) -> None:
    for data in texts[:3]:
        list(matches_of(data[:50_000], path, Stages()))
    began = time.process_time()
    for data in texts:
        list(scan_own(index, data))
    own = time.process_time() - began
    began = time.process_time()
    for data in texts:
        list(matches_of(data, path, Stages()))
    rules = time.process_time() - began
    report(f"{_MANY:,} own tokens, speed, {name}", "rules and shapes", f"{rules / own:.2f}x", "at least 0.5x")


def _lock_file() -> bytes:
    """About 2 MB of hashes."""
    return "".join(
        f'"node_modules/p{number}": {{"resolved": "https://registry.example.net/p{number}.tgz",\n'
        f'  "integrity": "sha512-{base64.b64encode(secrets.token_bytes(64)).decode()}"}},\n'
        for number in range(12_000)
    ).encode()


def _index(values: Sequence[str]) -> OwnIndex:
    key = secrets.token_bytes(32)
    tags = (tag_of(key, value) for value in values)
    entries = [
        OwnTag(tag=tag, anchor=anchor, length=length, token=f"{number:032x}")
        for number, (tag, anchor, length) in enumerate(tags)
    ]
    return OwnIndex(key, entries, "-_")


def _value(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
