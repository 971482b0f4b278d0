"""The use case of `notify`: takes what holds now into the outbox, and sends each route what it is owed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from datetime import datetime
from functools import partial
from typing import Protocol

from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.leak_trail import LeakReports, leak_reports
from tokenguard.domain.names import TokenId
from tokenguard.errors import Conflict, ExitCode, InputError, Tampered, TokenguardError, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.notifications.conditions import StoreFacts, conditions, store_command
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.notification import IMMEDIATE, Notification, NotificationKind, notification_id
from tokenguard.notifications.outbox import (
    LastUpkeep,
    Outbox,
    SendResult,
    allowance,
    batches,
    claimed,
    concluded,
    decode_outbox,
    encode_outbox,
    settled,
    shortened_outbox,
    with_announced,
    with_conditions,
    without_claims,
)
from tokenguard.notifications.routes import NotificationRoute, routes_named
from tokenguard.notifications.send_failures import explained
from tokenguard.notifications.wanted import NotificationSource, WantedNotifications, wanted_by_route, without_space
from tokenguard.ports.clock import refuse_if_behind
from tokenguard.ports.shared_item import Item, share_detail, shared_items_of
from tokenguard.rotation.batch import most_severe_code
from tokenguard.rotation.lease import is_runner_dead
from tokenguard.text import pluralize
from tokenguard.usecases.login_end import login_end
from tokenguard.usecases.parts import (
    HasClock,
    HasEngine,
    HasPeople,
    HasPolicy,
    HasProgress,
    HasRoutes,
    HasSecondPerson,
    HasSettings,
    HasStore,
    HasStoreUrl,
)
from tokenguard.waiting import start_detached

AT_ONCE = 5.0
"""Seconds for what is sent at once, all routes together."""
_LONGEST = 300.0
"""Seconds for the messages of one route in one run; well below the time for which a runner claims it."""
_ATTEMPTS = 5
"""At a write that another runner was quicker with."""


class SendNotificationsParts(
    HasClock,
    HasEngine,
    HasPeople,
    HasPolicy,
    HasProgress,
    HasRoutes,
    HasSecondPerson,
    HasSettings,
    HasStore,
    HasStoreUrl,
    Protocol,
):
    """What this use case takes."""


class RouteReport(Frozen, frozen=True, kw_only=True):
    """What was done on one route, or would be."""

    route: str
    sent: tuple[Notification, ...] = ()
    """Under --plan: what would be sent now."""
    owed: tuple[Notification, ...] = ()
    """What is left."""
    later: int = 0
    """Events that the outbox has no space for yet; later runs take them in."""
    reason: str = ""
    """Why something is left or failed."""
    code: ExitCode = ExitCode.OK


class Notifier:
    """Notifications of one store on this runner's routes.

    Args:
        parts: what it takes of the process.
        names: the routes to use; none: all.
        required: there must be a route.
    """

    def __init__(self, parts: SendNotificationsParts, names: Sequence[str] = (), *, required: bool = False) -> None:
        self._parts = parts
        self.owners: dict[str, str] = {}
        """The owners of the tokens that were read so far."""
        configured = parts.notification_routes
        if not configured and required:
            raise InputError("no route is configured", hint="add [notify.routes.NAME] to the configuration")
        self.routes = routes_named(configured, names)

    def plan(self) -> tuple[list[RouteReport], list[Notification]]:
        """What would be sent on each route, and what no route takes; writes nothing. InputError as `run`."""
        outbox, _ = self._read()
        found = self._conditions(outbox, timely=True)
        now = self._parts.clock.now()
        wanted = self._wanted(found)
        outbox = with_conditions(outbox, wanted, now)
        reports = []
        for route in self.routes:
            owed, state = outbox.owed_to(route.name), outbox.state(route.name)
            may = allowance(outbox, route.name, route.per_hour, now)
            waits = (
                f"waits until {state.retry_at:%Y-%m-%d %H:%M} UTC: {explained(state.reason)}"
                if state.retry_at
                else "waits"
            )
            report = RouteReport(route=route.name, sent=tuple(owed)) if may else _waiting(route.name, owed, waits)
            reports.append(replace(report, later=without_space(outbox, route.name, wanted)))
        return reports, [each for each in found if not any(route.takes(each) for route in self.routes)]

    def test(self) -> list[RouteReport]:
        """Send one test message on each route, past the outbox."""
        parts, reports = self._parts, []
        store = parts.store
        for route in self.routes:
            stamp = parts.clock.now()
            identity = notification_id(store.store_id, NotificationKind.TEST, route.name, stamp.isoformat())
            found = Notification(
                id=identity, kind=NotificationKind.TEST, says="a test message; nothing has to be done", at=stamp,
                command=store_command(parts.store_url, "notify", "--plan"),
            )  # fmt: skip
            try:
                result, code = self._sent(route, [(found,)])[0], ExitCode.UNREACHABLE
                reason, sent = explained(result.reason or result.missed), () if result.reason else (found,)
            except TokenguardError as error:
                reason, code, sent = f"{error.message}; {error.hint}", error.exit_code, ()
            reports.append(
                RouteReport(route=route.name, sent=sent, reason=reason, code=code if reason else ExitCode.OK)
            )
        return reports

    def queue(self) -> None:
        """Queue the events that cannot wait and send them within `AT_ONCE` seconds, before the work that may end them.

        `run` queues the other events after that work: a person is not asked to do what the work has done.
        """

        def take_in(outbox: Outbox, now: datetime) -> tuple[Outbox, WantedNotifications]:
            wanted = self._wanted([each for each in self._conditions(outbox) if each.kind in IMMEDIATE])
            return with_conditions(outbox, wanted, now), wanted

        self._deliver(take_in, within=AT_ONCE)

    def run(self, upkeep: LastUpkeep | None = None) -> list[RouteReport]:
        """Send what is due.

        Args:
            upkeep: the upkeep that just ended, to be recorded first.

        Raises:
            Unreachable: the outbox cannot be read or written. What was not recorded as sent is sent again.
            InputError: this machine's clock is behind: what is due or overdue would be told late.
        """

        def take_in(outbox: Outbox, now: datetime) -> tuple[Outbox, WantedNotifications]:
            outbox = outbox if upkeep is None else replace(outbox, upkeep=_continued(outbox.upkeep, upkeep))
            return self._with_all(outbox, now, timely=upkeep is None)

        return self._deliver(take_in)

    def at_once(self, tokens: Sequence[TokenId] = ()) -> list[RouteReport]:
        """Take in what of these tokens (none: of all) cannot wait, and send what is urgent within `AT_ONCE` seconds.

        It is kept for the routes of other runners too, also if it ends before they run.
        """

        def take_in(outbox: Outbox, _now: datetime) -> tuple[Outbox, WantedNotifications]:
            found = [each for each in self._conditions(outbox, tokens) if each.kind in IMMEDIATE]
            wanted = self._wanted(found)
            return with_announced(outbox, found, wanted), wanted

        return self._deliver(take_in, within=AT_ONCE)

    def _with_all(self, outbox: Outbox, now: datetime, *, timely: bool = False) -> tuple[Outbox, WantedNotifications]:
        wanted = self._wanted(self._conditions(outbox, timely=timely))
        return with_conditions(outbox, wanted, now), wanted

    def _deliver(
        self, take_in: Callable[[Outbox, datetime], tuple[Outbox, WantedNotifications]], *, within: float | None = None
    ) -> list[RouteReport]:
        """Take in, claim the routes, send and record it; `within` so many seconds only what is urgent is sent."""
        before, wanted = Outbox(), WantedNotifications()
        plan: dict[str, list[tuple[Notification, ...]]] = {}

        def queue(outbox: Outbox) -> Outbox:
            nonlocal before, wanted
            now = self._parts.clock.now()
            before, wanted = take_in(outbox, now)
            batched = {each.name: self._batches(before, each, urgent=within is not None) for each in self.routes}
            plan.clear()
            plan.update({name: made for name, made in batched.items() if made})
            return claimed(before, plan, self._parts.holder, now) if plan else before

        outbox = self._update(queue, Phase.INTENT, lambda: {"owed": sum(map(len, _flat(plan)))})
        send = self._send_each if within is None else partial(self._send_within, within)
        results, errors = send({each: plan[each.name] for each in self.routes if each.name in plan})
        results = {route: [concluded(each, outbox.state(route)) for each in found] for route, found in results.items()}
        sent = {each for found in results.values() for result in found if not result.reason for each in result.ids}
        if results:
            outbox = self._update(
                lambda now: settled(now, results, self._parts.clock.now()), Phase.OUTCOME, lambda: {"sent": len(sent)}
            )
        return [
            replace(
                self._report(route, results.get(route.name), errors, outbox, before),
                later=without_space(before, route.name, wanted),
            )
            for route in self.routes
        ]

    def _send_each(self, plan: "_Plan") -> "_Sent":
        """One route after the other."""
        results, errors = dict[str, list[SendResult]](), dict[str, TokenguardError]()
        for route, made in plan.items():
            self._parts.progress.waiting(f"notifying {route.name}")
            results[route.name] = []
            try:
                results[route.name] = self._sent(route, made)
            except TokenguardError as error:
                errors[route.name] = error
        return results, errors

    def _send_within(self, seconds: float, plan: "_Plan") -> "_Sent":
        """All routes side by side; one that is not done in time counts as failed, and is sent again later."""
        started = {route: start_detached(partial(self._sent, route, made)) for route, made in plan.items()}
        wait(started.values(), timeout=seconds)
        results, errors = dict[str, list[SendResult]](), dict[str, TokenguardError]()
        for route, outcome in started.items():
            results[route.name] = []
            try:
                ids = tuple(each.id for each in plan[route][0])
                late = [SendResult(ids=ids, reason="timeout")]
                results[route.name] = outcome.result() if outcome.done() else late
            except TokenguardError as error:
                errors[route.name] = error
        return results, errors

    def _report(
        self,
        route: NotificationRoute,
        results: Sequence[SendResult] | None,
        errors: Mapping[str, TokenguardError],
        outbox: Outbox,
        before: Outbox,
    ) -> RouteReport:
        took = {each for result in results or () if not result.reason for each in result.ids}
        owed, state = outbox.owed_to(route.name), outbox.state(route.name)
        until = f"; next attempt after {state.retry_at:%Y-%m-%d %H:%M} UTC" if state.retry_at else ""
        reason = f"{explained(state.reason)}{until}" if owed and state.reason else ""
        missed = next((each.missed for each in results or () if each.missed), "")
        reason = reason or explained(missed)
        code = ExitCode.UNREACHABLE if reason else ExitCode.OK
        if results is None and state.claimed_until is not None:
            reason = f"another runner is sending, until {state.claimed_until:%H:%M} UTC at most" if owed else ""
        if error := errors.get(route.name):
            reason, code = f"{error.message}; {error.hint}", error.exit_code
        return RouteReport(
            route=route.name,
            sent=tuple(each for each in before.owed_to(route.name) if each.id in took),
            owed=tuple(owed),
            reason=reason or (f"the limit is {pluralize(route.per_hour, 'message')} an hour" if owed else ""),
            code=code,
        )

    def _sent(self, route: NotificationRoute, made: Sequence[tuple[Notification, ...]]) -> list[SendResult]:
        """Send until one fails; its channel is not asked again in this run. InputError if it cannot be opened."""
        results, clock = list[SendResult](), self._parts.clock
        channel, began = route.open(), clock.monotonic()
        for batch in made:
            results.append(channel.send(NotificationMessage(self._parts.store_url, self._parts.store.store_id, batch)))
            if results[-1].reason or clock.monotonic() - began > _LONGEST:
                break
        return results

    def _batches(self, outbox: Outbox, route: NotificationRoute, *, urgent: bool) -> list[tuple[Notification, ...]]:
        most = allowance(outbox, route.name, route.per_hour, self._parts.clock.now())
        owed = [each for each in outbox.owed_to(route.name) if not urgent or each.kind in IMMEDIATE]
        return batches(owed, most, grouped=route.grouped, size=route.size)

    def _conditions(
        self, outbox: Outbox, tokens: Sequence[TokenId] = (), *, timely: bool = False
    ) -> list[Notification]:
        """What holds now, of some tokens or of the whole store, and what was announced for other runners."""
        parts, config = self._parts, self._parts.settings.notify
        snapshots = [parts.store.load(each) for each in tokens] if tokens else list(parts.store.scan())
        for each in snapshots if timely else ():
            refuse_if_behind(parts.clock.now(), each.document.latest)
        self.owners |= {each.document.record.name: each.document.record.owner for each in snapshots}
        leaking = [each.id for each in snapshots if each.document.record.leaks]
        facts = StoreFacts(
            store_id=parts.store.store_id,
            store_url=parts.store_url,
            policy=parts.policy,
            now=parts.clock.now(),
            people=parts.people,
            upkeep=outbox.upkeep,
            leak_reports={each: self._leak_reports(each) for each in leaking},
            requests=() if tokens else tuple(parts.second_person.waiting()),
            expired=() if tokens else tuple(parts.second_person.expired()),
        )
        if config is not None:
            facts = replace(facts, upkeep_within=config.upkeep_within, remind_after=config.remind_after)
        if (ends := login_end(parts)) is not None:
            facts = replace(facts, login_ends=ends, login=parts.store.actor())
        found = conditions(snapshots, facts)
        holding = {each.id for each in found}
        return [*found, *(each for each in outbox.announced if each.id not in holding)]

    def _leak_reports(self, token: TokenId) -> LeakReports:
        """What the trail says of the token's leaks; nothing for a changed trail, which silences no notification."""
        try:
            return leak_reports(entry.event for entry in self._parts.store.history(token))
        except Tampered:
            return LeakReports()

    def _wanted(self, found: Sequence[Notification]) -> WantedNotifications:
        parts = self._parts
        where = NotificationSource(parts.store.store_id, parts.store_url, parts.clock.now())
        return wanted_by_route(self.routes, found, where)

    def _read(self) -> tuple[Outbox, str]:
        shared = shared_items_of(self._parts.store).read(Item.OUTBOX)
        if shared is None:
            return Outbox(), ""
        return without_claims(decode_outbox(shared.data), is_runner_dead), shared.revision

    def _update(self, change: Callable[[Outbox], Outbox], phase: Phase, detail: Callable[[], Detail]) -> Outbox:
        """Replace the outbox by compare-and-set, with its event; another runner's change is merged."""
        store = self._parts.store
        for _ in range(_ATTEMPTS):
            before, revision = self._read()
            after = shortened_outbox(change(before))
            if after == before:
                return after
            data = encode_outbox(after)
            told: Detail = {**share_detail(Item.OUTBOX, data), **detail()}
            event = Event(at=self._parts.clock.now(), op=Op.NOTIFY, phase=phase, actor=store.actor(), detail=told)
            try:
                shared_items_of(store).write(Item.OUTBOX, data, revision, [event])
            except Conflict:
                continue
            return after
        raise Unreachable(
            "other runners keep changing the outbox", hint="run `tokenguard notify` again; nothing is lost"
        )


_Plan = Mapping[NotificationRoute, Sequence[tuple[Notification, ...]]]
_Sent = tuple[dict[str, list[SendResult]], dict[str, TokenguardError]]


def _flat(plan: Mapping[str, Sequence[Sequence[Notification]]]) -> list[Sequence[Notification]]:
    return [batch for made in plan.values() for batch in made]


def _waiting(route: str, owed: Sequence[Notification], reason: str) -> RouteReport:
    return RouteReport(route=route, owed=tuple(owed), reason=reason if owed else "")


def _continued(before: LastUpkeep | None, now: LastUpkeep) -> LastUpkeep:
    """The new run, whose findings keep the time since which they have been found each time."""
    since = {(each.kind, each.duty, each.name, each.owner): each.since for each in (before.findings if before else ())}
    findings = tuple(
        replace(each, since=since.get((each.kind, each.duty, each.name, each.owner), each.since))
        for each in now.findings
    )
    return replace(now, findings=findings)


def worst_code(reports: Sequence[RouteReport]) -> ExitCode:
    """The exit code of a run."""
    return most_severe_code(each.code for each in reports)
