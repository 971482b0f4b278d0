"""Selects tokens of a store by filter and due date."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token import RecordState
from tokenguard.frozen import Frozen
from tokenguard.policy.model import Due, Policy, age_unknown, due_of


class Filter(Frozen, frozen=True, kw_only=True):
    """What is asked for; empty means any. Retired tokens are left out unless their state is asked for."""

    owner: str = ""
    scope: str = ""
    environment: str = ""
    provider: str = ""
    state: RecordState | None = None

    def admits(self, snapshot: Snapshot) -> bool:
        """Whether the token is asked for."""
        record = snapshot.document.record
        if self.state is None and record.state is RecordState.RETIRED:
            return False
        wanted = (
            (self.owner, record.owner),
            (self.scope, str(record.scope or "")),
            (self.environment, record.environment),
            (self.provider, record.provider),
            (self.state or "", record.state),
        )
        return all(not asked or asked == found for asked, found in wanted)


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
        if wanted.admits(snapshot):
            record = snapshot.document.record
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
