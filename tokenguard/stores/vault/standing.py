"""Determines a login's role at a store from its capabilities; `doctor` checks the permissions of that role."""

from collections.abc import Mapping, Sequence

from tokenguard.clients.vault.preflight import lacking
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.policies import VaultStoreRole, needs

_READERS = (
    VaultStoreRole.PUBLISHER,
    VaultStoreRole.INVENTORY,
    VaultStoreRole.AUDITOR,
    VaultStoreRole.PLANNER,
    VaultStoreRole.SCANNER,
)
"""Roles without token writes, the most powerful first."""
_WRITES = frozenset({"root", "sudo", "create", "update"})
READS_TRAILS = frozenset(
    {VaultStoreRole.ROTATOR, VaultStoreRole.PUBLISHER, VaultStoreRole.INVENTORY, VaultStoreRole.AUDITOR}
)
READS_RECORDS = READS_TRAILS | {VaultStoreRole.PLANNER}


def paths_asked(place: VaultAddress) -> set[str]:
    """Return the paths whose capabilities determine a login's role."""
    return {path for role in (VaultStoreRole.ROTATOR, *_READERS) for path in needs(role, place)}


def role_of(capabilities: Mapping[str, Sequence[str]], place: VaultAddress) -> VaultStoreRole:
    """Return a login's role: rotator if it may write documents, else its most powerful reading role.

    A login without a complete role gets the closest one; a login without any permission counts as a rotator.
    """
    documents = f"{place.mount}/data/{place.at('doc', 'x')}"
    if not _WRITES.isdisjoint(capabilities.get(documents) or ()) or not any(
        {"read", "list"} & set(each or ()) for each in capabilities.values()
    ):
        return VaultStoreRole.ROTATOR
    return min(_READERS, key=lambda role: len(list(lacking(capabilities, needs(role, place)))))
