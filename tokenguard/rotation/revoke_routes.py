"""How the old token is revoked: by its id, by its value, or by a person."""

from tokenguard.domain.journal import Journal, Mode
from tokenguard.ports.provider import ByValue, Issuer, Method, ValueRevoker
from tokenguard.rotation.session import TokenSession


def is_stored(journal: Journal) -> bool:
    """Whether the old token's value is in the store; that of one which the list was found to hold is not."""
    return journal.mode is not Mode.REVOKE_AGAIN or journal.old is None or journal.old.fingerprint is not None


def id_revoker(session: TokenSession) -> Issuer | None:
    """What revokes the old token by its id; None if the id is unknown, or the provider has no API for it."""
    old = session.journal.old
    known = old is not None and bool(old.provider_id)
    return session.issuer if known and session.provider.capabilities.revoke is Method.API else None


def value_revoker(session: TokenSession) -> ValueRevoker | None:
    """What revokes the old token by its value; None if the value is not stored, or did not leak where that counts."""
    use = session.provider.capabilities.by_value
    leaked = session.journal.mode is Mode.COMPROMISED or session.record.live_leak is not None
    allowed = use is ByValue.ALWAYS or (use is ByValue.LEAKED and leaked)
    return session.vendor.by_value if allowed and is_stored(session.journal) else None


def revoked_by_api(session: TokenSession) -> bool:
    """Whether no person is needed to revoke the old token."""
    return id_revoker(session) is not None or value_revoker(session) is not None
