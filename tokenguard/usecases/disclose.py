"""Discloses values to a process or file, with an audit event before and after."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, InputError, TokenguardError
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.store import FieldState, Live
from tokenguard.usecases.parts import HasClock, HasProgress, HasSecondPerson, HasStore
from tokenguard.usecases.requested_token import RequestedToken
from tokenguard.usecases.token_lookup import known_token

_TRIES = 5


class DiscloseParts(HasClock, HasProgress, HasSecondPerson, HasStore, Protocol):
    """What this use case takes."""


def check_in_place(record: Record, live: Live) -> None:
    """Refuse a value that is missing at its location; a different value there is the one its consumers use."""
    if live.found is FieldState.MISSING:
        raise InputError(
            f"the value of {record.name} is missing at {record.location.url}",
            hint="restore it there, or `tokenguard retire` the token",
        )


def disclosed_detail(live: Live) -> Detail:
    """The audit detail of a disclosed value; a replaced value is not recorded under the label of the known one."""
    return (
        {"label": live.label} if live.found is FieldState.EXPECTED else {"label": live.label, "found": live.found.value}
    )


@dataclass(frozen=True, slots=True)
class DisclosedToken:
    """A live value that was read for disclosure."""

    asked: RequestedToken
    snapshot: Snapshot
    live: Live


def authorise_disclosure(
    parts: DiscloseParts, asked: Sequence[RequestedToken], to: str, *covered: tuple[str, str]
) -> Detail:
    """What the first events of a disclosure say of its approval, before any value is read.

    Args:
        parts: what it takes of the process.
        asked: the requested tokens.
        to: a short name of the destination.
        covered: what else the approval covers of the destination: a name for it, and its text.

    Raises:
        NotApproved, RequestFiled: as `SecondPerson.authorise` does.
    """
    second, snapshots = parts.second_person, [known_token(parts.store, each.name) for each in asked]
    return second.authorise(
        [found for each in snapshots for found in second.on_token(each, SensitiveKind.REVEAL, ("to", to), *covered)]
    )


def command_line(words: Sequence[str]) -> tuple[str, str]:
    """What an approval covers of a program: a digest of its words, each ended by NUL; they may be confidential."""
    return (
        "command line",
        f"sha256:{hashlib.sha256(b''.join(os.fsencode(each) + bytes(1) for each in words)).hexdigest()}",
    )


class Disclosure:
    """Values to be disclosed.

    Args:
        parts: what it takes of the process.
        asked: the requested tokens.
        to: a short name of the destination (`exec`, `env:shell`).
        approved: what their first events say of the approval by a second person.
    """

    def __init__(self, parts: DiscloseParts, asked: Sequence[RequestedToken], to: str, approved: Detail) -> None:
        self._parts = parts
        self._to = to
        self._approved = approved
        self.given = [self._read(each) for each in asked]

    def _read(self, asked: RequestedToken) -> DisclosedToken:
        snapshot = known_token(self._parts.store, asked.name)
        live = value_to_give(self._parts.store, snapshot)
        if live is None:
            raise InputError(f"the store has no live value of {asked.name}", hint=f"see `tokenguard show {asked.name}`")
        check_in_place(snapshot.document.record, live)
        return DisclosedToken(asked, snapshot, live)

    def variables(self) -> dict[str, str]:
        """Variable to text for all values; InputError if two tokens have the same variable."""
        pairs = [pair for given in self.given for pair in given.asked.variables(given.live.value).items()]
        if len({name for name, _ in pairs}) < len(pairs):
            raise InputError("two tokens have the same variable", hint="choose the variables: -t NAME=VARIABLE")
        return dict(pairs)

    def intend(self) -> None:
        """Record the disclosure before it happens; if that fails, nothing is disclosed."""
        for given in self.given:
            self._commit(given, Phase.INTENT, self._approved)

    def happened(self, result: str) -> None:
        """Record the outcome. The disclosure has already happened, so a failure here is only reported."""
        for given in self.given:
            try:
                self._commit(given, Phase.OUTCOME, {"result": result})
            except TokenguardError as error:
                self._parts.progress.note(f"the outcome for {given.asked.name} could not be recorded: {error.message}")

    def _commit(self, given: DisclosedToken, phase: Phase, more: Detail) -> None:
        store, detail = self._parts.store, {**disclosed_detail(given.live), "to": self._to, **more}
        event = Event(
            at=self._parts.clock.now(),
            op=Op.DISCLOSE,
            phase=phase,
            actor=store.actor(),
            name=given.asked.name,
            detail=detail,
        )
        for attempt in range(1, _TRIES + 1):
            now = store.load(given.snapshot.id)  # a rotation may have added events: append after them
            try:
                store.commit(now.id, now.version, now.document, [event])
            except Conflict:
                if attempt == _TRIES:
                    raise
            else:
                return
