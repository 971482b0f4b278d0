"""Rules about one token doing the work of two, and two doing the work of one."""

from collections.abc import Mapping, Sequence

from tokenguard.domain.token import CredentialKind, Custody, Record
from tokenguard.policy.rule_answer import Answer, NotEvaluable, Question, Violated
from tokenguard.text import pluralize

_NAMED = 3
_DRIVE = "drive"
_NO_FINGERPRINT = NotEvaluable("its value is not in the store")


def one_purpose(question: Question) -> Answer:
    """`one-purpose`: each token can be revoked without affecting another use."""
    record = question.record
    if record.scope is None or not record.environment or not record.purpose:
        return NotEvaluable("its scope, environment or purpose is not recorded")
    others = question.around.same_use(record)
    return Violated(f"same scope, environment and purpose as {_names(others)}") if others else None


def shared_value(question: Question) -> Answer:
    """`shared-value`: a value under two names cannot be rotated independently."""
    if question.record.fingerprint is None:
        return _NO_FINGERPRINT if question.record.kind.has_value else None
    others = question.around.same_value(question.record)
    return Violated(f"same value as {_names(others)}") if others else None


def shared_across_environments(question: Question) -> Answer:
    """`shared-across-environments`: a leak in a test system must not affect production."""
    record = question.record
    if record.fingerprint is None:
        return _NO_FINGERPRINT if record.kind.has_value else None
    others = [each for each in question.around.same_value(record) if each.environment != record.environment]
    return Violated(f"same value in another environment: {_names(others)}") if others else None


def tokens_per_scope(question: Question) -> Answer:
    """`tokens-per-scope`: the number of tokens of one scope is limited."""
    if question.record.scope is None:
        return NotEvaluable("its scope is not recorded")
    count, most = question.around.in_scope(question.record), question.rule.number("most")
    return Violated(f"its scope has {pluralize(count, 'token')}, more than {most:,}") if count > most else None


def concurrency_limit(question: Question) -> Answer:
    """`concurrency-limit`: a rotation needs room for one more token than there are."""
    capabilities = question.around.provider(question.record).capabilities
    if capabilities is None or capabilities.max_active is None:
        return NotEvaluable("the provider states no limit of live tokens")
    count, most = question.around.in_scope(question.record), capabilities.max_active
    if count * 100 >= most * question.rule.number("percent"):
        return Violated(f"tokens in use: {count:,} of the {most:,} that the provider allows")
    return None


def session_kept(question: Question) -> Answer:
    """`session-kept`: a session has all permissions of its user, and expires without notice."""
    record = question.record
    if record.kind is not CredentialKind.SESSION:
        return None
    if record.consumers:
        return Violated(f"a session token is given to {pluralize(len(record.consumers), 'consumer')}")
    kept = record.location.custody in {Custody.MANAGED, Custody.ADOPTED} and record.fingerprint is not None
    return Violated("a session token is kept as a secret") if kept else None


def least_privilege(question: Question) -> Answer:
    """`least-privilege`: a token has only the permissions that its purpose needs."""
    record, needs = question.record, question.rule.lists("permissions")
    if any("*" in each for each in record.permissions):
        return Violated("it has a wildcard permission: list the permissions that its purpose needs")
    if record.purpose not in needs:
        return NotEvaluable("the policy does not list the permissions of its purpose")
    if not record.permissions:
        return NotEvaluable("its permissions are not recorded")
    beyond = sorted(set(record.permissions) - set(needs[record.purpose]))
    if not beyond:
        return None
    return Violated(f"not needed for its purpose: {', '.join(beyond)}", fix=_narrowing(question, beyond))


def _narrowing(question: Question, beyond: Sequence[str]) -> str:
    """The command that removes permissions from the token itself; empty where the provider's API cannot."""
    record, can = question.record, question.around.provider(question.record).capabilities
    kept = [f"--permission {each}" for each in record.permissions if each not in beyond]
    able = can is not None and "permissions" in can.updates
    return f"tokenguard edit {record.name} {' '.join(kept)} --at-provider" if able and kept else ""


def one_drive_per_context(question: Question) -> Answer:
    """`one-drive-per-context`: a leak in one context reaches no Drive of another."""
    record, contexts = question.record, question.rule.lists("contexts")
    if record.scope is None or record.scope.kind != _DRIVE:
        return None
    if not contexts:
        return NotEvaluable("the policy defines no security contexts")
    own = _context_of(record, contexts)
    if not own:
        return NotEvaluable("the policy names no security context for it")
    others = [
        each
        for each in question.around.of_scope(record)
        if each.name != record.name and _context_of(each, contexts) not in {own, ""}
    ]
    if not others:
        return None
    found = sorted({_context_of(each, contexts) for each in others})
    return Violated(f"its Drive belongs to the security context {own} and also to {', '.join(found)}: {_names(others)}")


def _context_of(record: Record, contexts: Mapping[str, Sequence[str]]) -> str:
    """The first context that one of its words fits: a part of the name's path, `env:NAME`, `owner:NAME`."""
    about = {f"env:{record.environment}", f"owner:{record.owner}"}
    return next(
        (
            context
            for context, words in contexts.items()
            if any(word in about or f"{record.name}/".startswith(f"{word.rstrip('/')}/") for word in words)
        ),
        "",
    )


def _names(records: Sequence[Record]) -> str:
    shown = ", ".join(each.name for each in records[:_NAMED])
    return shown if len(records) <= _NAMED else f"{shown} and {len(records) - _NAMED:,} more"
