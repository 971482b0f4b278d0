"""Files that hold private keys behind a password: PKCS #12 (RFC 7292) and Java's key stores, known by how they begin.

A password that is known, or easily guessed, opens them; many have the one that their maker's manual names.
"""

from tokenguard.detection.match import TextMatch
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret

_TYPE = "Key Store"
_SEQUENCE, _VERSION = b"\x30", b"\x02\x01\x03"
_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
_JAVA = b"\xfe\xed\xfe\xed\x00\x00\x00"
_HEAD = 64


def key_stores(data: bytes) -> list[TextMatch]:
    """The whole content as one finding, if it is one."""
    head = data[:_HEAD]
    is_pkcs12 = head.startswith(_SEQUENCE) and _VERSION in head[:8] and _DATA in head
    if not (is_pkcs12 or head.startswith(_JAVA)):
        return []
    whole = Secret(data.hex())
    return [TextMatch(kind=FindingKind.EXTRA, type=_TYPE, line=1, column=1, value=whole, whole=whole)]
