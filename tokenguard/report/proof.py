"""A proof of death in words: what it is, and what it rests on."""

from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof
from tokenguard.inventory.views import moment
from tokenguard.text import counted

_CONTROLS = {
    DeathControl.TOKEN: "another live token was accepted meanwhile",
    DeathControl.ADMIN: "the admin credential was accepted meanwhile",
    DeathControl.NONE: "with no control, so it may have been an outage",
}


def proof_words(proof: DeathProof | None) -> str:
    """One sentence without its full stop; plain text, with the name of whoever asserted it."""
    if proof is None:
        return "none on record"
    if proof.grade is DeathGrade.ASSERTED:
        return f"none: {proof.words} on {moment(proof.last_at)}, with no control"
    if proof.controlled_by is DeathControl.LIST:
        return f"{proof.grade.value}: not in the provider's own complete list on {moment(proof.last_at)}"
    window = f"from {moment(proof.first_at)} to {moment(proof.last_at)}"
    return f"{proof.grade.value}: {counted(proof.samples, 'refusal')} {window}; {_CONTROLS[proof.controlled_by]}"
