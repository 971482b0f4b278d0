"""Tokens that may have been created and whose value is not in the store: only the provider's list can end or find them.

They are on record by their label, with an end that is only asserted.
"""

from collections.abc import Iterator, Sequence

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.journal import Quarantined
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import TokenguardError
from tokenguard.ports.provider import TokenList
from tokenguard.ports.store import Store
from tokenguard.rotation.absence import doubt, listed_under
from tokenguard.rotation.alarm import alarm
from tokenguard.rotation.batch import BatchResult
from tokenguard.rotation.cleanup import kept_label
from tokenguard.rotation.renamed import why_perhaps_renamed
from tokenguard.rotation.session import Context, TokenSession


def unstored_tokens(store: Store, snapshot: Snapshot) -> list[Quarantined]:
    """Return the tokens of one record whose end is only asserted and whose value is not in the store."""
    return [
        each
        for each in snapshot.document.quarantine
        if not each.proof.proven
        and each.provider_label
        and not isinstance(store.read_candidate(snapshot.id, each.label), Value)
    ]


def listed_ids(session: TokenSession, found: TokenList, item: Quarantined) -> list[str]:
    """Return the ids under which the list holds the token; the token in use, if there is one, is never among them."""
    ids = listed_under(session, found, item.provider_id, item.provider_label)
    in_use = "" if session.record.state is RecordState.RETIRED else session.record.provider_id
    return [each for each in ids if each != in_use]


def why_not_gone(session: TokenSession, found: TokenList, item: Quarantined) -> str:
    """Return why a list that lacks the token does not prove that it is gone; empty if it does."""
    able, now = session.provider.capabilities, session.context.clock.now()
    begun = {kept_label(each): each.begun_at for each in session.journal.attempts}.get(item.label)
    if max((begun or item.proof.last_at) + able.list_lag, item.proof.last_at + able.revoke_lag) > now:
        return "its list may lag behind"
    return doubt(session, found) or why_perhaps_renamed(session, found, item.provider_label, begun)


def take_off_record(session: TokenSession, item: Quarantined) -> None:
    """Record that the list proves the token absent."""
    kept = tuple(each for each in session.snapshot.document.quarantine if each.label != item.label)
    session.commit(session.event(Op.DEATH, label=item.provider_label, result="absent"), quarantine=kept)
    session.context.progress.step(f"{item.provider_label} does not exist at {session.provider.name}")


def look_for(context: Context, tokens: Sequence[TokenId]) -> Iterator[BatchResult]:
    """Look in a provider's list, if there is one, for the unstored tokens of some records of one provider and host.

    One that is listed is an error, and its revoke is reopened; one that is proven absent leaves its record.
    """
    first = context.store.load(tokens[0]).document.record
    try:
        issuer = context.vendors.of(first).issuer
        if issuer is None:
            return
        found = issuer.listed()
    except TokenguardError as error:
        yield BatchResult(name=first.name, error=error)
        return
    for token in tokens:
        session = TokenSession(context, context.store.load(token))
        name = session.record.name
        for item in unstored_tokens(context.store, session.snapshot):
            try:
                _decide(session, found, item)
            except TokenguardError as error:
                yield BatchResult(name=name, error=error)
                break  # its revoke is open, or another runner has it
            yield BatchResult(name=name)


def _decide(session: TokenSession, found: TokenList, item: Quarantined) -> None:
    if ids := listed_ids(session, found, item):
        alarm(session, item, listed_as=ids[0])
    if why := why_not_gone(session, found, item):
        session.context.progress.note(f"{session.record.name}: no result for {item.provider_label}: {why}")
    elif not session.snapshot.document.busy:
        take_off_record(session, item)
