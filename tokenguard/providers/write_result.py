"""Maps an HTTP outcome to the result of a write: done, certainly not done, or unknown."""

from collections.abc import Mapping
from http import HTTPStatus

from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.shape import check_value
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.answer import Answer, Failure, Outcome
from tokenguard.ports.provider import Ambiguous, CreatedToken, CreateRefused
from tokenguard.providers.token_listing import short_text

# Refusals that a gateway may give after it passed the request on, or that follow from a duplicate of it.
_AMBIGUOUS = frozenset({408, 409, 425, 499})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
# By which the body of a 2xx says that nothing was done.
_ERRORS = ("error", "errors")
_DENIALS = ("success", "ok", "deleted", "revoked")


def settled(outcome: Outcome, what: str) -> Answer:
    """The answer of an effect that took place. `what` names it in errors.

    Raises:
        Refused: it certainly did not take place.
        Ambiguous: it may have.
    """
    if isinstance(outcome, Failure):
        if outcome.sent:
            raise Ambiguous(f"{what}: no usable answer ({outcome.cause})", hint="it may have taken effect")
        raise CreateRefused(f"{what}: not sent ({outcome.cause})", hint=_connection_hint(outcome))
    if outcome.ok:
        return outcome
    if outcome.html or (outcome.status in _GONE and not no_such_token(outcome)):
        raise not_understood(what)  # a portal's or a gateway's: what the provider did is not known
    if outcome.status in _AMBIGUOUS or not HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Ambiguous(f"{what}: http status {outcome.status}", hint="it may have taken effect")
    raise CreateRefused(f"{what}: refused with http status {outcome.status}", hint=_refusal_hint(outcome))


def new_value(found: Mapping[str, JsonTree], admin: Value | None, what: str) -> Value:
    """The value that was made, out of an answer; Ambiguous if it can be none, or is the admin credential itself.

    Args:
        found: what the answer holds for each field of the value.
        admin: the credential that asked; None if it is not held.
        what: names the effect in errors.
    """
    try:
        fields = {name: Secret(check_value(text)) for name, text in found.items() if isinstance(text, str)}
    except InputError:
        fields = {}
    value = Value(fields) if fields and len(fields) == len(found) else None
    if value is None or (admin is not None and value.token == admin.token):
        raise not_understood(what)
    return value


def new_token(value: Value, provider_id: str, hint: JsonTree, what: str) -> CreatedToken:
    """The token that was made; Ambiguous if its id is none or holds the value. A hint that holds the value is none."""
    text, shown = value.token.reveal().casefold(), short_text(hint)
    if not provider_id or text in provider_id.casefold():
        raise not_understood(what)
    return CreatedToken(value=value, provider_id=provider_id, hint="" if text in shown.casefold() else shown)


def no_such_token(outcome: Outcome) -> bool:
    """Whether the provider itself answers a revoke with "there is no such token".

    A portal, a proxy or a gateway answers 404 too, with a page or a line of text: that says nothing of the token.
    """
    if not isinstance(outcome, Answer) or outcome.status not in _GONE:
        return False
    return _is_empty(outcome) or outcome.json_object() is not None


def acknowledged(outcome: Outcome, what: str) -> None:
    """Check the answer of an effect that returns nothing to read. It may be empty, or a word of text.

    Raises:
        Refused: it certainly did not take place.
        Ambiguous: it may have: the answer is a web page, is broken, or reports a failure.
    """
    answer = settled(outcome, what)
    tree = answer.json()
    broken = tree is None and not _is_empty(answer) and "json" in answer.headers.get("content-type", "").lower()
    said = tree if isinstance(tree, dict) else {}
    denied = any(said.get(key) for key in _ERRORS) or any(said.get(key) is False for key in _DENIALS)
    if answer.html or broken or denied:
        raise not_understood(what)


def _is_empty(answer: Answer) -> bool:
    return answer.body.strip() in {b"", b"null"}


def not_understood(what: str) -> Ambiguous:
    """The error for an effect whose answer is not what the provider documents."""
    return Ambiguous(f"{what}: the answer differs from the provider's documentation", hint="it may have taken effect")


def answered(outcome: Outcome, what: str) -> Answer:
    """The 200 answer of a read; Unreachable otherwise."""
    if isinstance(outcome, Failure):
        raise Unreachable(f"{what}: no usable answer ({outcome.cause})", hint=_connection_hint(outcome))
    if outcome.status != HTTPStatus.OK:
        raise Unreachable(f"{what}: http status {outcome.status}", hint=_refusal_hint(outcome))
    return outcome


def _connection_hint(failure: Failure) -> str:
    return f"check the network, the proxy and the CA bundle, then try again ({failure.cause})"


def _refusal_hint(answer: Answer) -> str:
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return "the admin credential is not accepted: replace the value in its record or variable"
        case HTTPStatus.FORBIDDEN:
            return "the admin credential lacks permission, or the account is suspended"
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return "check the provider's address and its routes"
        case HTTPStatus.TOO_MANY_REQUESTS:
            wait = round(answer.retry_after or 0)  # 0: also of a date that has passed
            return f"the provider asks to wait {wait:,} s" if wait else "try again later"
        case _:
            return "nothing was changed at the provider; see its status page and try again"
