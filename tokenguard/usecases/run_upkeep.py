"""The duties of `upkeep`. A failure of one token, or of a whole duty, does not stop the rest."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode, InputError, TokenguardError
from tokenguard.frozen import replace
from tokenguard.inventory.verification import Verification, VerificationResult, verify
from tokenguard.policy.model import Severity
from tokenguard.ports.clock import refuse_if_behind
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.provisioning.drift_kinds import Unknown, assessment
from tokenguard.provisioning.plan_model import Action, ActionType
from tokenguard.rotation.batch import BatchJob, BatchResult, SkipReason, run_all
from tokenguard.rotation.parallel_runners import run_shared
from tokenguard.rotation.sampling import Controls
from tokenguard.rotation.unattended import HoldReason, mode_of
from tokenguard.usecases.apply_manifest import ApplyManifestParts, PlanExecution
from tokenguard.usecases.approve_plan import approve_command, not_approved, verdicts
from tokenguard.usecases.check_consumers import check_consumers
from tokenguard.usecases.deliver_tokens import OWED, ConsumerResult, compare_consumers
from tokenguard.usecases.detect_drift import inventory, providers
from tokenguard.usecases.load_manifest import (
    DEFAULT_FILE,
    LoadManifestParts,
    PlannedManifest,
    declared_in,
    plan_against_store,
)
from tokenguard.usecases.parts import HasDeliveries, HasPeople, HasRoutes, HasSettings, HasStoreUrl, OpensStores
from tokenguard.usecases.rotation_jobs import (
    Canaries,
    allowed,
    chosen,
    continuing_job,
    open_ones,
    planned,
    rotation_job,
)
from tokenguard.usecases.upkeep_result import Duty, UpkeepLine

_NOT_HERE = frozenset({ActionType.ROTATE, ActionType.RESUME, ActionType.RETIRE})
"""Actions that another duty does, or that need a person."""
_OWED = {
    ConsumerResult.DIFFERS: "{} does not have the live value",
    ConsumerResult.COMMAND_OWED: "the command after the delivery to {} has not succeeded",
}


class RunUpkeepParts(
    ApplyManifestParts, LoadManifestParts, HasPeople, HasRoutes, HasSettings, HasStoreUrl, OpensStores, Protocol
):
    """What this use case takes."""


class Upkeep:
    """One run of all duties.

    Args:
        parts: what it takes of the process.
        file: the given manifest; None: tokens.yaml, if it exists.
        environment: the environment to select.
    """

    def __init__(self, parts: RunUpkeepParts, file: str | None, environment: str) -> None:
        self._parts = parts
        self._file = file or (DEFAULT_FILE if Path(DEFAULT_FILE).exists() else "")
        self._environment = environment
        self.held: list[tuple[str, str]] = []
        """Due tokens that were held back, each with the reason."""

    def run(self) -> Iterator[UpkeepLine]:
        """Run every duty in order; yields each line as it completes."""
        duties: dict[Duty, Callable[[], Iterator[UpkeepLine]]] = {
            Duty.RESUME: self._resume,
            Duty.APPLY: self._apply,
            Duty.ROTATE: self._rotate,
            Duty.VERIFY: self._verify,
            Duty.CONSUMERS: self._consumers,
            Duty.DRIFT: self._drift,
        }
        for snapshot in self._parts.store.scan():
            refuse_if_behind(self._parts.clock.now(), snapshot.document.latest)  # nothing is due for a late clock
        told = self._parts.settings.notify is not None
        if told:
            from tokenguard.usecases.notify_upkeep import UpkeepNotices  # only where it is configured

            notices = UpkeepNotices(self._parts)
            yield from notices.before()
        lines = list[UpkeepLine]()
        for duty, work in duties.items():
            try:
                for line in work():
                    lines.append(line)
                    yield line
            except TokenguardError as error:
                lines.append(UpkeepLine.failed(duty, "", error))
                yield lines[-1]
        if told:
            environment = ("--env", self._environment) if self._environment else ()
            yield from notices.after(lines, (self._file, *environment) if self._file else ())

    def _resume(self) -> Iterator[UpkeepLine]:
        parts = self._parts
        jobs = [continuing_job(parts, each, abort=False, accept_outage=False) for each in open_ones(parts)]
        for result in run_all(jobs, parts.clock):
            yield _done(Duty.RESUME, result, "finished")

    def _apply(self) -> Iterator[UpkeepLine]:
        if not self._file:
            return
        parts, held = self._parts, self._declared()
        for blocked in held.plan.blocked:
            says = f"{blocked.place}: {blocked.reason}"
            yield UpkeepLine(duty=Duty.APPLY, name=blocked.name, code=ExitCode.USAGE, says=says, hint=blocked.hint)
        if held.plan.blocked:
            return
        approved, refused = verdicts(parts, held.plan)
        command = approve_command(held.plan, self._file, self._environment)
        actions = []
        for action in held.plan.actions:
            if action.verbs[0] is ActionType.RESUME or set(action.verbs) <= _NOT_HERE:
                continue
            if action.name in refused:
                yield UpkeepLine.failed(Duty.APPLY, action.name, not_approved(action, refused[action.name], command))
            elif (error := _undeliverable(parts, held, action)) is not None:
                yield UpkeepLine.failed(Duty.APPLY, action.name, error)
            else:
                actions.append(action)
        ours = PlannedManifest(held.manifest, held.inventory, held.around, replace(held.plan, actions=tuple(actions)))
        for result in PlanExecution(parts, ours, held.plan.digest, {}, approved, besides=lambda _name: _NOT_HERE).run(
            1
        ):
            yield _done(Duty.APPLY, result, "as declared")

    def _rotate(self) -> Iterator[UpkeepLine]:
        """The tokens that the policy lets an unattended run start, each provider's canary first."""
        parts = self._parts
        due = [each for each in chosen(parts, (), due=True) if not each.document.busy]
        rollout = allowed(parts, due)
        self.held += [(each.snapshot.document.record.name, each.hold.value) for each in rollout.held]
        canaries = Canaries(rollout)
        jobs = [canaries.guard(each, _rotation_of(parts, each)) for each in rollout.chosen]
        for result in run_shared(jobs, parts.clock, parts.progress):
            if result.outcome is SkipReason.HELD:
                self.held.append((result.name, HoldReason.CANARY.value))
            elif result.outcome is not SkipReason.OVER:
                yield _done(Duty.ROTATE, result, "rotated")

    def _verify(self) -> Iterator[UpkeepLine]:
        parts = self._parts
        controls = Controls(parts.store, parts.vendors, parts.clock)
        snapshots = [each for each in parts.store.scan() if each.document.record.state is not RecordState.RETIRED]
        for each in snapshots:
            record = each.document.record
            parts.progress.waiting(f"verifying {record.name} with {record.provider}")
            try:
                look = verify(parts.store, parts.clock, parts.vendors.provider_of, each, controlled=controls.hold)
            except TokenguardError as error:
                yield UpkeepLine.failed(Duty.VERIFY, record.name, error)
                continue
            yield _verified(look)
        now = parts.clock.now()
        kept = [each for each in parts.store.scan() if any(i.probe_due_at <= now for i in each.document.quarantine)]
        for result in parts.engine.reprobe(*(each.id for each in kept)) if kept else ():
            yield _done(Duty.VERIFY, result, "a revoked value was rechecked")

    def _consumers(self) -> Iterator[UpkeepLine]:
        for each in self._parts.store.scan():
            record = each.document.record
            if record.state is RecordState.RETIRED or each.document.busy or record.fingerprint is None:
                continue
            try:
                yield from self._consumers_of(each)
            except TokenguardError as error:
                yield UpkeepLine.failed(Duty.CONSUMERS, record.name, error)

    def _consumers_of(self, found: Snapshot) -> Iterator[UpkeepLine]:
        record = found.document.record
        self._parts.progress.waiting(f"checking the consumers of {record.name}")
        for check in compare_consumers(self._parts, found):
            if check.consumer is None and isinstance(check.error, UnexpectedValue):
                says = (
                    f"{record.location.url} does not have the value that was published there: its server's log names "
                    "the writer; restore it there"
                )
                yield _finding(Duty.CONSUMERS, record.name, says, f"tokenguard show {record.name}")
            elif check.error is not None:
                yield UpkeepLine.failed(Duty.CONSUMERS, record.name, check.error)
            elif check.result in OWED:
                says = _OWED[check.result].format(check.consumer)
                hint = f"tokenguard deliver {record.name}"
                yield _finding(Duty.CONSUMERS, record.name, says, hint, code=check.exit_code)
            elif check.result is ConsumerResult.HOLDS:
                yield UpkeepLine(duty=Duty.CONSUMERS, name=record.name)

    def _drift(self) -> Iterator[UpkeepLine]:
        if not self._file:
            return
        parts, held = self._parts, self._declared()
        found = assessment(
            (
                each
                for source in (inventory, providers)
                for each in source(parts, held)
                if not isinstance(each, Unknown)
            ),
            manifest=held.manifest.files[0],
            tokens=held.plan.declared,
        )
        for each in found.violations:
            if each.severity is not Severity.NOTE:
                line = _finding(Duty.DRIFT, each.token or each.path, f"{each.rule}: {each.text}", each.fix)
                yield replace(line, rule=each.rule)

    def _declared(self) -> PlannedManifest:
        return plan_against_store(self._parts, declared_in(self._file, self._environment))


def _rotation_of(parts: RunUpkeepParts, snapshot: Snapshot) -> BatchJob:
    """The job of a due token; a planning error is raised in its turn, also for a canary."""
    record = snapshot.document.record
    try:
        plan = planned(parts, snapshot, mode_of(record, parts.policy))
    except TokenguardError as error:
        return BatchJob(name=record.name, run=partial(_fail, error))
    return rotation_job(parts, plan, reason="upkeep", accept_outage=False, only_if_due=True)


def _fail(error: TokenguardError) -> NoReturn:
    raise error


def _done(duty: Duty, result: BatchResult, says: str) -> UpkeepLine:
    if result.error is not None:
        return UpkeepLine.failed(duty, result.name, result.error)
    return UpkeepLine(duty=duty, name=result.name, says=says)


def _verified(look: Verification) -> UpkeepLine:
    """The line of a token that was verified; what is wrong comes with the command that puts it right."""
    record, result = look.record, look.result
    says, hint = "", ""
    if result.exit_code is not ExitCode.OK:
        dead = result is VerificationResult.DEAD
        meaning = f"{record.provider} refuses the live value, so its consumers are down" if dead else result.value
        says, hint = f"{meaning}: {look.reason}", f"tokenguard {'rotate' if dead else 'show'} {record.name}"
    asked = result is not VerificationResult.NOT_ASKED
    return UpkeepLine(duty=Duty.VERIFY, name=record.name, code=result.exit_code, asked=asked, says=says, hint=hint)


def _finding(duty: Duty, name: str, says: str, hint: str, *, code: ExitCode = ExitCode.FINDINGS) -> UpkeepLine:
    return UpkeepLine(duty=duty, name=name, code=code, says=says, hint=hint)


def _undeliverable(parts: HasDeliveries, held: PlannedManifest, action: Action) -> InputError | None:
    try:
        check_consumers(parts, held, [action])
    except InputError as error:
        return error
    return None
