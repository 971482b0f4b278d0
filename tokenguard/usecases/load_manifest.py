"""Loads a manifest and compares it with the store: the first step of `plan`, `apply` and `drift`."""

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.provisioning.decide import PlanContext, ProviderInfo
from tokenguard.provisioning.diff import Servers
from tokenguard.provisioning.layers import read_manifest
from tokenguard.provisioning.manifest import Manifest
from tokenguard.provisioning.plan_model import Plan
from tokenguard.provisioning.planning import fields_of, make_plan, providers_of, surroundings
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasClock, HasEnvironment, HasExternalFields, HasPolicy, HasStore, HasVendors

DEFAULT_FILE = "tokens.yaml"


class LoadManifestParts(HasClock, HasExternalFields, HasPolicy, HasStore, HasVendors, Protocol):
    """What this use case takes."""


class PlannedManifest(Frozen, frozen=True):
    """A manifest, a snapshot of the inventory, and the resulting plan."""

    manifest: Manifest
    inventory: Mapping[TokenName, Snapshot]
    around: PlanContext
    plan: Plan


def plan_against_store(parts: LoadManifestParts, manifest: Manifest) -> PlannedManifest:
    """Read the inventory and plan. Reads metadata only, and writes nothing; Unreachable if the store cannot be read."""
    inventory = {each.document.record.name: each for each in parts.store.scan()}
    around = surroundings(
        manifest,
        inventory,
        _providers(parts, manifest, inventory),
        _servers(parts, manifest),
        policy=parts.policy,
        now=parts.clock.now(),
    )
    return PlannedManifest(
        manifest, inventory, around, make_plan(manifest, inventory, around, store=parts.store.store_id)
    )


def declared_in(file: str, environment: str) -> Manifest:
    """The manifest; InputError with file, line and column if it is not acceptable."""
    return read_manifest(Path(file), read_consumer, environment=environment)


def refuse_blocked(plan: Plan, *, listed: bool = False) -> None:
    """InputError at the first declaration that cannot be fulfilled.

    Args:
        plan: of the manifest.
        listed: whether all of them were printed with their reasons.
    """
    if not plan.blocked:
        return
    first, others = plan.blocked[0], len(plan.blocked) - 1
    if listed:
        raise InputError(f"{first.place}: {pluralize(others + 1, 'declaration')} cannot be fulfilled", hint=first.hint)
    more = f" (and {others:,} more: `tokenguard plan`)" if others else ""
    raise InputError(f"{first.place}: {first.name}: {first.reason}{more}", hint=first.hint)


def refuse_throwaway_files(parts: HasEnvironment, held: PlannedManifest) -> None:
    """InputError at the first file that would be written on an ephemeral runner; no file is read."""
    from tokenguard.delivery.dotenv import Target  # only where a file is declared
    from tokenguard.delivery.throwaway import refuse_throwaway  # the same

    for action in held.plan.actions:
        for consumer in action.deliver:
            if consumer.kind is not ConsumerKind.DOTENV:
                continue
            try:
                refuse_throwaway(Target.parse(consumer.target).path, parts.environ)
            except InputError as error:
                place = f"{held.manifest.locate(action.name)}: {action.name}: {consumer}"
                raise InputError(f"{place}: {error.message}", hint=error.hint) from None


def read_consumer(text: str) -> Consumer:
    """One consumer of a manifest; InputError if invalid. No path is accessed, so that none can be probed."""
    from tokenguard.delivery.delivery_registry import parse_consumer  # only where a consumer is declared

    kind, _, target = text.partition(":")
    if kind != ConsumerKind.DOTENV:
        return parse_consumer(text, base=Path("/"))
    from tokenguard.delivery.dotenv import Target  # only where a file is declared

    path = str(Target.parse(target).path)
    if posixpath.normpath(path) != path or not target.startswith(f"{path}#") or not text.isprintable():
        raise InputError("not an absolute path", hint="use dotenv:/ABSOLUTE/PATH#VARIABLE")
    return Consumer(ConsumerKind.DOTENV, target)


def _providers(
    parts: HasVendors, manifest: Manifest, inventory: Mapping[TokenName, Snapshot]
) -> dict[str, ProviderInfo | str]:
    found: dict[str, ProviderInfo | str] = {}
    for name in sorted(providers_of(manifest, inventory.values())):
        try:
            provider = parts.vendors.provider(name)
        except InputError as error:
            found[name] = error.message
        else:
            found[name] = ProviderInfo(provider.capabilities, provider.base_url)
    return found


def _servers(parts: HasExternalFields, manifest: Manifest) -> Servers:
    found: dict[str, tuple[str, ...] | str] = {}
    for kind in sorted(fields_of(manifest)):
        try:
            found[kind] = parts.places.servers(kind)
        except InputError as error:
            found[kind] = error.message
    return found
