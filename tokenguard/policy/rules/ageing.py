"""Rules about the age of a value and of its last verification."""

from datetime import datetime

from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.token import RecordState
from tokenguard.policy.model import age_starts_at, due_of
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import pluralize

_NEVER_SEEN = NotEvaluable("it was never verified")
_NO_SCOPE = "its scope is not recorded"
_NO_VALUE_YET = NotEvaluable("it waits for its first value")


def maximum_age(question: Question) -> Answer:
    """`maximum-age`: no value is older than its limit."""
    record = question.record
    if not record.kind.has_value:
        return None
    if record.state is RecordState.PENDING:
        return _NO_VALUE_YET
    due = due_of(record, question.policy)
    if due is None:
        return NotEvaluable("the age of its value is unknown")
    now = question.around.now
    return Violated(f"due since {_day(due.at)} ({pluralize(-due.days_left(now), 'day')})") if due.at <= now else None


def age_is_known(question: Question) -> Answer:
    """`age-unknown`: a value of unknown age may be years old."""
    record = question.record
    if not record.kind.has_value or record.state is RecordState.PENDING or age_starts_at(record) is not None:
        return None
    return Violated("the age of its value is unknown")


def late_due_date(question: Question) -> Answer:
    """`late-due-date`: a date set by hand does not undo the age limit."""
    record, since = question.record, age_starts_at(question.record)
    limit = question.policy.rule("maximum-age", record)
    if record.due_at is None or limit is None:
        return None
    if since is None:
        return NotEvaluable("the age of its value is unknown")
    latest = since + limit.limit(record.environment)
    if record.due_at > latest:
        return Violated(f"its own due date {_day(record.due_at)} is later than {_day(latest)}")
    return None


def never_verified(question: Question) -> Answer:
    """`never-verified`: a value that was never tried is a guess."""
    if question.record.seen is not None or not question.record.kind.has_value:
        return None
    if question.record.state is RecordState.PENDING:
        return _NO_VALUE_YET
    capabilities = question.around.provider(question.record).capabilities
    if capabilities is not None and not capabilities.probe:
        return NotEvaluable("the provider cannot verify tokens")
    return Violated("its value was never verified with its provider")


def verified_lately(question: Question) -> Answer:
    """`verified-lately`: the last verification is recent."""
    seen, now = question.record.seen, question.around.now
    if seen is None:
        return _NEVER_SEEN if question.record.kind.has_value else None
    days = (now - seen.at).days
    return Violated(f"last verified {pluralize(days, 'day')} ago") if now - seen.at > question.rule.days() else None


def value_alive(question: Question) -> Answer:
    """`value-alive`: a dead value in the store is an unnoticed outage."""
    seen = question.record.seen
    if seen is None:
        return _NEVER_SEEN if question.record.kind.has_value else None
    match seen.verdict:
        case Verdict.ALIVE:
            return None
        case Verdict.DEAD:
            return Violated(f"the provider did not accept it on {_day(seen.at)}")
        case Verdict.UNKNOWN:
            return NotEvaluable("the last verification gave no clear answer")


def right_scope(question: Question) -> Answer:
    """`right-scope`: a token of another Drive changes the wrong data."""
    record, seen = question.record, question.record.seen
    if seen is None or seen.scope_verdict is ScopeVerdict.UNVERIFIED:
        why = _unverified(seen) if record.scope else _NO_SCOPE
        return NotEvaluable(why) if record.kind.has_value else None
    if seen.scope_verdict is ScopeVerdict.WRONG:
        return Violated(f"it belongs to {seen.scope or 'another scope'}; its record says {record.scope or 'none'}")
    return None


def scope_verified(question: Question) -> Answer:
    """`scope-verified`: a recorded scope may be a typing mistake until verified."""
    record = question.record
    if not record.kind.has_value or (record.seen and record.seen.scope_verdict is not ScopeVerdict.UNVERIFIED):
        return None
    if record.state is RecordState.PENDING:
        return _NO_VALUE_YET
    if record.scope is None:
        return NotEvaluable(_NO_SCOPE)
    capabilities = question.around.provider(record).capabilities
    if capabilities is None or not capabilities.verifies_scope:
        return NotEvaluable("the provider does not report a token's scope")
    return Violated(_unverified(record.seen))


def _unverified(seen: Observation | None) -> str:
    """Why its scope is not known: an earlier check may have confirmed it, but the record has only the last one."""
    if seen is None or seen.verdict is Verdict.ALIVE:
        return "its scope was never verified" if seen is None else "the last check did not report its scope"
    refused = "the provider did not accept it" if seen.verdict is Verdict.DEAD else "there was no clear answer"
    return f"its scope could not be verified on {_day(seen.at)}: {refused}"


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")
