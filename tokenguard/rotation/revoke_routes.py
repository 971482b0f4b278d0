"""How the old token is revoked: by its id, by its value, or by a person."""

from tokenguard.domain.journal import Journal, Mode, OldValue
from tokenguard.ports.provider import Issuer, Method, ValueRevoker
from tokenguard.rotation.session import TokenSession


def is_stored(journal: Journal) -> bool:
    """Whether the old token's value is in the store; that of one which the list was found to hold is not."""
    return journal.mode is not Mode.REVOKE_AGAIN or journal.old is None or journal.old.fingerprint is not None


def id_revoker(session: TokenSession, old: OldValue | None = None) -> Issuer | None:
    """What revokes the old token by its id; None if the id is unknown, or the provider has no API for it.

    Args:
        session: of the operation.
        old: the old token with what was found out since the journal was written.
    """
    old = old or session.journal.old
    known = old is not None and bool(old.provider_id)
    return session.issuer if known and session.provider.capabilities.revoke is Method.API else None


def value_revoker(session: TokenSession) -> ValueRevoker | None:
    """What revokes the old token by its value; None if the value is not stored, or did not leak where that counts."""
    leaked = session.journal.mode is Mode.COMPROMISED or session.record.live_leak is not None
    allowed = session.provider.capabilities.by_value.allows(leaked=leaked)
    return session.vendor.by_value if allowed and is_stored(session.journal) else None


def revoked_by_api(session: TokenSession, old: OldValue | None = None) -> bool:
    """Whether no person is needed to revoke the old token; `old` as for `id_revoker`."""
    return id_revoker(session, old) is not None or value_revoker(session) is not None
