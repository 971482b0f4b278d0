"""Which role a login has at a store, by what the server says that it may do; `doctor` judges that role and no other."""

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
"""Those that move no token, the mightiest first."""
_WRITES = frozenset({"root", "sudo", "create", "update"})
READS_TRAILS = frozenset(
    {VaultStoreRole.ROTATOR, VaultStoreRole.PUBLISHER, VaultStoreRole.INVENTORY, VaultStoreRole.AUDITOR}
)
READS_RECORDS = READS_TRAILS | {VaultStoreRole.PLANNER}


def paths_asked(place: VaultAddress) -> set[str]:
    """What must be known of a login to tell its role."""
    return {path for role in (VaultStoreRole.ROTATOR, *_READERS) for path in needs(role, place)}


def role_of(capabilities: Mapping[str, Sequence[str]], place: VaultAddress) -> VaultStoreRole:
    """The role of a login: the rotator's if it may write documents, else the mightiest reader's that it has.

    A login that has no role whole is taken for the one that it comes closest to; without any right, for a rotator.
    """
    documents = f"{place.mount}/data/{place.at('doc', 'x')}"
    if not _WRITES.isdisjoint(capabilities.get(documents) or ()) or not any(
        {"read", "list"} & set(each or ()) for each in capabilities.values()
    ):
        return VaultStoreRole.ROTATOR
    return min(_READERS, key=lambda role: len(list(lacking(capabilities, needs(role, place)))))
