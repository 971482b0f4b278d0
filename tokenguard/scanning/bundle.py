"""The bundle of own-token tags that every developer and build has: versioned, expiring, signed by the publisher.

The scan key is one text with two halves: the key of the tags, and the publisher's public key. It counts as public.
The publisher's secret half stays in a private file of a person who may read the store.
"""

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec

from tokenguard.detection.known_token_index import KEY_BYTES, OwnTag
from tokenguard.errors import UPGRADE, InputError, Tampered
from tokenguard.files import private_secret
from tokenguard.frozen import Frozen

SCAN_KEY_VARIABLE = "TOKENGUARD_SCAN_KEY"
FORMAT = 1
MAX_BYTES = 16 << 20
LIFETIME = timedelta(days=30)
_SYMBOLS = re.compile(r"[-_:.+/=~]{0,8}")
_DOMAIN = b"tokenguard fingerprints 1\n"


class BundleWaiver(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for a token's live value being found. Comes with the publisher's signature and from nowhere else."""

    token: str
    owner: str
    reason: str
    until: str
    """ISO 8601, UTC; from then on it is a finding again."""


class Bundle(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is published."""

    format: int = FORMAT
    version: int
    """Grows with every publication; clients refuse to go back."""
    published: str
    expires: str
    """ISO 8601, UTC."""
    symbols: str
    """Which characters beyond letters and digits the values use."""
    entries: tuple[OwnTag, ...]
    waivers: tuple[BundleWaiver, ...] = ()


class _Signed(Frozen, frozen=True, forbid_unknown_fields=True):
    bundle: msgspec.Raw
    signature: str


class ScanKey(Frozen, frozen=True):
    """What a client needs to read a bundle."""

    BYTES: ClassVar[int] = 2 * KEY_BYTES
    tags: bytes
    publisher: bytes

    @classmethod
    def of(cls, data: bytes) -> "ScanKey":
        """The two halves, one after the other."""
        return cls(data[:KEY_BYTES], data[KEY_BYTES:])

    @property
    def digest(self) -> str:
        """Tells one key from another, and says nothing about either."""
        import hashlib  # takes as long to import as a small commit to scan

        return hashlib.sha256(self.tags + self.publisher).hexdigest()

    def text(self) -> str:
        """As it is given to clients."""
        return _encoded(self.tags + self.publisher).decode()


def read_scan_key(text: str) -> ScanKey:
    """Read what `ScanKey.text` wrote; InputError otherwise."""
    try:
        data = _decoded(text.strip())
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != ScanKey.BYTES:
        raise InputError("not a scan key", hint=f"{SCAN_KEY_VARIABLE} is the text that `fingerprints publish` shows")
    return ScanKey.of(data)


class Publisher:
    """The secret half: 32 bytes of tag key, 32 bytes of Ed25519 key, in a private file."""

    def __init__(self, data: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._tags = data[:KEY_BYTES]
        self._key = Ed25519PrivateKey.from_private_bytes(data[KEY_BYTES:])

    @property
    def scan_key(self) -> ScanKey:
        """What clients get."""
        return ScanKey(self._tags, self._key.public_key().public_bytes_raw())

    def signed(self, bundle: Bundle) -> bytes:
        """The bundle as a file."""
        body = msgspec.json.encode(bundle, order="deterministic")
        signature = _encoded(self._key.sign(_DOMAIN + body)).decode()
        return msgspec.json.encode(_Signed(msgspec.Raw(body), signature)) + b"\n"


def open_publisher(path: Path, *, create: bool) -> Publisher:
    """Read the publisher's key file, or create one if asked to; InputError if it is not a private file with one."""
    hint = "give the file that signed the earlier bundles"
    return Publisher(private_secret(path, 2 * KEY_BYTES, what="a publisher's key", hint=hint, create=create))


def verified(data: bytes, key: ScanKey) -> Bundle:
    """Read a bundle and check its signature.

    Raises:
        Tampered: it is not signed by the key's publisher.
        InputError: it is not a bundle of this format.
    """
    from cryptography.exceptions import InvalidSignature  # only `pull` checks signatures
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signed = msgspec.json.decode(data, type=_Signed)
        signature = _decoded(signed.signature)
        Ed25519PublicKey.from_public_bytes(key.publisher).verify(signature, _DOMAIN + bytes(signed.bundle))
    except msgspec.DecodeError:  # before its base, ValueError
        raise InputError("not a bundle of fingerprints", hint="`tokenguard fingerprints publish` writes one") from None
    except (InvalidSignature, ValueError):
        raise Tampered(
            "the bundle is not signed by the publisher of this scan key",
            hint="fetch it again; if the publisher created a new key, set the new scan key first",
        ) from None
    return read_bundle(bytes(signed.bundle))


def read_bundle(body: bytes) -> Bundle:
    """Read a bundle whose signature was checked before; InputError if it is of another format."""
    try:
        bundle = msgspec.json.decode(body, type=Bundle)
        times = [datetime.fromisoformat(text) for text in (bundle.expires, *(each.until for each in bundle.waivers))]
    except ValueError:  # msgspec's are of this kind
        bundle, times = None, []
    dated = all(time.tzinfo is not None for time in times)
    if bundle is None or bundle.format != FORMAT or not _SYMBOLS.fullmatch(bundle.symbols) or not dated:
        raise InputError("not a bundle that this version reads", hint=f"{UPGRADE}; or publish again")
    return bundle


def body_of(bundle: Bundle) -> bytes:
    """What `read_bundle` reads."""
    return msgspec.json.encode(bundle, order="deterministic")


def stale(bundle: Bundle, now: datetime) -> bool:
    """Whether it has expired."""
    return datetime.fromisoformat(bundle.expires) < now


def now_utc() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def scan_key_of(environ: Mapping[str, str]) -> ScanKey | None:
    """The scan key of this process, or None if it has none."""
    text = environ.get(SCAN_KEY_VARIABLE, "")
    return read_scan_key(text) if text.strip() else None


def _encoded(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def _decoded(text: str | bytes) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
