"""Checks of a provider file: tokens are created, found, told alive and dead, and revoked, also in bad conditions.

Each check plays the file against a service of its own on loopback. Nothing is sent to the vendor.
"""

from collections.abc import Callable
from contextlib import suppress

from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import LABEL_LIMIT, Label
from tokenguard.errors import TokenguardError
from tokenguard.ports.provider import Ambiguous, CreatedToken, ProviderToken
from tokenguard.providers.generic.description import Description
from tokenguard.providers.generic.file_trial import CheckFailed, FileCheck, FileTrial, TrialClock, expect, refused
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loopback_answers import PAGE, ReceivedRequest
from tokenguard.providers.generic.loopback_service import SCOPE_NAME, LoopbackService
from tokenguard.providers.generic.update_checks import UPDATE_CHECKS, UPDATED
from tokenguard.providers.generic.value_checks import RECORDED_CHECKS, VALUE_CHECKS
from tokenguard.providers.provider_settings import ProviderSettings

_MANY = 3 * PAGE + 2
_LAG = 2


def checks_for(described: Description) -> tuple[FileCheck, ...]:
    """The checks that a file can be put to."""
    return tuple(each for each in CHECKS if any(getattr(described, key) for key in each.needs))


def run_check(check: FileCheck, described: Description, served: Description | None = None) -> str:
    """Put a file to one check; why it fails, or empty.

    Args:
        check: one that the file can be put to.
        described: the file.
        served: what the service is like; as the file says, if it is not given.
    """
    with LoopbackService(described=served or described) as service:
        provider = Generic(described, ProviderSettings(base_url=service.url), TrialClock())
        try:
            check.play(FileTrial(service, provider))
        except CheckFailed as error:
            return str(error)
        except TokenguardError as error:
            return error.message
    return ""


def recorded(described: Description, scope: str, permissions: tuple[str, ...]) -> list[ReceivedRequest]:
    """What the service on loopback receives and answers when a token is created, listed, changed, replaced, revoked."""
    with LoopbackService(described=described, scope=scope) as service:
        provider = Generic(described, ProviderSettings(base_url=service.url), TrialClock())
        trial = FileTrial(service, provider, permissions)
        with suppress(CheckFailed, TokenguardError):  # which `run_check` tells
            (_life if described.revoke else _verdicts)(trial)
            for check in (*RECORDED_CHECKS, UPDATED):
                if any(getattr(described, key) for key in check.needs):
                    check.play(trial)
        return service.asked


def _person_creates(trial: FileTrial) -> None:
    issuer, probed = trial.issuer(), trial.service.described.probe is not None
    issued = trial.service.issue(trial.label)
    rows = issuer.listed().named(issued.label)
    expect([row.provider_id for row in rows] == [issued.id], "the token is not in the list under its id")
    expect(_complete(trial.service, None, rows[0]), "the list lacks a hint or a date")
    expect(not probed or trial.verdict(issued.value) is Verdict.ALIVE, "the token is not reported as alive")
    issuer.revoke(issued.id)
    expect(not issuer.listed().holds(issued.id), "the list still has the revoked token")
    expect(not probed or trial.verdict(issued.value) is Verdict.DEAD, "the revoked token is not reported as dead")


def _life(trial: FileTrial) -> None:
    if trial.service.described.create is None:
        _person_creates(trial)
        return
    issuer, probed = trial.issuer(), trial.service.described.probe is not None
    wanted = trial.wanted()
    made = issuer.create(wanted)
    rows = issuer.listed().named(wanted.label)
    expect([row.provider_id for row in rows] == [made.provider_id], "the new token is not in the list under its id")
    expect(_complete(trial.service, made, rows[0]), "the list or the answer to `create` lacks a hint or a date")
    expect(not probed or trial.verdict(made.value) is Verdict.ALIVE, "the new token is not reported as alive")
    issuer.revoke(made.provider_id)
    expect(not any(each.alive for each in trial.service.tokens.values()), "the token was not revoked")
    expect(not issuer.listed().holds(made.provider_id), "the list still has the revoked token")
    expect(not probed or trial.verdict(made.value) is Verdict.DEAD, "the revoked token is not reported as dead")
    issuer.revoke(made.provider_id)


def _complete(service: LoopbackService, made: CreatedToken | None, row: ProviderToken) -> bool:
    """Whether everything that the file points at was read."""
    create, rows, hint = service.described.create, service.described.rows, service.tokens[row.provider_id].hint
    read = {
        "hint": row.hint == hint,
        "created": row.created_at,
        "last_used": row.last_used_at,
        "expires": row.expires_at,
        "permissions": row.permissions,
    }
    told = made is None or create is None or create.hint is None or made.hint == hint
    wanted = [*rows.more, *(["permissions"] if rows.permissions else [])] if rows else []
    return told and all(read[key] for key in wanted)


def _pages(trial: FileTrial) -> None:
    names = {f"prod-post-{number:08d}" for number in range(_MANY)}
    for name in sorted(names):
        trial.service.issue(name)
    found = trial.issuer().listed()
    expect({row.label for row in found.rows} == names, "the list was not read completely")
    expect(found.complete, f"the list is not complete: {found.gap}")


def _growing(trial: FileTrial) -> None:
    names = {trial.service.issue(f"prod-post-{number:08d}").label for number in range(_MANY)}
    trial.service.appears = 2 * PAGE
    found = trial.issuer().listed()
    listed = {row.label for row in found.rows}
    expect(names <= listed, "a token was lost while others were created")
    there = {each.label for each in trial.service.tokens.values()}
    expect(not found.complete or listed == there, "the list is reported as complete although it lacks a token")


def _lost_reply(trial: FileTrial) -> None:
    trial.service.cuts = 1
    issuer, wanted = trial.issuer(), trial.wanted()
    refused(lambda: issuer.create(wanted), "a request whose reply was lost is reported as answered", Ambiguous)
    labels = [row.label for row in issuer.listed().rows]
    expect(labels == [wanted.label], "the token whose reply was lost is not found by its label")


def _stranger(trial: FileTrial) -> None:
    other = trial.issuer(trial.stranger())
    known = trial.service.issue("prod-post-of-others")
    acts: list[Callable[[], object]] = [other.listed, lambda: other.revoke(known.id)]
    if trial.service.described.create is not None:
        acts.append(lambda: other.create(trial.wanted()))
    for act in acts:
        refused(act, "another admin credential is accepted")
    expect(known.alive and len(trial.service.tokens) == 1, "another admin credential changed something")


def _longest_label(trial: FileTrial) -> None:
    label = Label("x" * min(trial.provider.capabilities.label_limit, LABEL_LIMIT))
    trial.issuer().create(trial.wanted(label))
    expect(
        [each.label for each in trial.service.tokens.values()] == [label],
        "the provider does not keep the longest label unchanged",
    )


def _other_scope(trial: FileTrial) -> None:
    trial.service.issue("prod-post-abcd1234")
    if trial.provider.capabilities.lists_per_scope:
        other = trial.issuer(scope="another-scope")
        refused(other.listed, "the list of another scope is used for this scope")


def _verdicts(trial: FileTrial) -> None:
    made = trial.service.issue("prod-post-abcd1234")
    expect(trial.verdict(made.value) is Verdict.ALIVE, "a live token is not reported as alive")
    probe = trial.service.described.probe
    named = probe is None or probe.scope_name is None or trial.provider.probe(made.value, None).scope_name == SCOPE_NAME
    expect(named, "the name of the scope is not read")
    if trial.provider.capabilities.verifies_scope:
        right = trial.provider.probe(made.value, trial.scope(trial.service.scope)).scope_verdict
        wrong = trial.provider.probe(made.value, trial.scope("another-scope")).scope_verdict
        expect((right, wrong) == (ScopeVerdict.RIGHT, ScopeVerdict.WRONG), "a token of another scope is not detected")
    made.alive = False
    expect(trial.verdict(made.value) is Verdict.DEAD, "a revoked token is not reported as dead")


def _outage(trial: FileTrial) -> None:
    """One refusal is not more than that: a rotation asks for a token that is known to be alive as well."""
    made = trial.service.issue("prod-post-abcd1234")
    trial.service.refuses_all = True
    expect(trial.verdict(made.value) is Verdict.DEAD, "a refused token is not reported as refused")
    if trial.service.described.rows is not None:
        refused(trial.issuer().listed, "a list is read during an outage of the login")


def _portal(trial: FileTrial) -> None:
    made = trial.service.issue("prod-post-abcd1234")
    trial.service.portal = True
    if trial.service.described.probe is not None:
        expect(trial.verdict(made.value) is Verdict.UNKNOWN, "a web page decides whether a token is alive")
    if trial.service.described.create is not None:
        refused(lambda: trial.issuer().create(trial.wanted()), "a web page is accepted as a new token", Ambiguous)
    if trial.service.described.revoke:
        issuer = trial.issuer()
        refused(issuer.listed, "a web page is accepted as a list")
        refused(lambda: issuer.revoke(made.id), "a web page is accepted as the confirmation of a revocation")


def _rate_limit(trial: FileTrial) -> None:
    trial.service.limited = 2
    made = trial.issuer().create(trial.wanted())
    expect(
        list(trial.service.tokens) == [made.provider_id],
        "a request that was repeated after a rate limit did not create exactly one token",
    )


def _late_revocation(trial: FileTrial) -> None:
    issuer = trial.issuer()
    trial.service.revoke_lag = _LAG
    token_id, value = trial.token()
    issuer.revoke(token_id)
    if trial.service.described.probe is not None:
        seen = [trial.verdict(value) for _ in range(_LAG + 1)]
        expect(
            seen == [Verdict.ALIVE] * _LAG + [Verdict.DEAD], "a delayed revocation is not tracked until it takes effect"
        )


def _untrue_revocation(trial: FileTrial) -> None:
    issuer = trial.issuer()
    trial.service.ignores_revoke = True
    token_id, value = trial.token()
    issuer.revoke(token_id)
    expect(issuer.listed().holds(token_id), "a token that the service keeps is missing from its list")
    if trial.service.described.probe is not None:
        expect(trial.verdict(value) is Verdict.ALIVE, "a token that the service keeps is reported as dead")


CHECKS = (
    *VALUE_CHECKS,
    *UPDATE_CHECKS,
    FileCheck("a token is created, found, and revoked", ("revoke",), _life),
    FileCheck("a list of several pages is read completely", ("revoke",), _pages),
    FileCheck("a list that grows while it is read loses no token", ("revoke",), _growing),
    FileCheck("a token whose reply was lost is found by its label", ("create",), _lost_reply),
    FileCheck("a foreign admin credential is refused", ("revoke",), _stranger),
    FileCheck("the provider keeps the longest label unchanged", ("create",), _longest_label),
    FileCheck("each scope has its own list", ("revoke",), _other_scope),
    FileCheck("live, dead and wrong-scope tokens are distinguished", ("probe",), _verdicts),
    FileCheck("during an outage of the login, a token is reported as refused and no list is read", ("probe",), _outage),
    FileCheck("a web page is not accepted as an answer", ("create", "probe"), _portal),
    FileCheck("tokenguard waits for a rate limit", ("create",), _rate_limit),
    FileCheck("a delayed revocation is tracked until it takes effect", ("revoke",), _late_revocation),
    FileCheck("a revocation without effect is detected", ("revoke",), _untrue_revocation),
)
