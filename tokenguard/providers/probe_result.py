"""From an HTTP outcome to what it says of a token: alive, dead, or nothing at all."""

from dataclasses import dataclass
from http import HTTPStatus

from tokenguard.documents import JsonTree
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.http.answer import Failure, Outcome

# Still authenticated, though not served: no credits left, or not allowed there.
_ALIVE_REFUSALS = frozenset({HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reply says by its status alone; `tree` is the JSON object of a 200."""

    verdict: Verdict
    reason: str
    status: int = 0
    retry_after: float | None = None
    tree: dict[str, JsonTree] | None = None


def read(outcome: Outcome) -> Reading:
    """Apply the truth table: 401 is a sample of death, 402 and 403 with an error body are alive, 200 needs JSON.

    An answer at a limit says nothing.
    """
    if isinstance(outcome, Failure):
        return Reading(verdict=Verdict.UNKNOWN, reason=str(outcome.cause))
    code = f"http-{outcome.status}"
    tree = None if outcome.html else outcome.json_object()
    verdict, reason = Verdict.UNKNOWN, code
    if outcome.html:
        reason = "html"
    elif outcome.limited:
        pass
    elif outcome.status == HTTPStatus.UNAUTHORIZED:
        verdict = Verdict.DEAD
    elif outcome.status in _ALIVE_REFUSALS or outcome.status == HTTPStatus.OK:
        verdict, reason = (Verdict.ALIVE, code) if _genuine(outcome.status, tree) else (Verdict.UNKNOWN, "schema")
    return Reading(
        verdict=verdict,
        reason=reason,
        status=outcome.status,
        retry_after=outcome.retry_after,
        tree=tree if verdict is Verdict.ALIVE and outcome.status == HTTPStatus.OK else None,
    )


def scope_of(kind: str, identifier: JsonTree) -> Scope | None:
    """A scope from outside, or None if it is not one we could ever compare."""
    try:
        return Scope(kind, identifier) if isinstance(identifier, str) else None
    except ValueError:
        return None


def compare(found: Scope | None, expected: Scope | None) -> ScopeVerdict:
    """Whether the token leads where the record expects."""
    if found is None or expected is None:
        return ScopeVerdict.UNVERIFIED
    return ScopeVerdict.RIGHT if found == expected else ScopeVerdict.WRONG


def _genuine(status: int, tree: dict[str, JsonTree] | None) -> bool:
    if tree is None:
        return False
    if status in _ALIVE_REFUSALS:  # a firewall says 403 too: only the provider's own error body proves who refused
        return isinstance(tree.get("error"), str)
    return "error" not in tree and tree.get("success", True) is True
