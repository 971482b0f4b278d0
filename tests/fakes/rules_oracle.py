"""detect-secrets itself as the oracle: what it finds in a file, and what we find in the same bytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from detect_secrets.core import scan
from detect_secrets.settings import default_settings

from tokenguard.detection.match import TextMatch
from tokenguard.detection.rules import scan_rules
from tokenguard.domain.profile import Profile
from tokenguard.scanning.decoding import decoded

Found = set[tuple[str, str, int]]
"""Type, SHA-1 of the secret, line."""


def oracle(paths: Iterable[Path]) -> dict[Path, Found]:
    with default_settings():
        return {
            path: {(secret.type, secret.secret_hash, secret.line_number) for secret in scan.scan_file(str(path))}
            for path in paths
        }


def ours(path: Path) -> Found:
    text = decoded(path.read_bytes())
    if not text.rules_apply:
        return set()
    return {
        (match.type, hashlib.sha1(match.value.reveal().encode()).hexdigest(), match.line)
        for match in scan_rules(text.text, str(path), Profile.DETECT_SECRETS)
        if isinstance(match, TextMatch)
    }
