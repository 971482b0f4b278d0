"""What the provider's list may be taken to say: what is in it exists; that a token is not there needs evidence.

Absence is said of a list that was read to its end *and* holds a token that is known to be alive, wherever one is known,
and only of tokens that are older than the time that the list may lag behind. Everything else is unknown.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Attempt
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token import CredentialKind, RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.provider import Ambiguous, Issuer, ProviderToken, TokenList
from tokenguard.rotation.machine import revoke_intended
from tokenguard.rotation.session import TokenSession

_LOOKS = 3
"""At a list that lags: now, in the middle and at the end of that time."""
_MOST_ASKED = 3
"""Tokens that a list lacks and that are asked after, to learn whether it should hold them."""


def search(
    session: TokenSession, issuer: Issuer, attempt: Attempt, *, every: bool = False
) -> tuple[ProviderToken, ...]:
    """The tokens that the provider lists under an attempt's label; none only if that is certain.

    Args:
        session: the hold on the token.
        issuer: gives the list.
        attempt: what is looked for.
        every: whether it must be certain as well that there are no more than those.

    Raises:
        Unreachable: none is listed, or not every one, and there may be one all the same.
    """
    found = _read_list(session, issuer, lambda seen: bool(seen.named(attempt.label)), since=attempt.begun_at)
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


def confirm_gone(session: TokenSession, issuer: Issuer, *ids: str, label: str = "", needed: bool = True) -> None:
    """Look whether the provider lists what it was just asked to end, for as long as its list may lag behind.

    Args:
        session: the hold on the token.
        issuer: gives the list.
        ids: what was revoked.
        label: no token of this name may be listed either.
        needed: whether the list is the only evidence; without, only "it is still listed" counts.

    Raises:
        Ambiguous: it is still listed, or it cannot be known.
    """
    name = session.provider.name

    def still(seen: TokenList) -> bool:
        return any(seen.holds(each) for each in ids) or bool(label and seen.named(label))

    try:
        found = _read_list(session, issuer, lambda seen: not still(seen) and not (needed and doubt(session, seen)))
    except Unreachable as error:
        if not needed:
            return
        raise Ambiguous(
            f"{name} was asked to revoke, and its list cannot be read: {error.message}", hint=_again(session)
        ) from None
    if still(found):
        raise Ambiguous(
            f"{name} agreed to revoke, and still lists the token",
            hint=f"{_again(session)}; if it stays, revoke it by hand or check the configured revoke route",
        )
    if needed and (why := doubt(session, found)):
        raise Ambiguous(f"it is not known whether {name} has revoked the token: {why}", hint=_again(session))


def doubt(session: TokenSession, found: TokenList) -> str:
    """Why `found` cannot say that a token does not exist; empty if it can."""
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
    if any(_perhaps_alive(session, each) for each in others[:_MOST_ASKED]):
        return "its list lacks tokens that it accepts"
    return ""


def fits(hint: str, text: str) -> bool:
    """Whether a hint of the form `HEAD...TAIL` is one of the value `text`."""
    head, dots, tail = hint.replace("…", "...").partition("...")
    return bool(dots) and len(head) + len(tail) >= 4 and text.startswith(head) and text.endswith(tail)  # noqa: PLR2004


def _read_list(
    session: TokenSession, issuer: Issuer, settled: Callable[[TokenList], bool], *, since: datetime | None = None
) -> TokenList:
    """The list, read again while it may lag behind what was done at `since` and does not settle the question."""
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
    """Whether the list lacks the value that the store serves; None if none is known there, or it is to die.

    It is known by its id, or by its label or its hint: a label may have been typed by a person.
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
    """Other tokens in use at the same place, by what the provider lists them under."""
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
    """Whether the provider accepts the live value, or it is not known; a token that is dead need not be listed."""
    if not session.provider.capabilities.probe:
        return True
    with suppress(Unreachable, InputError):
        live = session.context.store.read_live(snapshot.id)
        return live is not None and session.provider.probe(live.value, None).verdict is not Verdict.DEAD
    return True


def _again(session: TokenSession) -> str:
    return f"tokenguard rotate {session.record.name} --resume looks again"
