"""What `check` knows of the providers of an inventory: what they can do, and their lists where they may be asked."""

from tokenguard.domain.token import Record
from tokenguard.errors import InputError, Unreachable
from tokenguard.policy.surroundings import Place, ProviderFacts, Surroundings, place_of
from tokenguard.ports.store import Store
from tokenguard.shell.wiring import Wiring


def surroundings(wiring: Wiring, store: Store, *, ask_providers: bool) -> Surroundings:
    """The inventory of one store as it is now; only with `ask_providers` does anything leave this machine."""
    documents = [snapshot.document for snapshot in store.scan()]
    facts: dict[Place, ProviderFacts] = {}
    for document in documents:
        if (place := place_of(document.record)) not in facts:
            facts[place] = _facts(wiring, document.record, ask=ask_providers)
    return Surroundings(documents, wiring.clock.now(), facts)


def _facts(wiring: Wiring, record: Record, *, ask: bool) -> ProviderFacts:
    try:
        capabilities = wiring.vendors.provider_of(record).capabilities
    except InputError:
        return ProviderFacts(no_list="the provider is not known on this machine")
    if not capabilities.lists:
        return ProviderFacts(capabilities=capabilities, no_list="the provider has no list of tokens")
    if not ask:
        return ProviderFacts(capabilities=capabilities, no_list="the provider was not asked: --ask-providers")
    try:
        issuer = wiring.vendors.of(record).issuer
        listed = issuer.listed() if issuer is not None else None
    except InputError:
        listed = None
    except Unreachable:
        return ProviderFacts(capabilities=capabilities, no_list="the provider's list could not be read")
    if listed is None:
        return ProviderFacts(capabilities=capabilities, no_list="no admin credential of the provider is at hand")
    return ProviderFacts(capabilities=capabilities, listed=listed)
