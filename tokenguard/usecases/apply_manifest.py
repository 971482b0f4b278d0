"""The use case of `apply`: brings each token to its declared state, idempotently."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName, new_token_id
from tokenguard.domain.second_person import SensitiveKind, SensitiveOperation, same_person
from tokenguard.domain.secret import Value
from tokenguard.domain.token import ConsumerKind, Custody, Record, RecordState
from tokenguard.errors import Conflict, InputError, TokenguardError, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory import admission
from tokenguard.inventory.record_changes import RecordChanges, texts_in
from tokenguard.ports.store import identity_of
from tokenguard.ports.value_source import ValueOptions
from tokenguard.provisioning.decide import ProviderInfo, decide, undelivered
from tokenguard.provisioning.diff import for_first_value, new_record, wanted
from tokenguard.provisioning.manifest import Declared
from tokenguard.provisioning.plan_model import Action, ActionType
from tokenguard.provisioning.review import reason_of
from tokenguard.rotation.batch import BatchResult
from tokenguard.usecases.add_token import AddTokenParts, TokenAddition
from tokenguard.usecases.load_manifest import PlannedManifest
from tokenguard.usecases.parts import HasApprovals
from tokenguard.usecases.wait_for_runner import wait_for_runner

_LEAST_PAUSE = 0.05
_MOST_LOOKS = 8
_WRITE_RECORDS = frozenset({ActionType.CHANGE, ActionType.DECLARE, ActionType.ISSUE})


class ApplyManifestParts(AddTokenParts, HasApprovals, Protocol):
    """What this use case takes."""


class PlanExecution:
    """Executes a plan.

    Args:
        parts: what it takes of the process.
        held: the plan and its inputs.
        digest: the digest of the reviewed plan; recorded as the reason of each write.
        begun: the digests of the actions that an earlier run started.
        approved: the digests of the plans in which its new items were approved; empty if a person confirmed.
        besides: what is left to manual steps, by token.
    """

    def __init__(
        self,
        parts: ApplyManifestParts,
        held: PlannedManifest,
        digest: str,
        begun: Mapping[TokenName, str],
        approved: Mapping[TokenName, str],
        *,
        besides: Callable[[TokenName], frozenset[ActionType]] = lambda _name: frozenset(),
    ) -> None:
        self._parts = parts
        self._held = held
        self._digest = digest
        self._begun = begun
        self._approved = approved
        self._besides = besides
        self._declared = {each.name: each for each in held.manifest.tokens}
        self._refuse_values()

    def _refuse_values(self) -> None:
        """InputError if a text of the manifest holds a value of the inventory; a plan reads metadata only."""
        known, store = admission.known_values(self._held.inventory.values()), self._parts.store

        def holder(value: Value) -> TokenName | None:
            found = known.get(store.fingerprint(value))
            return found.name if found else None

        for each in self._held.manifest.tokens:
            try:
                admission.refuse_known_values(texts_in(each), holder)
            except InputError as error:
                error.message = f"{each.name}: {error.message}"
                raise

    @property
    def sensitive(self) -> list[SensitiveOperation]:
        """What of the plan waits for a second person."""
        return [each for action in self._held.plan.actions for each in self._sensitive_of(action)]

    def run(self, jobs: int) -> Iterator[BatchResult]:
        """Run every action, rank by rank; yields each result as it completes.

        Args:
            jobs: how many tokens are processed in parallel.
        """
        self._parts.second_person.prepare(self.sensitive)
        if jobs > 1:
            _ = self._parts.engine  # created once, before several threads use it
        for _, group in groupby(self._held.plan.actions, key=lambda action: action.rank):
            if jobs == 1:
                for action in group:
                    with self._parts.working_on(action.name):
                        result = self._result(action)
                    yield result
                    self._pause(action)
            else:
                yield from self._side_by_side(group, jobs)

    def _sensitive_of(self, action: Action) -> list[SensitiveOperation]:
        """What of an action waits for a second person; what cannot be planned here fails in its turn."""
        declared, found = self._declared[action.name], self._held.inventory.get(action.name)
        verbs = set(action.verbs) - self._besides(action.name)
        if found is not None and ActionType.RETIRE in verbs:
            return self._parts.second_person.rotations([(found, Mode.RETIRE)])
        if found is not None and found.document.busy:
            return []
        try:
            return self._sensitive(found, self._after(declared, found)) if verbs & _WRITE_RECORDS else []
        except TokenguardError:
            return []

    def _after(self, declared: Declared, found: Snapshot | None) -> Record:
        """The record to be."""
        if found is None:
            return self._fresh(declared)
        before = found.document.record
        after = wanted(before, declared, self._held.around.servers)
        return self._pinned(after, declared) if before.state is RecordState.PENDING else after

    def _side_by_side(self, actions: Iterable[Action], jobs: int) -> Iterator[BatchResult]:
        pool = ThreadPoolExecutor(jobs)
        try:
            for results in pool.map(self._lane, self._lanes(actions)):
                yield from results
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, started actions complete and no other starts

    def _lanes(self, actions: Iterable[Action]) -> Iterable[list[Action]]:
        """The lanes that may run in parallel; a rate-limited provider has one lane for all its tokens."""
        lanes: dict[tuple[str, str], list[Action]] = {}
        for action in actions:
            alone = "" if self._pause_of(action) else action.name
            lanes.setdefault((action.provider, alone), []).append(action)
        return lanes.values()

    def _lane(self, actions: list[Action]) -> list[BatchResult]:
        results = []
        for action in actions:
            results.append(self._result(action))
            self._pause(action)
        return results

    def _pause(self, action: Action) -> None:
        if pause := self._pause_of(action):
            self._parts.clock.sleep(pause)

    def _pause_of(self, action: Action) -> float:
        """Seconds to wait after creating a token, by the provider's rate limit."""
        if not {ActionType.ROTATE, ActionType.ISSUE, ActionType.RESUME} & set(action.verbs):
            return 0.0
        return self._known(self._declared[action.name], action.provider).capabilities.pause.total_seconds()

    def _result(self, action: Action) -> BatchResult:
        try:
            self._settle(action)
        except (Conflict, Unfinished, InputError) as error:
            done = self._is_anothers(action) and self._other_runner_done(action)
            return BatchResult(name=action.name, error=None if done else error)
        except TokenguardError as error:
            return BatchResult(name=action.name, error=error)
        return BatchResult(name=action.name)

    def _settle(self, action: Action) -> None:
        """Decide and act until nothing is left, so that completed work of other runners is not repeated."""
        declared, done = self._declared[action.name], list[ActionType]()
        while True:
            found = self._parts.store.find(action.name)
            now = decide(declared, found, self._held.around).action
            if now is None:
                return
            if not done and not _same(now, action):
                if not self._other_runner_done(action):
                    raise Conflict(
                        f"{action.name} has changed since the plan was made",
                        hint="another runner or an edit changed it: plan and apply again",
                    )
                return
            ours = [each for each in now.verbs if each not in self._besides(action.name)]
            left = [each for each in ours if each not in done]
            if not ours:
                return
            if not left:
                raise Unfinished(
                    f"{action.name} still differs from its declaration",
                    hint=(f"see `tokenguard show {action.name}`, then apply again"),
                )
            new = set(now.news) - set(action.news)
            if left[0] not in action.verbs and (new or ActionType.RESUME not in action.verbs):
                return  # it was in no reviewed plan; the result of an interrupted operation was in an earlier one
            self._do(left[0], declared, found, self._reason(action))
            done.append(left[0])

    def _is_anothers(self, action: Action) -> bool:
        """Whether another runner works on the token, or has completed the action."""
        found = self._parts.store.find(action.name)
        journal = found.document.journal if found is not None and found.document.busy else None
        if journal is not None:
            return journal.holder != self._parts.holder
        return decide(self._declared[action.name], found, self._held.around).action is None

    def _other_runner_done(self, action: Action) -> bool:
        """Wait for a while; returns whether another runner brought the token to its declared state."""
        pause = _LEAST_PAUSE
        for _ in range(_MOST_LOOKS):
            found = self._parts.store.find(action.name)
            if decide(self._declared[action.name], found, self._held.around).action is None:
                return True
            self._parts.clock.sleep(pause)
            pause *= 2
        return False

    def _reason(self, action: Action) -> str:
        begun = self._begun.get(action.name, action.digest)
        return reason_of(self._digest, begun, self._approved.get(action.name, ""))

    def _do(self, verb: ActionType, declared: Declared, found: Snapshot | None, reason: str) -> None:
        engine = self._parts.engine
        if found is None:
            fresh = self._fresh(declared)
            self._begin(verb, fresh, reason, self._parts.second_person.authorise(self._sensitive(None, fresh)))
            return
        record = found.document.record
        match verb:
            case ActionType.ISSUE:
                pinned = self._pinned(wanted(record, declared, self._held.around.servers), declared)
                approved = self._parts.second_person.authorise(self._sensitive(found, pinned))
                engine.issue(for_first_value(pinned, self._parts.clock.now()), reason=reason, approved=approved)
            case ActionType.ADOPT:
                TokenAddition(self._parts, declared.name, RecordChanges()).take(
                    ValueOptions(), verify=True, reason=reason
                )
            case ActionType.RESUME:
                wait_for_runner(self._parts, found, self._known(declared, record.provider).capabilities)
                engine.resume(found.id, reason=reason)
            case ActionType.DELIVER:
                waiting = undelivered(found.document)
                engine.deliver(
                    found.id, [each for each in waiting if each.kind is not ConsumerKind.PERSON], reason=reason
                )
            case ActionType.ROTATE:
                engine.rotate(found.id, reason=reason)
            case ActionType.RETIRE:
                engine.retire(found.id, reason=reason)
            case ActionType.CHANGE | ActionType.DECLARE:
                self._change(declared, found, reason)
            case ActionType.CLOSE:
                closed = replace(record, state=RecordState.RETIRED)
                self._commit(found, closed, Op.DONE, {"result": "never-had-a-value", "reason": reason})

    def _begin(self, verb: ActionType, record: Record, reason: str, approved: Detail) -> None:
        if verb is ActionType.ISSUE:
            first = for_first_value(record, self._parts.clock.now())
            self._parts.engine.issue(first, reason=reason, approved=approved)
        else:
            self._declare(record, reason, approved)

    def _fresh(self, declared: Declared) -> Record:
        known = self._known(declared, declared.provider)
        now, servers = self._parts.clock.now(), self._held.around.servers
        return new_record(declared, kind=known.capabilities.kind, address=known.address, now=now, servers=servers)

    def _pinned(self, record: Record, declared: Declared) -> Record:
        """Set the configured provider address, if no value could be sent elsewhere by that."""
        return replace(record, base_url=self._known(declared, declared.provider).address)

    def _declare(self, record: Record, reason: str, approved: Detail) -> None:
        if not record.kind.has_value:
            location = replace(record.location, custody=Custody.NONE)
            record = replace(record, state=RecordState.ACTIVE, location=location)
        event = self._event(record, Op.ADD, {"result": "declared", "reason": reason, **approved})
        self._parts.store.commit(new_token_id(), 0, Document(record=record), [event])
        self._parts.progress.step(f"{record.name} is recorded")

    def _change(self, declared: Declared, found: Snapshot, reason: str) -> None:
        before, after = found.document.record, self._after(declared, found)
        fields = ",".join(name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name))
        approved = self._parts.second_person.authorise(self._sensitive(found, after))
        self._commit(found, after, Op.EDIT, {"fields": fields, "reason": reason, **approved})

    def _sensitive(self, found: Snapshot | None, after: Record) -> list[SensitiveOperation]:
        """Changes that wait for a second person; another person's approval of the plan covers its destinations."""
        changes = self._parts.second_person.changes(found, after)
        action = next((each for each in self._held.plan.actions if each.name == after.name), None)
        if not changes or action is None or action.name not in self._approved:
            return changes
        approval = self._parts.approvals.verdict(action).approval
        if approval is None or same_person(approval.by, identity_of(self._parts.store).id):
            return changes
        return [each for each in changes if each.kind is not SensitiveKind.DESTINATION]

    def _commit(self, found: Snapshot, record: Record, op: Op, detail: Detail) -> None:
        document = replace(found.document, record=record)
        self._parts.store.commit(found.id, found.version, document, [self._event(record, op, detail)])
        self._parts.progress.step(f"{record.name} is {'closed' if op is Op.DONE else 'changed'}")

    def _event(self, record: Record, op: Op, detail: Detail) -> Event:
        store = self._parts.store
        return Event(at=self._parts.clock.now(), op=op, actor=store.actor(), name=record.name, detail=detail)

    def _known(self, declared: Declared, provider: str) -> ProviderInfo:
        known = self._held.around.providers.get(provider)
        if not isinstance(known, ProviderInfo):
            raise Unreachable(
                f"the provider of {declared.name} is not configured on this machine", hint="configure it, or plan again"
            )
        return known


def _same(now: Action, planned: Action) -> bool:
    """Whether the action is the same; a verification in the meantime makes no difference."""
    return replace(now, version=0) == replace(planned, version=0)
