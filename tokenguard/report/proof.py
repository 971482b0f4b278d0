"""A proof of death in words: what it is, and what it rests on."""

from tokenguard.domain.liveness import DeathGrade, DeathProof
from tokenguard.inventory.views import moment
from tokenguard.text import counted


def proof_words(proof: DeathProof | None) -> str:
    """One sentence without its full stop; plain text, with the name of whoever asserted it."""
    if proof is None:
        return "none on record"
    if proof.grade is DeathGrade.ASSERTED:
        return f"none: {proof.said_by or 'somebody'} said so, and the provider cannot be asked"
    control = "another live token was accepted meanwhile" if proof.control else "no other token served as a control"
    window = f"from {moment(proof.first_at)} to {moment(proof.last_at)}"
    return f"{proof.grade.value}: {counted(proof.samples, 'refusal')} {window}; {control}"
