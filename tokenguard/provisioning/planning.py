"""Makes the plan: compares every declared token with the inventory, in execution order."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import ConsumerKind, CredentialKind, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.model import Policy
from tokenguard.provisioning.decide import PlanContext, ProviderInfo, decide
from tokenguard.provisioning.diff import Servers
from tokenguard.provisioning.manifest import DesiredState, Issue, Manifest
from tokenguard.provisioning.plan_model import Action, Blocked, Plan, Todo


def providers_of(manifest: Manifest, inventory: Iterable[Snapshot]) -> frozenset[str]:
    """The providers that a plan has to know of."""
    ending = {each.name for each in manifest.tokens if each.state is DesiredState.RETIRED}
    recorded = {each.document.record.provider for each in inventory if each.document.record.name in ending}
    return frozenset(each.provider for each in manifest.tokens if each.state is DesiredState.ACTIVE) | recorded


def fields_of(manifest: Manifest) -> frozenset[ConsumerKind]:
    """The kinds of fields of others that it names, whose servers a plan has to know of."""
    kinds = {each.kind for token in manifest.tokens for each in token.consumers or () if each.kind.is_field}
    return frozenset(
        kinds | {ConsumerKind(each.location.partition(":")[0]) for each in manifest.tokens if each.location}
    )


def surroundings(
    manifest: Manifest,
    inventory: Mapping[TokenName, Snapshot],
    providers: Mapping[str, ProviderInfo | str],
    servers: Servers,
    *,
    policy: Policy,
    now: datetime,
) -> PlanContext:
    """What decisions about the tokens of a manifest rest on."""
    waiting = {
        each.provider: each.name
        for each in manifest.tokens
        if each.kind is CredentialKind.PROVIDER_ADMIN
        and each.state is DesiredState.ACTIVE
        and each.issue is not Issue.API
        and not _is_live(inventory.get(each.name))
    }
    return PlanContext(
        now=now,
        policy=policy,
        providers=providers,
        servers=servers,
        waiting_admins=waiting,
        taken=_taken(manifest, inventory),
    )


def make_plan(manifest: Manifest, inventory: Mapping[TokenName, Snapshot], around: PlanContext, *, store: str) -> Plan:
    """Decide every token.

    Args:
        manifest: what is declared.
        inventory: every token of the store by its name.
        around: policy, providers, time.
        store: the store's id, so that a plan for one store is not taken for another's.
    """
    actions: list[Action] = []
    todos: list[Todo] = []
    blocked: list[Blocked] = []
    for declared in manifest.tokens:
        found = decide(declared, inventory.get(declared.name), around)
        actions += [found.action] if found.action else []
        todos += found.todos
        blocked += [replace(found.blocked, place=manifest.locate(declared.name))] if found.blocked else []
    return Plan(
        store=store,
        manifest=manifest.digest,
        declared=len(manifest.tokens),
        actions=tuple(sorted(actions, key=lambda each: (each.rank, each.name))),
        todos=tuple(todos),
        blocked=tuple(blocked),
        undeclared=_undeclared(manifest, inventory),
        addresses=_new_addresses(actions, inventory),
        records=len(inventory),
    )


def _taken(manifest: Manifest, inventory: Mapping[TokenName, Snapshot]) -> dict[str, TokenName]:
    declared = {each.name for each in manifest.tokens}
    found: dict[str, TokenName] = {}
    for name, each in inventory.items():
        record = each.document.record
        if not each.document.moved_to:
            adopted = record.location.adopted
            found |= {place: name for place in record.places if name not in declared or place == adopted}
    return found


def _undeclared(manifest: Manifest, inventory: Mapping[TokenName, Snapshot]) -> tuple[TokenName, ...]:
    declared = {each.name for each in manifest.tokens}
    return tuple(
        name
        for name, each in inventory.items()
        if name not in declared
        and each.document.record.state is not RecordState.RETIRED
        and manifest.environment in {"", each.document.record.environment}
    )


def _new_addresses(actions: Iterable[Action], inventory: Mapping[TokenName, Snapshot]) -> tuple[tuple[str, str], ...]:
    pinned = {each.document.record.installation for each in inventory.values()}
    wanted = {(each.provider, each.address) for each in actions if each.address}
    return tuple(sorted(wanted - pinned))


def _is_live(found: Snapshot | None) -> bool:
    record = found.document.record if found else None
    return record is not None and record.fingerprint is not None and record.state is RecordState.ACTIVE
