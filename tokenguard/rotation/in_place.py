"""A new value in place: one request gives the token a new value and ends the old one.

A lost answer loses the new value, and the token gets another one. Providers that make a new token of the same name
refuse the id of a replaced token, or revoke all of its successors when it is used (GitLab). So the id that is sent is
always that of a token which the provider's list holds at that moment.
"""

from datetime import datetime

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, Mode
from tokenguard.errors import InputError, Unfinished
from tokenguard.frozen import replace
from tokenguard.ports.provider import CreatedToken, Issuer, Method, ProviderToken, Replacer, TokenRequest
from tokenguard.rotation.session import TokenSession


def makes_by_api(session: TokenSession) -> bool:
    """Whether the new value comes from the provider's API."""
    return is_in_place(session) or session.provider.capabilities.mint is Method.API


def end_of_new(session: TokenSession, made: datetime) -> datetime | None:
    """When the provider ends by itself the value that was made then; None if it does not, or a person made it."""
    able = session.provider.capabilities
    if is_in_place(session) and able.lifetime_in_place is None:
        return session.record.ends_at
    lifetime = able.lifetime_in_place if is_in_place(session) else able.lifetime
    return None if lifetime is None or not makes_by_api(session) else made + lifetime


def is_in_place(session: TokenSession) -> bool:
    """Whether the operation gives the token a new value in place."""
    return session.journal.mode is Mode.IN_PLACE


def new_value_in_place(session: TokenSession, issuer: Issuer, wanted: TokenRequest) -> CreatedToken:
    """Have the provider give the token a new value, or its successor if an answer was lost before."""
    if not isinstance(issuer, Replacer):
        raise InputError(
            f"{session.provider.name} cannot give a token a new value in place", hint="rotate without --in-place"
        )
    return issuer.replace(listed_token(session, issuer).provider_id, wanted)


def listed_token(session: TokenSession, issuer: Issuer) -> ProviderToken:
    """The token as the provider lists it now: by an id on record, else by its name if that is unique.

    Raises:
        Unfinished: it is not listed, or several have its name.
    """
    found, journal = issuer.listed(), session.journal
    known = {attempt.provider_id for attempt in journal.attempts} - {""}
    if journal.old is not None and journal.old.provider_id:
        known.add(journal.old.provider_id)
    rows = [row for row in found.rows if row.provider_id in known]
    if not rows and found.complete:
        rows = [*found.named(label_of(session))] if label_of(session) else []
    if len(rows) != 1:
        raise Unfinished(
            f"{session.provider.name} lists {'no' if not rows else 'more than one'} token that may be "
            f"{session.record.name}",
            hint=f"look for it there; to replace it by another token: tokenguard rotate {session.record.name} --abort, "
            "then rotate without --in-place",
        )
    return rows[0]


def label_of(session: TokenSession) -> str:
    """The token's name at the provider, which stays."""
    return session.journal.old.provider_label if session.journal.old is not None else ""


def abandon_value(session: TokenSession, attempt: Attempt) -> None:
    """Give up a value that is lost or was not accepted: the next one that the token gets ends it."""
    session.context.store.destroy(session.snapshot.id, attempt.label)
    session.commit(
        session.event(Op.REVOKE, Phase.OUTCOME, label=attempt.label, result="replaced-next"),
        attempts=session.attempts_after(replace(attempt, state=AttemptState.GONE)),
    )
    session.context.progress.step("the previous new value is not used; the token gets another one")
