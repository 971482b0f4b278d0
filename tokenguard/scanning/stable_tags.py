"""Tags of findings that are the same in every run, for reports that code hosts compare with each other."""

import hashlib

from tokenguard.domain.secret import Secret
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scanner import Tagger
from tokenguard.scanning.slow_tags import SlowTags

_COST = 1 << 10
"""1 MB and about 3 ms a token: a report may have thousands."""


class StableTagger(Tagger):
    """A slow tag of the token, salted with the path of its file: it says nothing that its reader could not guess there.

    Args:
        paths: translate those of the scan.
    """

    def __init__(self, paths: RootPaths) -> None:
        super().__init__()
        self._paths = paths
        self._tags: dict[str, SlowTags] = {}

    def tag(self, value: Secret, path: str) -> str:
        """12 hex digits, the same for the same token in the same file."""
        name = self._paths.of(path)
        if name not in self._tags:
            salt = hashlib.sha256(b"tokenguard finding\0" + name.encode("utf-8", "surrogateescape")).digest()
            self._tags[name] = SlowTags(salt, _COST)
        return self._tags[name].tag(value)
