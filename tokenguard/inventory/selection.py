"""Selects tokens of a store by filter and due date."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.people import person_key
from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen, replace
from tokenguard.policy.model import Due, Policy, age_unknown, due_of, is_due


class DueNow(Frozen, frozen=True):
    """What `--due` means in every command: a token is due, has leaked, or is of unknown age."""

    policy: Policy
    now: datetime

    def admits(self, record: Record) -> bool:
        """Whether the token is one of them."""
        return is_due(record, self.policy, self.now)


class Filter(Frozen, frozen=True, kw_only=True):
    """What is asked for; empty means any. Retired tokens are left out unless their state is asked for."""

    name: str = ""
    """A pattern with `*`, `?` and `[…]`; `*` matches slashes too."""
    owner: str = ""
    made_by: str = ""
    known_as: tuple[str, ...] = ()
    """Other names of the person that `made_by` or `account` asks for."""
    account: str = ""
    provider: str = ""
    scope: str = ""
    environment: str = ""
    state: RecordState | None = None
    leaked: bool = False
    """Only tokens whose live value, or one that may be alive, has leaked."""
    due: DueNow | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the command line that ask for the same."""
        texts = {
            "--name": self.name, "--owner": self.owner, "--made-by": self.made_by, "--account": self.account,
            "--provider": self.provider, "--scope": self.scope, "--env": self.environment, "--state": self.state or "",
        }  # fmt: skip
        given = tuple(word for option, text in texts.items() if text for word in (option, str(text)))
        return given + ("--leaked",) * self.leaked + ("--due",) * (self.due is not None)

    @property
    def asks_state(self) -> bool:
        """Whether it asks for tokens in a state, of which there may be none: `--due`, `--leaked`, `--state`."""
        return self.due is not None or self.leaked or self.state is not None

    @property
    def without_state(self) -> "Filter":
        """The part that says which tokens are meant, in any state."""
        return replace(self, due=None, leaked=False, state=None)

    def admits(self, document: Document) -> bool:
        """Whether the token is asked for."""
        retired = document.record.state is RecordState.RETIRED
        return not (retired and self.state is None) and self.describes(document)

    def describes(self, document: Document) -> bool:
        """Whether the token is one of those, retired or not; it has each creator whose value may be alive."""
        return any(map(self._describes, document.by_creator))

    def _describes(self, record: Record) -> bool:
        if (self.name and not fnmatchcase(record.name, self.name)) or (self.leaked and not record.leaks):
            return False
        if self.due is not None and not self.due.admits(record):
            return False
        wanted = (
            (self.owner, record.owner),
            (self.made_by, self._asked(self.made_by, record.made_by)),
            (self.account, self._asked(self.account, record.account)),
            (self.provider, record.provider),
            (self.scope, str(record.scope or "")),
            (self.environment, record.environment),
            (self.state or "", record.state),
        )
        return all(not asked or asked == found for asked, found in wanted)

    def _asked(self, asked: str, found: str) -> str:
        """What is on record; what is asked for, if both name the same person."""
        return asked if person_key(found) in map(person_key, (asked, *self.known_as)) else found


ANY = Filter()
"""Every token that is not retired."""


class SelectedToken(Frozen, frozen=True):
    """A token with its due date under the policy."""

    snapshot: Snapshot
    due: Due | None
    age_unknown: bool = False

    @property
    def leaked(self) -> bool:
        """Whether its live value is on record as leaked."""
        return self.snapshot.document.record.live_leak is not None


def is_refused(snapshot: Snapshot) -> bool:
    """Whether the provider did not accept the live value at the last check, and no operation is replacing it."""
    document, record = snapshot.document, snapshot.document.record
    refused = record.seen is not None and record.seen.verdict is Verdict.DEAD
    in_use = record.state in {RecordState.ACTIVE, RecordState.UNCLAIMED}
    return refused and in_use and not document.busy


def listed(snapshots: Iterable[Snapshot], wanted: Filter, policy: Callable[[], Policy]) -> Iterator[SelectedToken]:
    """The tokens asked for, in the order given; `policy` is not asked for before the first one."""
    for snapshot in snapshots:
        record = snapshot.document.record
        if wanted.admits(snapshot.document):
            yield SelectedToken(snapshot, due_of(record, policy()), age_unknown(record, policy()))


def by_due(found: Iterable[SelectedToken], now: datetime, within: timedelta | None = None) -> list[SelectedToken]:
    """Those that are ever due: leaked and refused ones first, then those of unknown age, then the most urgent.

    Of those with a date only the ones due `within` that time, if given.
    """

    def rank(each: SelectedToken) -> tuple[int, datetime, str]:
        urgency = 0 if each.leaked or is_refused(each.snapshot) else 1 if each.age_unknown else 2
        return urgency, each.due.at if each.due else now, each.snapshot.document.record.name

    def is_meant(each: SelectedToken) -> bool:
        dated = each.due is not None and (within is None or each.due.at - now <= within)
        return each.leaked or each.age_unknown or dated or is_refused(each.snapshot)

    return sorted(filter(is_meant, found), key=rank)
