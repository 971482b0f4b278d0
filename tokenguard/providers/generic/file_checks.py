"""Checks of a provider file: tokens are created, found, told alive and dead, and revoked, also in bad conditions.

Each check plays the file against a service of its own on loopback. Nothing is sent to the vendor.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import LABEL_LIMIT, Label, new_label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import TokenguardError, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import (
    Ambiguous,
    CreatedToken,
    CreateRefused,
    Issuer,
    ProviderToken,
    TokenRequest,
    ValueRevoker,
)
from tokenguard.providers.generic.description import Description, RevokerLogin
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loopback_answers import PAGE, ReceivedRequest
from tokenguard.providers.generic.loopback_service import SCOPE_NAME, LoopbackService
from tokenguard.providers.provider_settings import ProviderSettings

_MANY = 3 * PAGE + 2
_LAG = 2


class CheckFailed(Exception):
    """A file does not do what a check asks for."""


class TrialClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self._elapsed = 0.0

    def now(self) -> datetime:
        """A date of its own, plus what was waited."""
        return datetime(2026, 11, 1, 9, 0, tzinfo=UTC) + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """What was waited."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self._elapsed += max(seconds, 0)


@dataclass(frozen=True)
class FileTrial:
    """A file, and the service that it is played against."""

    service: LoopbackService
    provider: Generic
    permissions: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """A name that the service takes."""
        can = self.provider.capabilities
        return new_label(token_name("prod/post"), 1, can.label_limit, can.label_punctuation)

    def issuer(self, admin: Value | None = None, scope: str = "") -> Issuer:
        """Bound to the service's admin credential and scope, or to others."""
        found = self.provider.issuer(admin or self.service.admin, self.scope(scope or self.service.scope))
        if found is None:
            raise CheckFailed("the file says how a token is created, but not how it is revoked")
        return found

    def revoker(self, admin: Value | None = None) -> ValueRevoker:
        """What revokes by value, with the service's admin credential or another one."""
        found = self.provider.value_revoker(admin or self.service.admin)
        if found is None:
            raise CheckFailed("the file does not say how a token is revoked by its value")
        return found

    def stranger(self) -> Value:
        """An admin credential that the service does not know."""
        return Value({name: Secret("practice-stranger-0123456789") for name in self.service.admin.names})

    def scope(self, identifier: str) -> Scope:
        """A scope of the kind that the file names."""
        return Scope(self.provider.capabilities.scope_kind or "account", identifier)

    def wanted(self, label: Label | None = None) -> TokenRequest:
        """What a rotation asks for."""
        permissions = self.permissions or tuple(self.service.described.permissions)[:1] or ("read",)
        scope = self.scope(self.service.scope)
        return TokenRequest(label=label or self.label, scope=scope, permissions=permissions)

    def token(self) -> tuple[str, Value]:
        """Id and value of a new token, created by API or by a person."""
        if self.service.described.create is None:
            issued = self.service.issue(self.label)
            return issued.id, issued.value
        made = self.issuer().create(self.wanted())
        return made.provider_id, made.value

    def verdict(self, value: Value) -> Verdict:
        """What one probe says."""
        return self.provider.probe(value, None).verdict


class FileCheck(Frozen, frozen=True):
    """One check."""

    name: str
    needs: tuple[str, ...]
    """The sections of which a file has at least one, so that there is something to check."""
    play: Callable[[FileTrial], None]


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
    """What the service on loopback receives and answers when a token is created, listed, checked and revoked."""
    with LoopbackService(described=described, scope=scope) as service:
        provider = Generic(described, ProviderSettings(base_url=service.url), TrialClock())
        trial = FileTrial(service, provider, permissions)
        with suppress(CheckFailed, TokenguardError):  # which `run_check` tells
            (_life if described.revoke else _verdicts)(trial)
        return service.asked


def _expect(kept: object, otherwise: str) -> None:
    if not kept:
        raise CheckFailed(otherwise)


def _refused(act: Callable[[], object], otherwise: str, error: type[TokenguardError] = Unreachable) -> None:
    try:
        act()
    except error:
        return
    raise CheckFailed(otherwise)


def _person_creates(trial: FileTrial) -> None:
    issuer, probed = trial.issuer(), trial.service.described.probe is not None
    issued = trial.service.issue(trial.label)
    rows = issuer.listed().named(issued.label)
    _expect([row.provider_id for row in rows] == [issued.id], "the token is not in the list under its id")
    _expect(_complete(trial.service, None, rows[0]), "the list lacks a hint or a date")
    _expect(not probed or trial.verdict(issued.value) is Verdict.ALIVE, "the token is not told to be alive")
    issuer.revoke(issued.id)
    _expect(not issuer.listed().holds(issued.id), "the list still has the revoked token")
    _expect(not probed or trial.verdict(issued.value) is Verdict.DEAD, "the revoked token is not told to be dead")


def _life(trial: FileTrial) -> None:
    if trial.service.described.create is None:
        _person_creates(trial)
        return
    issuer, probed = trial.issuer(), trial.service.described.probe is not None
    wanted = trial.wanted()
    made = issuer.create(wanted)
    rows = issuer.listed().named(wanted.label)
    _expect([row.provider_id for row in rows] == [made.provider_id], "the new token is not in the list under its id")
    _expect(_complete(trial.service, made, rows[0]), "the list or the answer to `create` lacks a hint or a date")
    _expect(not probed or trial.verdict(made.value) is Verdict.ALIVE, "the new token is not told to be alive")
    issuer.revoke(made.provider_id)
    _expect(not any(each.alive for each in trial.service.tokens.values()), "the token was not revoked")
    _expect(not issuer.listed().holds(made.provider_id), "the list still has the revoked token")
    _expect(not probed or trial.verdict(made.value) is Verdict.DEAD, "the revoked token is not told to be dead")
    issuer.revoke(made.provider_id)


def _complete(service: LoopbackService, made: CreatedToken | None, row: ProviderToken) -> bool:
    """Whether everything that the file points at was read."""
    create, rows, hint = service.described.create, service.described.rows, service.tokens[row.provider_id].hint
    read = {
        "hint": row.hint == hint,
        "created": row.created_at,
        "last_used": row.last_used_at,
        "expires": row.expires_at,
    }
    told = made is None or create is None or create.hint is None or made.hint == hint
    return told and all(read[key] for key in (rows.more if rows else ()))


def _pages(trial: FileTrial) -> None:
    names = {f"prod-post-{number:08d}" for number in range(_MANY)}
    for name in sorted(names):
        trial.service.issue(name)
    found = trial.issuer().listed()
    _expect({row.label for row in found.rows} == names, "the list was not read to its end")
    _expect(found.complete, f"the list is not complete: {found.gap}")


def _growing(trial: FileTrial) -> None:
    names = {trial.service.issue(f"prod-post-{number:08d}").label for number in range(_MANY)}
    trial.service.appears = 2 * PAGE
    found = trial.issuer().listed()
    listed = {row.label for row in found.rows}
    _expect(names <= listed, "a token was lost while others were created")
    there = {each.label for each in trial.service.tokens.values()}
    _expect(not found.complete or listed == there, "the list passes for complete and lacks a token")


def _lost_reply(trial: FileTrial) -> None:
    trial.service.cuts = 1
    issuer, wanted = trial.issuer(), trial.wanted()
    _refused(lambda: issuer.create(wanted), "a lost reply passes for an answer", Ambiguous)
    labels = [row.label for row in issuer.listed().rows]
    _expect(labels == [wanted.label], "the token whose reply was lost is not found by its label")


def _stranger(trial: FileTrial) -> None:
    other = trial.issuer(trial.stranger())
    known = trial.service.issue("prod-post-of-others")
    acts: list[Callable[[], object]] = [other.listed, lambda: other.revoke(known.id)]
    if trial.service.described.create is not None:
        acts.append(lambda: other.create(trial.wanted()))
    for act in acts:
        _refused(act, "another admin credential is accepted")
    _expect(known.alive and len(trial.service.tokens) == 1, "another admin credential changed something")


def _longest_label(trial: FileTrial) -> None:
    label = Label("x" * min(trial.provider.capabilities.label_limit, LABEL_LIMIT))
    trial.issuer().create(trial.wanted(label))
    _expect([each.label for each in trial.service.tokens.values()] == [label], "the longest label does not arrive")


def _other_scope(trial: FileTrial) -> None:
    trial.service.issue("prod-post-abcd1234")
    if trial.provider.capabilities.lists_per_scope:
        other = trial.issuer(scope="another-scope")
        _refused(other.listed, "the list of another scope is taken for this one's")


def _verdicts(trial: FileTrial) -> None:
    made = trial.service.issue("prod-post-abcd1234")
    _expect(trial.verdict(made.value) is Verdict.ALIVE, "a token that is alive is not told to be")
    probe = trial.service.described.probe
    named = probe is None or probe.scope_name is None or trial.provider.probe(made.value, None).scope_name == SCOPE_NAME
    _expect(named, "the name of the scope is not read")
    if trial.provider.capabilities.verifies_scope:
        right = trial.provider.probe(made.value, trial.scope(trial.service.scope)).scope_verdict
        wrong = trial.provider.probe(made.value, trial.scope("another-scope")).scope_verdict
        _expect((right, wrong) == (ScopeVerdict.RIGHT, ScopeVerdict.WRONG), "a token of another scope is not noticed")
    made.alive = False
    _expect(trial.verdict(made.value) is Verdict.DEAD, "a token that was revoked is not told to be dead")


def _outage(trial: FileTrial) -> None:
    """One refusal is not more than that: a rotation asks for a token that is known to be alive as well."""
    made = trial.service.issue("prod-post-abcd1234")
    trial.service.refuses_all = True
    _expect(trial.verdict(made.value) is Verdict.DEAD, "a refusal is not told as one")
    if trial.service.described.rows is not None:
        _refused(trial.issuer().listed, "during an outage of the login a list is read")


def _portal(trial: FileTrial) -> None:
    made = trial.service.issue("prod-post-abcd1234")
    trial.service.portal = True
    if trial.service.described.probe is not None:
        _expect(trial.verdict(made.value) is Verdict.UNKNOWN, "a web page tells whether a token is alive")
    if trial.service.described.create is not None:
        _refused(lambda: trial.issuer().create(trial.wanted()), "a web page passes for a new token", Ambiguous)
    if trial.service.described.revoke:
        issuer = trial.issuer()
        _refused(issuer.listed, "a web page passes for a list")
        _refused(lambda: issuer.revoke(made.id), "a web page passes for a revocation")


def _rate_limit(trial: FileTrial) -> None:
    trial.service.limited = 2
    made = trial.issuer().create(trial.wanted())
    _expect(
        list(trial.service.tokens) == [made.provider_id], "after a refusal for the rate limit, not one token exists"
    )


def _late_revocation(trial: FileTrial) -> None:
    issuer = trial.issuer()
    trial.service.revoke_lag = _LAG
    token_id, value = trial.token()
    issuer.revoke(token_id)
    if trial.service.described.probe is not None:
        seen = [trial.verdict(value) for _ in range(_LAG + 1)]
        _expect(seen == [Verdict.ALIVE] * _LAG + [Verdict.DEAD], "a revocation that takes its time is not followed")


def _untrue_revocation(trial: FileTrial) -> None:
    issuer = trial.issuer()
    trial.service.ignores_revoke = True
    token_id, value = trial.token()
    issuer.revoke(token_id)
    _expect(issuer.listed().holds(token_id), "a token that the service keeps is missing from its list")
    if trial.service.described.probe is not None:
        _expect(trial.verdict(value) is Verdict.ALIVE, "a token that the service keeps is told to be dead")


def _shown_value(trial: FileTrial) -> None:
    said, probed = trial.service.described.revoke_value, trial.service.described.probe is not None
    issued, other = trial.service.issue(trial.label), trial.service.issue("prod-post-of-others")
    trial.revoker().revoke_value(issued.value)
    _expect(not issued.alive and other.alive, "not the token whose value is shown was revoked, or not it alone")
    _expect(not probed or trial.verdict(issued.value) is Verdict.DEAD, "the revoked token is not told to be dead")
    if said is not None and said.login is not RevokerLogin.ITSELF:
        trial.revoker().revoke_value(issued.value)


def _value_of_stranger(trial: FileTrial) -> None:
    said, known = trial.service.described.revoke_value, trial.service.issue("prod-post-of-others")
    if said is not None and said.login in {RevokerLogin.ADMIN, RevokerLogin.BODY}:
        other = trial.revoker(trial.stranger())
        _refused(lambda: other.revoke_value(known.value), "another admin credential is accepted", CreateRefused)
        _expect(known.alive, "another admin credential revoked a token")


def _value_unrevoked(trial: FileTrial) -> None:
    """A service agrees to everything; only the token's refusal says that it is dead."""
    known = trial.service.issue("prod-post-abcd1234")
    trial.service.ignores_revoke = True
    trial.revoker().revoke_value(known.value)
    if trial.service.described.probe is not None:
        _expect(trial.verdict(known.value) is Verdict.ALIVE, "a token that the service keeps is told to be dead")
    trial.service.ignores_revoke, trial.service.portal = False, True
    _refused(lambda: trial.revoker().revoke_value(known.value), "a web page passes for a revocation", Ambiguous)


def _value_lost_reply(trial: FileTrial) -> None:
    known = trial.service.issue("prod-post-abcd1234")
    trial.service.cuts = 1
    _refused(lambda: trial.revoker().revoke_value(known.value), "a lost reply passes for an answer", Ambiguous)
    _expect(not known.alive, "the value did not arrive")


CHECKS = (
    FileCheck("a token is revoked by its value", ("revoke_value",), _shown_value),
    FileCheck("another admin credential revokes no value", ("revoke_value",), _value_of_stranger),
    FileCheck("that a value was taken proves nothing", ("revoke_value",), _value_unrevoked),
    FileCheck("a lost reply to a value is no answer", ("revoke_value",), _value_lost_reply),
    FileCheck("a token is created, found, and revoked", ("revoke",), _life),
    FileCheck("a list of many tokens is read to its end", ("revoke",), _pages),
    FileCheck("a list that grows while it is read loses no token", ("revoke",), _growing),
    FileCheck("a token whose reply was lost is found by its label", ("create",), _lost_reply),
    FileCheck("another admin credential does nothing", ("revoke",), _stranger),
    FileCheck("the longest label arrives", ("create",), _longest_label),
    FileCheck("another scope is another list", ("revoke",), _other_scope),
    FileCheck("alive, dead, and another scope are told apart", ("probe",), _verdicts),
    FileCheck("an outage of the login reads as a refusal, never as a list", ("probe",), _outage),
    FileCheck("a web page proves nothing", ("create", "probe"), _portal),
    FileCheck("a rate limit is waited for", ("create",), _rate_limit),
    FileCheck("a revocation that takes its time is followed", ("revoke",), _late_revocation),
    FileCheck("a revocation that had no effect is noticed", ("revoke",), _untrue_revocation),
)
