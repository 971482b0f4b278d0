"""Decides when a provider's list proves that a token does not exist.

A listed token exists. A missing token is absent only if the list was read to its end, contains a token known to be
alive (where one is known), and the token is older than the provider's list lag. Everything else is unknown.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from tokenguard.domain.document import Snapshot
from tokenguard.domain.encodings import public_start
from tokenguard.domain.journal import Attempt
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token import CredentialKind, RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.provider import Ambiguous, Issuer, ProviderToken, TokenList
from tokenguard.rotation.machine import revoke_intended
from tokenguard.rotation.session import TokenSession

_LOOKS = 3
"""Reads of a list that may lag: at once, halfway through the lag and at its end."""
_MIN_SHOWN = 4
"""Characters of the secret part that a hint must show: all of a provider's tokens begin alike (`acme_...`)."""
_MAX_PROBED = 3
"""Missing tokens that are probed to learn whether the list should contain them."""


def search(
    session: TokenSession, issuer: Issuer, attempt: Attempt, *, every: bool = False, holding: str = ""
) -> tuple[ProviderToken, ...]:
    """Return the tokens that the provider lists under an attempt's label; empty only if absence is certain.

    Args:
        session: the session that holds the token.
        issuer: provides the list.
        attempt: the attempt to look for.
        every: whether the result must be complete as well.
        holding: the id of a token that the list should hold; it is waited for within the list lag.

    Raises:
        Unreachable: the result is empty or incomplete, and a token may still exist.
    """

    def settled(seen: TokenList) -> bool:
        return bool(seen.named(attempt.label)) and (not holding or seen.holds(holding))

    found = _read_list(session, issuer, settled, since=attempt.begun_at)
    if found.complete and not found.named(attempt.label) and doubt(session, found):  # the token in use may be as new
        found = _read_list(session, issuer, lambda seen: bool(seen.named(attempt.label)) or not doubt(session, seen))
    rows = found.named(attempt.label)
    if (not rows or (every and not found.complete)) and (why := doubt(session, found)):
        more = "another token named " if rows else ""
        raise Unreachable(
            f"it is not known whether {more}{attempt.label} exists at {session.provider.name}: {why}",
            hint=_again(session),
        )
    return rows


def confirm_gone(session: TokenSession, issuer: Issuer, *ids: str, label: str = "", needed: bool = True) -> str:
    """Check that revoked tokens leave the provider's list within its list lag; returns why the list cannot say so.

    Args:
        session: the session that holds the token.
        issuer: provides the list.
        ids: the revoked tokens' ids at the provider.
        label: a name that must not be listed either.
        needed: whether the list is the only evidence; if false, only "still listed" is an error.

    Raises:
        Ambiguous: a token is still listed, or the list cannot prove its absence.
    """
    name = session.provider.name

    def still(seen: TokenList) -> bool:
        return any(seen.holds(each) for each in ids) or bool(label and seen.named(label))

    try:
        found = _read_list(session, issuer, lambda seen: not still(seen) and not (needed and doubt(session, seen)))
    except Unreachable as error:
        if not needed:
            return f"its list cannot be read: {error.message}"
        raise Ambiguous(
            f"{name} was asked to revoke the token, but its list cannot be read: {error.message}", hint=_again(session)
        ) from None
    if still(found):
        raise Ambiguous(
            f"{name} accepted the revoke but still lists the token",
            hint=f"{_again(session)}; if it stays, revoke it by hand or check the configured revoke route; a provider "
            "file needs `list.status` if revoked tokens stay listed",
        )
    why = doubt(session, found)
    if needed and why:
        raise Ambiguous(f"it is not known whether {name} has revoked the token: {why}", hint=_again(session))
    return why


def doubt(session: TokenSession, found: TokenList) -> str:
    """Return why `found` cannot prove that a token does not exist; empty if it can."""
    if found.gap:
        return f"its list is not known to be complete: {found.gap}"
    lacks = _lacks_own(session, found)
    if lacks is False:
        return ""
    if lacks and _perhaps_alive(session, session.snapshot):
        return "its list lacks the token in use"
    others = list(_others(session))
    if any(found.holds(each.document.record.provider_id, each.document.record.label) for each in others):
        return ""
    if any(_perhaps_alive(session, each) for each in others[:_MAX_PROBED]):
        return "its list lacks tokens that it accepts"
    return ""


def fits(hint: str, text: str) -> bool:
    """Whether a hint of the form `HEAD...TAIL` is of the value `text`: it must show enough of the secret part."""
    head, dots, tail = _parts(hint)
    shown = max(len(head) - len(public_start(text)), 0) + len(tail)
    return bool(dots) and shown >= _MIN_SHOWN and not contradicts(hint, text)


def contradicts(hint: str, text: str) -> bool:
    """Whether a hint of the form `HEAD...TAIL` is of another value than `text`."""
    head, dots, tail = _parts(hint)
    return bool(dots) and not (text.startswith(head) and text.endswith(tail))


def _parts(hint: str) -> tuple[str, str, str]:
    return hint.replace("…", "...").partition("...")


def _read_list(
    session: TokenSession, issuer: Issuer, settled: Callable[[TokenList], bool], *, since: datetime | None = None
) -> TokenList:
    """Read the list until `settled` accepts it or the list lag since `since` (default: now) is over."""
    clock, lag = session.context.clock, session.provider.capabilities.list_lag
    ends = (since or clock.now()) + lag
    looks = _LOOKS
    while True:
        found, looks = issuer.listed(), looks - 1
        wait = min(ends - clock.now(), lag).total_seconds()
        if not looks or wait <= 0 or settled(found):
            return found
        session.context.progress.waiting(
            f"{session.provider.name} may list it late; looking again in {wait / looks:.3g} s"
        )
        clock.sleep(wait / looks)


def _lacks_own(session: TokenSession, found: TokenList) -> bool | None:
    """Whether the list lacks the value that the store serves; None if it has no known id or is being revoked.

    The value is matched by id, or by label or hint, because a person may have typed the label.
    """
    store, token, document = session.context.store, session.snapshot.id, session.snapshot.document
    live = store.read_live(token)
    if live is None:
        return None
    if document.journal is None or live.label not in document.journal.labels:  # another runner has gone on
        document = store.load(token).document
    record, journal = document.record, document.journal
    own, old = (record.provider_id, record.label), journal.old if journal else None
    made = next((each for each in journal.attempts if each.label == live.label), None) if journal else None
    if made is not None and made.provider_id:
        own = (made.provider_id, made.label)
    elif journal and old is not None and old.label == live.label:
        own = ("", "") if revoke_intended(journal) else (old.provider_id, old.provider_label)
    if not any(own):
        return None
    text = live.value.token.reveal()
    return not (found.holds(*own) or (not own[0] and any(fits(row.hint, text) for row in found.rows)))


def _others(session: TokenSession) -> Iterator[Snapshot]:
    """Yield other active tokens with the same provider, address and scope that the provider's list should contain."""
    mine = session.record
    for each in session.context.store.scan():
        record = each.document.record
        same = (record.provider, record.base_url, record.scope) == (mine.provider, mine.base_url, mine.scope)
        named = record.provider_id or record.label
        usable = (
            record.state is RecordState.ACTIVE
            and record.kind is not CredentialKind.PROVIDER_ADMIN
            and not each.document.busy
        )
        if same and named and usable and each.id != session.snapshot.id:
            yield each


def _perhaps_alive(session: TokenSession, snapshot: Snapshot) -> bool:
    """Whether the provider accepts the live value or gives no clear answer; a dead token need not be listed."""
    if not session.provider.capabilities.probe:
        return True
    with suppress(Unreachable, InputError):
        live = session.context.store.read_live(snapshot.id)
        return live is not None and session.provider.probe(live.value, None).verdict is not Verdict.DEAD
    return True


def _again(session: TokenSession) -> str:
    return f"check again: tokenguard rotate {session.record.name} --resume"
