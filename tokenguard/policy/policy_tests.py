"""A team's own tests of a policy: made-up tokens and files, and what the policy must say of them."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.names import token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Record, RecordState
from tokenguard.domain.token_fields import FIELDS
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.mapping_reader import MappingReader
from tokenguard.policy.context import InventoryContext
from tokenguard.policy.evaluation import RuleOutcome, evaluate_rule
from tokenguard.policy.model import Policy
from tokenguard.policy.repository_assessment import evaluated_on_files
from tokenguard.policy.repository_view import FileView, RepositoryView
from tokenguard.policy.rules.repository_table import REPOSITORY_CHECKS

FORMAT = "1"
MAX_BYTES = 262_144
_HINT = "correct the file of tests; docs/policies.md shows one"
_TEXTS = (*(each.name for each in FIELDS if each.name != "scope_name"), "base_url")
_DAYS = ("created", "rotated", "due")
_TOKEN_KEYS = (
    "name", "provider", "kind", "state", "scope", "permissions", "consumers", "verified", "verdict", "leads",
    *_TEXTS, *_DAYS,
)  # fmt: skip


class PolicyTestCase(Frozen, frozen=True, kw_only=True):
    """One made-up situation and what the policy must say of it."""

    name: str
    tokens: tuple[Document, ...] = ()
    """The first one is asked about; the others are there too."""
    files: Mapping[str, str]
    expected: Mapping[str, RuleOutcome]


class Trial(Frozen, frozen=True, kw_only=True):
    """A file of tests."""

    policy: str
    """A name, or a file beside this one; empty: the policy in force."""
    now: datetime | None
    cases: tuple[PolicyTestCase, ...]


class PolicyTestResult(Frozen, frozen=True, kw_only=True):
    """What came of one case."""

    name: str
    failures: tuple[str, ...]
    """One line for each rule that says something else; none: it passed."""


def read_trial(data: bytes, *, source: str) -> Trial:
    """Read a file of tests; InputError with line and column if it is not acceptable."""
    top = MappingReader.of_yaml(data, source=source, hint=_HINT, max_bytes=MAX_BYTES)
    top.version("format", FORMAT, ("format", "policy", "now", "cases"))
    policy = top.text("policy", "")
    now = top.day("now") if "now" in top else None
    cases = tuple(_case(section) for section in top.rows("cases", ("name", "token", "also", "files", "expect")))
    top.close()
    if not cases:
        top.refuse("there are no cases", "cases")
    return Trial(policy=policy, now=now, cases=cases)


def run(trial: Trial, policy: Policy, now: datetime) -> Iterator[PolicyTestResult]:
    """Ask the policy about every case."""
    for case in trial.cases:
        yield PolicyTestResult(name=case.name, failures=tuple(_failures(case, policy, trial.now or now)))


def _failures(case: PolicyTestCase, policy: Policy, now: datetime) -> Iterator[str]:
    view = RepositoryView(
        files={path: FileView(path=path, tracked=True, text=text) for path, text in case.files.items()}
    )  # fmt: skip
    around = InventoryContext(case.tokens, now)
    for rule, expected in case.expected.items():
        if rule in REPOSITORY_CHECKS:
            outcome, text = evaluated_on_files(policy, rule, view, now)
        else:
            outcome, text = evaluate_rule(policy, rule, case.tokens[0], around)
        if outcome is not expected:
            yield f"{rule}: {outcome}, expected {expected}" + (f" ({text})" if text else "")


def _case(section: MappingReader) -> PolicyTestCase:
    name = section.text("name")
    token = section.within("token", _TOKEN_KEYS)
    tokens = [] if token is None else [_token(token), *map(_token, section.rows("also", _TOKEN_KEYS))]
    files = {
        path: text if isinstance(text, str) else section.refuse("each file must be given as text", "files")
        for path, text in section.table("files").items()
    }
    words = {rule: section.line(word, "expect") for rule, word in section.table("expect").items()}
    expected = {rule: _expected(section, rule, word) for rule, word in words.items()}
    if not expected:
        section.refuse("this must name a rule", "expect")
    section.close()
    for rule in expected:
        if (rule in REPOSITORY_CHECKS and not files) or (rule not in REPOSITORY_CHECKS and not tokens):
            section.refuse("it has no token or files to which this rule applies", "expect", rule)
    return PolicyTestCase(name=name, tokens=tuple(tokens), files=files, expected=expected)


def _expected(section: MappingReader, rule: str, word: str) -> RuleOutcome:
    if word not in set(RuleOutcome):
        section.refuse(f"this must be one of {', '.join(RuleOutcome)}", "expect", rule)
    return RuleOutcome(word)


def _token(section: MappingReader) -> Document:
    record = Record(
        name=token_name(section.text("name", "team/service/env/purpose")),
        provider=section.text("provider", "manual"),
        kind=section.choice("kind", CredentialKind, CredentialKind.API_TOKEN),
        state=section.choice("state", RecordState, RecordState.ACTIVE),
        scope=_scope(section),
        permissions=section.texts("permissions"),
        consumers=tuple(map(_consumer, section.texts("consumers"))) if "consumers" in section else None,
        seen=_seen(section),
    )
    texts = {key: section.text(key) for key in _TEXTS if key in section}
    days = {f"{key}_at": section.day(key) for key in _DAYS if key in section}
    record = replace(record, **texts, **days)
    section.close()
    return Document(record=record)


def _scope(section: MappingReader) -> Scope | None:
    try:
        return Scope.parse(section.text("scope")) if "scope" in section else None
    except InputError:
        section.refuse("this must be KIND:ID", "scope")


def _seen(section: MappingReader) -> Observation | None:
    if "verified" not in section:
        return None
    return Observation(
        at=section.day("verified"),
        verdict=section.choice("verdict", Verdict, Verdict.ALIVE),
        scope_verdict=section.choice("leads", ScopeVerdict, ScopeVerdict.RIGHT),
        reason="made-up",
    )


def _consumer(text: str) -> Consumer:
    kind, _, target = text.partition(":")
    return Consumer(ConsumerKind(kind) if kind in set(ConsumerKind) else ConsumerKind.PERSON, target or text)
