"""Writes what others can check without the store: signed checkpoints, and the trail of one token with its proof."""

from typing import Any, Protocol

import msgspec

from tokenguard.audit.chain import check_all
from tokenguard.audit.checkpoint import ChainState, Checkpoint
from tokenguard.domain.document import Snapshot
from tokenguard.errors import Conflict, Tampered
from tokenguard.usecases.parts import HasStore
from tokenguard.usecases.verify_store import fix_for_damage

FORMAT = "tokenguard-evidence/1"


class NoteSigner(Protocol):
    """Signs checkpoints under the name of a store."""

    def signed(self, body: str) -> str:
        """The text with its signature line."""
        ...


def checkpoint_of(parts: HasStore) -> Checkpoint:
    """The store's chains, each of which was recomputed; Tampered if one does not hold."""
    states = []
    for checked in check_all(parts.store):
        if checked.broken is not None:
            raise Tampered(
                f"the audit chain of {checked.whose} is broken at entry {checked.broken.seq}: {checked.broken.reason}",
                hint=fix_for_damage(parts.store),
            )
        states.append(ChainState(chain=checked.chain, head=checked.head))
    return Checkpoint.of(parts.store.store_id, states)


def evidence_of(parts: HasStore, snapshot: Snapshot, key: NoteSigner) -> dict[str, Any]:
    """The whole trail of a token, the checkpoint that it belongs to, and the proof that it does.

    Raises:
        Tampered: a chain does not hold.
        Conflict: the token was changed meanwhile.
    """
    checkpoint = checkpoint_of(parts)
    entries = parts.store.history(snapshot.id)
    state = next(each for each in checkpoint.states if each.chain == snapshot.id)
    if not entries or (entries[-1].seq, entries[-1].hash) != (state.head.seq, state.head.hash):
        raise Conflict(f"{snapshot.document.record.name} was changed meanwhile", hint="run the command again")
    index, proof = checkpoint.proof(snapshot.id)
    return {
        "format": FORMAT,
        "token": snapshot.document.record.name,
        "chain": snapshot.id,
        "entries": [msgspec.to_builtins(entry, str_keys=True) for entry in entries],
        "checkpoint": key.signed(checkpoint.body),
        "index": index,
        "proof": proof,
    }
