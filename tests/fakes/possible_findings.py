"""What bytes could hold at most, asked stage by stage: the other opinion on `suspects`, which asks many texts at once."""

from tokenguard.detection.assignments import assignments
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.disguised_tokens import disguised_tokens
from tokenguard.detection.encoded_tokens import encoded_tokens
from tokenguard.detection.escaped_signs import without_escapes
from tokenguard.detection.extras import _anchors
from tokenguard.detection.regex_set import regex
from tokenguard.detection.secret_manifests import _KIND, _LARGEST
from tokenguard.detection.secret_places import BEFORE_LINE_PATTERN, NAMED_PATTERN
from tokenguard.detection.token_matcher import token_spans


def may_hold_shapes(data: bytes, path: str) -> bool:
    """Whether any format could be found in these (UTF-8) bytes of a file of this name."""
    if _anchors().matches(data) or is_credential_file(path) or _may_hold_manifest(data):
        return True
    text = without_escapes(data.decode("latin-1"))
    told = (token_spans(text), encoded_tokens(text), disguised_tokens(data))
    return any(True for found in told for _ in found)


def _may_hold_manifest(data: bytes) -> bool:
    """Whether the bytes have a mark of a Secret's manifest or of logins of registries."""
    start = data[:_LARGEST]
    return b"auths" in start or (b"ecret" in start and _KIND.search(start.decode("latin-1")) is not None)


def may_hold_assignments(data: bytes, path: str) -> bool:
    """Whether any could be found in these bytes of a file of this name, alone or among other lines."""
    names = regex(f"{BEFORE_LINE_PATTERN}|{NAMED_PATTERN}")
    return any(True for _ in assignments(data, path)) or names.search(data) is not None
