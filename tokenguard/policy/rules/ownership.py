"""Rules about who stands behind a token, and what it is called."""

from tokenguard.policy.answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import counted

_SHOWN = {"made_by": "the person who made it", "account": "the login account", "deputy": "a deputy"}


def fields(question: Question) -> Answer:
    """`required-fields`, `responsible-people`: all the named fields are known."""
    missing = [_SHOWN.get(name, name) for name in question.rule.words("fields") if not getattr(question.record, name)]
    return Violated(f"not recorded: {', '.join(missing)}") if missing else None


def person_left(question: Question) -> Answer:
    """`person-left`: a Descript token dies with its maker's access, and works for them until then."""
    left = question.rule.words("people")
    if not left:
        return NotEvaluable("the policy lists nobody who has left")
    record = question.record
    people = {"made_by": record.made_by, "account": record.account, "deputy": record.deputy}
    gone = [_SHOWN[role] for role, person in people.items() if person in left]
    if gone:
        return Violated(f"has left: {', '.join(gone)}")
    return None if record.made_by else NotEvaluable("the person who made it is not recorded")


def descriptive_name(question: Question) -> Answer:
    """`descriptive-name`: somebody who has never seen the token knows from its name what it is for."""
    segments = question.record.name.split("/")
    if len(segments) < question.rule.number("segments"):
        return Violated(
            f"the name has {counted(len(segments), 'segment')} of at least {question.rule.number('segments')}"
        )
    if segments[-1] in question.rule.words("words"):
        return Violated("the name's last segment does not say what the token is for")
    return None
