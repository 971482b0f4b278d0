"""The use case of `import --from provider:NAME`: records tokens that a provider lists and the inventory lacks.

A list has no values: such a token is recorded without a readable value, until its value is given to `add` or the token
is retired.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import token_name
from tokenguard.domain.token import CredentialKind, Custody, Location, Record, RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory import admission, heuristics
from tokenguard.inventory.record_changes import apply, check_age
from tokenguard.policy.context import InventoryContext, ProviderFacts, is_identified, place_of, why_list_incomplete
from tokenguard.ports.provider import ProviderToken, TokenList
from tokenguard.rotation.sampling import Controls
from tokenguard.text import pluralize
from tokenguard.usecases.add_token import check_scope
from tokenguard.usecases.import_file import Defaults, read_field
from tokenguard.usecases.import_outcome import ImportOutcome, ImportStatus
from tokenguard.usecases.parts import HasClock, HasStore, HasVendors

SCHEME = "provider:"
_MAX_PROBED = 3
"""Tokens in use that a list lacks, of which is asked whether the provider accepts them."""
_STEM = 24
"""Characters of a name before an appended id."""


class ImportProviderParts(HasClock, HasStore, HasVendors, Protocol):
    """What this use case takes."""


class ProviderListing:
    """Records tokens that a provider's own list has and the inventory lacks.

    Args:
        parts: what it takes of the process.
        address: `provider:NAME`.

    Raises:
        InputError: unknown provider, or a provider without a list.
    """

    def __init__(self, parts: ImportProviderParts, address: str) -> None:
        self._parts = parts
        self._provider = provider = parts.vendors.provider(address.removeprefix(SCHEME))
        self._blank = Record(
            name=token_name(provider.name),
            provider=provider.name,
            kind=provider.capabilities.kind,
            base_url=provider.base_url,
        )
        if not self._provider.capabilities.lists:
            raise InputError(
                "this provider has no API to list tokens",
                hint=f"enter the list by hand: tokenguard verify --reconcile {provider.name}",
            )

    def run(self, defaults: Defaults, *, dry_run: bool) -> Iterator[ImportOutcome]:
        """The result of each; Unreachable if the list cannot be read, InputError if a default cannot apply to it."""
        self._check(defaults)
        snapshots = list(self._parts.store.scan())
        documents = [each.document for each in snapshots]
        asking = self._with(self._blank, defaults) if self._provider.capabilities.lists_per_scope else self._blank
        found = self._listed(asking)
        rows = found.rows
        place = place_of(asking)
        facts = ProviderFacts(capabilities=self._provider.capabilities, listed=rows, gap=found.gap)
        around = InventoryContext(documents, self._parts.clock.now(), {place: facts})
        unknown = {row.provider_id for _, found in around.unmatched() for row in found}
        known = {each.document.record.provider_id: each for each in snapshots}
        used: set[str] = {document.record.name for document in documents}
        for row in rows:
            shown = f"{self._provider.name} {row.hint or row.provider_id}"
            if row.provider_id not in unknown:
                name = self._known(known.get(row.provider_id), row, dry_run=dry_run)
                yield ImportOutcome(
                    fate=ImportStatus.DUPLICATE, place=shown, name=name, reason=("already in the inventory")
                )
            elif candidates := around.unidentified(place):
                reason = (
                    f"may be in the inventory already: {pluralize(candidates, 'token')} there without an id or label"
                )
                yield ImportOutcome(fate=ImportStatus.SKIPPED, place=shown, reason=reason)
            else:
                record = self._record(row, defaults, used)
                used.add(record.name)
                yield self._take(shown, record, dry_run=dry_run)
        why = why_list_incomplete(facts, [each for each in around.records if each.provider == self._provider.name])
        if why := why or self._lacks_living(snapshots, found, asking):
            raise Unreachable(
                f"the list of {self._provider.name} may be incomplete: {why}",
                hint="the listed tokens are recorded; for the rest see `tokenguard doctor` and docs/providers.md",
            )

    def _lacks_living(self, snapshots: list[Snapshot], found: TokenList, asking: Record) -> str:
        """Why the list is incomplete: it lacks a token that the provider accepts; a few of those it lacks are asked."""
        controls = Controls(self._parts.store, self._parts.vendors, self._parts.clock)
        parts = 3 if self._provider.capabilities.lists_per_scope else 2  # of a place: provider, address, scope
        missing = [
            each
            for each in snapshots
            if (record := each.document.record).state is RecordState.ACTIVE
            and place_of(record)[:parts] == place_of(asking)[:parts]
            and record.kind is not CredentialKind.PROVIDER_ADMIN
            and is_identified(record)
            and not found.holds(record.provider_id, record.label)
        ]
        alive = (each for each in missing[:_MAX_PROBED] if controls.verdict(each) is Verdict.ALIVE)
        lacks = next(alive, None)
        return f"it lacks {lacks.document.record.name}, which {self._provider.name} accepts" if lacks else ""

    def _known(self, snapshot: Snapshot | None, row: ProviderToken, *, dry_run: bool) -> str:
        """The token's name here; fills in an unknown age from the list."""
        if snapshot is None:
            return ""
        if not dry_run:
            admission.learn_age(self._parts.store, self._parts.clock, snapshot, row.created_at)
        return snapshot.document.record.name

    def _check(self, defaults: Defaults) -> None:
        """Validate the given defaults for every token before any is written."""
        if defaults.texts.get("provider", self._provider.name) != self._provider.name:
            raise InputError("--provider and --from name different providers", hint="leave --provider out")
        check_scope(self._with(self._blank, defaults), self._provider)

    @staticmethod
    def _with(record: Record, defaults: Defaults) -> Record:
        for name, text in defaults.texts.items():
            record = apply(record, read_field(name, text))
        return record

    def _take(self, place: str, record: Record, *, dry_run: bool) -> ImportOutcome:
        if not dry_run:
            admission.add_without_value(self._parts.store, self._parts.clock, record)
        return ImportOutcome(
            fate=ImportStatus.ADDED,
            place=place,
            name=record.name,
            provider=record.provider,
            state=RecordState.UNCLAIMED if record.missing else RecordState.ACTIVE,
            reason="without a value",
            asked=True,
        )

    def _listed(self, asking: Record) -> TokenList:
        if asking.scope is None and self._provider.capabilities.lists_per_scope:
            raise InputError(
                f"{self._provider.name} lists the tokens of one scope at a time",
                hint=f"name it: --scope {self._provider.capabilities.scope_kind or 'KIND'}:ID",
            )
        issuer = self._parts.vendors.of(asking).issuer
        if issuer is None:
            raise InputError(
                f"no admin credential for {self._provider.name}",
                hint=f"set [providers.{self._provider.name}] admin, or add a record of kind provider_admin",
            )
        return issuer.listed()

    def _past(self, listed: ProviderToken) -> datetime | None:
        """The creation date of the list; None, an unknown age, for one to come, which no person may record either."""
        try:
            check_age(replace(self._blank, created_at=listed.created_at), self._parts.clock.now())
        except InputError:
            return None
        return listed.created_at

    def _record(self, listed: ProviderToken, defaults: Defaults, used: set[str]) -> Record:
        record = replace(
            self._blank,
            name=token_name(_name(listed, defaults.prefix or self._provider.name, used)),
            location=Location(Custody.UNREADABLE, f"{self._provider.name}://{listed.provider_id}#value"),
            permissions=listed.permissions,
            created_at=self._past(listed),
            due_at=listed.expires_at,
            provider_id=listed.provider_id,
            hint=listed.hint,
            label=listed.label,
        )
        record = self._with(record, defaults)
        return replace(record, state=RecordState.UNCLAIMED) if record.missing else record


def _name(listed: ProviderToken, prefix: str, used: set[str]) -> str:
    """From the token's name at the provider, with its id appended if the name is in use."""
    told = listed.label or listed.hint
    plain = heuristics.name_of(prefix, told) if told else ""
    if plain and plain not in used:
        return plain
    return heuristics.name_of(prefix, f"{told[:_STEM]}-{listed.provider_id}" if told else listed.provider_id)
