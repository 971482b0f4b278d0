"""A provider's token list entered by a person, for providers without a list API."""

from datetime import datetime

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.frozen import Frozen


class ListedRow(Frozen, frozen=True, kw_only=True):
    """One line of such a list."""

    label: str
    """The token's name there."""
    hint: str = ""
    scope: str = ""
    """Its scope as the list shows it: an id or a display name."""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


class Listing(Frozen, frozen=True, kw_only=True):
    """What an entered list says about one token, and about listed tokens without a record."""

    at: datetime
    """When it was entered."""
    by: str
    """Who entered it, as the store knows them."""
    rows: int
    """How many lines the whole list had."""
    row: ListedRow | None = None
    """The token's own line; None: it was not there."""
    fingerprint: Fingerprint | None = None
    """The live value at that time; after a rotation the line does not apply to the new one."""
    strangers: tuple[ListedRow, ...] = ()
    """Lines without a record; only the first ones, if there are very many."""
    unknown: int = 0
    """How many there are."""
