"""The use case of `edit`: changes a record; changes of destinations need a confirmation."""

from collections.abc import Iterable, Mapping

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.names import TokenName
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, Custody, Record, RecordState
from tokenguard.errors import InputError, Unfinished
from tokenguard.frozen import Frozen, replace
from tokenguard.inventory import admission
from tokenguard.inventory.record_changes import RecordChanges, apply, check_age, differing
from tokenguard.rotation.machine import can_abort, with_servers_of
from tokenguard.usecases.add_token import check_commands, check_consumers, check_scope
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.given_facts import OBSERVED
from tokenguard.usecases.parts import (
    HasExternalFields,
    HasProgress,
    HasSecondPerson,
    HasTerminal,
    HasVendors,
    WritesRecords,
)
from tokenguard.usecases.token_lookup import known_token

_TRUSTED = {
    "provider": "its provider",
    "base_url": "its provider's address",
    "consumers": "its consumers",
    "location": "where its value is stored",
    "after": "what runs after its deliveries",
}
"""Changes that affect where a value is sent."""


class RecordEdit(Frozen, frozen=True, kw_only=True):
    """A checked change of one record that is not committed yet."""

    snapshot: Snapshot
    after: Record
    changed: tuple[str, ...]
    """The fields that differ; empty if there is nothing to do."""

    @property
    def before(self) -> Record:
        """The record as it is."""
        return self.snapshot.document.record

    @property
    def confirms(self) -> list[str]:
        """What changes of that which decides where a value is sent."""
        return [_TRUSTED[field] for field in self.changed if field in _TRUSTED]


def edit_record(parts: WritesRecords, name: TokenName, changes: RecordChanges, *, confirmed: bool) -> Snapshot:
    """Commit changes of a record.

    Args:
        parts: what it takes of the process.
        name: the token's name.
        changes: the fields given for it.
        confirmed: do not ask about changed destinations.

    Raises:
        InputError: the token does not exist, nothing was given, or a field is invalid.
        Unfinished: an operation on the token is open.
        Conflict: the token was changed concurrently.
    """
    edit = plan_edit(parts, known_token(parts.store, name), changes)
    authorise_edits(parts, [edit])
    if not confirmed:
        _confirm(parts, edit.after, edit.confirms)
    return commit_edit(parts, edit)


def plan_edit(
    parts: WritesRecords, snapshot: Snapshot, changes: RecordChanges, taken: Mapping[str, TokenName] | None = None
) -> RecordEdit:
    """Check changes of a record without writing them; raises as `edit_record` does.

    Args:
        parts: what it takes of the process.
        snapshot: the token.
        changes: the fields given for it.
        taken: which token each place belongs to, where that is known already.
    """
    before = snapshot.document.record
    _check_editable(snapshot, changes)
    if not changes.given():
        raise InputError("no change was given", hint="tokenguard edit NAME --owner TEAM, for example")
    admission.refuse_known_values(changes.texts(), admission.known_by(parts.store))
    changes = _with_scope(before, changes)
    changes = _with_place(parts, before, _with_address(parts, before, changes))
    after = apply(before, _with_servers(parts, before, changes))
    edit = RecordEdit(snapshot=snapshot, after=after, changed=differing(before, after))
    if edit.changed:
        _check(parts, before, after, taken)
    return edit


def commit_edit(parts: WritesRecords, edit: RecordEdit) -> Snapshot:
    """Write a checked change with its audit event; nothing is written where nothing differs."""
    snapshot, after = edit.snapshot, edit.after
    if not edit.changed:
        return snapshot
    approved = authorise_edits(parts, [edit])
    _tell(parts, edit.before.consumers or (), after, busy=snapshot.document.busy)
    event = Event(
        at=parts.clock.now(),
        op=Op.EDIT,
        actor=parts.store.actor(),
        name=after.name,
        detail={"fields": ",".join(edit.changed), **approved},
    )
    document = replace(snapshot.document, record=after)
    if document.journal is not None and document.busy:
        document = replace(document, journal=with_servers_of(after, document.journal))
    return parts.store.commit(snapshot.id, snapshot.version, document, [event])


def authorise_edits(parts: HasSecondPerson, edits: Iterable[RecordEdit]) -> Detail:
    """What the events of these changes say of their approvals; NotApproved if a second person is needed first."""
    changes = [parts.second_person.changes(edit.snapshot, edit.after) for edit in edits]
    return parts.second_person.authorise([each for found in changes for each in found])


def _check_editable(snapshot: Snapshot, changes: RecordChanges) -> None:
    """During an operation only the consumers may be changed, while the old token is alive.

    A rotation of a token with undeclared consumers waits for that.
    """
    record, journal = snapshot.document.record, snapshot.document.journal
    declares = set(changes.given()) == {"consumers"} and journal is not None and can_abort(journal)
    if snapshot.document.busy and not declares:
        raise Unfinished(
            f"{record.name} has an open operation, which relies on the record",
            hint=f"tokenguard rotate {record.name} --resume, or --abort, then edit",
        )
    if record.state is RecordState.RETIRED:
        raise InputError(f"{record.name} is retired; its record is kept as evidence", hint="add a new token instead")


def _with_address(parts: HasVendors, before: Record, changes: RecordChanges) -> RecordChanges:
    """Another provider comes with its own address; an address must be the configured one."""
    if changes.base_url is None and changes.provider in {None, before.provider}:
        return changes
    provider = parts.vendors.provider(changes.provider or before.provider)
    if changes.base_url is not None and changes.base_url.rstrip("/") != provider.base_url:
        raise InputError(
            f"another address of {provider.name} is configured on this machine",
            hint=f"set [providers.{provider.name}] base_url first, then: tokenguard edit {before.name} --base-url URL",
        )
    return replace(changes, base_url=provider.base_url)


def _with_scope(before: Record, changes: RecordChanges) -> RecordChanges:
    """`observed` is the scope that the provider reports for the live value; a contradicting scope is refused."""
    if not isinstance(changes.scope, Scope):
        return changes
    seen = before.seen.scope if before.seen is not None and changes.provider in {None, before.provider} else None
    if changes.scope == OBSERVED:
        if before.seen is None or seen is None:
            raise InputError(
                f"the provider has not reported the scope of {before.name}",
                hint=(f"tokenguard verify {before.name}, then try again"),
            )
        return replace(changes, scope=seen, scope_name=changes.scope_name or before.seen.scope_name or None)
    if seen is not None and seen.kind == changes.scope.kind and seen != changes.scope:
        raise InputError(
            f"{before.provider} says that {before.name} belongs to {seen}",
            hint=f"tokenguard edit {before.name} --scope observed; to verify it again: tokenguard verify {before.name}",
        )
    return changes


def _with_place(parts: WritesRecords, before: Record, changes: RecordChanges) -> RecordChanges:
    """A location must already have the value: an edit moves nothing, and pins the server again."""
    if changes.location is None:
        return changes
    if changes.location.custody is not Custody.ADOPTED:
        if before.location.custody is Custody.ADOPTED:
            raise InputError(
                f"the value of {before.name} is stored at {before.location.url}, which can be read",
                hint="give another place with the same value, or retire this token",
            )
        return changes
    location = parts.places.pinned(changes.location.url)
    admission.check_place_is_free(parts.store, location, besides=before.name)
    if parts.store.fingerprint(admission.value_at(parts.places, location)) != before.fingerprint:
        raise InputError(
            f"{location.url} does not have the recorded value of {before.name}",
            hint="put the value there first; add a different value as a new token",
        )
    return replace(changes, location=location)


def _with_servers(parts: HasExternalFields, before: Record, changes: RecordChanges) -> RecordChanges:
    """Pin consumers that are fields to the configured server."""
    if changes.consumers is None:
        return changes
    known = before.consumers or ()
    return replace(changes, consumers=admission.pinned(lambda: parts.places, changes.consumers, known=known))


def _check(parts: WritesRecords, before: Record, after: Record, taken: Mapping[str, TokenName] | None) -> None:
    check_age(after, parts.clock.now())
    if after.scope != before.scope or after.provider != before.provider:
        check_scope(after, parts.vendors.provider(after.provider))
    if after.consumers != before.consumers:
        check_consumers(parts, after, known=before.consumers or (), taken=taken)
    check_commands(parts, after)
    if after.name != before.name and parts.store.find(after.name) is not None:
        raise InputError(f"there is already a token named {after.name}", hint="choose another name")


def _tell(parts: HasProgress, before: tuple[Consumer, ...], record: Record, *, busy: bool) -> None:
    """Describe a new list of consumers: those that are not in it no longer get the value."""
    after = record.consumers or ()
    places = set(map(str, after))
    if left := [str(each) for each in before if str(each) not in places]:
        parts.progress.note(f"no longer a consumer: {', '.join(left)}; --deliver replaces the whole list")
    for each in after:
        if each not in before and str(each) in map(str, before):
            parts.progress.note(f"new consumer: {each.shown}")
    new = [each for each in after if each not in before]
    if not new or busy:
        return
    if record.fingerprint is not None and any(each.kind is not ConsumerKind.PERSON for each in new):
        parts.progress.note(
            f"new consumers receive the value at the next rotation, or now: tokenguard deliver {record.name}"
        )
    else:
        parts.progress.note("new consumers receive the value at the next rotation")


def _confirm(parts: HasTerminal, after: Record, what: list[str]) -> None:
    """Ask for confirmation on a terminal; without one, giving the option is the confirmation."""
    if not what or parts.tty is None:
        return
    parts.tty.show(f"This changes {' and '.join(what)}:")
    parts.tty.show(f"  provider   {after.provider} {after.base_url}")
    if after.location.url:
        parts.tty.show(f"  location   {after.location.url} {after.location.server}")
    parts.tty.show(f"  consumers  {', '.join(each.shown for each in after.consumers or ()) or 'none'}")
    if after.after:
        parts.tty.show(f"  after      {', '.join(map(str, after.after))}")
    confirm(parts.tty, "go on", undone="changed")
