"""Inputs of `check` and `report`: the policy, the stores, and what is known of their providers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tokenguard.domain.document import Document
from tokenguard.domain.second_person import ExpiredRequest, OpenReview
from tokenguard.domain.token import CredentialKind, Record
from tokenguard.errors import InputError, Unreachable
from tokenguard.policy.catalogue import rule_description
from tokenguard.policy.context import InventoryContext, Place, ProviderFacts, place_of
from tokenguard.policy.listing_validity import with_entered
from tokenguard.policy.loader import is_file_name, packaged_policy, read_policy
from tokenguard.policy.model import Policy
from tokenguard.ports.clock import refuse_if_behind
from tokenguard.ports.provider import Capabilities
from tokenguard.ports.store import Store
from tokenguard.usecases.parts import HasClock, HasPeople, HasPolicy, HasSettings, HasStore, HasVendors, OpensStores
from tokenguard.usecases.second_person import SecondPerson


class AssessParts(HasClock, HasPeople, HasPolicy, HasSettings, HasStore, HasVendors, OpensStores, Protocol):
    """What this use case takes."""


def surroundings(parts: AssessParts, store: Store, *, ask_providers: bool) -> InventoryContext:
    """The current inventory of one store; providers are contacted only with `ask_providers`.

    Raises:
        InputError: this machine's clock is behind, so that less would be overdue than is.
    """
    documents, now = [snapshot.document for snapshot in store.scan()], parts.clock.now()
    refuse_if_any_ahead(now, documents)
    places: defaultdict[Place, list[Document]] = defaultdict(list)
    for document in documents:
        places[place_of(document.record)].append(document)
    offline: dict[tuple[str, str], ProviderFacts] = {}
    facts: dict[Place, ProviderFacts] = {}
    for place, found in places.items():
        record = _asking(found)
        if place[:2] not in offline:
            offline[place[:2]] = _offline(parts, record)
        known = offline[place[:2]]
        if ask_providers and known.capabilities is not None and known.capabilities.lists:
            known = _asked(parts, record, known.capabilities)
        facts[place] = with_entered(known, found, now)
    reviews, expired = _requests(parts, store)
    return InventoryContext(documents, now, facts, reviews, parts.people, expired=expired)


def refuse_if_any_ahead(now: datetime, documents: Iterable[Document]) -> None:
    """InputError if the store has recorded a later time than this machine's clock says: due dates would be wrong."""
    for each in documents:
        refuse_if_behind(now, each.latest)


def _requests(parts: AssessParts, store: Store) -> tuple[Sequence[OpenReview] | None, Sequence[ExpiredRequest]]:
    """What awaits a review, and which requests expired; None for a login that may not read it."""
    second_person = SecondPerson(store, parts.clock, lambda: parts.policy)
    try:
        return second_person.reviews(), second_person.expired()
    except Unreachable:
        return None, ()


def _asking(found: Sequence[Document]) -> Record:
    """The credential to read a list with; a non-admin one is preferred, since its own entry could not be judged."""
    return next(
        (each.record for each in found if each.record.kind is not CredentialKind.PROVIDER_ADMIN), found[0].record
    )


def _offline(parts: HasVendors, record: Record) -> ProviderFacts:
    """What is known of a provider at an address without contacting it."""
    try:
        capabilities = parts.vendors.provider_of(record).capabilities
    except InputError:
        return ProviderFacts(no_list="the provider is not configured on this machine")
    if not capabilities.lists:
        return ProviderFacts(capabilities=capabilities, no_list="the provider has no list of tokens")
    return ProviderFacts(capabilities=capabilities, no_list="the provider was not contacted (--ask-providers)")


def _asked(parts: HasVendors, record: Record, capabilities: Capabilities) -> ProviderFacts:
    try:
        issuer = parts.vendors.of(record).issuer
        listed = issuer.listed() if issuer is not None else None
    except InputError:
        listed = None
    except Unreachable:
        return ProviderFacts(capabilities=capabilities, no_list="the provider's list could not be read")
    if listed is None:
        alone = record.kind is CredentialKind.PROVIDER_ADMIN
        why = (
            "this token is the credential that reads the list"
            if alone
            else ("no admin credential for the provider is available")
        )
        return ProviderFacts(capabilities=capabilities, no_list=why)
    return ProviderFacts(capabilities=capabilities, listed=listed.rows, gap=listed.gap)


def chosen_policy(parts: AssessParts, named: str | None) -> Policy:
    """The effective policy, or the named one: a file, or a policy that comes with tokenguard.

    Raises:
        InputError: the policy does not exist, or has no rule.
    """
    file = parts.settings.policy_file if named is None else Path(named)
    if file is None:
        policy = parts.policy
    elif named is None or is_file_name(named):
        from tokenguard.policy.expression import compiled  # only a team's own policy has any

        policy = read_policy(file, compiled)
    else:
        policy = packaged_policy(named)
    if not any(rule_description(rule.id).checked for rule in policy.rules):
        raise InputError("the policy has no rules", hint="add `extends: default` for the default rules")
    return policy


def chosen_stores(parts: AssessParts, *, every: bool) -> dict[str, Store]:
    """The store in use without a label, or every configured store with its name."""
    if not every:
        return {"": parts.store}
    if not parts.settings.stores:
        raise InputError("no stores are configured", hint="add [stores.NAME] url = … for each")
    return {name: parts.open_store(url) for name, url in parts.settings.stores.items()}
