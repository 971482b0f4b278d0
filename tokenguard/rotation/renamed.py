"""Finds listed tokens that a provider may show under another name than the one they were created with.

Services shorten names, change their case, replace characters or drop names altogether. A name that is not listed
therefore proves nothing while the list holds a token that no record explains and whose name may have been made of it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tokenguard.domain.document import Snapshot
from tokenguard.domain.token_hint import fits
from tokenguard.ports.provider import ProviderToken, TokenList
from tokenguard.rotation.session import TokenSession

_ENOUGH = 4
"""Characters that must be left of a shortened name for it to be taken for that token."""
_SKEW = timedelta(days=1)
"""How far the provider's clock may be from the one that recorded when the creation began."""


def why_perhaps_renamed(session: TokenSession, found: TokenList, label: str, begun: datetime | None) -> str:
    """Return why a list that lacks `label` may hold its token all the same; empty if it does not.

    Args:
        session: the session that holds the token.
        found: the list.
        label: the name that the token was to have.
        begun: when its creation began; None: not known.
    """
    mine = set(_on_record(session.snapshot))
    rows = [
        row
        for row in found.rows
        if not mine & {row.provider_id, row.label} and may_be(row.label, label) and not _is_older(row, begun)
    ]
    for row in _unexplained(session, rows):
        shown = f"named {row.label}" if row.label else "without a name"
        return f"its list holds a token {shown} ({row.provider_id}) that may be it and is not on record"
    return ""


def may_be(listed: str, label: str) -> bool:
    """Whether a service may list a token as `listed` that was created as `label`."""
    seen, wanted = _letters(listed), _letters(label)
    shortened = len(seen) >= _ENOUGH and wanted.startswith(seen)
    return not seen or shortened or wanted in seen


def _letters(name: str) -> str:
    """Return a name without case, punctuation and spaces."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _is_older(row: ProviderToken, begun: datetime | None) -> bool:
    return begun is not None and row.created_at is not None and row.created_at < begun - _SKEW


def _unexplained(session: TokenSession, rows: Sequence[ProviderToken]) -> Iterator[ProviderToken]:
    """Yield the rows that are on no record of this provider, neither by id nor by name, nor of the value in use."""
    if not rows:
        return  # as nearly always: then nothing is asked of the store
    place, known = session.record.installation, set[str]()
    for each in session.context.store.scan():
        if each.document.record.installation == place:
            known.update(_on_record(each))
    live = session.context.store.read_live(session.snapshot.id)
    text = live.value.token.reveal() if live is not None else ""
    yield from (row for row in rows if not known & {row.provider_id, row.label} and not fits(row.hint, text))


def _on_record(snapshot: Snapshot) -> Iterator[str]:
    """Yield the ids and names at the provider that a record knows."""
    record, journal = snapshot.document.record, snapshot.document.journal
    known = [(record.provider_id, record.label)]
    known += [(kept.provider_id, kept.provider_label) for kept in snapshot.document.quarantine]
    if journal is not None:
        known += [(attempt.provider_id, str(attempt.label)) for attempt in journal.attempts]
        known += [(journal.old.provider_id, journal.old.provider_label)] if journal.old is not None else []
    yield from (each for pair in known for each in pair if each)
