"""Rules about rotations: that they end, that consumers follow, and that old tokens die."""

from tokenguard.domain.journal import Journal, Stage
from tokenguard.domain.token import CredentialKind
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import pluralize

_USED_BY_US_OR_VENDOR = {CredentialKind.PROVIDER_ADMIN, CredentialKind.OAUTH_GRANT}
_AFTER_THE_REVOKE = {Stage.REVOKE_INTENDED, Stage.REVOKED}


def consumers_declared(question: Question) -> Answer:
    """`consumers-declared`: a rotation breaks undeclared consumers."""
    undeclared = question.record.consumers is None and question.record.kind not in _USED_BY_US_OR_VENDOR
    return Violated("no consumers declared") if undeclared else None


def no_consumer(question: Question) -> Answer:
    """`no-consumer`: an unused token is only a risk."""
    if question.record.kind in _USED_BY_US_OR_VENDOR:
        return None
    if question.record.consumers is None:
        return NotEvaluable("no consumers declared")
    return (
        None
        if question.record.consumers
        else Violated(
            "declared without consumers: it is needed only if programs read it from the store (`exec`, `env`)"
        )
    )


def consumers_confirmed(question: Question) -> Answer:
    """`consumers-confirmed`: every consumer was verified to have the live value."""
    record, journal = question.record, question.document.journal
    if not record.consumers:
        return None
    if journal is None or journal.stage is Stage.ABORTED:
        return NotEvaluable("no operation has delivered it")
    sure = journal.confirmed
    waiting = [str(each) for each in record.consumers if each not in sure]
    return Violated(f"not confirmed: {', '.join(waiting)}") if waiting else None


def rotation_stuck(question: Question) -> Answer:
    """`rotation-stuck`: an open rotation means two live tokens, or none."""
    journal = question.document.journal
    if journal is None or not question.document.busy:
        return None
    age = question.around.now - journal.updated_at
    if age > question.rule.days():
        return Violated(f"{journal.words}, for {pluralize(age.days, 'day')}")
    return None


def old_token_dead(question: Question) -> Answer:
    """`old-token-dead`: a rotation is only effective once the old token is dead."""
    if question.document.accepted_again:
        return Violated("a token that was recorded as gone is alive")
    said = [f"{each.provider_label or each.label} is {each.proof.words}" for each in question.document.possibly_alive]
    if said:
        return Violated(f"the revocation of {'; the revocation of '.join(said)}, not proven")
    journal = question.document.journal
    if journal is None or not journal.mode.ends_a_value or journal.old is None:
        return None
    return _proof(journal)


def _proof(journal: Journal) -> Answer:
    if journal.stage in _AFTER_THE_REVOKE:
        return Violated("revocation of the old token has started and is not proven")
    if not journal.stage.ended or journal.stage is Stage.ABORTED:
        return None
    if journal.proof is None:
        return Violated("there is no proof that the old token is dead")
    if journal.proof.proven or journal.proof.accepted:
        return None
    return Violated(f"the old token's revocation is {journal.proof.words}")
