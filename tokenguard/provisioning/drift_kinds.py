"""Kinds of drift with their fixes, and the drift that the inventory shows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.frozen import Frozen
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Policy, Rule, Severity
from tokenguard.provisioning.decide import PlanContext, decide
from tokenguard.provisioning.manifest import Declared, DesiredState, Manifest
from tokenguard.provisioning.plan_model import Action, ActionType, Todo, Wait

_SOURCE = "docs/provisioning.md"
_APPLY = "tokenguard apply"
_RULES = (
    ("missing", Severity.ERROR, "Every declared token is in the store.", _APPLY),
    ("changed", Severity.ERROR, "A record matches its declaration.", f"{_APPLY}, or correct the manifest"),
    ("contradiction", Severity.ERROR, "Every declaration can be fulfilled.", "correct what `tokenguard plan` names"),
    ("alive", Severity.ERROR, "Every token that is declared retired is dead.", "tokenguard retire NAME"),
    ("awaiting-value", Severity.NOTE, "A declared token gets its value in time.", "tokenguard add NAME"),
    ("unfinished", Severity.WARNING, "No operation stays open.", "tokenguard rotate NAME --resume"),
    ("due", Severity.WARNING, "No live value is past its due date.", f"tokenguard rotate NAME, or {_APPLY}"),
    ("undelivered", Severity.ERROR, "Every consumer is known to hold the live value.", _APPLY),
    ("undeclared", Severity.WARNING, "Every live token of the store is declared.", "declare NAME, or retire it"),
    ("consumer-differs", Severity.ERROR, (
"Every consumer holds the value that the store "
"serves."
), "tokenguard deliver NAME"),
    ("gone", Severity.ERROR, "The provider lists every live token.", "tokenguard verify NAME, then rotate it"),
    ("orphan", Severity.ERROR, "Every token at a provider has a record.", "find who created it; add or revoke it"),
    ("server", Severity.ERROR, "The store's server matches its declared setup.", "tokenguard setup --apply"),
)  # fmt: skip
RULES = tuple(Rule(id=name, severity=severity, why=why, source=_SOURCE, fix=fix) for name, severity, why, fix in _RULES)
"""In the order in which they are documented."""
_BY_ID = {rule.id: rule for rule in RULES}


class Unknown(Frozen, frozen=True):
    """A check that is not evaluable, with the reason; never a pass."""

    rule: str
    reason: str


Finding = Violation | Unknown


def difference(
    rule: str,
    text: str,
    *,
    token: str = "",
    path: str = "",
    owner: str = "",
    severity: Severity | None = None,
    fix: str = "",
) -> Violation:
    """One difference of a kind, at a token or, where there is no record, at a path."""
    about = _BY_ID[rule]
    fix = fix or (about.fix.replace("NAME", token) if token else about.fix)
    return Violation(
        rule=rule, severity=severity or about.severity, text=text, fix=fix, token=token, path=path, owner=owner
    )


def assessment(findings: Iterable[Finding], *, manifest: str, tokens: int) -> Assessment:
    """All findings in the form that reports are made of, the gravest first."""
    found = list(findings)
    order = list(Severity)
    violations = [each for each in found if isinstance(each, Violation)]
    unknown = Counter((each.rule, each.reason) for each in found if isinstance(each, Unknown))
    violations.sort(key=lambda each: (order.index(each.severity), each.place, each.rule, each.text))
    return Assessment(
        policy=Policy(name=manifest, rules=RULES),
        tokens=tokens,
        violations=tuple(violations),
        not_evaluable=dict(sorted(unknown.items())),
    )


def against_inventory(
    manifest: Manifest, inventory: Mapping[TokenName, Snapshot], around: PlanContext, undeclared: Iterable[TokenName]
) -> Iterator[Violation]:
    """Drift that the store's metadata shows; nothing else is contacted."""
    for declared in manifest.tokens:
        found = inventory.get(declared.name)
        decision = decide(declared, found, around)
        if decision.blocked is not None:
            yield _at(declared, "contradiction", decision.blocked.reason, fix=decision.blocked.hint)
        elif found is None and declared.state is DesiredState.ACTIVE:
            yield _at(declared, "missing", "it is declared, but missing in the store")
        else:
            if decision.action is not None:
                yield from _of_action(declared, decision.action)
            for todo in decision.todos:
                yield _of_todo(declared, todo, around)
    for name in undeclared:
        owner = inventory[name].document.record.owner
        yield difference("undeclared", "it is in the store, but not declared", token=name, owner=owner)


def _of_action(declared: Declared, action: Action) -> Iterator[Violation]:
    if action.changes:
        said = "; ".join(f"{each.field} is {each.before}, declared is {each.after}" for each in action.changes)
        yield _at(declared, "changed", said)
    for verb in action.verbs:
        match verb:
            case ActionType.RESUME:
                yield _at(declared, "unfinished", "an operation on it is open")
            case ActionType.ISSUE:
                yield _at(declared, "awaiting-value", "its value is not created yet", Severity.ERROR)
            case ActionType.ADOPT:
                yield _at(declared, "awaiting-value", "its value is not adopted yet", Severity.ERROR)
            case ActionType.DELIVER:
                yield _at(
                    declared,
                    "undelivered",
                    (f"not confirmed to hold it: {', '.join(each.shown for each in action.deliver)}"),
                )
            case ActionType.ROTATE:
                yield _at(declared, "due", "its due date has passed")
            case ActionType.RETIRE | ActionType.CLOSE:
                yield _at(declared, "alive", "it is declared retired, but is not retired", owner=action.owner)
            case ActionType.CHANGE | ActionType.DECLARE:
                pass  # told as `changed` or as `missing`


_OF_WAIT = {
    Wait.VALUE: "awaiting-value",
    Wait.ADMIN: "awaiting-value",
    Wait.HAND_OVER: "undelivered",
    Wait.ROTATE: "due",
    Wait.RETIRE: "alive",
    Wait.RESUME: "unfinished",
}


def _of_todo(declared: Declared, todo: Todo, around: PlanContext) -> Violation:
    rule = _OF_WAIT[todo.wait]
    late = todo.due is not None and todo.due <= around.now and rule == "awaiting-value"
    since = f", since {todo.due:%Y-%m-%d}" if late and todo.due else ""
    severity = Severity.ERROR if late else None
    return _at(declared, rule, f"{todo.text}{since}", severity, owner=todo.owner, fix=todo.command)


def _at(
    declared: Declared, rule: str, text: str, severity: Severity | None = None, *, owner: str = "", fix: str = ""
) -> Violation:
    owner = owner or declared.owner
    return difference(rule, text, token=declared.name, owner=owner, severity=severity, fix=fix)
