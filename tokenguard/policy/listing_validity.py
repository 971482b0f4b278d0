"""Manually entered provider listings, for rules: with a date and a limited validity."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tokenguard.domain.document import Document
from tokenguard.domain.provider_listing import Listing
from tokenguard.frozen import replace
from tokenguard.policy.context import ProviderFacts
from tokenguard.ports.provider import ProviderToken

LONGEST = timedelta(days=30)
"""How long a manually entered provider listing stays valid."""


def with_entered(facts: ProviderFacts, documents: Iterable[Document], now: datetime) -> ProviderFacts:
    """The facts, with the last list that was entered for these tokens where there is no other.

    Args:
        facts: what is known of the provider otherwise.
        documents: those of one place.
        now: the time of the check; an older list is not evaluable.
    """
    held = [(document, document.listing) for document in documents if document.listing is not None]
    if facts.listed is not None or not held:
        return facts
    read_at = max(listing.at for _, listing in held)
    if now - read_at > LONGEST:
        days = (now - read_at).days
        return replace(facts, no_list=f"the manually entered list is {days} days old: `verify --reconcile` again")
    newest = [(document, listing) for document, listing in held if listing.at == read_at]
    rows = [row for document, listing in newest if (row := _own(document, listing)) is not None]
    strangers = [
        ProviderToken(provider_id=row.label, label=row.label, hint=row.hint, created_at=row.created_at)
        for row in newest[0][1].strangers
    ]
    return replace(facts, listed=[*rows, *strangers], read_at=read_at)


def _own(document: Document, listing: Listing) -> ProviderToken | None:
    """The token's own line under the names that its record has now; None if it was about another value."""
    record, row = document.record, listing.row
    if row is None or listing.fingerprint != record.fingerprint:
        return None
    return ProviderToken(
        provider_id=record.provider_id,
        label=record.label or row.label,
        hint=row.hint,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
