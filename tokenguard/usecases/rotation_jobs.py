"""The jobs of a rotation: selects tokens, plans each, and runs its turn."""

from collections.abc import Sequence
from typing import Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import ConsumerKind, Record
from tokenguard.errors import InputError, NotProvenDead, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.policy.model import due_of, is_due
from tokenguard.ports.clock import refuse_if_behind
from tokenguard.ports.provider import Capabilities, Method
from tokenguard.rotation.batch import BatchJob, SkipReason
from tokenguard.rotation.engine import refuse_assertion
from tokenguard.rotation.lease import is_runner_alive, pid_of
from tokenguard.rotation.machine import revocation_owed
from tokenguard.rotation.parallel_runners import rotate_unless_taken, why_skipped
from tokenguard.rotation.preconditions import is_unused_since
from tokenguard.rotation.rotation_plan import RotationPlan, plan_rotation
from tokenguard.rotation.session import DEFAULT_QUIET_PERIOD
from tokenguard.rotation.unattended import HoldReason, Rollout, choose, is_open_to_rotation
from tokenguard.usecases.parts import (
    HasClock,
    HasDeliveries,
    HasEngine,
    HasPolicy,
    HasProgress,
    HasSecondPerson,
    HasStore,
    HasTerminal,
    HasVendors,
)
from tokenguard.usecases.select_tokens import check_match
from tokenguard.usecases.token_lookup import known_token

_NAMED = 5


class RotationJobsParts(
    HasClock,
    HasDeliveries,
    HasEngine,
    HasPolicy,
    HasProgress,
    HasSecondPerson,
    HasStore,
    HasTerminal,
    HasVendors,
    Protocol,
):
    """What this use case takes."""


def chosen(
    parts: RotationJobsParts,
    names: Sequence[TokenName],
    wanted: Filter = ANY,
    *,
    due: bool,
) -> list[Snapshot]:
    """The named tokens, those that match, or those of them that are due.

    Raises:
        InputError: no token matches at all, or this machine's clock cannot tell what is due.
    """
    if names:
        return [known_token(parts.store, name) for name in dict.fromkeys(names)]
    found, known = list[Snapshot](), list[Document]()
    for snapshot in parts.store.scan():
        known.append(snapshot.document)
        if not wanted.describes(snapshot.document):
            continue
        if due:
            refuse_if_behind(parts.clock.now(), snapshot.document.latest)
        if due and revocation_owed(snapshot.document):
            found.append(snapshot)  # regardless of its date: exit 0 would claim that nothing is left to do
        elif is_open_to_rotation(snapshot) and (
            not due or is_due(snapshot.document.record, parts.policy, parts.clock.now())
        ):
            found.append(snapshot)
    if not found and wanted != ANY and not any(map(wanted.describes, known)):
        check_match(wanted, known)  # exit 0 would claim that all tokens of a misspelt Drive are dead
    return found


def allowed(parts: RotationJobsParts, due: Sequence[Snapshot]) -> Rollout:
    """The due tokens that an unattended run may rotate now, by the policy."""
    return choose(due, parts.store.scan(), parts.policy, parts.clock.now())


def report_held(parts: HasProgress, rollout: Rollout, *, attended: bool = False) -> None:
    """Report which due tokens an unattended run holds back, and why; `attended`: this is not one."""
    start = "not rotated by an unattended run" if attended else "not rotated"
    for hold in HoldReason:
        names = [each.snapshot.document.record.name for each in rollout.held if each.hold is hold]
        if names:
            parts.progress.note(f"{start} ({hold.value}): {named(names)}")


def named(names: Sequence[TokenName]) -> str:
    """The first five names, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def report_leaked_order(parts: HasProgress, plan: RotationPlan) -> None:
    """Say in which order a leaked token is rotated, since the leak lasts until the old value is revoked."""
    parts.progress.note(
        f"{plan.name} has leaked, and is replaced before it is revoked: `tokenguard rotate {plan.name} --compromised` "
        "revokes it first"
    )


def report_second_person(parts: RotationJobsParts, wanted: Sequence[tuple[Snapshot, Mode]]) -> None:
    """Say which of the planned operations would wait for the approval of a second person."""
    second = parts.second_person
    for line in second.lacking(second.rotations(wanted)):
        parts.progress.note(line)


def open_ones(parts: HasStore, *, abort: bool = False) -> list[Snapshot]:
    """All tokens with an open operation, or with a revoke that is to be reopened, which cannot be aborted."""
    documents = ((each, each.document) for each in parts.store.scan())
    return [each for each, document in documents if document.busy or (document.accepted_again and not abort)]


def _unused_for_quiet_period(parts: RotationJobsParts, record: Record) -> bool:
    """Whether the provider reports the token as unused; checked before an unattended rotation too."""
    since = parts.clock.now() - (parts.policy.quiet_period or DEFAULT_QUIET_PERIOD)
    try:
        vendor, accepted = parts.vendors.of(record), record.last_accepted
        return is_unused_since(vendor, record.provider_id, record.created_at, since, accepted_at=accepted)
    except (InputError, Unreachable):
        return False


def _able(parts: RotationJobsParts, record: Record) -> Capabilities:
    """What its provider can do here: where a person creates tokens, the admin credential may be missing."""
    able = parts.vendors.provider_of(record).capabilities
    if able.mint is not Method.PERSON or able.revoke is not Method.API:
        return able
    try:
        vendor = parts.vendors.of(record)
    except (InputError, Unreachable):
        return able  # which starting the operation tells
    missing = vendor.issuer is None and vendor.by_value is None
    return replace(able, revoke=Method.PERSON) if missing else able


def planned(
    parts: RotationJobsParts, snapshot: Snapshot, mode: Mode, *, strict: bool = False, accept_outage: bool = False
) -> RotationPlan:
    """The plan of one token's rotation, and what would block it.

    Args:
        parts: what it takes of the process.
        snapshot: the token.
        mode: planned or compromised order.
        strict: raise InputError for a file that cannot be delivered to; otherwise the plan reports it.
        accept_outage: whether undeclared consumers may fail.
    """
    record = snapshot.document.record
    limit = due_of(record, parts.policy)
    able = _able(parts, record)
    known = (
        not mode.is_routine or record.consumers is not None or accept_outage or _unused_for_quiet_period(parts, record)
    )
    plan = plan_rotation(snapshot.id, record, able, mode, due_at=limit.at if limit else None, ruled_out=known)
    if snapshot.document.busy or revocation_owed(snapshot.document):
        owed = "a revocation is not completed" if revocation_owed(snapshot.document) else "an operation is open"
        return replace(plan, unfinished=True, blocked=f"{owed}: tokenguard rotate {record.name} --resume")
    try:
        _check_files(parts, record)
    except InputError as error:
        if strict:
            raise
        return replace(plan, blocked=f"{error.message}; {error.hint}")
    return plan


def _check_files(parts: HasDeliveries, record: Record) -> None:
    """Refuse a local file that cannot be replaced, and an unknown command; hosts are checked when it starts."""
    for consumer in record.consumers or ():
        delivery = parts.deliveries.of(consumer) if consumer.kind is ConsumerKind.DOTENV else None
        if delivery is not None:
            delivery.check(consumer)
        if command := record.command_after(consumer):
            parts.deliveries.check_command(command)


def rotation_job(
    parts: RotationJobsParts, plan: RotationPlan, *, reason: str, accept_outage: bool, only_if_due: bool
) -> BatchJob:
    """The job of a planned token; with `only_if_due` it is left to another runner that works on it."""

    def rotate() -> Snapshot:
        if only_if_due and parts.store.load(plan.token).document.accepted_again:
            raise NotProvenDead(
                f"a token of {plan.name} that was recorded as gone is alive",
                hint=f"revoke it: tokenguard rotate {plan.name} --resume",
            )
        with parts.working_on(plan.name):
            return parts.engine.rotate(
                plan.token,
                compromised=plan.mode is Mode.COMPROMISED,
                in_place=plan.mode is Mode.IN_PLACE,
                reason=reason,
                accept_outage=accept_outage,
            )

    told = set[SkipReason]()

    def left() -> SkipReason | None:
        skipped = _left(parts, plan)
        if skipped is not None and skipped not in told:  # it may be polled every second
            told.add(skipped)
            parts.say(
                f"{plan.name}: another runner {'has rotated it' if skipped is SkipReason.OVER else 'is running it'}"
            )
        return skipped

    # the plan may be old by now, and other runners process the same list
    run = (lambda: rotate_unless_taken(left, rotate)) if only_if_due else rotate
    return BatchJob(name=plan.name, run=run, pause=plan.pause.total_seconds())


def continuing_job(
    parts: RotationJobsParts, snapshot: Snapshot, *, abort: bool, accept_outage: bool, reason: str = ""
) -> BatchJob:
    """The job of an open operation: completes or aborts it."""
    name = snapshot.document.record.name

    def run() -> Snapshot:
        taken = _takes_over(parts, snapshot)
        with parts.working_on(name):
            if abort:
                return parts.engine.abort(snapshot.id, from_living=taken, reason=reason)
            resumed = parts.engine.resume(snapshot.id, accept_outage=accept_outage, from_living=taken)
            if not snapshot.document.busy and not snapshot.document.accepted_again:
                refuse_assertion(resumed)
            return resumed

    return BatchJob(name=name, run=run)


class Canaries:
    """The result of the first rotation (canary) of each provider, which the others wait for.

    Args:
        rollout: what the unattended run may do.
    """

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._ended: dict[TokenName, bool] = {}

    def guard(self, snapshot: Snapshot, job: BatchJob) -> BatchJob:
        """The same job, recorded as a canary, or started only after its canary succeeded."""
        canary = self._rollout.canary_of(snapshot)

        def run() -> object:
            if canary is not None and not self._ended.get(canary, False):
                return (
                    SkipReason.HELD if canary in self._ended else SkipReason.ELSEWHERE
                )  # another runner is running the canary
            self._ended[job.name] = False
            outcome = job.run()
            if outcome is SkipReason.ELSEWHERE:
                del self._ended[job.name]
            else:
                self._ended[job.name] = True
            return outcome

        return replace(job, run=run)


def _takes_over(parts: HasTerminal, snapshot: Snapshot) -> bool:
    """Whether the operator takes over from a runner that is alive on this machine; without a terminal, no."""
    journal, name = snapshot.document.journal, snapshot.document.record.name
    if journal is None or parts.tty is None or not is_runner_alive(journal):
        return False
    question = f"process {pid_of(journal.holder)} on this machine is running {name}; take over from it?"
    return parts.tty.ask(f"{question} [yes/no] ").strip().lower() == "yes"


def _left(parts: RotationJobsParts, plan: RotationPlan) -> SkipReason | None:
    snapshot = parts.store.load(plan.token)
    return why_skipped(
        snapshot.document,
        due=is_due(snapshot.document.record, parts.policy, parts.clock.now()),
        holder=parts.holder,
        now=parts.clock.now(),
        takes=plan.takes,
    )
