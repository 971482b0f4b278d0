"""Checks of what a provider file says of changing tokens: their names and permissions, while their values stay."""

from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import Label
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Ambiguous, ProviderToken, TokenRequest
from tokenguard.providers.generic.file_trial import CheckFailed, FileCheck, FileTrial, expect, refused
from tokenguard.providers.generic.loopback_answers import LoopbackToken
from tokenguard.providers.generic.loopback_service import LoopbackService


def _wanted(trial: FileTrial) -> TokenRequest:
    """Another name and, where the file lists several permissions, another one."""
    granted = trial.permissions or tuple(trial.service.described.permissions)[-1:] or ("write",)
    return replace(trial.wanted(), label=_longest(trial), permissions=granted)


def _longest(trial: FileTrial) -> Label:
    label = trial.label
    return Label(label + "x" * (trial.provider.capabilities.label_limit - len(label)))


def _row(trial: FileTrial, token_id: str) -> ProviderToken:
    rows = trial.issuer().listed().of_id(token_id)
    if len(rows) != 1:
        raise CheckFailed("the changed token is not in the list under its id")
    return rows[0]


def _is_wanted(service: LoopbackService, row: ProviderToken, wanted: TokenRequest) -> bool:
    fields = service.described.update.fields if service.described.update else frozenset()
    renamed = "label" not in fields or row.label == wanted.label
    return renamed and ("permissions" not in fields or row.permissions == wanted.permissions)


def _as_issued(token: LoopbackToken) -> tuple[str, str, tuple[str, ...], bool]:
    return token.id, token.label, token.permissions, token.alive


def _updated(trial: FileTrial) -> None:
    known, other = trial.service.issue(trial.label), trial.service.issue("prod-post-of-others")
    before, wanted = _as_issued(other), _wanted(trial)
    trial.updater().update(known.id, wanted)
    expect(_is_wanted(trial.service, _row(trial, known.id), wanted), "the list does not show what was changed")
    expect(known.alive and _as_issued(other) == before, "another token was changed, or one was revoked")
    if trial.service.described.probe is not None:
        expect(trial.verdict(known.value) is Verdict.ALIVE, "the changed token is not reported as alive")


def _untrue_update(trial: FileTrial) -> None:
    known, wanted = trial.service.issue(trial.label), _wanted(trial)
    trial.service.ignores_update = True
    trial.updater().update(known.id, wanted)
    expect(not _is_wanted(trial.service, _row(trial, known.id), wanted), "a change without effect counts as made")


def _not_updated(trial: FileTrial) -> None:
    known, wanted = trial.service.issue(trial.label), _wanted(trial)
    before, stranger = _as_issued(known), trial.updater(trial.stranger())
    refused(lambda: stranger.update(known.id, wanted), "a foreign admin credential is accepted")
    trial.service.portal = True
    refused(
        lambda: trial.updater().update(known.id, wanted),
        "a web page is accepted as the confirmation of a change",
        Ambiguous,
    )
    trial.service.portal = False
    refused(
        lambda: trial.updater().update("no-such-token", wanted), "a token that is not there was changed", Unreachable
    )
    expect(_as_issued(known) == before, "the token was changed")


def _update_lost_reply(trial: FileTrial) -> None:
    known, wanted = trial.service.issue(trial.label), _wanted(trial)
    trial.service.cuts = 1
    refused(
        lambda: trial.updater().update(known.id, wanted),
        "a request whose reply was lost is reported as answered",
        Ambiguous,
    )
    expect(
        _is_wanted(trial.service, _row(trial, known.id), wanted), "after a lost reply the list does not show the change"
    )


UPDATED = FileCheck("a token's name or permissions are changed, and nothing else", ("update",), _updated)
"""Its requests are those that `make contracts` compares with the vendor's description."""
UPDATE_CHECKS = (
    UPDATED,
    FileCheck("a change without effect is detected", ("update",), _untrue_update),
    FileCheck("only the admin credential and the service change a token", ("update",), _not_updated),
    FileCheck("a change whose reply was lost is found in the list", ("update",), _update_lost_reply),
)
