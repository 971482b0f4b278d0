"""What a rule may look at besides the token itself: the other tokens, and what providers say of theirs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import overload

from tokenguard.domain.document import Document
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import AttemptState
from tokenguard.domain.names import TokenName
from tokenguard.domain.people import Directory
from tokenguard.domain.scope import Scope
from tokenguard.domain.second_person import ExpiredRequest, OpenReview
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import Capabilities, ProviderToken
from tokenguard.text import pluralize

Place = tuple[str, str, str]
"""A provider, its address, and a scope: where one list of tokens comes from."""


_NO_CONTROL = "the provider's list contains no token that the inventory knows"


class ProviderFacts(Frozen, frozen=True, kw_only=True):
    """What is known of a token's provider where the check runs."""

    capabilities: Capabilities | None = None
    """None: the provider is not known here."""
    listed: Sequence[ProviderToken] | None = None
    """The provider's own list; None if there is none."""
    no_list: str = "the provider was not contacted for its list"
    """Why there is no list."""
    gap: str = ""
    """Why the list may lack tokens; empty: it was read to its end."""
    read_at: datetime | None = None
    """When a person read the list there; None: the provider was asked just now."""

    @property
    def dated(self) -> str:
        """A note on the list's date for a rule's answer."""
        return f" (list read on {self.read_at:%Y-%m-%d})" if self.read_at else ""


class InventoryContext:
    """The inventory at one moment, indexed once for all rules."""

    def __init__(
        self,
        documents: Sequence[Document],
        now: datetime,
        providers: Mapping[Place, ProviderFacts] | None = None,
        reviews: Sequence[OpenReview] | None = (),
        people: Directory | None = None,
        *,
        expired: Sequence[ExpiredRequest] = (),
    ) -> None:
        self.expired = expired
        """Requests for a second person that were not approved, or whose approval was not used, in time."""
        self.people = people or Directory()
        self.now = now
        self.reviews = reviews
        """Operations under `--break-glass` that await their review; None: they cannot be read here."""
        self.providers = providers or {}
        self.documents = [each for each in documents if each.record.state is not RecordState.RETIRED]
        self.retired = [each for each in documents if each.record.state is RecordState.RETIRED]
        """No rule asks anything of them; reports show how they ended."""
        self.records = [each.record for each in self.documents]
        self._by_value: defaultdict[Fingerprint, list[Record]] = defaultdict(list)
        self._by_use: defaultdict[tuple[str, Scope | None, str, str], list[Record]] = defaultdict(list)
        self._by_scope: defaultdict[tuple[str, Scope | None], list[Record]] = defaultdict(list)
        for record in self.records:
            if record.fingerprint is not None:
                self._by_value[record.fingerprint].append(record)
            self._by_use[_use(record)].append(record)
            self._by_scope[record.provider, record.scope].append(record)
        self._unidentified = Counter(
            each.installation for each in self.records if each.kind.has_value and not is_identified(each)
        )
        self._rows: dict[Place, _Rows] = {}
        self._facts: dict[TokenName, ProviderFacts] = {}
        self._why_incomplete: dict[Place, str] = {}
        self._lacking: dict[Place, str] = {}

    def narrowed(self, only: Callable[[Document], bool]) -> "InventoryContext":
        """The same moment with some of the tokens."""
        documents = [each for each in (*self.documents, *self.retired) if only(each)]
        return InventoryContext(documents, self.now, self.providers, self.reviews, self.people, expired=self.expired)

    def same_value(self, record: Record) -> Sequence[Record]:
        """The other tokens with the same value."""
        return _Others(record, self._by_value.get(record.fingerprint, ()) if record.fingerprint else ())

    def same_use(self, record: Record) -> Sequence[Record]:
        """The other tokens of the same scope, environment and purpose."""
        return _Others(record, self._by_use[_use(record)])

    def in_scope(self, record: Record) -> int:
        """How many tokens its scope has, itself included."""
        return len(self.of_scope(record))

    def of_scope(self, record: Record) -> Sequence[Record]:
        """The tokens of its scope, itself included."""
        return self._by_scope[record.provider, record.scope]

    def provider(self, record: Record) -> ProviderFacts:
        """What is known of its provider."""
        found = self._facts.get(record.name)
        if found is None:
            found = self._facts[record.name] = self.facts_of(place_of(record))
        return found

    def listing(self, record: Record) -> ProviderToken | None:
        """The token in its provider's list, known by its id, else by its label."""
        place = place_of(record)
        if place not in self._rows:
            self._rows[place] = _Rows(self.facts_of(place).listed or ())
        return self._rows[place].of(record)

    def facts_of(self, place: Place) -> ProviderFacts:
        """What is known of the provider at a place."""
        return self.providers.get(place, ProviderFacts())

    def unmatched(self) -> Iterator[tuple[Place, Sequence[ProviderToken]]]:
        """For each list the tokens that no live document knows, not even as being made or dying; each token once."""
        ids, labels = _known(self.documents)
        told = set[tuple[str, str, str]]()
        for place, facts in self.providers.items():
            rows = []
            for row in facts.listed or ():
                once = (*place[:2], row.provider_id)
                if row.provider_id not in ids and row.label not in labels and once not in told:
                    told.add(once)
                    rows.append(row)
            yield place, rows

    def why_incomplete(self, place: Place) -> str:
        """Why the list of a place cannot say that a token is not there; empty if it can."""
        if place not in self._why_incomplete:
            records = [each for each in self.records if place_of(each) == place]
            facts = self.facts_of(place)
            self._why_incomplete[place] = why_list_incomplete(facts, records) or (
                "" if _holds_known(facts, records) else _NO_CONTROL
            )
        return self._why_incomplete[place]

    def lacking(self, place: Place) -> str:
        """Why a list may lack tokens that no record knows either: it lacks some that are in use; empty if none."""
        if place not in self._lacking:
            active = (each for each in self.documents if each.record.state is RecordState.ACTIVE and not each.busy)
            here = _comparable(each.record for each in active if place_of(each.record) == place)
            names = [each.name for each in here if self.listing(each) is None]
            more = f" and {pluralize(len(names) - 1, 'other token')}" if names[1:] else ""
            self._lacking[place] = f"the provider's list lacks tokens in use: {names[0]}{more}" if names else ""
        return self._lacking[place]

    def unidentified(self, place: Place) -> int:
        """How many tokens of that provider could be any row of its list, since neither id nor label is recorded."""
        return self._unidentified[place[:2]]


class _Rows:
    """One provider's list, by what tokens are known by; of two rows with one label the first one counts."""

    def __init__(self, rows: Sequence[ProviderToken]) -> None:
        self._by_id = {row.provider_id: row for row in reversed(rows)}
        self._by_label = {row.label: row for row in reversed(rows) if row.label}

    def of(self, record: Record) -> ProviderToken | None:
        """The row of a token: by its id if that is recorded, else by its label."""
        found = self._by_id if record.provider_id else self._by_label
        return found.get(record.provider_id or record.label)


def place_of(record: Record) -> Place:
    """Where the list that would hold this token comes from."""
    return record.provider, record.base_url, str(record.scope or "")


def is_identified(record: Record) -> bool:
    """Whether it can be told which row of the provider's list it is."""
    return bool(record.provider_id or record.label)


def why_list_incomplete(facts: ProviderFacts, records: Sequence[Record]) -> str:
    """Why tokens may be missing from a provider's list; empty if nothing speaks for that.

    It must be complete, and hold one of `records` that are in use, wherever it can be told which row is one.
    """
    if facts.gap:
        return f"the provider's list is not known to be complete: {facts.gap}"
    active = [each for each in _comparable(records) if each.state is RecordState.ACTIVE]
    if active and not _holds_known(facts, active):
        return "the provider's list contains none of the tokens in use: it may be of another account, or incomplete"
    return ""


def _holds_known(facts: ProviderFacts, records: Iterable[Record]) -> bool:
    """Whether a list contains one of these tokens: without that it may be empty in an outage, or another account's."""
    rows = _Rows(facts.listed or ())
    return any(rows.of(each) is not None for each in _comparable(records))


def _comparable(records: Iterable[Record]) -> list[Record]:
    """The tokens that such a list may contain, as far as it can be told which row is one."""
    return [each for each in records if each.kind is not CredentialKind.PROVIDER_ADMIN and is_identified(each)]


def _use(record: Record) -> tuple[str, Scope | None, str, str]:
    return record.provider, record.scope, record.environment, record.purpose


class _Others(Sequence[Record]):
    """A group without one of its members, read no further than is asked: a group may be a whole inventory."""

    def __init__(self, record: Record, group: Sequence[Record]) -> None:
        self._record = record
        self._group = group

    def __len__(self) -> int:
        return max(len(self._group) - 1, 0)

    def __iter__(self) -> Iterator[Record]:
        return (each for each in self._group if each.name != self._record.name)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return list(islice(self, place.start, place.stop, place.step))
        return next(islice(self, place, None))


def _known(documents: Iterable[Document]) -> tuple[set[str], set[str]]:
    """Return the ids and labels that explain a row of a provider's list.

    Of an operation that has ended, neither the old token nor a discarded one does: listed, it is an orphan, unless its
    value is kept.
    """
    ids, labels = set[str](), set[str]()
    for document in documents:
        record, journal = document.record, document.journal
        ids |= {record.provider_id, *(item.provider_id for item in document.quarantine)}
        labels |= {record.label, *(item.provider_label for item in document.quarantine)}
        if journal is None:
            continue
        made = [each for each in journal.attempts if document.busy or each.state is not AttemptState.GONE]
        ids |= {each.provider_id for each in made}
        labels |= {str(each.label) for each in made}
        if document.busy and journal.old is not None:
            ids.add(journal.old.provider_id)
            labels.add(journal.old.provider_label)
    return ids - {""}, labels - {""}
