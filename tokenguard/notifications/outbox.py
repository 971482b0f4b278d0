"""The outbox: what each route still has to be told, what it was told, and when to try again. Pure; never a value.

It is one shared item of the store, replaced by compare-and-set. A notification is in it before it is sent, and counts
as told only after its receiver has taken it: a runner that is killed in between sends it once more, under the same id.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, field, replace
from tokenguard.notifications.notification import Notification, NotificationKind, by_urgency, is_plain_command
from tokenguard.notifications.remembered import PackedIds, Told, distinct, pack, short, unpack
from tokenguard.ports.clock import CLOCK_SLACK

CLAIM = timedelta(minutes=10)
"""For how long one runner has a route to itself; after that it counts as killed."""
MOST_OWED = 200
"""Notifications that one route can be behind with; more are added as these are sent."""
_OWED_TOGETHER = 400
"""Those of all routes, if each has at least `_OWED_EACH`."""
_OWED_EACH = 10
MOST_TOLD = 6_000
"""Notifications that hold at the same time and are told one by one: their ids are remembered while they hold."""
MOST_BYTES = 45_000
"""Compressed; one AWS secret holds 65,536 with the latest audit events."""
MOST_ANNOUNCED = 50
"""Urgent events that are kept for routes of other runners."""
_KEPT = 7
"""Days for which an id is remembered after its condition has ended, so that one that comes and goes is told once."""
_REFRESHED = 3
"""Days after which an id that still holds is marked anew."""
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_HOUR = timedelta(hours=1)
_MAX_DOUBLINGS = 16
_TRIES_FOR_ALL = 6
"""Attempts, over an hour, to reach the addresses that are refused for now: all others get the message each time."""
_FORMAT = 2
"""Format 1 has the remembered ids in `told`, with all their digits."""


class UpkeepFinding(Frozen, frozen=True, kw_only=True):
    """Something that the last upkeep could not do, or found."""

    kind: NotificationKind
    duty: str
    name: str = ""
    """The token; empty for a whole duty, or for many tokens of one owner."""
    owner: str = ""
    says: str
    command: str
    """Words after `tokenguard`."""
    since: datetime
    """Since which run it has been found each time."""


class LastUpkeep(Frozen, frozen=True, kw_only=True):
    """The last upkeep that came to its end."""

    at: datetime
    code: int
    findings: tuple[UpkeepFinding, ...] = ()


class OwedMessage(Frozen, frozen=True):
    """A notification and the routes that it has not reached yet."""

    notification: Notification
    routes: tuple[str, ...]


class RouteState(Frozen, frozen=True, kw_only=True):
    """How sending on one route goes."""

    failures: int = 0
    """In a row."""
    retry_at: datetime | None = None
    reason: str = ""
    """Why the last attempt failed; empty after one that did not."""
    sent: tuple[datetime, ...] = ()
    """The messages of the last hour."""
    claimed_until: datetime | None = None
    """Until when a runner is sending."""
    claimed_by: str = ""
    """Which runner that is; empty in an outbox of an earlier version."""


class SendResult(Frozen, frozen=True, kw_only=True):
    """The result of one message on one route."""

    ids: tuple[str, ...]
    reason: str = ""
    """Why it failed; empty: the receiver took it."""
    missed: str = ""
    """Why it reached only some of the addresses; with a reason, another attempt may reach the others."""
    wait: float = 0.0
    """Seconds that the receiver asks to wait."""


class Outbox(Frozen, frozen=True, kw_only=True):
    """The whole state."""

    format: int = _FORMAT
    owed: tuple[OwedMessage, ...] = ()
    told: Told = field(default_factory=dict)
    packed: tuple[PackedIds, ...] = ()
    """What `told` is while it is kept; empty otherwise."""
    routes: Mapping[str, RouteState] = field(default_factory=dict)
    upkeep: LastUpkeep | None = None
    announced: tuple[Notification, ...] = ()
    """Urgent events of the last days, for routes of runners that did not see them happen; they may have ended since."""

    def state(self, route: str) -> RouteState:
        """How sending on a route goes."""
        return self.routes.get(route, RouteState())

    def was_told(self, route: str, found: Notification) -> bool:
        """Whether a route was told of it."""
        return short(found.id) in self.told.get(route, {})

    def owed_to(self, route: str) -> list[Notification]:
        """What a route still has to be told, the most urgent first."""
        return by_urgency(each.notification for each in self.owed if route in each.routes)


def encode_outbox(outbox: Outbox) -> bytes:
    """As canonical JSON."""
    return msgspec.json.encode(replace(outbox, told={}, packed=pack(outbox.told)), order="deterministic")


def shortened_outbox(outbox: Outbox) -> Outbox:
    """The outbox, small enough for every store: first remembered ids go, then the least urgent of what is owed.

    Both are derived again by the next run, while their conditions hold.
    """
    while len(zlib.compress(encode_outbox(outbox), 9)) > MOST_BYTES:
        remembered, findings = sum(map(len, outbox.told.values())), outbox.upkeep.findings if outbox.upkeep else ()
        if remembered:
            outbox = replace(outbox, told=_limited(outbox.told, remembered // 2))
        elif len(outbox.owed) > len(findings):
            urgent = sorted(outbox.owed, key=lambda each: each.notification.urgency)
            outbox = replace(outbox, owed=tuple(urgent[: len(urgent) // 2]))
        elif outbox.upkeep is not None and findings:
            outbox = replace(outbox, upkeep=replace(outbox.upkeep, findings=findings[: len(findings) // 2]))
        else:
            break
    return outbox


def decode_outbox(data: bytes) -> Outbox:
    """Read what `encode_outbox` wrote; Tampered for anything else."""
    try:
        found = msgspec.json.decode(data, type=Outbox)
        told = unpack(found.packed, 100 * MOST_TOLD)  # routes have ids in common
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if found is None or found.format not in {1, _FORMAT}:
        raise Tampered(
            "the outbox of notifications is not readable",
            hint="run `tokenguard audit verify`; use the version that wrote it, or a newer one",
        )
    noted = [*found.announced, *(each.notification for each in found.owed)]
    commands = [each.command for each in noted]
    commands += [
        f"tokenguard {each.command}" for each in (found.upkeep.findings if found.upkeep else ()) if each.command
    ]
    if not all(map(is_plain_command, commands)):
        raise Tampered(
            "the outbox of notifications has a command that tokenguard never writes; nothing was sent",
            hint="find out who wrote it with `tokenguard audit log` and the audit log of the store's server",
        )
    if found.format == 1:
        told = {route: {short(each): day for each, day in ids.items()} for route, ids in found.told.items()}
    return replace(found, format=_FORMAT, told=told, packed=())


def with_conditions(outbox: Outbox, wanted: Mapping[str, Sequence[Notification]], now: datetime) -> Outbox:
    """Take in what holds now: new notifications are owed, and told ones stay remembered.

    Args:
        outbox: the state.
        wanted: by route of this runner: every notification that holds and that the route takes.
        now: the time.
    """
    today = now.toordinal()
    told = {route: _remembered(each, wanted.get(route), today) for route, each in outbox.told.items()}
    announced = tuple(each for each in outbox.announced if today - each.at.toordinal() <= _KEPT)
    kept = {route: ids for route, ids in _with_room(told, wanted).items() if ids}
    marked = replace(outbox, told=kept, announced=announced)
    return _with_owed(marked, wanted)


def with_announced(
    outbox: Outbox, found: Sequence[Notification], wanted: Mapping[str, Sequence[Notification]]
) -> Outbox:
    """Take in urgent events as they happen.

    Args:
        outbox: the state.
        found: the events.
        wanted: by route of this runner: those that the route takes.
    """
    known = {each.id for each in outbox.announced}
    announced = (*outbox.announced, *(each for each in found if each.id not in known))[-MOST_ANNOUNCED:]
    return _with_owed(replace(outbox, announced=announced), wanted)


def _with_owed(outbox: Outbox, wanted: Mapping[str, Sequence[Notification]]) -> Outbox:
    """The outbox that owes the routes what they were not told yet, as far as there is space."""
    owed = {each.notification.id: each for each in outbox.owed}
    most = min(MOST_OWED, max(_OWED_TOGETHER // max(len(wanted), 1), _OWED_EACH))
    for route, found in wanted.items():
        space = most - sum(route in each.routes for each in owed.values())
        for each in by_urgency(found):
            there = owed.get(each.id, OwedMessage(each, ()))
            if outbox.was_told(route, each) or route in there.routes or space <= 0:
                continue
            owed[each.id] = replace(there, routes=(*there.routes, route))
            space -= 1
    return replace(outbox, owed=tuple(owed.values()))


def _remembered(ids: Mapping[str, int], found: Sequence[Notification] | None, today: int) -> Mapping[str, int]:
    """The ids of a route with those that hold marked; of a route of other runners nothing is known."""
    if found is None:
        return ids
    holding = {short(each.id) for each in found}
    past = {each: min(day, today) for each, day in ids.items()}  # a later day is of a clock that was ahead
    marked = {each: today if each in holding and today - day >= _REFRESHED else day for each, day in past.items()}
    return {each: day for each, day in marked.items() if today - day <= _KEPT}


def _with_room(told: Told, wanted: Mapping[str, Sequence[Notification]]) -> Told:
    """The ids without the oldest of those that hold no longer, as far as those that hold need their space."""
    holding = {short(each.id) for found in wanted.values() for each in found}
    over = len(distinct(told) | holding) - MOST_TOLD
    if over <= 0:
        return told
    ended = {each: day for route in wanted for each, day in told.get(route, {}).items() if each not in holding}
    gone = set(sorted(ended, key=lambda each: (ended[each], each))[:over])
    return {
        route: {each: day for each, day in ids.items() if each not in gone} if route in wanted else ids
        for route, ids in told.items()
    }


def allowance(outbox: Outbox, route: str, per_hour: int, now: datetime) -> int:
    """How many messages the route may be sent now: none while it waits after a failure or another runner sends."""
    state = outbox.state(route)
    if _holds(state.retry_at, now, _LONGEST_WAIT) or _holds(state.claimed_until, now, CLAIM):
        return 0
    return max(per_hour - len(_of_this_hour(state, now)), 0)


def _holds(until: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether it waits: no longer than any wait, so that a clock that was ahead silences no route once it is right."""
    return until is not None and now < until <= now + longest + CLOCK_SLACK


def _of_this_hour(state: RouteState, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in state.sent if -CLOCK_SLACK <= now - at < _HOUR)


def without_claims(outbox: Outbox, is_dead: Callable[[str], bool]) -> Outbox:
    """The outbox without the claims of runners that have ended."""
    free = {
        route: replace(state, claimed_until=None, claimed_by="")
        for route, state in outbox.routes.items()
        if state.claimed_by and is_dead(state.claimed_by)
    }
    return replace(outbox, routes={**outbox.routes, **free})


def claimed(outbox: Outbox, routes: Iterable[str], runner: str, now: datetime) -> Outbox:
    """The routes, taken by this runner until it has settled them."""
    taken = {each: replace(outbox.state(each), claimed_until=now + CLAIM, claimed_by=runner) for each in routes}
    return replace(outbox, routes={**outbox.routes, **taken})


def concluded(result: SendResult, state: RouteState) -> SendResult:
    """The result of an attempt, as one that reached what it can reach if there were enough of them."""
    enough = result.missed and state.failures + 1 >= _TRIES_FOR_ALL
    return replace(result, reason="") if enough else result


def settled(outbox: Outbox, results: Mapping[str, Sequence[SendResult]], now: datetime) -> Outbox:
    """Record how sending went, and release the routes."""
    today, states, told = now.toordinal(), dict(outbox.routes), {key: dict(ids) for key, ids in outbox.told.items()}
    reached: dict[str, set[str]] = {}
    for route, sent in results.items():
        reached[route] = {each for result in sent if not result.reason for each in result.ids}
        states[route] = _after(outbox.state(route), sent, now)
        if reached[route]:
            told.setdefault(route, {}).update(dict.fromkeys(map(short, reached[route]), today))
    owed = []
    for each in outbox.owed:
        left = tuple(route for route in each.routes if each.notification.id not in reached.get(route, ()))
        owed += [replace(each, routes=left)] if left else []
    return replace(outbox, owed=tuple(owed), told=told, routes=states)


def _after(state: RouteState, sent: Sequence[SendResult], now: datetime) -> RouteState:
    if not sent:
        return replace(state, claimed_until=None, claimed_by="")
    recent = _of_this_hour(state, now)
    recent += (now,) * sum(not each.reason for each in sent)
    failed = next((each for each in sent if each.reason), None)
    if failed is None:
        return RouteState(sent=recent)
    failures = 1 if any(not each.reason for each in sent) else state.failures + 1
    wait = min(_FIRST_WAIT * 2 ** min(failures - 1, _MAX_DOUBLINGS), _LONGEST_WAIT)
    wait = max(wait, min(timedelta(seconds=failed.wait), _LONGEST_WAIT))
    return RouteState(failures=failures, retry_at=now + wait, reason=failed.reason, sent=recent)


def _limited(told: Told, most: int) -> Told:
    over = sum(map(len, told.values())) - most
    oldest = sorted((day, route, each) for route, ids in told.items() for each, day in ids.items())[:over]
    gone = {(route, each) for _, route, each in oldest}
    left = {route: {each: day for each, day in ids.items() if (route, each) not in gone} for route, ids in told.items()}
    return {route: ids for route, ids in left.items() if ids}


def batches(owed: Sequence[Notification], most: int, *, grouped: bool, size: int) -> list[tuple[Notification, ...]]:
    """Divide what a route is owed into messages: one each, and all further ones together in the last.

    Args:
        owed: the notifications, most urgent first.
        most: messages that may be sent now.
        grouped: everything goes into as few messages as possible: people read this route.
        size: notifications that one message holds at most.
    """
    if most <= 0 or not owed:
        return []
    single = 0 if grouped else (len(owed) if len(owed) <= most else most - 1)
    rest = owed[single:]
    together = [tuple(rest[at : at + size]) for at in range(0, len(rest), size)]
    return [*((each,) for each in owed[:single]), *together][:most]
