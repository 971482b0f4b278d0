"""What follows when a person leaves: their tokens are replaced, their grants removed, their duties given to others."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.domain.second_person import SensitiveOperation
from tokenguard.domain.token import RecordState
from tokenguard.domain.token_fields import MAKERS, ROLES, TextField
from tokenguard.errors import InputError, Unfinished
from tokenguard.frozen import Frozen, replace
from tokenguard.inventory.record_changes import RecordChanges, plain_text
from tokenguard.ports.operator import Creator
from tokenguard.rotation.batch import BatchJob, BatchResult, run_all
from tokenguard.rotation.rotation_plan import RotationPlan
from tokenguard.usecases.edit_token import edit_record
from tokenguard.usecases.parts import HasOperator, HasPeople, WritesRecords
from tokenguard.usecases.rotation_jobs import RotationJobsParts, planned

_KNOWS_VALUE = frozenset(each.name for each in MAKERS)


class OffboardPersonParts(RotationJobsParts, WritesRecords, HasOperator, HasPeople, Protocol):
    """What this use case takes."""


@unique
class Ending(StrEnum):
    """What is done with a token of a person who leaves."""

    REASSIGN = "reassign"
    """The person has only a duty, which another one takes."""
    ROTATE = "rotate"
    """The person may have kept the value."""
    RETIRE = "retire"
    """A grant without a value: it is removed, and another person grants anew."""


class PersonToken(Frozen, frozen=True, kw_only=True):
    """A token that a person has to do with."""

    snapshot: Snapshot
    roles: tuple[str, ...]
    """Those of `ROLES` that the person has."""
    ending: Ending
    plan: RotationPlan | None
    """None if it is only reassigned."""

    @property
    def name(self) -> TokenName:
        """The token's name."""
        return self.snapshot.document.record.name

    @property
    def continues(self) -> bool:
        """Whether an operation on it is open, which is completed."""
        return self.snapshot.document.busy

    @property
    def needs_person(self) -> bool:
        """Whether a person has to do something at the provider."""
        return self.plan is not None and self.plan.needs_person


class Successors(Frozen, frozen=True, kw_only=True):
    """Who takes over; empty text clears the field. The creator of a new value is the one who creates it."""

    person: str = ""
    """As contact."""
    login: str = ""
    """At a provider where a person creates tokens."""
    owner: str = ""
    """The team that owns what the person owned."""

    def changes(self, roles: Sequence[str]) -> RecordChanges:
        """What a record says instead."""
        found: dict[str, Any] = {each.name: self.of(each) for each in ROLES if each.name in roles}
        return RecordChanges(**found)

    def of(self, role: TextField) -> str:
        """Who takes a role over."""
        return {"person": self.person, "login": self.login, "owner": self.owner}[role.successor]


def tokens_of_person(parts: OffboardPersonParts, person: str) -> list[PersonToken]:
    """The tokens in use that name the person: reassigned ones first, then those that need no person, then the rest.

    Raises:
        InputError: no token names the person, so the name may be mistyped.
    """
    person = plain_text(person, what="person")
    found = [
        _tie(parts, snapshot, roles)
        for snapshot in parts.store.scan()
        if snapshot.document.record.state is not RecordState.RETIRED
        and (roles := _roles(parts, snapshot.document, person))
    ]
    if not person or not found:
        raise _unnamed(parts, person)
    order = list(Ending)
    return sorted(found, key=lambda each: (order.index(each.ending), each.needs_person, each.name))


def _unnamed(parts: OffboardPersonParts, person: str) -> InputError:
    """No token in use names the person: all is done, or, if nothing knows the name, it may be mistyped."""
    retired = [each.document for each in parts.store.scan() if each.document.record.state is RecordState.RETIRED]
    if person and (parts.people.find(person) is not None or any(_roles(parts, each, person) for each in retired)):
        return InputError(
            f"no token in use names {person!r}, a known name: nothing is left to do",
            hint=f"tokenguard list --state retired --made-by {shlex.quote(person)} lists what was retired",
        )
    names = ", ".join(each.option for each in ROLES)
    known = parts.people.known
    return InputError(
        f"no token{' and no entry of the people file' if known else ''} has the name {person!r}: it may be mistyped",
        hint=f"write it as in {names}{', or as in the people file' if known else ''}; if this person was "
        "offboarded before, nothing is left to do",
    )


def check_successors(parts: OffboardPersonParts, person: str, successors: Successors) -> None:
    """InputError if the person, or one who has left too, would take over."""
    named = (successors.person, successors.login, successors.owner)
    if any(parts.people.same(person, each) for each in named):
        raise InputError(
            f"{person} cannot take over from {person}", hint="name another person or team, or leave the option out"
        )
    if any((found := parts.people.find(each)) is not None and found.left for each in named):
        raise InputError(
            "the person who takes over has left too, according to the people file", hint="name another person"
        )


def check_can_begin(
    parts: OffboardPersonParts, person: str, ties: Sequence[PersonToken], successors: Successors
) -> None:
    """InputError if the person runs the command themselves, or if a token would have no owner."""
    if parts.people.same(parts.store.actor().person, person):
        raise InputError(
            f"{person} runs this command, and would be recorded as the creator of each new value",
            hint="another person runs it",
        )
    owned = [each.name for each in ties if "owner" in each.roles]
    if owned and not successors.owner:
        raise InputError(f"{person} owns {', '.join(owned)}", hint="name the team that takes over: --owner-to TEAM")


def offboard(
    parts: OffboardPersonParts, person: str, ties: Sequence[PersonToken], successors: Successors
) -> Iterator[BatchResult]:
    """Do it, one token after another; one that fails does not stop the rest, and keeps naming the person."""
    parts.operator.hand_over(lambda name: parts.people.same(name, person), Creator(successors.person, successors.login))
    parts.second_person.prepare([each for tie in ties for each in _sensitive(parts, tie, successors)])
    jobs = [_job(parts, person, tie, successors, f"{n} of {len(ties)}") for n, tie in enumerate(ties, 1)]
    yield from run_all(jobs, parts.clock)


def last_disclosure(parts: OffboardPersonParts, person: str, tie: PersonToken) -> datetime | None:
    """When the audit trail last has the person as the one who read or delivered the value; None if it never does."""
    return max(
        (
            entry.event.at
            for entry in parts.store.history(tie.snapshot.id)
            if entry.event.op is Op.DISCLOSE and parts.people.same(entry.event.actor.person, person)
        ),
        default=None,
    )


def _sensitive(parts: OffboardPersonParts, tie: PersonToken, successors: Successors) -> list[SensitiveOperation]:
    """What of one token waits for a second person."""
    second, record = parts.second_person, tie.snapshot.document.record
    if tie.ending is Ending.RETIRE:
        return [] if tie.continues else second.rotations([(tie.snapshot, Mode.RETIRE)])
    changes = "owner" in tie.roles
    return second.changes(tie.snapshot, replace(record, owner=successors.owner)) if changes else []


def _roles(parts: HasPeople, document: Document, person: str) -> tuple[str, ...]:
    """Compared by every name that `[people]` knows of the person, without regard to case."""
    records = document.by_creator
    return tuple(each.name for each in ROLES if any(parts.people.same(each.of(record), person) for record in records))


def _tie(parts: OffboardPersonParts, snapshot: Snapshot, roles: tuple[str, ...]) -> PersonToken:
    ending = Ending.REASSIGN
    if _KNOWS_VALUE & set(roles):
        ending = Ending.ROTATE if snapshot.document.record.kind.has_value else Ending.RETIRE
    mode = Mode.RETIRE if ending is Ending.RETIRE else Mode.PLANNED
    plan = None if ending is Ending.REASSIGN else planned(parts, snapshot, mode)
    return PersonToken(snapshot=snapshot, roles=roles, ending=ending, plan=plan)


def _job(parts: OffboardPersonParts, person: str, tie: PersonToken, successors: Successors, place: str) -> BatchJob:
    def run() -> Snapshot:
        parts.progress.waiting(f"{place}: {tie.name}")
        with parts.working_on(tie.name):
            return _end(parts, person, tie, successors)

    return BatchJob(name=tie.name, run=run, pause=tie.plan.pause.total_seconds() if tie.plan else 0.0)


def _end(parts: OffboardPersonParts, person: str, tie: PersonToken, successors: Successors) -> Snapshot:
    """An open operation is completed first, since the record cannot change meanwhile; then the duties change."""
    snapshot, reason = parts.store.load(tie.snapshot.id), f"{person} leaves"
    replaced = False
    if snapshot.document.busy:
        if tie.ending is Ending.REASSIGN:
            hint = f"tokenguard rotate {tie.name} --resume, then the same command again"
            raise Unfinished(f"an operation on {tie.name} is open", hint=hint)
        journal = snapshot.document.journal
        replaced = journal is not None and journal.mode.ends_a_value
        snapshot = parts.engine.resume(snapshot.id)
    if snapshot.document.record.state is RecordState.RETIRED:
        return snapshot
    if tie.ending is Ending.RETIRE:
        return parts.engine.retire(snapshot.id, reason=reason)
    if duties := tuple(role for role in tie.roles if role not in _KNOWS_VALUE):
        name = snapshot.document.record.name
        snapshot = edit_record(parts, name, successors.changes(duties), confirmed=True)
    if tie.ending is Ending.REASSIGN:
        return snapshot
    if not replaced or _KNOWS_VALUE & set(_roles(parts, snapshot.document, person)):
        snapshot = parts.engine.rotate(snapshot.id, reason=reason)
    return _creator_settled(parts, person, tie, successors, snapshot)


def _creator_settled(
    parts: OffboardPersonParts, person: str, tie: PersonToken, successors: Successors, rotated: Snapshot
) -> Snapshot:
    """The operation has recorded who created the new value. What it could not know is taken from the options."""
    record = rotated.document.record
    still = _KNOWS_VALUE & set(_roles(parts, rotated.document, person))
    changes: dict[str, Any] = dict.fromkeys(still, "")
    asked = bool(successors.login) and bool(_KNOWS_VALUE & set(tie.roles))
    if asked and (not record.account or "account" in still):
        changes["account"] = successors.login
    elif asked and record.account != successors.login:
        parts.progress.note(
            f"{tie.name}: created with the login {record.account}; --login-to is only for tokens that a person creates"
        )
    return edit_record(parts, record.name, RecordChanges(**changes), confirmed=True) if changes else rotated
