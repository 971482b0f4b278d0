"""Decides when a provider's list proves that a token does not exist.

A listed token exists. A missing token is absent only if the list was read to its end, contains another token that the
inventory knows, and the token is older than the provider's list lag. Everything else is unknown: a list without any
known token, the control of absence, may be empty in an outage, or be that of another account.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.journal import Attempt
from tokenguard.domain.token import CredentialKind, RecordState
from tokenguard.domain.token_hint import fits
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import Ambiguous, Issuer, ProviderToken, TokenList
from tokenguard.rotation.lagging_list import read_until
from tokenguard.rotation.machine import revoke_intended
from tokenguard.rotation.proof_of_death import refused_with_control
from tokenguard.rotation.renamed import why_perhaps_renamed
from tokenguard.rotation.session import TokenSession

_LISTED = "listed"
_MAX_PROBED = 3
"""Missing tokens that are probed to learn whether the list should contain them."""


def search(
    session: TokenSession, issuer: Issuer, attempt: Attempt, *, every: bool = False, holding: str = ""
) -> tuple[ProviderToken, ...]:
    """Return the tokens that the provider lists under an attempt's label.

    An empty result rests on a complete list that lacks no token known to be alive; `confirm_gone` says whether it is
    proven.

    Args:
        session: the session that holds the token.
        issuer: provides the list.
        attempt: the attempt to look for.
        every: whether the result must be complete as well.
        holding: the id of a token that the list should hold; it is waited for within the list lag.

    Raises:
        Unreachable: the result is empty or incomplete, and the list lacks rows.
    """

    def settled(seen: TokenList) -> bool:
        return bool(seen.named(attempt.label)) and (not holding or seen.holds(holding))

    found = _read_list(session, issuer, settled)
    lacks = _compare(session, found).lacks if found.complete and not found.named(attempt.label) else None
    if lacks:  # the token in use may be as new
        found = _read_list(
            session, issuer, lambda seen: bool(seen.named(attempt.label)) or not _compare(session, seen).lacks
        )
        lacks = None
    rows = found.named(attempt.label)
    doubtful = not rows or (every and not found.complete)
    why = (_compare(session, found).lacks if lacks is None else lacks) if doubtful else ""
    if doubtful and not every:
        why = why or _labels_differ(session, found)
    another = why_perhaps_renamed(session, found, attempt.label, attempt.begun_at) if doubtful or every else ""
    if why or another:
        more = "another token named " if every else ""
        name = session.provider.name
        settle = f"if it is that token, revoke it at {name}; if not, `tokenguard import --from provider:{name}`; then "
        raise Unreachable(
            f"it is not known whether {more}{attempt.label} exists at {name}: {why or another}",
            hint=_again(session) if why else settle + _again(session),
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
        found = _read_list(
            session, issuer, lambda seen: not still(seen) and not (needed and _compare(session, seen).lacks)
        )
    except Unreachable as error:
        if not needed:
            return f"its list cannot be read: {error.message}"
        raise Ambiguous(
            f"{name} was asked to revoke the token, but its list cannot be read: {error.message}", hint=_again(session)
        ) from None
    if still(found):
        raise Ambiguous(
            f"{name} was asked to revoke the token but still lists it",
            hint=f"{_again(session)}; if it stays, revoke it by hand or check the configured revoke route; a provider "
            "file needs `list.status` if revoked tokens stay listed",
        )
    compared = _compare(session, found)
    if needed and compared.lacks:
        raise Ambiguous(f"it is not known whether {name} has revoked the token: {compared.lacks}", hint=_again(session))
    return compared.doubt if needed else compared.lacks


def note_listed(session: TokenSession, issuer: Issuer, provider_ids: Iterable[str], label: str) -> None:
    """Record which tokens that are about to be revoked the provider lists, where the list alone can show their end."""
    unseen = [each for each in provider_ids if each and not was_listed(session, each)]
    found = issuer.listed() if unseen else None
    for provider_id in unseen:
        if found and (found.holds(provider_id) or listed_under(session, found, provider_id, label)):
            session.commit(session.event(Op.REVOKE, provider_id=provider_id, result=_LISTED))


def was_listed(session: TokenSession, provider_id: str) -> bool:
    """Whether the list is on record to have shown a token before its revoke.

    If not, the list may be that of a login that does not see the token, as where each person sees the own ones only.
    """
    entries = session.context.store.history(session.snapshot.id)
    details = [entry.event.detail for entry in entries if entry.event.op is Op.REVOKE]
    return any((each.get("result"), each.get("provider_id")) == (_LISTED, provider_id) for each in details)


def doubt(session: TokenSession, found: TokenList) -> str:
    """Return why `found` cannot prove that a token does not exist; empty if it can."""
    return _compare(session, found).doubt


def why_listed_otherwise(session: TokenSession, found: TokenList, provider_id: str, label: str) -> str:
    """Return why a list that lacks this id may hold the token all the same: it holds its label with another id."""
    others = listed_under(session, found, provider_id, label)
    return f"its list holds {label} with the id {others[0]}" if others else ""


def listed_under(session: TokenSession, found: TokenList, provider_id: str, label: str) -> list[str]:
    """Return the ids under which a list holds a token: its own, and those of its label.

    A row with its id and another label is not counted: services give the id of a token that was deleted to another
    one. A row of its label is another token only if the inventory holds the value of that id.
    """
    mine = {session.record.provider_id, *(each.provider_id for each in session.journal.attempts)} - {provider_id}
    named = [row for row in found.rows if row.label == label or not (label and row.label)]
    ids = [row.provider_id for row in named if row.provider_id == provider_id or row.label == label != ""]
    ids = [each for each in ids if each not in mine]
    taken = ids_of_others(session) if ids else set()
    return [each for each in ids if each not in taken]


def ids_of_others(session: TokenSession) -> set[str]:
    """Return the ids at this provider of the other tokens whose values the inventory holds."""
    records = [each.document.record for each in session.context.store.scan() if each.id != session.snapshot.id]
    place = session.record.installation
    held = [each for each in records if each.fingerprint is not None and each.installation == place]
    return {each.provider_id for each in held} - {""}


def _labels_differ(session: TokenSession, found: TokenList) -> str:
    """Return why a label that is not listed proves nothing: a token that is known by its id has another label there."""
    records = [session.record, *(each.document.record for each in _others(session))]
    expected = {each.provider_id: each.label for each in records if each.provider_id and each.label}
    differing = [row for row in found.rows if expected.get(row.provider_id, row.label) != row.label]
    if not differing:
        return ""
    name = expected[differing[0].provider_id]
    return f"its list shows {name} under another name, so a name that is missing from the list proves nothing"


class _Compared(Frozen, frozen=True, kw_only=True):
    """What a list shows about the tokens that the inventory knows."""

    lacks: str = ""
    """Why rows are known, or suspected, to be missing."""
    control: bool = False
    """It contains a known token, so it is the list of this account, and it was answered."""

    @property
    def doubt(self) -> str:
        """Why it cannot prove that a token does not exist; empty if it can."""
        return self.lacks or ("" if self.control else "its list contains no token that the inventory knows")


def _compare(session: TokenSession, found: TokenList) -> _Compared:
    if found.gap:
        return _Compared(lacks=f"its list is not known to be complete: {found.gap}")
    lacks = _lacks_own(session, found)
    if lacks is False:
        return _Compared(control=True)
    if lacks and _perhaps_alive(session, session.snapshot):
        return _Compared(lacks="its list lacks the token in use")
    others = list(_others(session))
    if any(found.holds(each.document.record.provider_id, each.document.record.label) for each in others):
        return _Compared(control=True)
    expected = [each for each in others if not each.document.busy]  # a busy one may be newer than this reading
    if any(_perhaps_alive(session, each) for each in expected[:_MAX_PROBED]):
        return _Compared(lacks="its list lacks tokens that may be alive")
    return _Compared()


def _read_list(session: TokenSession, issuer: Issuer, settled: Callable[[TokenList], bool]) -> TokenList:
    context = session.context
    return read_until(settled, issuer.listed, session.provider, clock=context.clock, progress=context.progress)


def _lacks_own(session: TokenSession, found: TokenList) -> bool | None:
    """Whether the list lacks the value that the store serves; None if that is unclear, or it is being revoked.

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
        if revoke_intended(journal):
            return None
        own = (old.provider_id, old.provider_label)
    text = live.value.token.reveal()
    if found.holds(*own) or any(fits(row.hint, text) for row in found.rows):
        return False
    renumbered = own[0] and found.named(own[1])  # perhaps listed with another id
    return None if renumbered or not any(own) else True


def _others(session: TokenSession) -> Iterator[Snapshot]:
    """Yield other active tokens with the same provider, address and scope that the provider's list should contain."""
    mine = session.record
    for each in session.context.store.scan():
        record, journal = each.document.record, each.document.journal
        same = (record.provider, record.base_url, record.scope) == (mine.provider, mine.base_url, mine.scope)
        named = record.provider_id or record.label
        usable = (
            record.state is RecordState.ACTIVE
            and record.kind is not CredentialKind.PROVIDER_ADMIN
            and not (each.document.busy and journal is not None and revoke_intended(journal))
        )
        if same and named and usable and each.id != session.snapshot.id:
            yield each


def _perhaps_alive(session: TokenSession, snapshot: Snapshot) -> bool:
    """Whether a token that the list lacks may be alive: a refusal counts only with a control; the dead need no row."""
    if not session.provider.capabilities.probe:
        return True
    with suppress(Unreachable, InputError):
        live = session.context.store.read_live(snapshot.id)
        return live is not None and not refused_with_control(session, live.value)
    return True


def _again(session: TokenSession) -> str:
    return f"check again: tokenguard rotate {session.record.name} --resume"
