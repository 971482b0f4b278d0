"""Suggests what an incomplete record may say, from its provider, its file, its name and its neighbours. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from tokenguard.domain.token import Custody, Record, RecordState
from tokenguard.frozen import Frozen
from tokenguard.inventory.record_changes import looks_like_value
from tokenguard.inventory.record_table import CHANGEABLE, NO_CONSUMERS, cell_text
from tokenguard.policy.model import age_starts_at
from tokenguard.text import pluralize

_ENVIRONMENTS = {
    "prod": "prod", "production": "prod", "live": "prod", "staging": "staging", "stage": "staging", "dev": "dev",
    "development": "dev", "local": "dev", "test": "test", "testing": "test",
}  # fmt: skip
_NO_PURPOSE = frozenset({"api", "token", "key", "secret", "access", "credential", "pat", "auth", "imported", "legacy"})
_OF_NEIGHBOURS = ("owner", "environment", "scope", "made_by")
"""Fields that tokens of one service have in common; purpose, consumers and age are each token's own."""


class MissingFact(Frozen, frozen=True, kw_only=True):
    """A field that a record lacks."""

    column: str
    """As `list --format csv` names it."""
    suggestion: str = ""
    """What it may be; empty if nothing suggests it."""
    source: str = ""
    """What suggests it, or where it can be asked."""


def lacking(record: Record) -> tuple[str, ...]:
    """The fields that a record in use lacks: those of a complete record, its consumers, its age."""
    if record.state in {RecordState.RETIRED, RecordState.PENDING}:
        return ()
    wanted = {each: bool(getattr(record, each)) for each in ("owner", "scope", "environment", "purpose", "made_by")}
    delivered = record.kind.has_value and record.location.custody in {Custody.MANAGED, Custody.ADOPTED}
    wanted["consumers"] = record.consumers is not None or not delivered
    wanted["created_at"] = age_starts_at(record) is not None or not record.kind.has_value
    return tuple(column for column, known in wanted.items() if not known)


class SimilarRecords:
    """The records that others are compared with.

    Args:
        records: all of the inventory; retired ones suggest nothing.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._said: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        """By group and column, what the records of the group say, and how many."""
        self._owners, self._environments = set[str](), set[str]()
        for each in records:
            self._count(each, 1)

    def replace(self, before: Record, after: Record) -> None:
        """Compare with a record as it is from now on."""
        self._count(before, -1)
        self._count(after, 1)

    def _count(self, record: Record, times: int) -> None:
        if record.state is RecordState.RETIRED:
            return
        said = {each: cell_text(each, CHANGEABLE[each](record)) for each in _OF_NEIGHBOURS}
        for group in _groups_of(record):
            for column, text in said.items():
                if text:
                    counts = self._said[_key(group, column, record)]
                    counts[text] += times
                    if not counts[text]:
                        del counts[text]
        if record.owner:
            self._owners.add(record.owner)
        if record.environment:
            self._environments.add(record.environment)

    def missing(self, record: Record, *, consumer: str = "") -> tuple[MissingFact, ...]:
        """What the record lacks, each with the best suggestion.

        Args:
            record: an incomplete record.
            consumer: the line that it was imported from, if it still has the live value.
        """
        facts = (self._fact(record, column, consumer) for column in lacking(record))
        return tuple(MissingFact(column=each.column) if _leaks(each) else each for each in facts)

    def _fact(self, record: Record, column: str, consumer: str) -> MissingFact:
        if column == "scope" and record.seen is not None and record.seen.scope is not None:
            return MissingFact(column=column, suggestion=str(record.seen.scope), source=record.provider)
        if column == "consumers" and consumer:
            return MissingFact(column=column, suggestion=consumer, source="it was imported from there")
        return self._by_name(record, column) or self._by_neighbours(record, column) or MissingFact(column=column)

    def _by_name(self, record: Record, column: str) -> MissingFact | None:
        words = record.name.split("/")
        if column == "environment":
            for where, word in [
                *(("its name", word) for word in words),
                *(("its file", word) for word in _file(record)),
            ]:
                known = word if word in self._environments else _ENVIRONMENTS.get(word, "")
                if known:
                    return MissingFact(column=column, suggestion=known, source=where)
        if column == "owner" and words[0] in self._owners:
            return MissingFact(column=column, suggestion=words[0], source="its name")
        if column == "purpose":
            brand = {record.provider, *record.provider.split("-")}
            told = [word for word in words[-1].replace("_", "-").split("-") if word not in brand | _NO_PURPOSE]
            if told and not all(word in _ENVIRONMENTS for word in told):
                return MissingFact(column=column, suggestion=" ".join(told), source="its name")
        return None

    def _by_neighbours(self, record: Record, column: str) -> MissingFact | None:
        """What all other tokens of the closest group say that know it; they may not contradict each other."""
        if column not in _OF_NEIGHBOURS:
            return None
        for group in _groups_of(record):  # the record itself says nothing of what it lacks
            said = self._said.get(_key(group, column, record), Counter[str]())
            if len(said) == 1:
                ((text, count),) = said.items()
                return MissingFact(column=column, suggestion=text, source=f"{pluralize(count, 'token')} {group}")
        return None


def _leaks(fact: MissingFact) -> bool:
    """Whether a suggestion would spread what looks like a value, from a record of an earlier version."""
    return any(looks_like_value(fact.column, text) for text in (fact.suggestion, fact.source))


def edit_command(record: Record, facts: Sequence[MissingFact]) -> str:
    """The command that records all suggestions; empty if there is none."""
    import shlex  # only a list needs it

    options = {"environment": "--env", "made_by": "--made-by", "created_at": "--created", "consumers": "--deliver"}
    words = ["tokenguard", "edit", record.name]
    for fact in facts:
        if fact.suggestion == NO_CONSUMERS and fact.column == "consumers":
            words.append("--no-consumers")
        elif fact.suggestion:
            words += [options.get(fact.column, f"--{fact.column}"), fact.suggestion]
    return shlex.join(words) if len(words) > len(("tokenguard", "edit", "NAME")) else ""


def _key(group: str, column: str, record: Record) -> tuple[str, str]:
    """What a token reaches means something at one provider only."""
    return group, f"{column} at {record.provider}" if column == "scope" else column


def _groups_of(record: Record) -> list[str]:
    """The groups of a record, the closest one first; each is named as a suggestion names it."""
    file = record.imported_from.rpartition("#")[0]
    parts = record.name.split("/")
    scope = record.scope or (record.seen.scope if record.seen else None)
    groups = [f"with the scope {scope} at {record.provider}"] if scope else []
    groups += [f"of {file}"] if file else []
    return groups + [f"below {'/'.join(parts[:count])}" for count in range(len(parts) - 1, 0, -1)]


def _file(record: Record) -> list[str]:
    """The words of its file's name and of the folders that hold it, the closest first."""
    path = PurePath(record.imported_from.rpartition("#")[0].partition(":")[2])
    return [word for part in reversed(path.parts[-3:]) for word in part.lower().replace("_", ".").split(".")]
