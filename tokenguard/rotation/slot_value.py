"""Reads a value from its slot and compares it with the fingerprint that its token's document has of it.

Another writer of the store can replace what a slot holds. The refusal of another value proves no death, and another
value is neither served nor sent to a provider.
"""

from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Value
from tokenguard.errors import Tampered
from tokenguard.ports.store import Store, Tombstone


def slot_value(
    store: Store, snapshot: Snapshot, label: Label, known_by: Fingerprint | None
) -> Value | Tombstone | None:
    """Return what a slot holds.

    Args:
        store: the store.
        snapshot: the token.
        label: the slot's label.
        known_by: the fingerprint on record of the value; None if none was recorded yet.

    Raises:
        Tampered: it holds another value.
    """
    held = store.read_candidate(snapshot.id, label)
    if isinstance(held, Value) and known_by is not None and store.fingerprint(held) != known_by:
        raise Tampered(
            f"the store holds another value for {snapshot.document.record.name} under {label} than was stored there",
            hint="find its writer in the audit log of the store's server, restore the slot's first version or a "
            "backup, then run the command again",
        )
    return held
