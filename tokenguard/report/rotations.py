"""Operations with their evidence: who revoked, the proof of death, which consumers have the new value."""

from tokenguard.domain.document import Document
from tokenguard.domain.journal import Journal, Stage
from tokenguard.domain.liveness import DeathGrade
from tokenguard.frozen import Frozen
from tokenguard.report.posture import Posture, placed
from tokenguard.report.proof import proof_words

_NO_WAY_BACK = frozenset({Stage.REVOKE_INTENDED, Stage.REVOKED, Stage.DEAD, Stage.DONE})


class Rotation(Frozen, frozen=True, kw_only=True):
    """The last operation on a token that revokes a value, with its progress."""

    document: Document
    journal: Journal
    place: str
    """The token's name, with its store if there are several."""

    @property
    def must_be_dead(self) -> bool:
        """Whether the old value should be dead by now; compromised mode revokes first."""
        return self.journal.stage in _NO_WAY_BACK or self.journal.revoked_at is not None

    @property
    def proven(self) -> bool:
        """Whether the old value is proven dead, not only asserted."""
        proof = self.journal.proof
        return proof is not None and proof.proven and not self.document.accepted_again

    @property
    def state(self) -> str:
        """Its state."""
        if self.document.accepted_again:
            return "the old token is accepted again"
        return self.journal.stage.value

    @property
    def evidence(self) -> str:
        """The proof that the old value is dead, and whether the recheck is done."""
        words, old, proof = proof_words(self.journal.proof), self.journal.old, self.journal.proof
        if proof is None or proof.grade is not DeathGrade.PROVISIONAL or old is None or not self.journal.stage.ended:
            return words
        waiting = any(item.label == old.label for item in self.document.quarantine)
        return words + ("; recheck due" if waiting else "; rechecked, value destroyed")

    @property
    def consumers(self) -> str:
        """How many consumers were verified to have the new value."""
        declared = self.document.record.consumers
        if declared is None:
            return "not declared"
        return f"{len(self.journal.confirmed & set(declared))} of {len(declared)} confirmed" if declared else "none"


def rotations(posture: Posture) -> list[Rotation]:
    """The last such operation of each token, unfinished ones first, then the latest; aborted ones ended nothing."""
    found = [
        Rotation(document=document, journal=document.journal, place=placed(store, document.record.name))
        for store, around in zip(posture.stores, posture.surroundings, strict=True)
        for document in (*around.documents, *around.retired)
        if document.journal is not None
        and document.journal.mode.ends_a_value
        and document.journal.stage is not Stage.ABORTED
    ]
    return sorted(found, key=lambda each: (each.journal.stage.ended, -each.journal.updated_at.timestamp()))
