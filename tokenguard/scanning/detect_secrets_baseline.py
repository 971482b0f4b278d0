"""Takes over `.secrets.baseline` of detect-secrets: as data about known findings, never as a configuration.

detect-secrets itself runs Python code that such a file names; here its plugins and filters are not even looked at.
Its hashes are of values, and some only of a prefix, so the tree is scanned and what the file lists is taken over as
it stands there now.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tokenguard.detection.match import TextMatch
from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.finding import FindingKind
from tokenguard.errors import InputError
from tokenguard.files import read_named, shown
from tokenguard.scanning.baseline_file import new_baseline
from tokenguard.scanning.baseline_matching import Recorder
from tokenguard.scanning.root_paths import RootPaths

_MAX_BYTES = 64 << 20
_MAX_NODES = 4_000_000

BaselineKeys = frozenset[tuple[str, str, str]]
"""Path, type and SHA-1 of an accepted finding."""


def read_detect_secrets(path: Path) -> tuple[BaselineKeys, int]:
    """What a `.secrets.baseline` lists, and how many of it an audit called real secrets: those are not taken over.

    Raises:
        InputError: it is missing or not such a file.
    """
    data = read_named(path, _MAX_BYTES, hint="name a .secrets.baseline")
    tree = load_json(data, source=shown(path), max_bytes=_MAX_BYTES, max_nodes=_MAX_NODES)
    results = tree.get("results") if isinstance(tree, dict) else None
    if not isinstance(results, dict):
        raise InputError(f"not a .secrets.baseline: {shown(path)}", hint="it has an object `results`")
    known: set[tuple[str, str, str]] = set()
    real = 0
    for name, entries in results.items():
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict):
                continue
            if entry.get("is_secret") is True:
                real += 1
            else:
                known.add((name, _text(entry, "type"), _text(entry, "hashed_secret")))
    return frozenset(known), real


class DetectSecretsImporter(Recorder):
    """Takes into a new baseline only what the former one lists."""

    def __init__(self, paths: RootPaths, now: datetime, known: BaselineKeys) -> None:
        super().__init__(new_baseline(), paths, now)
        self._known = known

    def wants(self, match: TextMatch, path: str) -> bool:
        """Whether the former baseline lists it."""
        if match.kind is not FindingKind.RULE:
            return False
        value = match.value.reveal().encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(value, usedforsecurity=False).hexdigest()
        return (self.paths.of(path), match.type, digest) in self._known


def _text(entry: Mapping[str, JsonTree], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
