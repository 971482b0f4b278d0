"""Sources of drift: inventory, providers' lists, consumers and server. Each yields its findings."""

from collections.abc import Callable, Iterator
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token import Consumer, Record, RecordState
from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.policy.context import InventoryContext, is_identified, place_of
from tokenguard.policy.evaluation import assess
from tokenguard.policy.model import Policy
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.store import FieldState, Live
from tokenguard.provisioning.drift_kinds import RULES, Finding, Unknown, against_inventory, difference
from tokenguard.rotation.sampling import Controls
from tokenguard.usecases.assess import AssessParts, surroundings
from tokenguard.usecases.load_manifest import PlannedManifest
from tokenguard.usecases.parts import HasDeliveries
from tokenguard.usecases.setup_server import SetupServerParts
from tokenguard.usecases.setup_server import held as setup_diff


class DetectDriftParts(AssessParts, SetupServerParts, HasDeliveries, Protocol):
    """What this use case takes."""


Source = Callable[[DetectDriftParts, PlannedManifest], Iterator[Finding]]
"""One source of drift findings. Read-only."""


def inventory(_parts: object, held: PlannedManifest) -> Iterator[Finding]:
    """The store against the manifest."""
    yield from against_inventory(held.manifest, held.inventory, held.around, held.plan.undeclared)


def providers(parts: AssessParts, held: PlannedManifest) -> Iterator[Finding]:
    """The providers' own lists against the store: unknown tokens, and tokens that are gone."""
    around = surroundings(parts, parts.store, ask_providers=True)
    orphans = assess(Policy(name="", rules=tuple(rule for rule in RULES if rule.id == "orphan")), around)
    yield from orphans.violations
    yield from (Unknown(rule, reason) for rule, reason in orphans.not_evaluable)
    controls = Controls(parts.store, parts.vendors, parts.clock)
    for record in around.records:
        listed = around.provider(record).listed
        if listed is None or record.state is not RecordState.ACTIVE or record.fingerprint is None:
            continue
        busy = held.inventory[record.name].document.busy if record.name in held.inventory else True
        if is_identified(record) and not busy and around.listing(record) is None:
            yield _unlisted(around, record, controls.verdict(held.inventory[record.name]))


def _unlisted(around: InventoryContext, record: Record, verdict: Verdict) -> Finding:
    """What it means that a list lacks a token, beside what the provider says of its value."""
    if verdict is Verdict.ALIVE:
        return Unknown("gone", f"{record.provider} accepts {record.name}, though its list lacks it")
    if verdict is Verdict.UNKNOWN and (why := around.why_incomplete(place_of(record)) or _may_lag(around, record)):
        return Unknown("gone", why)
    refused = "refuses it and no longer lists it: it was revoked outside tokenguard"
    text = refused if verdict is Verdict.DEAD else "does not list it: it may have been revoked outside tokenguard"
    return difference("gone", f"{record.provider} {text}", token=record.name, owner=record.owner)


def _may_lag(around: InventoryContext, record: Record) -> str:
    """Why the list may lack the token all the same: it is younger than the list may lag."""
    able = around.provider(record).capabilities
    made = max((at for at in (record.created_at, record.rotated_at, record.added_at) if at is not None), default=None)
    young = able is not None and made is not None and made + able.list_lag > around.now
    return "the token is so new that the provider's list may not show it yet" if young else ""


def consumers(parts: DetectDriftParts, held: PlannedManifest) -> Iterator[Finding]:
    """Each readable declared consumer against the live value, which is read for this and never shown."""
    for declared in held.manifest.tokens:
        found = held.inventory.get(declared.name)
        if found is not None and found.document.record.fingerprint is not None and not found.document.busy:
            yield from _consumers_of(parts, found)


def _consumers_of(parts: DetectDriftParts, found: Snapshot) -> Iterator[Finding]:
    record = found.document.record
    if record.state is RecordState.RETIRED:
        return
    live = value_to_give(parts.store, found)
    if live is not None and live.found is not FieldState.EXPECTED:
        text = f"{record.location.url} does not have the value that was published there"
        fix = "restore the value there; that server's log names the writer"
        yield difference("consumer-differs", text, token=record.name, owner=record.owner, fix=fix)
        return
    for consumer, holds in consumer_states(parts, record, live):
        if holds is None:
            yield Unknown("consumer-differs", "only a person can check its value")
        elif isinstance(holds, TokenguardError):
            yield Unknown("consumer-differs", holds.message)
        elif holds is ConsumerVerdict.DIFFERENT:
            text = f"{consumer} does not have the live value"
            yield difference("consumer-differs", text, token=record.name, owner=record.owner)
        elif holds is ConsumerVerdict.UNKNOWN:
            yield Unknown("consumer-differs", f"a consumer of kind {consumer.kind} cannot be read from here")


def consumer_states(
    parts: HasDeliveries, record: Record, live: Live | None
) -> Iterator[tuple[Consumer, ConsumerVerdict | InputError | Unreachable | None]]:
    """The state of each consumer's value, or why it cannot be read; None: only a person can check."""
    for consumer in record.consumers or ():
        delivery = parts.deliveries.of(consumer)
        if delivery is None or live is None:
            yield consumer, None
            continue
        try:
            yield consumer, delivery.verify(consumer, live.value)
        except (InputError, Unreachable) as error:
            yield consumer, error


def server(file: str) -> Source:
    """The store's server against what `setup` renders from a file."""

    def differences(parts: DetectDriftParts, _held: PlannedManifest) -> Iterator[Finding]:
        try:
            found = setup_diff(parts, file)
        except Unreachable as error:
            yield Unknown("server", error.message)
            return
        for each in found.open:
            how = f"differs in {', '.join(each.differs)}" if each.differs else "is missing"
            yield difference("server", f"the {each.resource.title} {how}", path=each.resource.path)

    return differences


ALWAYS: tuple[Source, ...] = (inventory,)
"""Sources of every `drift`: metadata, for which the planner role is enough."""
ON_REQUEST: dict[str, Source] = {"ask_providers": providers, "ask_consumers": consumers}
"""Sources by the option that selects them."""
