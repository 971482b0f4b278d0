"""Rules about how old a value is, and how long ago anybody looked."""

from datetime import datetime

from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.token import RecordState
from tokenguard.policy.model import born, due_of
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import counted

_NEVER_SEEN = NotEvaluable("it was never looked at")
_NO_SCOPE = "its scope is not recorded"
_NO_VALUE_YET = NotEvaluable("it waits for its first value")


def maximum_age(question: Question) -> Answer:
    """`maximum-age`: due dates are there to be kept."""
    record = question.record
    if not record.kind.has_value:
        return None
    if record.state is RecordState.PENDING:
        return _NO_VALUE_YET
    due = due_of(record, question.policy)
    if due is None:
        return NotEvaluable("nobody knows when its value was made")
    now = question.around.now
    return Violated(f"due since {_day(due.at)} ({counted(-due.days_left(now), 'day')})") if due.at <= now else None


def age_is_known(question: Question) -> Answer:
    """`age-unknown`: what may be years old is not young."""
    record = question.record
    if not record.kind.has_value or record.state is RecordState.PENDING or born(record) is not None:
        return None
    return Violated("it is unknown when its value was made")


def late_due_date(question: Question) -> Answer:
    """`late-due-date`: a date set by hand does not undo the age limit."""
    record, since = question.record, born(question.record)
    limit = question.policy.rule("maximum-age", record)
    if record.due_at is None or limit is None:
        return None
    if since is None:
        return NotEvaluable("nobody knows when its value was made")
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
        return NotEvaluable("the provider has no way to ask")
    return Violated("its value was never looked at through its provider")


def verified_lately(question: Question) -> Answer:
    """`verified-lately`: what was true a year ago is not known today."""
    seen, now = question.record.seen, question.around.now
    if seen is None:
        return _NEVER_SEEN if question.record.kind.has_value else None
    days = (now - seen.at).days
    return Violated(f"last looked at {counted(days, 'day')} ago") if now - seen.at > question.rule.days() else None


def value_alive(question: Question) -> Answer:
    """`value-alive`: a dead value in the store is an outage that has not been noticed."""
    seen = question.record.seen
    if seen is None:
        return _NEVER_SEEN if question.record.kind.has_value else None
    match seen.verdict:
        case Verdict.ALIVE:
            return None
        case Verdict.DEAD:
            return Violated(f"the provider did not accept it on {_day(seen.at)}")
        case Verdict.UNKNOWN:
            return NotEvaluable("the last look gave no answer")


def right_scope(question: Question) -> Answer:
    """`right-scope`: a token of another Drive writes into other people's work."""
    record, seen = question.record, question.record.seen
    if seen is None or seen.scope_verdict is ScopeVerdict.UNVERIFIED:
        why = "where it leads was never verified" if record.scope else _NO_SCOPE
        return NotEvaluable(why) if record.kind.has_value else None
    if seen.scope_verdict is ScopeVerdict.WRONG:
        return Violated(f"it leads to {seen.scope or 'another scope'}, not to {record.scope or 'its own'}")
    return None


def scope_verified(question: Question) -> Answer:
    """`scope-verified`: a Drive's name in a record is what somebody typed."""
    record = question.record
    if not record.kind.has_value or (record.seen and record.seen.scope_verdict is not ScopeVerdict.UNVERIFIED):
        return None
    if record.state is RecordState.PENDING:
        return _NO_VALUE_YET
    if record.scope is None:
        return NotEvaluable(_NO_SCOPE)
    capabilities = question.around.provider(record).capabilities
    if capabilities is None or not capabilities.verifies_scope:
        return NotEvaluable("the provider does not say where a token leads")
    return Violated("where it leads was never verified")


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")
