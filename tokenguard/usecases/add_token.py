"""The use case of `add`: validates everything before anything is written."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from tokenguard.detection.value_coverage import uncovered
from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import Observation
from tokenguard.domain.names import TokenName
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Custody, Record, RecordState
from tokenguard.errors import ExitCode, InputError, TokenguardError, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory import admission
from tokenguard.inventory.record_changes import RecordChanges, apply, check_age, looks_like_value, texts_in
from tokenguard.inventory.verification import VerificationResult, judge
from tokenguard.ports.provider import Provider
from tokenguard.ports.terminal import Terminal
from tokenguard.ports.value_source import ValueOptions
from tokenguard.rotation.control_search import ControlSearch
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.parts import HasDeliveries, HasEngine, HasStore, ReadsValues, WritesRecords

_QUESTIONS = {
    "provider": "provider, such as descript, autoposting or manual",
    "scope": "scope, such as drive:ID or org:ID",
    "environment": "environment, such as prod",
    "owner": "owner, a team or person",
    "purpose": "purpose",
}
_OPTIONS = {"scope": "--scope", "environment": "--env", "owner": "--owner", "purpose": "--purpose"}


class AddTokenParts(WritesRecords, HasEngine, ReadsValues, Protocol):
    """What this use case takes."""


class TokenRejected(TokenguardError):
    """The provider refuses the value, or it has another scope; nothing was written."""

    exit_code = ExitCode.FINDINGS


class TokenAddition:
    """Adds one token to the inventory.

    Args:
        parts: what it takes of the process.
        name: the token's name.
        changes: the fields given for it.
        ask: whether a person at the terminal is asked for fields that are missing.

    Raises:
        InputError: a field is missing or invalid, or the name is in use.
    """

    def __init__(self, parts: AddTokenParts, name: TokenName, changes: RecordChanges, *, ask: bool = False) -> None:
        self._parts = parts
        tty = parts.tty if ask else None
        if changes.provider:
            parts.vendors.provider(changes.provider)  # a wrong one is reported before the store is opened
        self._declaration = _declaration(parts, name)
        declared = self._declaration.document.record if self._declaration else None
        provider = changes.provider or (declared.provider if declared else "")
        if not provider and tty is not None:
            provider = _answer(tty, "provider", lambda text: parts.vendors.provider(text).name)
        if not provider:
            raise InputError("missing --provider", hint="for example --provider descript, or --provider manual")
        self._provider = parts.vendors.provider(provider)
        kind = changes.kind or self._provider.capabilities.kind
        blank = Record(name=name, provider=provider, kind=kind, base_url=self._provider.base_url)
        if declared is not None and declared.provider == provider:
            blank = replace(declared, base_url=self._provider.base_url)
        if changes.consumers is not None:
            changes = replace(changes, consumers=admission.pinned(lambda: parts.places, changes.consumers))
        self._record = apply(blank, changes)
        if tty is not None and self._record.state is not RecordState.UNCLAIMED:
            self._record = apply(self._record, _asked(tty, self._record))
        _check_complete(self._record)
        self._texts = texts_in(self._record)
        admission.refuse_known_values(self._texts, admission.known_by(parts.store))
        check_age(self._record, parts.clock.now())
        check_scope(self._record, self._provider)
        check_consumers(parts, self._record)
        check_commands(parts, self._record)
        admission.check_name_is_free(parts.store, name)
        if self._adopted:
            if changes.location is not None:
                self._record = replace(self._record, location=parts.places.pinned(self._record.location.url))
            admission.check_place_is_free(parts.store, self._record.location, besides=name)

    @property
    def without_value(self) -> bool:
        """Whether the record has no value that is stored here."""
        return not self._record.kind.has_value or self._record.location.custody is Custody.UNREADABLE

    def enter(self, source: ValueOptions) -> Snapshot:
        """Add a token whose value is stored elsewhere."""
        _refuse_source(source, "this token's value is not stored here")
        custody = self._record.location.custody if self._record.kind.has_value else Custody.NONE
        record = replace(self._record, location=replace(self._record.location, custody=custody))
        return admission.add_without_value(self._parts.store, self._parts.clock, record)

    def issue(self, source: ValueOptions) -> Snapshot:
        """Issue a first value."""
        _refuse_source(source, "--issue creates the value")
        if self.without_value:
            raise InputError("values of this kind of token cannot be issued", hint="leave --issue out")
        if self._adopted:
            raise InputError(
                "--adopt keeps the existing value, --issue creates one", hint="adopt it now, then rotate it"
            )
        self._authorise()
        return self._parts.engine.issue(self._record)

    def take(self, source: ValueOptions, *, verify: bool, reason: str = "") -> Snapshot:
        """Add an existing value.

        Args:
            source: where to read it from.
            verify: verify it with the provider first.
            reason: the reason for the audit trail.

        Raises:
            NotTaken: the provider refuses it, or it has another scope.
            Unreachable: the provider gives no clear answer, or also refuses a credential that it accepted before.
        """
        self._authorise()
        value = self._value(source)
        self._refuse_known(value)
        for warning in self._provider.warnings(value):
            self._parts.progress.note(warning)
        if weakness := uncovered(value):
            self._parts.progress.note(weakness)
        seen = self._ask(value) if verify and self._provider.capabilities.probes(self._record.kind) else None
        scope_name = self._record.scope_name or (seen.scope_name if seen else "")
        record = replace(self._record, scope_name=scope_name)
        return admission.take(self._parts.store, self._parts.engine, record, value, seen, reason=reason)

    def _authorise(self) -> None:
        """Wait for a second person before a value is asked for or made; the engine asks again when it begins.

        Raises:
            NotApproved, RequestFiled: as `SecondPerson.authorise` does.
        """
        second, declaration = self._parts.second_person, self._declaration
        if declaration is None or not declaration.document.busy:
            second.authorise(second.changes(declaration, self._record))

    @property
    def _adopted(self) -> bool:
        """Whether the value is, and stays, in an external field."""
        return self._record.kind.has_value and self._record.location.custody is Custody.ADOPTED

    def _value(self, source: ValueOptions) -> Value:
        if not self._adopted:
            can = self._provider.capabilities
            fields = can.admin_fields if self._record.kind is CredentialKind.PROVIDER_ADMIN else can.fields
            return self._parts.read_value(source, self._record.name, fields)
        _refuse_source(source, "an adopted value is read from its location")
        return admission.value_at(self._parts.places, self._record.location)

    def _refuse_known(self, value: Value) -> None:
        admission.refuse_known_values(self._texts, lambda each: self._record.name if each == value else None)
        store = self._parts.store
        holder = admission.holder_of(store, store.fingerprint(value), besides=self._record.name)
        if holder is not None:
            raise InputError(
                f"this value is already in the inventory, as {holder}",
                hint="use that name; for another use, create another token",
            )

    def _ask(self, value: Value) -> Observation:
        record, name = self._record, self._provider.name
        self._parts.progress.waiting(f"verifying the value with {name}")
        seen = self._provider.probe(value, record.scope)
        match judge(seen):
            case VerificationResult.DEAD:
                raise self._refused(value)
            case VerificationResult.WRONG_SCOPE:
                found = f"to {seen.scope}" if seen.scope else "elsewhere"
                shown = f" ({seen.scope_name})" if seen.scope_name else ""
                raise TokenRejected(
                    f"this token belongs {found}{shown}; --scope says {record.scope}",
                    hint=f"use the token of the right scope, or give --scope {seen.scope or 'KIND:ID'}",
                )
            case VerificationResult.UNKNOWN:
                raise Unreachable(
                    f"{name} gives no clear answer about this value ({seen.explained})",
                    hint="try again later, or add it unverified with --no-verify",
                )
            case _:
                leads = f", it belongs to {seen.scope}" if seen.scope else ""
                shown = f" ({seen.scope_name})" if seen.scope_name else ""
                self._parts.progress.step(f"{name} accepts the value{leads}{shown}")
                return seen

    def _refused(self, value: Value) -> TokenguardError:
        """One refusal does not prove that a token is dead: in an outage every one is refused."""
        name = self._provider.name
        vendor = self._parts.vendors.of(self._record)
        control = ControlSearch(self._parts.store, self._record, vendor).look([value])
        if control.doubt and not control.holds:
            return Unreachable(
                f"{name} refuses this value, and {control.lack}",
                hint="try again later, or add it unverified with --no-verify",
            )
        return TokenRejected(
            f"{name} refuses this value; one refusal does not prove that the token is dead",
            hint="check that the whole value was copied; otherwise create a new one, or use `tokenguard add --issue`",
        )


def _declaration(parts: HasStore, name: TokenName) -> Snapshot | None:
    """The declaration of a token that waits for its value; None if there is no such token."""
    found = parts.store.find(name)
    return found if found is not None and found.document.record.state is RecordState.PENDING else None


def check_scope(record: Record, provider: Provider) -> None:
    """Refuse a scope of a kind that the provider does not have."""
    wanted = provider.capabilities.scope_kind
    if record.scope is not None and wanted and record.scope.kind != wanted:
        raise InputError(
            f"tokens of {provider.name} have the scope {wanted}:ID, not {record.scope.kind}:ID",
            hint=f"use --scope {wanted}:ID",
        )


def check_consumers(
    parts: WritesRecords,
    record: Record,
    *,
    known: Iterable[Consumer] = (),
    taken: Mapping[str, TokenName] | None = None,
) -> None:
    """Refuse a consumer that this machine cannot deliver to, and a new one that has another token's value.

    `taken` says which token each place belongs to; the store is read if it is not given.
    """
    places = set(map(str, known))
    new = [each for each in record.consumers or () if str(each) not in places]
    if new:
        taken = admission.places_taken(parts.store) if taken is None else taken
        admission.check_consumers_are_free(taken, new, of=record.name)
    for consumer in record.consumers or ():
        delivery = parts.deliveries.of(consumer)
        if delivery is not None:
            if consumer.kind not in {ConsumerKind.DOTENV, ConsumerKind.COMMAND}:
                parts.progress.waiting(f"checking {consumer.shown}")  # a host may take its time
            delivery.check(consumer)
            parts.progress.clear()
        for warning in parts.deliveries.warnings(consumer):
            parts.progress.note(warning)


def check_commands(parts: HasDeliveries, record: Record) -> None:
    """Refuse a command after a delivery that this machine's configuration does not have."""
    for each in record.after:
        parts.deliveries.check_command(each.command)


def _check_complete(record: Record) -> None:
    if record.missing and record.state is not RecordState.UNCLAIMED:
        raise InputError(
            f"missing {', '.join(_OPTIONS[name] for name in record.missing)}",
            hint="give them, or use `tokenguard import`, which accepts incomplete records",
        )


def _asked(tty: Terminal, record: Record) -> RecordChanges:
    """The missing fields, as a person gives them."""
    return changes_from({name: _answer(tty, name, partial(_checked, name)) for name in record.missing})


def _checked(name: str, text: str) -> str:
    if looks_like_value(name, text):
        raise InputError("that looks like a token value; no part of it was kept", hint="the value is asked for later")
    changes_from({name: text})
    return text


def _answer(tty: Terminal, name: str, read: Callable[[str], str]) -> str:
    """Ask until the answer is valid."""
    while True:
        if text := tty.ask(f"{_QUESTIONS[name]}: ", public=True):
            try:
                return read(text)
            except InputError as error:
                tty.show(f"  {error.message}; {error.hint}")


def _refuse_source(source: ValueOptions, why: str) -> None:
    if source != ValueOptions():
        raise InputError(why, hint="leave --from-env, --from-file and --stdin out")
