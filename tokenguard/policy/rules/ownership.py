"""Rules about the people responsible for a token, and its name."""

import re
from collections.abc import Sequence

from tokenguard.domain.people import Directory
from tokenguard.domain.token import Record
from tokenguard.domain.token_fields import FIELDS, PEOPLE
from tokenguard.policy.parting import commands_for_departed
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import pluralize

_BETWEEN_WORDS = re.compile(r"[^\w]+|_+")
_NONCE = re.compile(r"-[a-z0-9]{8}-[0-9]{1,2}$", re.ASCII)
"""What tokenguard puts behind the names that it makes."""
_LABEL_WORDS = 2
_SHOWN = {each.name: each.missing for each in PEOPLE}
_WHY_GONE = ("has left", "not in the people file, which is complete")
_EDIT = "tokenguard edit NAME "
_OPTIONS = {"scope": "--scope KIND:ID", **{each.name: f"{each.option} {each.metavar}" for each in FIELDS}}


def fields(question: Question) -> Answer:
    """`required-fields`, `responsible-people`: all the named fields are known."""
    missing = [name for name in question.rule.words("fields") if not getattr(question.record, name)]
    if not missing:
        return None
    return Violated(
        f"not recorded: {', '.join(_SHOWN.get(each, each) for each in missing)}", fix=_edit(question, missing)
    )


def _edit(question: Question, missing: Sequence[str]) -> str:
    """The `edit` with the options of what is missing alone; empty where a policy has other advice, which stands."""
    if not question.rule.fix.startswith(_EDIT) or not all(name in _OPTIONS for name in missing):
        return ""
    return _EDIT.replace("NAME", question.record.name) + " ".join(_OPTIONS[name] for name in missing)


def person_left(question: Question) -> Answer:
    """`person-left`: a Descript token works for its creator until their access ends, and fails then."""
    listed, people = question.rule.words("people"), question.around.people
    if not listed and not people.known:
        return NotEvaluable("neither the policy nor the configuration lists former employees")
    record, document = question.record, question.document

    def gone(found: Record) -> dict[str, str]:
        named = {each.name: each.of(found) for each in PEOPLE}
        return {role: why for role, name in named.items() if (why := _why_gone(people, listed, role, name))}

    reasons = {role: why for found in reversed(document.by_creator) for role, why in gone(found).items()}
    if reasons:
        roles = {why: [_SHOWN[role] for role in reasons if reasons[role] == why] for why in _WHY_GONE}
        said = "; ".join(f"{why}: {', '.join(found)}" for why, found in roles.items() if found)
        return Violated(said, fix=commands_for_departed(document, list(gone(record))))
    return None if record.made_by else NotEvaluable("the person who created it is not recorded")


def _why_gone(people: Directory, listed: Sequence[str], role: str, name: str) -> str:
    """One of `_WHY_GONE`; empty if the person has not left.

    A login that no person is known to have may be a shared one, or an admin credential.
    """
    if any(people.same(name, each) for each in listed):
        return _WHY_GONE[0]
    known = people.find(name) is not None
    gone = bool(people.has_left(name)) and (known or role != "account")
    return _WHY_GONE[0 if known else 1] if gone else ""


def descriptive_name(question: Question) -> Answer:
    """`descriptive-name`: the name here and the one at the vendor say what the token is for."""
    record, rule = question.record, question.rule
    segments = record.name.split("/")
    if len(segments) < rule.number("segments"):
        return Violated(
            f"the name has {pluralize(len(segments), 'segment')}; at least {rule.number('segments')} are required"
        )
    if segments[-1] in rule.words("words"):
        return Violated("the name's last segment is not descriptive")
    if not record.kind.has_value:
        return None
    if not record.label:
        return NotEvaluable("its name at the provider is not recorded")
    can = question.around.provider(record).capabilities
    able = can is not None and "label" in can.updates
    renaming = f"tokenguard edit {record.name} --label LABEL --at-provider" if able else ""
    return _label(record.label, rule.words("words"), renaming)


def _label(label: str, empty: Sequence[str], renaming: str) -> Answer:
    """People choose by it in the provider's settings, where nothing else tells one token from another."""
    words = [word for word in _BETWEEN_WORDS.split(_NONCE.sub("", label).lower()) if word]
    telling = [word for word in words if word not in empty and not word.isdigit()]
    if not telling:
        return Violated("its name at the provider is not descriptive", fix=renaming)
    if len(telling) < _LABEL_WORDS:
        return Violated("its name at the provider is a single word: add who owns it or where it is used", fix=renaming)
    return None
