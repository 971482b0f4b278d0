"""Whether a request for a second person still fits its tokens: the approval of one that does not is of no use."""

from tokenguard.domain.second_person import SensitiveKind, SensitiveOperation
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError, Tampered
from tokenguard.ports.store import Store
from tokenguard.provisioning.request import ApprovalRequest

FINGERPRINT = "fingerprint of the value"
"""The title of the fact that says which value will be revoked."""
_AFTER = "after a delivery"


def known_facts(record: Record) -> tuple[tuple[str, str], ...]:
    """What a second person judges every operation on a token by, besides its name; each with its title."""
    consumers = [each.shown for each in record.consumers or ()] or [""]
    return (
        ("provider", record.provider), ("scope", str(record.scope or "")), ("environment", record.environment),
        ("owner", record.owner), *(("consumers", each) for each in consumers),
        *((_AFTER, str(each)) for each in record.after),
    )  # fmt: skip


def why_outdated(request: ApprovalRequest, store: Store) -> str:
    """Why no approval of a request can be used any more; empty: it can, or the request is a review.

    Args:
        request: the request. One of several operations is outdated if all of them are.
        store: where their tokens are.
    """
    if request.forced:
        return ""
    found = [_why(each, store) for each in request.operations]
    return found[0] if all(found) else ""


def _why(operation: SensitiveOperation, store: Store) -> str:
    try:
        snapshot = store.load(operation.token) if operation.token else None
        taken = store.find(operation.name) if operation.name and not operation.token else None
    except InputError:
        return f"{operation.name} is not in the store"
    except Tampered:  # what is damaged is for other commands to say
        return ""
    if snapshot is None:
        in_use = taken is not None and taken.document.record.state is not RecordState.RETIRED
        return f"{operation.name} has a record now" if in_use else ""
    record = snapshot.document.record
    if record.name != operation.name:
        return f"{operation.name} was renamed to {record.name}"
    if record.state is RecordState.RETIRED and operation.kind is not SensitiveKind.WAIVER:
        return f"{operation.name} was retired or removed"
    return f"the record of {operation.name} has changed" if _has_changed(operation, record) else ""


def _has_changed(operation: SensitiveOperation, record: Record) -> bool:
    facts = (*known_facts(record), (FINGERPRINT, record.fingerprint or ""))
    before, now = operation.by_title, SensitiveOperation(kind=operation.kind, facts=facts).by_title
    if FINGERPRINT not in before:
        del now[FINGERPRINT]
    return any(before.get(title) != now.get(title) for title in {*now, _AFTER})
