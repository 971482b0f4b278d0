"""A proof of death in words: its grade and its evidence."""

from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof
from tokenguard.inventory.views import moment
from tokenguard.text import pluralize

_CONTROLS = {
    DeathControl.TOKEN: "another live token was accepted in the same window",
    DeathControl.ADMIN: "the admin credential was accepted in the same window",
    DeathControl.NONE: "without a control, so it may have been an outage",
}


def proof_words(proof: DeathProof | None) -> str:
    """One sentence without its full stop; plain text, with the name of the person who asserted it."""
    if proof is None:
        return "none recorded"
    if proof.grade is DeathGrade.ASSERTED:
        return f"none: {proof.words} on {moment(proof.last_at)}, without a control"
    if proof.controlled_by is DeathControl.LIST:
        return f"{proof.grade.value}: not in the provider's own complete list on {moment(proof.last_at)}"
    window = f"from {moment(proof.first_at)} to {moment(proof.last_at)}"
    return f"{proof.grade.value}: {pluralize(proof.samples, 'refusal')} {window}; {_CONTROLS[proof.controlled_by]}"
