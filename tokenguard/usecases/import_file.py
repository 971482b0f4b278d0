"""The use case of `import`: imports tokens in batches of whole records, so that a second run continues the first.

A token whose import reaches outside the store (a delivery, an adopted field) is imported on its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tokenguard.detection.value_coverage import uncovered
from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenName, token_name
from tokenguard.domain.second_person import SensitiveOperation
from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Custody, Record, RecordState
from tokenguard.errors import InputError, NeedsPerson, NotApproved, TokenguardError, Unfinished
from tokenguard.frozen import replace
from tokenguard.inventory import admission, heuristics
from tokenguard.inventory.readers import TokenDraft
from tokenguard.inventory.record_changes import RecordChanges, ValueInRecord, apply, check_age, texts_in
from tokenguard.inventory.record_table import LISTS
from tokenguard.ports.operator import SilentProgress
from tokenguard.ports.provider import Provider
from tokenguard.usecases.add_token import check_scope
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.import_outcome import ImportOutcome, ImportStatus
from tokenguard.usecases.parts import HasClock, HasEngine, HasExternalFields, HasSecondPerson, HasStore, HasVendors

_FALLBACK = "manual"
_BATCH = 250
"""Tokens in one commit: others wait for the store's lock meanwhile, and a kill undoes as many."""


class ImportFileParts(HasClock, HasEngine, HasExternalFields, HasSecondPerson, HasStore, HasVendors, Protocol):
    """What this use case takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Defaults for tokens of the file that lack a field."""

    prefix: str
    texts: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    """The .env file that is imported."""


class Importer:
    """Imports parsed entries into the inventory.

    Args:
        parts: what it takes of the process.
        defaults: for fields that the entries lack.
        dry_run: report what would be done, write nothing.
    """

    def __init__(self, parts: ImportFileParts, defaults: Defaults, *, dry_run: bool) -> None:
        self._parts = parts
        self._defaults = defaults
        self._dry_run = dry_run
        self._engine = parts.engine_telling(SilentProgress())
        self._known: dict[Fingerprint, admission.KnownValue] = {}
        self._names: set[TokenName] = set()
        self._without_value: dict[TokenName, Snapshot] = {}
        """Records that an entry may complete."""
        self._used: set[TokenName] = set()
        self._one_by_one = dry_run
        self._together = False
        """Whether a batch is open, whose tokens are durable when it ends."""
        self._read_inventory()

    def _read_inventory(self) -> None:
        snapshots = list(self._parts.store.scan())
        self._known = admission.known_values(snapshots)
        self._used = {each.name for each in self._known.values() if each.live}
        for snapshot in snapshots:
            taken = admission.is_taken(snapshot.document)
            self._one_by_one |= not taken  # to complete it may reach outside, or need a second person
            if taken:
                self._names.add(snapshot.document.record.name)
            else:
                self._without_value[snapshot.document.record.name] = snapshot

    def prepare(self, drafts: Iterable[TokenDraft]) -> None:
        """Put all destinations that wait for a second person into one request; what cannot be read fails in its turn.

        Raises:
            RequestFiled, InputError: as `SecondPerson.prepare`.
        """
        found = list[SensitiveOperation]()
        for draft in drafts:
            if draft.lists.get("consumers"):
                with suppress(TokenguardError):
                    found += self._sensitive(draft)
        self._parts.second_person.prepare(found)

    def _sensitive(self, draft: TokenDraft) -> list[SensitiveOperation]:
        record = self._record(draft)
        if draft.value and self._parts.store.fingerprint(Value.of(check_value(draft.value.reveal()))) in self._known:
            return []
        existing = self._without_value.get(record.name)
        if record.name in self._names or (existing is not None and existing.document.busy):
            return []
        return self._parts.second_person.changes(existing, record)

    def run(self, drafts: Iterable[TokenDraft]) -> Iterable[ImportOutcome]:
        """Import each entry; yields its result once that is durable. Raises what the store raises."""
        for together in self._batches(drafts):
            done: list[ImportOutcome] = []
            with self._parts.store.batch() if len(together) > 1 else nullcontext(False) as self._together:
                for draft in together:
                    done.append(self._outcome(draft))
                    if not self._together:
                        yield done.pop()
            yield from done

    def _batches(self, drafts: Iterable[TokenDraft]) -> Iterator[list[TokenDraft]]:
        together: list[TokenDraft] = []
        for draft in drafts:
            alone = self._one_by_one or not _stays_inside(draft)
            if together and (alone or len(together) == _BATCH):
                yield together
                together = []
            together.append(draft)
            if alone:
                yield together
                together = []
        if together:
            yield together

    def _outcome(self, draft: TokenDraft) -> ImportOutcome:
        try:
            return self._take(draft)
        except InputError as error:
            fate, reason = ImportStatus.REFUSED, f"{error.message}; {error.hint}"
        except (NeedsPerson, Unfinished) as error:
            fate, reason = ImportStatus.UNFINISHED, error.message
        except NotApproved as error:
            fate, reason = ImportStatus.UNFINISHED, f"{error.message}; {error.hint}"
        return ImportOutcome(fate=fate, place=draft.place, reason=reason, also=_others(draft))

    def _take(self, draft: TokenDraft) -> ImportOutcome:
        if draft.variable and draft.value and not heuristics.looks_like_token(draft.variable, draft.value):
            return ImportOutcome(fate=ImportStatus.SKIPPED, place=draft.place, reason="does not look like a token")
        record = self._record(draft)
        users = self._pinned(_consumers(draft.also))
        value = self._value(draft, record)
        admission.refuse_known_values(
            texts_in(record), lambda each: record.name if each == value else self._holder(each)
        )
        if value is None:
            return self._enter(draft, record)
        mark = self._parts.store.fingerprint(value)
        if (known := self._known.get(mark)) is not None:
            return self._duplicate(known.name, draft, record, users) if known.live else _replaced(known.name, draft)
        self._check_free(record)
        if not self._dry_run:
            with self._parts.working_on(record.name):
                snapshot = self._stored(record, value)
            record = self._declare(snapshot, users).document.record
        self._known[mark] = admission.KnownValue(record.name, live=True)
        self._used.add(record.name)
        return _added(draft, record, uncovered(value) or _product(record, value))

    def _holder(self, value: Value) -> TokenName | None:
        known = self._known.get(self._parts.store.fingerprint(value))
        return known.name if known else None

    def _stored(self, record: Record, value: Value) -> Snapshot:
        if self._together:
            return self._engine.add(record, value, seen=None)
        return admission.take(self._parts.store, self._engine, record, value, None)

    def _value(self, draft: TokenDraft, record: Record) -> Value | None:
        """The entry's value; for an adopted one, the value at its location."""
        given = Value.of(check_value(draft.value.reveal())) if draft.value else None
        if not (record.kind.has_value and record.location.custody is Custody.ADOPTED):
            return given
        there = admission.value_at(self._parts.places, record.location)
        if given is not None and given != there:
            raise InputError(
                "its value differs from the one at its location",
                hint="leave the value out: it is read from the location",
            )
        return there

    def _declare(self, snapshot: Snapshot, users: tuple[Consumer, ...]) -> Snapshot:
        """Make the other places of the value its consumers, which a rotation updates."""
        return admission.declare_consumers(self._parts.store, self._parts.clock, snapshot, users)

    def _enter(self, draft: TokenDraft, record: Record) -> ImportOutcome:
        """Import a record that is meant to have no value."""
        elsewhere = record.location.custody is Custody.UNREADABLE
        if record.kind.has_value and not elsewhere:
            raise InputError("no value", hint="give a value, or a location")
        self._check_free(record)
        if not elsewhere:
            record = replace(record, location=replace(record.location, custody=Custody.NONE))
        if not self._dry_run:
            record = admission.add_without_value(self._parts.store, self._parts.clock, record).document.record
        return _added(draft, record)

    def _duplicate(
        self, name: TokenName, draft: TokenDraft, record: Record, users: tuple[Consumer, ...]
    ) -> ImportOutcome:
        adopted = record.location.adopted
        snapshot = self._finish(name, adopted, users)
        if snapshot is not None and not self._dry_run:
            snapshot = admission.learn_age(self._parts.store, self._parts.clock, snapshot, record.created_at)
        return ImportOutcome(
            fate=ImportStatus.DUPLICATE,
            place=draft.place,
            name=name,
            reason="duplicate value",
            also=_others(draft),
            undeclared=self._undeclared(snapshot.document.record, filter(None, [adopted, *map(str, users)]))
            if snapshot
            else (),
        )

    def _finish(self, name: TokenName, adopted: str, users: tuple[Consumer, ...]) -> Snapshot | None:
        """The token that has the value; completes an earlier run that was interrupted after storing it."""
        snapshot = self._parts.store.find(name)
        if snapshot is None or self._dry_run:
            return snapshot
        if admission.is_being_added(snapshot.document) and not self._together:
            with self._parts.working_on(name):
                snapshot = self._engine.resume(snapshot.id)
        ours = not adopted or snapshot.document.record.location.url == adopted
        return self._declare(snapshot, users) if ours and not snapshot.document.busy else snapshot

    def _undeclared(self, record: Record, addresses: Iterable[str]) -> tuple[str, ...]:
        declared = record.consumers or ()
        found = self._pinned(_consumers(tuple(addresses)), known=declared)
        return tuple(str(each) for each in found if each not in declared and str(each) != record.location.url)

    def _check_free(self, record: Record) -> None:
        if record.name in self._used:
            raise InputError("another value already has this name", hint="give another --prefix, or a name")
        if record.name in self._names:
            raise admission.name_exists(record.name)
        if record.consumers:
            admission.check_consumers_are_free(self._places, record.consumers, of=record.name)
            self._places.update(dict.fromkeys(record.places, record.name))

    @cached_property
    def _places(self) -> dict[str, TokenName]:
        """The places that values are delivered to, including those of this run."""
        return admission.places_taken(self._parts.store)

    def _record(self, draft: TokenDraft) -> Record:
        texts = {**self._defaults.texts, **draft.texts}
        provider = texts.get("provider") or self._guess(draft)
        built = self._provider(provider)
        blank = Record(
            name=_name(draft, self._defaults.prefix),
            provider=provider,
            kind=built.capabilities.kind,
            base_url=built.base_url,
        )
        record = blank
        for field_name, text in texts.items():
            if field_name not in {"name", "provider"}:
                record = apply(record, read_field(field_name, text))
        for field_name, items in draft.lists.items():
            record = apply(record, read_field(field_name, items))
        check_scope(record, built)
        check_age(record, self._parts.clock.now())
        if record.consumers:
            record = replace(record, consumers=self._pinned(record.consumers))
        if record.kind.has_value and record.location.custody is Custody.ADOPTED:
            record = replace(record, location=self._parts.places.pinned(record.location.url))
        if self._defaults.file is not None and draft.variable:
            record = replace(record, imported_from=_line_of(self._defaults.file, draft.variable))
        return replace(record, state=RecordState.UNCLAIMED) if record.missing else record

    def _pinned(self, consumers: tuple[Consumer, ...], known: tuple[Consumer, ...] = ()) -> tuple[Consumer, ...]:
        return admission.pinned(lambda: self._parts.places, consumers, known=known)

    def _provider(self, name: str) -> Provider:
        try:
            return self._parts.vendors.provider(read_field("provider", name).provider or name)
        except InputError:
            raise InputError("unknown provider", hint="correct the file, or configure the provider") from None

    def _guess(self, draft: TokenDraft) -> str:
        if draft.value is None:
            raise InputError("no provider", hint="add a provider column, or give --provider")
        return heuristics.provider_of(draft.variable, draft.value) or _FALLBACK


_OPTION_OF = {"consumers": "deliver", "location": "adopt"}


def read_field(name: str, content: str | tuple[str, ...]) -> RecordChanges:
    """Validate one field; the error names the field without its content, since columns get mixed up."""
    try:
        if name == "consumers" and not content:
            return changes_from({"no_consumers": True})
        return changes_from({_OPTION_OF.get(name, name): content})
    except ValueInRecord as error:
        raise InputError(f"its {error.field_name} looks like a token value", hint=error.hint) from None
    except InputError as error:
        raise _invalid(name, error.hint) from None
    except ValueError:
        raise _invalid(name, f"use one of: {', '.join(CredentialKind)}") from None


def _name(draft: TokenDraft, prefix: str) -> TokenName:
    text = draft.texts.get("name") or (heuristics.name_of(prefix, draft.variable) if draft.variable else "")
    try:
        return token_name(text)
    except InputError as error:
        raise (_invalid("name", error.hint) if text else InputError("no name", hint="add a column `name`")) from None


def _invalid(name: str, hint: str) -> InputError:
    verb = "are" if name in LISTS else "is"
    return InputError(f"its {name.replace('_', ' ')} {verb} not valid", hint=hint)


def _added(draft: TokenDraft, record: Record, reason: str = "") -> ImportOutcome:
    state = RecordState.UNCLAIMED if record.missing else RecordState.ACTIVE
    return ImportOutcome(
        fate=ImportStatus.ADDED,
        place=draft.place,
        name=record.name,
        provider=record.provider,
        state=state,
        reason=reason,
        also=_others(draft),
    )


def _product(record: Record, value: Value) -> str:
    """What to run if the vendor itself issued a token of a product that companies also run themselves."""
    product = heuristics.product_of(value.token) if record.provider == _FALLBACK else None
    return f"if {product}.com issued it: tokenguard edit {record.name} --provider {product}" if product else ""


def _replaced(name: TokenName, draft: TokenDraft) -> ImportOutcome:
    """The result of a value that is not live any more: nothing is declared for its places."""
    return ImportOutcome(
        fate=ImportStatus.DUPLICATE,
        place=draft.place,
        name=name,
        reason="an earlier value of it, which is no longer in use",
        also=_others(draft),
    )


def _line_of(file: Path, variable: str) -> str:
    """The line of a .env file as a consumer; empty if it can be none."""
    try:
        (consumer,) = _consumers((f"{ConsumerKind.DOTENV}:{file}#{variable}",))
    except InputError:
        return ""
    return str(consumer)


def _others(draft: TokenDraft) -> tuple[str, ...]:
    return tuple(each for each in draft.also if each != draft.place)


def _stays_inside(draft: TokenDraft) -> bool:
    """Whether its import changes the store alone and reads nothing else."""
    return not draft.texts.get("location") and not draft.lists.get("consumers")


def _consumers(addresses: tuple[str, ...]) -> tuple[Consumer, ...]:
    if not addresses:
        return ()
    from tokenguard.delivery.delivery_registry import parse_consumer  # only where there are any

    return tuple(parse_consumer(address, base=Path.cwd()) for address in addresses)
