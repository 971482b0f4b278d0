"""Values that leave for a process or a file: written down before, and after with how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.names import TokenName
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, InputError, TokenguardError
from tokenguard.ports.store import FieldState, Live
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.token_lookup import known_token

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A token and the variable that is to hold it."""

    name: TokenName
    variable: str

    def variables(self, value: Value) -> dict[str, str]:
        """Variable to text; a value of several fields takes one variable for each."""
        if len(value.names) == 1:
            return {self.variable: value.token.reveal()}
        return {f"{self.variable}_{name.upper()}": value.field(name).reveal() for name in value.names}


def check_in_place(record: Record, live: Live) -> None:
    """Refuse a value that is no longer where it lives; another one there is the one that its consumers use."""
    if live.found is FieldState.NOTHING:
        raise InputError(
            f"there is nothing any more at {record.location.url}, where the value of {record.name} lives",
            hint="have it restored there, or `tokenguard retire` the token",
        )


def what_is_live(live: Live) -> Detail:
    """What an event says of a value that is disclosed; a stranger's does not pass for the one of that label."""
    return {"label": live.label} if live.found is FieldState.SAME else {"label": live.label, "found": live.found.value}


@dataclass(frozen=True, slots=True)
class Given:
    """A live value that was read for somebody."""

    asked: Asked
    snapshot: Snapshot
    live: Live


class Disclosure:
    """Some values on their way out.

    Args:
        wiring: where the store is.
        asked: what is wanted.
        to: a short word for where it goes (`exec`, `env:shell`).
    """

    def __init__(self, wiring: Wiring, asked: Sequence[Asked], to: str) -> None:
        self._wiring = wiring
        self._to = to
        self.given = [self._read(each) for each in asked]

    def _read(self, asked: Asked) -> Given:
        snapshot = known_token(self._wiring.store, asked.name)
        live = self._wiring.store.read_live(snapshot.id)
        if live is None:
            raise InputError(f"the store holds no live value of {asked.name}", hint="`tokenguard show` says why")
        check_in_place(snapshot.document.record, live)
        return Given(asked, snapshot, live)

    def variables(self) -> dict[str, str]:
        """Variable to text for everything that was read; InputError if two want the same one."""
        pairs = [pair for given in self.given for pair in given.asked.variables(given.live.value).items()]
        if len({name for name, _ in pairs}) < len(pairs):
            raise InputError("two tokens want the same variable", hint="name the variables: -t NAME=VARIABLE")
        return dict(pairs)

    def intend(self) -> None:
        """Write down what is about to leave; if that fails, nothing may."""
        for given in self.given:
            self._commit(given, Phase.INTENT, {})

    def happened(self, result: str) -> None:
        """Write down how it ended. It has happened already: trouble here is told and nothing else."""
        for given in self.given:
            try:
                self._commit(given, Phase.OUTCOME, {"result": result})
            except TokenguardError as error:
                self._wiring.progress.note(f"the outcome for {given.asked.name} is not recorded: {error.message}")

    def _commit(self, given: Given, phase: Phase, more: Detail) -> None:
        store, detail = self._wiring.store, {**what_is_live(given.live), "to": self._to, **more}
        event = Event(
            at=self._wiring.clock.now(),
            op=Op.DISCLOSE,
            phase=phase,
            actor=store.actor(),
            name=given.asked.name,
            detail=detail,
        )
        for attempt in range(1, _TRIES + 1):
            now = store.load(given.snapshot.id)  # a rotation may have moved on: the event goes behind it
            try:
                store.commit(now.id, now.version, now.document, [event])
            except Conflict:
                if attempt == _TRIES:
                    raise
            else:
                return
