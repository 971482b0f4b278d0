"""Key slots: independent wraps of the one data key, each opened by something else a person or a machine has."""

import hashlib
import hmac
import os
import unicodedata
from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import Frozen, Hidden
from tokenguard.stores.local.length_prefix import damaged, length_prefixed
from tokenguard.stores.local.recovery_words import recovery_bytes
from tokenguard.stores.local.sealing import KEY_BYTES

MAX_SLOTS = 16
_LABEL = b"tokenguard/1/slot/"
_SALT_BYTES = 32
_COMMITMENT_BYTES = 32
_WRAPPED_BYTES = KEY_BYTES + 16
_LONGEST_PARAMS = 512


@unique
class SlotKind(StrEnum):
    """What opens a slot."""

    KEY_FILE = "key_file"
    PASSPHRASE = "passphrase"  # noqa: S105 - a word, not a value
    KEYRING = "keyring"
    RECOVERY = "recovery"


class Cost(Frozen, frozen=True, kw_only=True):
    """What one guess at a passphrase costs (Argon2id)."""

    memory_kib: int = 64 << 10
    passes: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        """Floors against cheap guessing, ceilings against a file that stops the machine; checked before running."""
        low = self.memory_kib >= 19 << 10 and self.passes >= 2 and self.lanes >= 1  # noqa: PLR2004 - OWASP's floor
        high = self.memory_kib <= 1 << 20 and self.passes <= 10 and self.lanes <= 16  # noqa: PLR2004 - seconds, 1 GiB
        if not (low and high):
            raise ValueError("not an acceptable cost")


class Params(Frozen, frozen=True, kw_only=True):
    """What is stored beside a slot, in plain, and authenticated."""

    account: str = ""
    """Under which account the OS keyring holds the key."""
    cost: Cost | None = None
    """For a passphrase."""


class SlotInfo(Frozen, frozen=True, kw_only=True):
    """What may be known of a slot without a key."""

    id: str
    """16 hex digits."""
    kind: SlotKind
    params: Params


class SlotKey(Frozen, frozen=True, kw_only=True):
    """What opens a slot, or makes a new one."""

    kind: SlotKind
    secret: Secret
    """32 bytes in hex (key file, keyring), the passphrase, or the recovery code as typed."""
    params: Params = Params()

    @classmethod
    def key_file(cls, key: bytes) -> "SlotKey":
        """From the 32 raw bytes of a key file."""
        return cls(kind=SlotKind.KEY_FILE, secret=Secret(_checked(key).hex()))

    @classmethod
    def keyring(cls, key: bytes, account: str) -> "SlotKey":
        """From the 32 raw bytes that the OS keyring holds under `account`."""
        return cls(kind=SlotKind.KEYRING, secret=Secret(_checked(key).hex()), params=Params(account=account))

    @classmethod
    def passphrase(cls, words: Secret, cost: Cost | None = None) -> "SlotKey":
        """From a passphrase; `cost` matters only for a new slot, an old one keeps its own."""
        return cls(kind=SlotKind.PASSPHRASE, secret=words, params=Params(cost=cost or Cost()))

    @classmethod
    def recovery(cls, code: Secret) -> "SlotKey":
        """From a recovery code; InputError if it has a typing mistake."""
        recovery_bytes(code)
        return cls(kind=SlotKind.RECOVERY, secret=code)


class Unlock(Protocol):
    """Finds the key that opens a store."""

    def __call__(self, slots: Sequence[SlotInfo]) -> SlotKey:
        """Return a key for one of the slots; WrongKey if none is available, NeedsPerson if prompting is disabled."""
        ...


class Slot(Hidden, frozen=True, kw_only=True):
    """One slot as it is stored."""

    id: str
    kind: str
    params: str
    """JSON, authenticated byte by byte."""
    salt: bytes
    commitment: bytes
    """Derived from the key: tells a wrong key from a damaged slot, and ties the ciphertext to one key."""
    wrapped: bytes

    def __post_init__(self) -> None:
        texts = all(isinstance(text, str) for text in (self.id, self.kind, self.params))
        blobs = all(isinstance(blob, bytes) for blob in (self.salt, self.commitment, self.wrapped))
        if not (
            texts
            and blobs
            and len(self.params) <= _LONGEST_PARAMS
            and (len(self.salt), len(self.commitment), len(self.wrapped))
            == (_SALT_BYTES, _COMMITMENT_BYTES, _WRAPPED_BYTES)
        ):
            raise damaged("a key slot of the store is malformed")

    @property
    def info(self) -> SlotInfo:
        """The public side; Tampered if the parameters are not ones we write."""
        try:
            kind = SlotKind(self.kind)
            params = msgspec.json.decode(self.params, type=Params)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise damaged("a key slot of the store has impossible parameters") from None
        if (kind is SlotKind.PASSPHRASE) != (params.cost is not None):
            raise damaged("a key slot of the store has parameters for a different kind of key")
        return SlotInfo(id=self.id, kind=kind, params=params)

    @property
    def encoded(self) -> bytes:
        """Everything, for the digest that the store's root covers."""
        texts = (self.id.encode(), self.kind.encode(), self.params.encode())
        return length_prefixed(*texts, self.salt, self.commitment, self.wrapped)


def wrap(data_key: bytes, key: SlotKey, store_id: bytes, slot_id: str | None = None) -> Slot:
    """A slot that `key` opens; with a fresh salt, also when an old slot is wrapped anew."""
    slot_id = slot_id or _id_of(key)
    params = msgspec.json.encode(key.params, order="deterministic")
    salt = os.urandom(_SALT_BYTES)
    sealing, nonce, commitment = _derive(key, key.params, salt)
    wrapped = AESGCM(sealing).encrypt(nonce, data_key, _bound(store_id, slot_id, key.kind, params))
    return Slot(
        id=slot_id, kind=key.kind.value, params=params.decode(), salt=salt, commitment=commitment, wrapped=wrapped
    )


def unwrap(slot: Slot, key: SlotKey, store_id: bytes) -> bytes | None:
    """The data key, or None if `key` is not this slot's. Tampered if it is, and the slot is not what was written."""
    info = slot.info
    if info.kind is not key.kind:
        return None
    sealing, nonce, commitment = _derive(key, info.params, slot.salt)
    if not hmac.compare_digest(commitment, slot.commitment):
        return None
    try:
        return AESGCM(sealing).decrypt(nonce, slot.wrapped, _bound(store_id, slot.id, key.kind, slot.params.encode()))
    except InvalidTag:
        raise damaged("a key slot of the store was changed") from None


def slots_digest(slots: Sequence[Slot]) -> bytes:
    """What the store's root covers of the slots; `slots` in the order of their ids."""
    return hashlib.sha256(length_prefixed(_LABEL, *(slot.encoded for slot in slots))).digest()


def _id_of(key: SlotKey) -> str:
    """The id of a new slot: one person per key, so the same in each store and after the slot was removed.

    A passphrase could be guessed from it without Argon2id: its slots have random ids.
    """
    if key.kind is SlotKind.PASSPHRASE:
        return os.urandom(8).hex()
    material = _material(key, key.params, b"")
    return HKDF(algorithm=SHA256(), length=8, salt=None, info=_LABEL + b"id").derive(material).hex()


def _derive(key: SlotKey, params: Params, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Sealing key, nonce and commitment. The salt is new for every wrap, so key and nonce are never used twice."""
    material = _material(key, params, salt)
    length = KEY_BYTES + 12 + _COMMITMENT_BYTES
    out = HKDF(algorithm=SHA256(), length=length, salt=salt, info=_LABEL + key.kind.encode()).derive(material)
    return out[:KEY_BYTES], out[KEY_BYTES:-_COMMITMENT_BYTES], out[-_COMMITMENT_BYTES:]


def _material(key: SlotKey, params: Params, salt: bytes) -> bytes:
    match key.kind:
        case SlotKind.KEY_FILE | SlotKind.KEYRING:
            return bytes.fromhex(key.secret.reveal())
        case SlotKind.RECOVERY:
            return recovery_bytes(key.secret)
        case SlotKind.PASSPHRASE:
            return _stretch(key.secret, params.cost or Cost(), salt)


def _stretch(words: Secret, cost: Cost, salt: bytes) -> bytes:
    # NFC: the same letters typed on another system must be the same passphrase
    text = unicodedata.normalize("NFC", words.reveal()).encode("utf-8", "surrogatepass")
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # only a passphrase needs it

    try:
        return Argon2id(
            salt=salt, length=KEY_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
        ).derive(text)
    except UnsupportedAlgorithm:
        raise Unreachable(
            "this build of cryptography has no Argon2id",
            hint="install cryptography from its wheel, or open the store with a key file",
        ) from None
    except MemoryError:
        raise Unreachable(
            f"not enough memory to check a passphrase ({cost.memory_kib >> 10} MiB are needed)",
            hint="free some memory, or open the store with a key file",
        ) from None


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise InputError(
            f"a key must have {KEY_BYTES} bytes; this one has {len(key)}",
            hint="create one with `openssl rand -base64 32`",
        )
    return key


def _bound(store_id: bytes, slot_id: str, kind: SlotKind, params: bytes) -> bytes:
    return length_prefixed(_LABEL, store_id, slot_id.encode(), kind.encode(), params)
