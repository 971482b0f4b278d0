"""Checks for problems that would make the next rotations fail."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tokenguard.domain.diagnosis import Diagnosis, Level, failed_check, passed_check, warned_check
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.domain.token import Consumer, CredentialKind, Record, RecordState
from tokenguard.errors import ExitCode, InputError, TokenguardError
from tokenguard.inventory.selection import ANY, by_due, is_refused, listed
from tokenguard.inventory.views import due_words, leak_words, older_leak_ends
from tokenguard.policy.listing_validity import LONGEST
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.provider import Method
from tokenguard.rotation.keeping import how_to_prove
from tokenguard.rotation.machine import revocation_owed
from tokenguard.settings import admin_variable
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasClock, HasDeliveries, HasExternalFields, HasPolicy, HasStore, HasVendors

_NEXT = 20
"""How many of the next rotations are checked in detail."""
_NAMED = 3
_STUCK = timedelta(days=2)


class DiagnoseTokensParts(HasClock, HasDeliveries, HasExternalFields, HasPolicy, HasStore, HasVendors, Protocol):
    """What this use case takes."""


def operations(parts: DiagnoseTokensParts, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Open operations, and old values that are due for a recheck."""
    now, quiet = parts.clock.now(), True
    rule = parts.policy.rule("rotation-stuck")
    patience = rule.days() if rule else _STUCK
    for snapshot in inventory:
        for finding in _of_token(snapshot, now, patience):
            quiet = False
            yield finding
    if quiet:
        yield passed_check("operations", "none open, no recheck due")


def leaks(_parts: object, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Open leaks, also of retired tokens: a leak ends with a proof of death or by a person's decision."""
    leaked = [each.document for each in inventory if each.document.record.has_leaked]
    for document in leaked:
        record = document.record
        retired = record.state is RecordState.RETIRED
        if record.live_leak is not None:
            way = (
                f"edit {record.name} --leak-ended REASON"
                if retired
                else f"rotate {record.name} {_end_of_leak(document)}"
            )
            yield failed_check("leak", f"{record.name}: leaked {leak_words(record.live_leak)}", f"tokenguard {way}")
        if record.older_leak is not None:
            text = f"{record.name}: an older value leaked {leak_words(record.older_leak)}; the live one did not"
            resume = f"tokenguard rotate {record.name} --resume"
            unfinished = document.busy or revocation_owed(document)
            yield failed_check("leak", text, resume if unfinished else older_leak_ends(record.name))
    if not leaked:
        yield passed_check("leaks", "none recorded")


def refused_values(_parts: object, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Live values that their provider did not accept at the last check: their consumers fail now."""
    for snapshot in inventory:
        record, seen = snapshot.document.record, snapshot.document.record.seen
        if seen is not None and is_refused(snapshot):
            text = f"{record.name}: its provider did not accept its live value on {seen.at:%Y-%m-%d}"
            yield failed_check(
                "live value", text, f"tokenguard verify {record.name}, then tokenguard rotate {record.name}"
            )


def next_rotations(parts: DiagnoseTokensParts, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """The tokens due next: their provider, its admin credential, and their consumers."""
    now = parts.clock.now()
    ranked = by_due(listed(inventory, ANY, lambda: parts.policy), now)
    soon = [each for each in ranked if each.snapshot.document.record.kind.has_value][:_NEXT]
    if not soon:
        yield passed_check("next rotation", "no token has a due date" if inventory else "there are no tokens yet")
        return
    urgent = {each.snapshot.document.record.name for each in soon if each.due is not None and each.due.soon(now)}
    records = [each.snapshot.document.record for each in soon]
    found = [*_gathered(parts, records, urgent), *_crowded(records, inventory)]
    yield from found
    if not found:
        first = soon[0]
        when = due_words(first.due, now, age_unknown=first.age_unknown) or "now"
        yield passed_check(
            "next rotation", (f"{first.snapshot.document.record.name}, due {when}, and the following ones are ready")
        )


def lists(parts: DiagnoseTokensParts, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """For providers whose list only a person can read: whether it was entered recently."""
    now = parts.clock.now()
    documents: defaultdict[str, list[Document]] = defaultdict(list)
    for snapshot in inventory:
        if snapshot.document.record.state is not RecordState.RETIRED:
            documents[snapshot.document.record.provider].append(snapshot.document)
    for provider, found in sorted(documents.items()):
        if not _only_a_person_sees_the_list(parts, found[0].record):
            continue
        read_at = max((each.listing.at for each in found if each.listing is not None), default=None)
        hint = f"tokenguard verify --reconcile {provider}"
        if read_at is None:
            yield warned_check("lists", f"{provider}'s own list of tokens was never compared with the inventory", hint)
        elif now - read_at > LONGEST:
            yield warned_check(
                "lists", f"{provider}'s own list of tokens was last read {(now - read_at).days} days ago", hint
            )
        else:
            yield passed_check("lists", f"{provider}'s own list of tokens was read on {read_at:%Y-%m-%d}")


def _end_of_leak(document: Document) -> str:
    """An open operation must be completed; a new one is refused."""
    return "--resume" if document.busy or revocation_owed(document) else "--compromised"


def _of_token(snapshot: Snapshot, now: datetime, patience: timedelta) -> Iterator[Diagnosis]:
    document, name = snapshot.document, snapshot.document.record.name
    if document.busy and document.journal is not None:
        why = f" ({document.journal.waiting_for})" if document.journal.waiting_for else ""
        age = now - document.journal.updated_at
        text = f"{name}: {document.journal.words}{why}"
        if age > patience:
            yield failed_check(
                "operations", f"{text}, {pluralize(age.days, 'day')} ago", f"tokenguard rotate {name} --resume"
            )
        else:
            yield warned_check("operations", text, f"tokenguard rotate {name} --resume")
    for item in document.quarantine:
        if item.alive_again:
            yield Diagnosis(
                check="quarantine",
                level=Level.FAIL,
                text=f"{name}: a token that was recorded as gone is alive",
                hint=f"tokenguard rotate {name} --resume",
                exit_code=ExitCode.NOT_PROVEN_DEAD,
            )
        elif item in document.possibly_alive:
            text = f"{name}: the revocation of {item.provider_label or item.label} is {item.proof.words}, not proven"
            yield warned_check("quarantine", text, how_to_prove(document.record, item))
        elif item.probe_due_at <= now and item.proof.proven:
            text = f"{name}: {item.label}, proven dead, is due for a recheck"
            yield warned_check("quarantine", text, f"tokenguard verify {name}")


def _gathered(parts: DiagnoseTokensParts, records: list[Record], urgent: set[TokenName]) -> Iterator[Diagnosis]:
    """One finding per cause, with its tokens; for tokens that are not due yet, at most a warning."""
    causes: defaultdict[tuple[str, str, str, Level], list[TokenName]] = defaultdict(list)
    for record in records:
        for finding in (
            *_provider(parts, record, urgent=record.name in urgent),
            *_place(parts, record),
            *_consumers(parts, record),
        ):
            causes[finding.check, finding.text, finding.hint, finding.level].append(record.name)
    for (check, text, hint, level), names in causes.items():
        make = failed_check if level is Level.FAIL and not urgent.isdisjoint(names) else warned_check
        yield make(check, f"{_named(names)}: {text}", hint.replace("NAME", names[0]))


def _crowded(records: Sequence[Record], inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Places that several tokens are delivered to: each rotation overwrites the other's value."""
    holders: defaultdict[str, list[TokenName]] = defaultdict(list)
    for snapshot in inventory:
        for place in snapshot.document.record.places:
            holders[place].append(snapshot.document.record.name)
    for place in sorted({place for record in records for place in record.places if len(holders[place]) > 1}):
        names = holders[place]
        yield warned_check(
            "consumers", f"{_named(names)}: all go to {place}", f"tokenguard edit {names[0]} --deliver TARGET"
        )


def _provider(parts: HasVendors, record: Record, *, urgent: bool) -> Iterator[Diagnosis]:
    """Whether the provider can be asked, and an admin credential is there; a due one needs another."""
    try:
        provider = parts.vendors.provider_of(record)
        vendor = parts.vendors.of(record)
    except InputError as error:
        text = error.message.replace(record.name, "it")
        yield failed_check("provider", text, error.hint.replace(record.name, "NAME"))
        return
    except TokenguardError as error:
        yield warned_check("provider", error.message, error.hint)
        return
    is_admin = record.kind is CredentialKind.PROVIDER_ADMIN
    by_api = Method.API in {provider.capabilities.mint, provider.capabilities.revoke}
    if vendor.issuer is None and vendor.by_value is None and by_api and (urgent or not is_admin):
        yield failed_check(
            "admin credential",
            f"no {'other ' if is_admin else ''}admin credential to create and revoke tokens of {record.provider}",
            f"tokenguard add {record.provider}/admin --provider {record.provider} --kind provider_admin --scope "
            f"KIND:ID --env E --owner TEAM --purpose TEXT, or set {admin_variable(record.provider)}",
        )


def _place(parts: DiagnoseTokensParts, record: Record) -> Iterator[Diagnosis]:
    """An adopted external field: whether it can be read from here and still has the recorded value."""
    if not record.location.adopted:
        return
    try:
        held = parts.places.of(record.location).read()
    except InputError as error:
        yield failed_check("adopted place", error.message, error.hint)
    except TokenguardError as error:
        yield warned_check("adopted place", error.message, error.hint)
    else:
        known = None if held is None else parts.store.fingerprint(Value({TOKEN_FIELD: held.text}))
        if known is None or known != record.fingerprint:
            displaced = UnexpectedValue.at(record.location.url)
            yield failed_check("adopted place", displaced.message, displaced.hint)


def _consumers(parts: HasDeliveries, record: Record) -> Iterator[Diagnosis]:
    if record.consumers is None:
        text = "no consumers declared: a rotation stops before revoking the old token"
        yield warned_check("consumers", text, "tokenguard edit NAME --deliver TARGET (or --no-consumers)")
    for consumer in record.consumers or ():
        if (error := _unreachable(parts, record, consumer)) is not None:
            why = error.message.removeprefix(f"{consumer}: ")
            yield warned_check("consumers", f"cannot deliver to {consumer} from here: {why}", error.hint)


def _unreachable(parts: HasDeliveries, record: Record, consumer: Consumer) -> TokenguardError | None:
    """Why this machine cannot deliver to a consumer, or run its command; nothing is written."""
    try:
        delivery = parts.deliveries.of(consumer)
        if delivery is not None:
            delivery.check(consumer)
        if command := record.command_after(consumer):
            parts.deliveries.check_command(command)
    except TokenguardError as error:
        return error
    return None


def _only_a_person_sees_the_list(parts: HasVendors, record: Record) -> bool:
    try:
        capabilities = parts.vendors.provider_of(record).capabilities
    except InputError:
        return False
    return capabilities.probe and not capabilities.lists


def _named(names: list[TokenName]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"
