"""The key that signs checkpoints, as C2SP's signed-note describes it: Ed25519, named by the store."""

import hashlib
from base64 import b64encode
from pathlib import Path

from tokenguard.files import private_secret

_ED25519 = b"\x01"
_SIZE = 32


class EvidenceKey:
    """Signs notes under the name of a store.

    Args:
        seed: 32 bytes.
        name: the name of the key; no space and no plus sign.
    """

    def __init__(self, seed: bytes, name: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (
            Ed25519PrivateKey,
        )  # only where something is signed

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._name = name
        self._public = _ED25519 + self._key.public_key().public_bytes_raw()
        self._id = hashlib.sha256(f"{name}\n".encode() + self._public).digest()[:4]

    @property
    def verifier(self) -> str:
        """What others need to check signatures: name, id of the key, public key."""
        return f"{self._name}+{self._id.hex()}+{b64encode(self._public).decode()}"

    def signed(self, body: str) -> str:
        """The text with its signature line."""
        signature = b64encode(self._id + self._key.sign(body.encode())).decode()
        return f"{body}\n\N{EM DASH} {self._name} {signature}\n"


def open_evidence_key(path: Path, name: str, *, create: bool) -> EvidenceKey:
    """Read the key file, or create one if asked to; InputError if there is none, or it is not private or not a key."""
    hint = "give the file that signed the earlier checkpoints"
    return EvidenceKey(private_secret(path, _SIZE, what="a key for checkpoints", hint=hint, create=create), name)
