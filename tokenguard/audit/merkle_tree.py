"""The Merkle tree of RFC 6962, section 2.1: one hash over a list of leaves, and the proof that a leaf is in it."""

import hashlib
from collections.abc import Sequence


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The hash of the tree (32 bytes)."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = _split(len(leaves))
    return hashlib.sha256(b"\1" + root_hash(leaves[:half]) + root_hash(leaves[half:])).digest()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at `index` to the root, nearest first."""
    if len(leaves) == 1:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*inclusion_proof(leaves[:half], index), root_hash(leaves[half:])]
    return [*inclusion_proof(leaves[half:], index - half), root_hash(leaves[:half])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
