"""Rules that only the provider's own list of tokens can answer."""

from tokenguard.policy.context import ProviderFacts
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.ports.provider import ProviderToken
from tokenguard.text import pluralize

_NOT_LISTED = NotEvaluable("the provider's list does not contain it")


def unused(question: Question) -> Answer:
    """`unused`: tokens unused for the period should be revoked."""
    facts = question.around.provider(question.record)
    if facts.listed is None:
        return NotEvaluable(facts.no_list)
    row = question.around.listing(question.record)
    said = facts.capabilities is not None and facts.capabilities.last_used
    if facts.read_at is not None:
        said = row is None or row.last_used_at is not None  # a person copies that column, or does not
    if not said:
        return NotEvaluable("the provider does not report when a token was used")
    if row is None:
        return _NOT_LISTED
    return _idle(question, row, facts)


def _idle(question: Question, row: ProviderToken, facts: ProviderFacts) -> Answer:
    kept = any(each.last_used_at for each in facts.listed or ())
    if row.last_used_at is None and (question.record.last_accepted is not None or not kept):
        return NotEvaluable(
            "the provider's dates of last use are incomplete: it has none for a token that was used, or none at all"
        )
    since = row.last_used_at or row.created_at
    if since is None:
        return NotEvaluable("the provider's list does not report when it was created or used")
    idle = question.around.now - since
    if idle > question.rule.days():
        return Violated(
            f"{'not used' if row.last_used_at else 'never used'} for {pluralize(idle.days, 'day')}{facts.dated}"
        )
    return None


def expiry_missing(question: Question) -> Answer:
    """`expiry-missing`: a provider that lets one token expire offers it for all."""
    facts = question.around.provider(question.record)
    if facts.listed is None:
        return NotEvaluable(facts.no_list)
    row = question.around.listing(question.record)
    if row is None:
        return _NOT_LISTED
    if row.expires_at is not None:
        return None
    if any(each.expires_at for each in facts.listed):
        return Violated("it never expires, and other tokens of this provider do" + facts.dated)
    return NotEvaluable("no token of this provider has an expiry, so the provider may not support expiry")
