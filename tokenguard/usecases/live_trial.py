"""The use case of `provider test --live`: creates one harmless token at the real service, checks it, and revokes it.

Where the provider file describes `update`, the token gets another label meanwhile. The report is written before the
token can exist and holds its labels, so that an interrupted trial can be cleaned up.
Until the value itself is refused, its state says that the token may be alive, also after a kill.
It holds no value, no id of a token and nothing else that the provider said.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tokenguard import __version__
from tokenguard.domain.liveness import DeathControl, ScopeVerdict, Verdict
from tokenguard.domain.names import Label, new_label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.errors import InputError, NotProvenDead, TokenguardError
from tokenguard.file_replacement import replace_file
from tokenguard.files import create_private, not_written, shown
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import (
    Ambiguous,
    Capabilities,
    CreatedToken,
    CreateRefused,
    Issuer,
    Method,
    Provider,
    ProviderToken,
    TokenRequest,
    Updater,
)
from tokenguard.rotation.control_search import ControlResult
from tokenguard.rotation.proof_of_death import RefusalSeries
from tokenguard.usecases.parts import HasClock, HasOpenWork, HasProgress, HasVendors

_PATIENCE = 4
"""Death windows after which a token that is still accepted counts as not revoked."""
_PAUSE = 1.0


class LiveTrialParts(HasClock, HasOpenWork, HasProgress, HasVendors, Protocol):
    """What this use case takes."""


class TrialStep(Frozen, frozen=True):
    """One step of a trial: `ok`, `failed` or `not described`, and why."""

    name: str
    result: str
    reason: str = ""


def _needs_scope(can: Capabilities) -> str:
    """Why a trial needs a scope; empty if it does not. Without it a token would be created before the trial fails."""
    if can.lists_per_scope:
        return "lists tokens by scope"
    if can.creates_per_scope:
        return "creates tokens in a scope"
    return "shows the scope of a token, which the trial compares" if can.verifies_scope else ""


class LiveTrial:
    """One trial at one provider.

    Args:
        parts: what it takes of the process.
        name: the provider.
        scope: for which a token is created.
        permissions: of the token.
        report: the file to write, which must not exist.

    Raises:
        InputError: the provider does not create and revoke tokens by API, needs a scope, or has no admin credential.
    """

    def __init__(
        self, parts: LiveTrialParts, name: str, scope: Scope | None, permissions: tuple[str, ...], report: Path
    ) -> None:
        self._parts, self._scope, self._permissions, self._report = parts, scope, permissions, report
        self._provider: Provider = parts.vendors.provider(name)
        can = self._provider.capabilities
        if Method.PERSON in {can.mint, can.revoke}:
            raise InputError(
                f"tokens of {name} are created or revoked by a person",
                hint=f"try it with a record: tokenguard add trial/{name} --provider {name}",
            )
        if scope is None and (why := _needs_scope(can)):
            raise InputError(f"{name} {why}", hint=f"name it: --scope {can.scope_kind or 'KIND'}:ID")
        record = Record(name=token_name("trial/live"), provider=name, base_url=self._provider.base_url, scope=scope)
        issuer = parts.vendors.of(record).issuer
        if issuer is None:
            raise InputError(
                f"no admin credential for {name}",
                hint=f"set [providers.{name}] admin, or set the variable that `tokenguard provider show {name}` prints",
            )
        self._issuer: Issuer = issuer
        self._steps: list[TrialStep] = []
        self._tried = False
        """Whether a token may exist."""
        self._made: CreatedToken | None = None
        name_there = token_name("tokenguard-live-trial")
        self.label, second = (new_label(name_there, n, can.label_limit, can.label_punctuation) for n in (1, 2))
        self._labels: tuple[Label, ...] = (self.label, second) if "label" in can.updates else (self.label,)
        """What the token is called, and what it is called after an update."""

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._provider.name

    @property
    def place(self) -> str:
        """The provider's name and address."""
        return f"{self._provider.name} ({self._provider.base_url})"

    @property
    def steps(self) -> tuple[TrialStep, ...]:
        """What was done so far."""
        return tuple(self._steps)

    def run(self) -> bool:
        """Create, check and revoke; whether everything was as the file says.

        Raises:
            NotProvenDead: a token with the label may be alive.
            Unreachable: the provider refused to create one, or cannot be reached.
        """
        self._begin()
        try:
            dead = self._create_and_check()
        except BaseException as error:
            self._end(error)
            raise
        if not dead:
            self._revoke_all()
            raise self._left_alive()
        passed = all(each.result != "failed" for each in self._steps)
        self._settle("passed" if passed else "failed", "")
        return passed

    def _end(self, error: BaseException) -> None:
        """After an interruption or error: revoke the token, if there may be one.

        Raises:
            NotProvenDead: after an error, unless the value was refused, or the creation was and the list has no token.
        """
        refused = self._made is None and isinstance(error, CreateRefused)
        if not self._tried or (refused and self._is_absent()):
            self._settle("nothing was created", "nothing was created")
        elif self._clean_up():
            self._settle("interrupted; the token was revoked", f"the test token {self.label} was revoked")
        elif isinstance(error, Exception):
            raise self._left_alive() from None
        else:
            self._write(self._doubt())

    def _settle(self, state: str, unfinished: str) -> None:
        """Record that no token is left. The file is written first: an interruption here keeps the doubt."""
        self._write(state)
        self._parts.unfinished = unfinished

    def _doubt(self) -> str:
        where = self._provider.guide().where or self._provider.base_url
        return f"a token may be alive: revoke {' or '.join(self._labels)} at {where}"

    def _left_alive(self) -> NotProvenDead:
        self._write(self._doubt())
        return NotProvenDead(self._doubt(), hint=f"revoke it there; {shown(self._report)} says what was done")

    def _begin(self) -> None:
        try:
            create_private(self._report, self._text("started"))
        except OSError as error:
            raise not_written(self._report, error) from None

    def _create_and_check(self) -> bool:
        """Whether the token is dead in the end."""
        issuer, can = self._issuer, self._provider.capabilities
        self._step("the list is read completely", issuer.listed().gap)
        wanted = TokenRequest(label=self.label, scope=self._scope, permissions=self._permissions)
        self._write(self._doubt())
        self._tried, self._parts.unfinished = True, self._doubt()
        self._made = made = issuer.create(wanted)
        self._step("a token is created", "")
        ids = [row.provider_id for row in self._until(lambda: issuer.listed().named(self.label))]
        self._step("the list contains it, with its label and id", "" if ids == [made.provider_id] else "it does not")
        if set(ids) - {made.provider_id}:
            return self._clean_up()  # a repeated request, for example: the value of the other one is not known
        if can.probe:
            self._probe(made.value)
        else:
            self._steps.append(TrialStep("the token is accepted", "not described"))
        if isinstance(issuer, Updater) and len(self._labels) > 1:
            self._update(issuer, made)
        issuer.revoke(made.provider_id)
        gone = bool(self._until(lambda: self._is_gone(made.provider_id)))
        self._step("it is revoked, and the list no longer has it", "" if gone else "the list still has it")
        if not can.probe:
            self._steps.append(TrialStep("it is dead", "not described"))
            return gone
        dead = self._is_dead(made.value, made.provider_id)
        self._step("it is dead", "" if dead else "it was accepted, or there was no clear answer")
        return dead

    def _update(self, issuer: Updater, made: CreatedToken) -> None:
        """Give the token its second label; its value has to stay."""
        step, can = "its label is changed, and its value stays", self._provider.capabilities
        rows = issuer.listed().of_id(made.provider_id)
        permissions = self._permissions or (rows[0].permissions if rows else ())
        if "permissions" in can.updates and not permissions:
            self._steps.append(TrialStep(step, "not tried", "the same request sends permissions; give --permission"))
            return
        wanted = TokenRequest(label=self._labels[-1], scope=self._scope, permissions=permissions)
        try:
            issuer.update(made.provider_id, wanted)
        except (Ambiguous, CreateRefused) as error:
            self._step(step, error.message)
            return
        if not self._until(
            lambda: [row for row in issuer.listed().of_id(made.provider_id) if row.label == wanted.label]
        ):
            self._step(step, "the list does not show it")
        elif can.probe and (seen := self._provider.probe(made.value, self._scope)).verdict is not Verdict.ALIVE:
            self._step(step, seen.explained)
        else:
            self._step(step, "")

    def _named(self) -> list[ProviderToken]:
        """The listed tokens with one of the labels."""
        listed = self._issuer.listed()
        return [row for each in self._labels for row in listed.named(each)]

    def _is_gone(self, provider_id: str) -> bool:
        listed = self._issuer.listed()
        return listed.complete and not listed.holds(provider_id) and not any(map(listed.named, self._labels))

    def _until(self, look: Callable[[], Any]) -> Any:
        """What `look` finds, within the time by which the list may lag."""
        clock, lag = self._parts.clock, self._provider.capabilities.list_lag.total_seconds()
        ends = clock.monotonic() + max(lag, _PAUSE)
        while not (found := look()) and clock.monotonic() < ends:
            clock.sleep(_PAUSE)
        return found

    def _probe(self, value: Value) -> None:
        clock, lag = self._parts.clock, self._provider.capabilities.activate_lag.total_seconds()
        ends = clock.monotonic() + lag
        seen = self._provider.probe(value, self._scope)
        while seen.verdict is not Verdict.ALIVE and clock.monotonic() < ends:
            clock.sleep(_PAUSE)
            seen = self._provider.probe(value, self._scope)
        self._step("the token is accepted", "" if seen.verdict is Verdict.ALIVE else seen.explained)
        if self._provider.capabilities.verifies_scope:
            wrong = seen.scope_verdict is not ScopeVerdict.RIGHT
            self._step("it belongs to the scope", "the scope could not be read, or is wrong" if wrong else "")

    def _is_dead(self, value: Value, provider_id: str) -> bool:
        """Whether it is refused over the death window while the admin credential is accepted."""
        clock, window = self._parts.clock, self._provider.capabilities.death_window
        series = RefusalSeries(clock, window)
        ends = clock.monotonic() + _PATIENCE * max(window.length.total_seconds(), _PAUSE)
        while clock.monotonic() < ends:
            series.turns()
            seen = self._provider.probe(value, None)
            if seen.verdict is Verdict.ALIVE:
                series.accepted()
            elif seen.verdict is Verdict.DEAD and self._is_gone(provider_id):
                proof = series.refused(seen.at, ControlResult(by=DeathControl.ADMIN))
                if proof is not None:
                    return proof.proven
            clock.sleep(series.pause())
        return False

    def _is_absent(self) -> bool:
        """Whether a complete list has no token with the label, for as long as it may lag."""
        with suppress(TokenguardError):
            found = self._until(self._named)
            return not found and self._is_gone("")
        return False

    def _clean_up(self) -> bool:
        """Revoke what was created and what has the label; whether the one token was proven dead by its value."""
        with suppress(OSError):  # the terminal may be gone
            called = " or ".join(self._labels)
            self._parts.progress.note(f"revoking the test token {called}, and checking that it is refused")
        made, alone = self._made, self._revoke_all()
        with suppress(TokenguardError):
            if made is not None and self._provider.capabilities.probe and alone:
                return self._is_dead(made.value, made.provider_id)
            # The list alone proves nothing: a provider may hide what it still accepts.
            gone = bool(self._until(lambda: self._is_gone("")))
            with suppress(OSError):
                self._step("the list has no such token after the revocation", "" if gone else "it has one")
        return False

    def _revoke_all(self) -> bool:
        """Revoke what was created and what has a label of the trial; whether nothing but the former has one."""
        made = self._made
        known = "" if made is None else made.provider_id
        self._revoke(known)
        with suppress(TokenguardError):
            if made is None:
                self._until(self._named)
            others = {row.provider_id for row in self._named()} - {known}
            for each in others:
                self._revoke(each)
            return not others
        return False

    def _revoke(self, provider_id: str) -> None:
        """Ask for it, if the id is known; what became of it is looked up afterwards."""
        with suppress(TokenguardError):
            if provider_id:
                self._issuer.revoke(provider_id)

    def _step(self, name: str, failure: str) -> None:
        self._steps.append(TrialStep(name, "failed" if failure else "ok", failure))
        if failure:
            self._parts.progress.note(f"{name}: {failure}")
        else:
            self._parts.progress.step(name)

    def _write(self, state: str) -> None:
        replace_file(self._report, self._text(state))

    def _text(self, state: str) -> bytes:
        content = {
            "provider": self._provider.name,
            "address": self._provider.base_url,
            "date": f"{self._parts.clock.now():%Y-%m-%d}",
            "tokenguard": __version__,
            "label": self.label,
            "state": state,
            "steps": [{"step": each.name, "result": each.result, "reason": each.reason} for each in self._steps],
        }
        return (json.dumps(content, indent=2) + "\n").encode()
