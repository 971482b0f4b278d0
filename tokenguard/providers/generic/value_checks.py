"""Checks of what a provider file says of values: revoked by being shown, and replaced in place."""

from tokenguard.domain.liveness import Verdict
from tokenguard.ports.provider import Ambiguous, CreateRefused
from tokenguard.providers.generic.description import RevokerLogin
from tokenguard.providers.generic.file_trial import FileCheck, FileTrial, expect, refused


def _shown_value(trial: FileTrial) -> None:
    said, probed = trial.service.described.revoke_value, trial.service.described.probe is not None
    issued, other = trial.service.issue(trial.label), trial.service.issue("prod-post-of-others")
    trial.revoker().revoke_value(issued.value)
    expect(
        not issued.alive and other.alive,
        "another token was revoked, instead of or in addition to the one whose value is shown",
    )
    expect(not probed or trial.verdict(issued.value) is Verdict.DEAD, "the revoked token is not reported as dead")
    if said is not None and said.login is not RevokerLogin.ITSELF:
        trial.revoker().revoke_value(issued.value)


def _value_of_stranger(trial: FileTrial) -> None:
    said, known = trial.service.described.revoke_value, trial.service.issue("prod-post-of-others")
    if said is not None and said.login.uses_admin:
        other = trial.revoker(trial.stranger())
        refused(lambda: other.revoke_value(known.value), "another admin credential is accepted", CreateRefused)
        expect(known.alive, "another admin credential revoked a token")


def _value_unrevoked(trial: FileTrial) -> None:
    """A service agrees to everything; only the token's refusal says that it is dead."""
    known = trial.service.issue("prod-post-abcd1234")
    trial.service.ignores_revoke = True
    trial.revoker().revoke_value(known.value)
    if trial.service.described.probe is not None:
        expect(trial.verdict(known.value) is Verdict.ALIVE, "a token that the service keeps is reported as dead")
    trial.service.ignores_revoke, trial.service.portal = False, True
    refused(
        lambda: trial.revoker().revoke_value(known.value),
        "a web page is accepted as the confirmation of a revocation",
        Ambiguous,
    )


def _value_lost_reply(trial: FileTrial) -> None:
    known = trial.service.issue("prod-post-abcd1234")
    trial.service.cuts = 1
    refused(
        lambda: trial.revoker().revoke_value(known.value),
        "a request whose reply was lost is reported as answered",
        Ambiguous,
    )
    expect(not known.alive, "the value did not arrive")


def _replaced(trial: FileTrial) -> None:
    known, other = trial.service.issue(trial.label), trial.service.issue("prod-post-of-others")
    issuer, replacer, before = trial.issuer(), trial.replacer(), known.value
    made = replacer.replace(known.id, trial.wanted())
    rows = [row.provider_id for row in issuer.listed().named(known.label)]
    expect(rows == [made.provider_id], "the list does not have exactly one token with the new value under its id")
    expect(trial.verdict(made.value) is Verdict.ALIVE, "the new value is not reported as alive")
    expect(trial.verdict(before) is Verdict.DEAD, "the old value is not reported as dead")
    expect(other.alive, "another token got a new value")
    trial.service.cuts = 1
    refused(
        lambda: replacer.replace(made.provider_id, trial.wanted()),
        "a request whose reply was lost is reported as answered",
        Ambiguous,
    )
    left = issuer.listed().named(known.label)
    expect(len(left) == 1, "after a lost reply the token is not in the list")
    again = replacer.replace(left[0].provider_id, trial.wanted())
    expect(trial.verdict(again.value) is Verdict.ALIVE, "after a lost reply the token gets no new value")


def _replaced_badly(trial: FileTrial) -> None:
    known, wanted = trial.service.issue(trial.label), trial.wanted()
    strange = trial.replacer(trial.stranger())
    refused(lambda: strange.replace(known.id, wanted), "another admin credential is accepted")
    trial.service.portal = True
    refused(lambda: trial.replacer().replace(known.id, wanted), "a web page is accepted as a new value", Ambiguous)
    expect(known.alive, "the token was replaced")


RECORDED_CHECKS = (
    FileCheck("a token gets a new value in place", ("replace",), _replaced),
    FileCheck("a token is revoked by its value", ("revoke_value",), _shown_value),
)
"""Those whose requests `make contracts` compares with the vendor's description."""
VALUE_CHECKS = (
    *RECORDED_CHECKS,
    FileCheck("only the admin credential and the service give a new value", ("replace",), _replaced_badly),
    FileCheck("another admin credential cannot revoke a value", ("revoke_value",), _value_of_stranger),
    FileCheck("an accepted request without effect is not a proof", ("revoke_value",), _value_unrevoked),
    FileCheck("a request whose reply was lost is not reported as answered", ("revoke_value",), _value_lost_reply),
)
