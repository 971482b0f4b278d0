"""Quarantine entries of revoked values: the value is kept, with its proof, until its death is confirmed."""

from datetime import datetime, timedelta

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.journal import OldValue, Quarantined
from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, Observation, Verdict
from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import replace
from tokenguard.rotation.session import Context, TokenSession


def asserted(context: Context, snapshot: Snapshot, seen: DeathProof, said_by: str) -> DeathProof:
    """Return `seen` graded as asserted: it rests on a statement of the person or provider that revoked the token."""
    provider = snapshot.document.record.provider
    return replace(
        seen,
        grade=DeathGrade.ASSERTED,
        said_by=provider if said_by in {"", "api"} else said_by,
        accepted=is_acceptable(context, snapshot),
    )


def is_acceptable(context: Context, snapshot: Snapshot) -> bool:
    """Whether the policy accepts an asserted death of this token now."""
    record = snapshot.document.record
    if not context.accepts_assertion(record, 0):  # more of them never make it acceptable
        return False
    others = sum(other.id != snapshot.id and _beside(record, other) for other in context.store.scan())
    return context.accepts_assertion(record, others)


def accept_assertions(session: TokenSession) -> None:
    """Record that the policy, which may have changed, accepts what is asserted about tokens of an ended operation."""

    def accepted(proof: DeathProof) -> DeathProof:
        return replace(proof, accepted=True) if proof.grade is DeathGrade.ASSERTED else proof

    proof, kept = session.journal.proof, session.snapshot.document.quarantine
    now = accepted(proof) if proof else None, tuple(replace(each, proof=accepted(each.proof)) for each in kept)
    if now != (proof, kept) and is_acceptable(session.context, session.snapshot):
        session.commit(session.event(Op.DEATH, result="accepted-by-policy"), proof=now[0], quarantine=now[1])


def how_to_prove(record: Record, item: Quarantined | None) -> str:
    """Return what can end an assertion about a token: probes, a list, or the policy."""
    name, provider = record.name, record.provider
    by_policy = f"accept assertions of {provider} in the policy (rule asserted-death), then: tokenguard rotate {name}"
    if item is None:
        return f"{by_policy} --resume"
    if item.fingerprint is None:
        if item.proof.said_by == provider:
            return (
                f"look for {item.provider_label} again, and have it revoked if it is listed: tokenguard verify {name}"
            )
        look = f"look for {item.provider_label} in the list of {provider} and revoke it there"
        return f"{look}; then record the list: tokenguard verify --reconcile {provider}"
    if item.accepted and (item.proof.samples or item.proof.grade is not DeathGrade.ASSERTED):
        return f"once the store has another live token or the admin credential of {provider}: tokenguard verify {name}"
    if item.proof.said_by == provider:
        return f"once the list of {provider} holds another token of its scope: tokenguard verify {name}"
    return f"no probe can prove it; {by_policy} --resume"


def why_no_proof(record: Record, proof: DeathProof) -> str:
    """Return why refusals that were counted prove no death."""
    if proof.control:
        return f"{record.provider} never accepted its value, so a refusal proves nothing"
    return "it is probed again when a control is available"


def unseen(at: datetime) -> DeathProof:
    """Return a proof without any refusal, to be graded as asserted."""
    return DeathProof(grade=DeathGrade.UNPROVEN, first_at=at, last_at=at, samples=0, control=False)


def proof_by_list(at: datetime) -> DeathProof:
    """Return the proof by the provider's complete list, which contains live tokens but not this one."""
    return DeathProof(
        grade=DeathGrade.PROVISIONAL,
        first_at=at,
        last_at=at,
        samples=0,
        control=True,
        controlled_by=DeathControl.LIST,
    )


def quarantined(session: TokenSession, old: OldValue, proof: DeathProof, *, accepted: bool = True) -> Quarantined:
    """Return the quarantine entry of the old value; due at once if nothing is proven, else after `confirm_after`."""
    wait = session.provider.capabilities.death_window.confirm_after if proof.proven else timedelta(0)
    return Quarantined(
        label=old.label,
        fingerprint=old.fingerprint,
        provider_id=old.provider_id,
        provider_label=old.provider_label,
        proof=proof,
        accepted=accepted,
        probe_due_at=proof.last_at + wait,
    )


def last_look(proof: DeathProof | None) -> Observation | None:
    """Return the observation for a retired token's record: dead if proven, None if only asserted."""
    if proof is None or not proof.proven:
        return None
    return Observation(verdict=Verdict.DEAD, at=proof.last_at, reason="proven")


def _beside(record: Record, other: Snapshot) -> bool:
    """Whether another token is an active one of the same provider."""
    beside = other.document.record
    return beside.state is not RecordState.RETIRED and beside.kind.has_value and beside.provider == record.provider
