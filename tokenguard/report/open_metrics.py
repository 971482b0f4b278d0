"""The state of an inventory as OpenMetrics text, for a collector of text files. Never a value, and no token's name.

The format is that of the OpenMetrics 1.0 specification: one block for each metric, labels in quotes, then `# EOF`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from tokenguard.domain.document import Document
from tokenguard.domain.token import RecordState
from tokenguard.policy.model import Policy, age_starts_at, age_unknown, due_of
from tokenguard.rotation.machine import revocation_owed

OPENING = "# TYPE tokenguard_tokens gauge"
"""The first line, by which an earlier file is recognised."""
AGE_BOUNDS = (30, 60, 90, 180, 365)
"""Upper bounds of the age buckets, in days."""
_SOON = timedelta(days=30)
_DAY = timedelta(days=1).total_seconds()
_Labels = tuple[tuple[str, str], ...]
_STATES: tuple[tuple[str, str, Callable[[Document], bool]], ...] = (
    ("leaked", "Tokens with a leak that has not ended.", lambda each: each.record.has_leaked),
    (
        "revocations_unproven",
        "Tokens with a value that must be revoked and is not proven dead.",
        revocation_owed,
    ),
    ("operations_open", "Tokens with an open operation.", lambda each: each.busy),
    ("incomplete", "Tokens whose record lacks required fields.", lambda each: bool(each.record.missing)),
)


def as_open_metrics(
    documents: Sequence[Document], policy: Policy, now: datetime, *, upkeep: tuple[datetime, int] | None = None
) -> str:
    """The text.

    Args:
        documents: the inventory.
        policy: says what is due.
        now: when it was read.
        upkeep: when the last upkeep ended, and its exit code; None: not known.
    """
    held = [each for each in documents if each.record.state is not RecordState.RETIRED]
    lines = [
        *_tokens(documents),
        *_due(held, policy, now),
        *(line for name, says, applies in _STATES for line in _gauge(name, says, _by_place(held, applies))),
        *_ages(held, policy, now),
        *_gauge("inventory_read_timestamp_seconds", "When the inventory was read.", {(): now.timestamp()}, prefix=""),
    ]
    if upkeep is not None:
        at, code = upkeep
        lines += _gauge("upkeep_timestamp_seconds", "When upkeep last ended.", {(): at.timestamp()}, prefix="")
        lines += _gauge("upkeep_exit_code", "The exit code of the last upkeep.", {(): code}, prefix="")
    return "\n".join([*lines, "# EOF", ""])


def _tokens(documents: Iterable[Document]) -> Iterator[str]:
    counts = Counter((*_place(each), ("state", str(each.record.state))) for each in documents)
    return _gauge("tokens", "Tokens in the inventory.", counts, prefix="")


def _due(held: Sequence[Document], policy: Policy, now: datetime) -> Iterator[str]:
    limits = [(each, due_of(each.record, policy)) for each in held]
    overdue = Counter(_place(each) for each, due in limits if due is not None and due.at <= now)
    soon = Counter(_place(each) for each, due in limits if due is not None and now < due.at <= now + _SOON)
    for name, says, found in (
        ("overdue", "Tokens past their rotation deadline.", overdue),
        ("due_30_days", "Tokens due within 30 days.", soon),
    ):
        yield from _gauge(name, says, _everywhere(held) | found)


def _ages(held: Sequence[Document], policy: Policy, now: datetime) -> Iterator[str]:
    unknown = _by_place(held, lambda each: age_unknown(each.record, policy))
    yield from _gauge("age_unknown", "Tokens of unknown age.", unknown)
    since = [age_starts_at(each.record) for each in held if each.record.kind.has_value]
    days = [(now - at).total_seconds() / _DAY for at in since if at is not None]
    name = "tokenguard_token_age_days"
    yield f"# TYPE {name} histogram"
    yield f"# HELP {name} Age of live values."
    for bound in AGE_BOUNDS:
        yield f'{name}_bucket{{le="{bound}.0"}} {sum(age <= bound for age in days)}'
    yield f'{name}_bucket{{le="+Inf"}} {len(days)}'
    yield f"{name}_count {len(days)}"
    yield f"{name}_sum {sum(days):.3f}"


def _gauge(name: str, says: str, found: Mapping[_Labels, float], *, prefix: str = "tokens_") -> Iterator[str]:
    full = f"tokenguard_{prefix}{name}"
    yield f"# TYPE {full} gauge"
    yield f"# HELP {full} {says}"
    for labels, number in sorted(found.items()):
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{full}{{{inside}}} {number}" if inside else f"{full} {number}"


def _by_place(held: Sequence[Document], applies: Callable[[Document], bool]) -> dict[_Labels, float]:
    return _everywhere(held) | Counter(_place(each) for each in held if applies(each))


def _everywhere(held: Sequence[Document]) -> dict[_Labels, float]:
    """Zero for each place, so that an alert sees the end of what it saw."""
    return {_place(each): 0 for each in held}


def _place(document: Document) -> _Labels:
    record = document.record
    return (("environment", record.environment), ("owner", record.owner), ("provider", record.provider))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
