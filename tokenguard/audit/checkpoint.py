"""What a store's audit chains are at one moment, as one small text to be signed and pinned elsewhere.

The format is that of C2SP's tlog-checkpoint: origin, number of leaves, root hash. docs/spec/evidence.md describes it.
"""

from base64 import b64encode
from collections.abc import Sequence

from tokenguard.audit.merkle_tree import inclusion_proof, root_hash
from tokenguard.domain.event import ChainHead
from tokenguard.frozen import Frozen


class ChainState(Frozen, frozen=True, kw_only=True):
    """One chain's last entry."""

    chain: str
    """What its entries are hashed under."""
    head: ChainHead

    @property
    def leaf(self) -> bytes:
        """Its line in the tree."""
        return f"{self.chain} {self.head.seq} {self.head.hash}\n".encode()


class Checkpoint(Frozen, frozen=True, kw_only=True):
    """All chains of a store at one moment."""

    origin: str
    """`tokenguard/` and the store's id."""
    states: tuple[ChainState, ...]
    """By chain."""

    @classmethod
    def of(cls, store_id: str, states: Sequence[ChainState]) -> "Checkpoint":
        """The checkpoint of these chains."""
        return cls(origin=f"tokenguard/{store_id}", states=tuple(sorted(states, key=lambda each: each.chain)))

    @property
    def body(self) -> str:
        """The text that is signed."""
        entries = sum(each.head.seq for each in self.states)
        root = b64encode(root_hash([each.leaf for each in self.states])).decode()
        return f"{self.origin}\n{len(self.states)}\n{root}\nentries {entries}\n"

    def proof(self, chain: str) -> tuple[int, list[str]]:
        """The place of a chain's line, and the hashes (hex) that lead from it to the root."""
        leaves = [each.leaf for each in self.states]
        index = next(number for number, each in enumerate(self.states) if each.chain == chain)
        return index, [part.hex() for part in inclusion_proof(leaves, index)]
