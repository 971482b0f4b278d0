"""The use case of `edit --at-provider`: changes a token's label and permissions at the provider, and then its record.

An update may be lost, ignored or half done, so what the provider's list shows afterwards decides what is recorded. The
same command run again goes on from there.
"""

from collections.abc import Mapping

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.names import Label, TokenName
from tokenguard.domain.token import Record
from tokenguard.errors import InputError, NeedsPerson, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.inventory.record_changes import RecordChanges
from tokenguard.ports.provider import (
    Ambiguous,
    Capabilities,
    CreateRefused,
    Issuer,
    Provider,
    ProviderToken,
    TokenList,
    TokenRequest,
    Updater,
)
from tokenguard.rotation.lagging_list import read_until
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.edit_token import plan_edit
from tokenguard.usecases.parts import WritesRecords
from tokenguard.usecases.second_person import new_permissions
from tokenguard.usecases.token_lookup import known_token

_FIELDS: Mapping[str, str] = {"label": "--label", "permissions": "--permission"}


class TokenUpdate(Frozen, frozen=True, kw_only=True):
    """A checked change of one token that was not sent yet."""

    snapshot: Snapshot
    after: Record
    fields: tuple[str, ...]
    """What was given of `label` and `permissions`."""
    row: ProviderToken
    """The token as the provider lists it."""

    @property
    def wanted(self) -> TokenRequest:
        """What the token is to be; what was not given stays as the provider lists it."""
        return TokenRequest(
            label=Label(self.after.label if "label" in self.fields else self.row.label),
            scope=self.after.scope,
            permissions=self.after.permissions if "permissions" in self.fields else self.row.permissions,
        )

    @property
    def wider(self) -> list[str]:
        """The permissions that the token does not have yet, by the provider's list or by its record."""
        if "permissions" not in self.fields:
            return []
        before = self.snapshot.document.record
        of_record = new_permissions(before, self.after) if before.permissions else []
        return sorted({*of_record, *set(self.after.permissions) - set(self.row.permissions)})

    def is_shown_by(self, row: ProviderToken) -> bool:
        """Whether the provider lists the token as it is wanted."""
        shown = {"label": row.label, "permissions": set(row.permissions)}
        wanted = {"label": self.wanted.label, "permissions": set(self.wanted.permissions)}
        return all(shown[field] == wanted[field] for field in self.fields)


def update_token(parts: WritesRecords, name: TokenName, changes: RecordChanges, *, confirmed: bool) -> Snapshot:
    """Change a token at its provider, look for the change in its list, and commit it to the record.

    Args:
        parts: what it takes of the process.
        name: the token's name.
        changes: another label, other permissions, or both.
        confirmed: do not ask.

    Raises:
        InputError: the provider cannot change that, or does not list the token as recorded.
        NeedsPerson: it was not confirmed, or there is no terminal to confirm it on.
        NotApproved: the permissions are wider, and a second person has not approved it.
        Unreachable: the provider refused, or its list does not show the change.
    """
    snapshot = known_token(parts.store, name)
    fields = _given(changes)
    after = plan_edit(parts, snapshot, changes).after
    vendor = parts.vendors.of(snapshot.document.record)
    _check(vendor.provider, fields, after)
    if not isinstance(vendor.issuer, Updater):
        raise InputError(
            f"no admin credential for {vendor.provider.name}",
            hint=f"set [providers.{vendor.provider.name}] admin, or add a record of kind provider_admin",
        )
    row = _listed_row(vendor.issuer, vendor.provider, snapshot.document.record, after.label)
    update = TokenUpdate(snapshot=snapshot, after=replace(after, provider_id=row.provider_id), fields=fields, row=row)
    _check_stays(vendor.provider, update)
    if update.is_shown_by(row):
        parts.progress.note(f"{vendor.provider.name} lists it with these values already; nothing was sent")
        return _commit(parts, update, snapshot, Phase.FACT, {"result": "listed"}, listed=True)
    approved = parts.second_person.authorise(parts.second_person.of_update(snapshot, update.wider))
    if not confirmed:
        _confirm(parts, vendor.provider, update)
    intent = _commit(parts, update, snapshot, Phase.INTENT, approved)
    return _send(parts, vendor.issuer, vendor.provider, update, intent)


def _given(changes: RecordChanges) -> tuple[str, ...]:
    """The fields to change; InputError for none, for others, and for an empty one."""
    given = changes.given()
    if not given or set(given) - set(_FIELDS):
        raise InputError(
            f"--at-provider takes {' and '.join(_FIELDS.values())}, and nothing else",
            hint="change other fields of the record in a command of its own",
        )
    if empty := [option for field, option in _FIELDS.items() if field in given and not given[field]]:
        raise InputError(
            f"{empty[0]} is empty", hint="give the label or permissions that it should have at the provider"
        )
    return tuple(given)


def _check(provider: Provider, fields: tuple[str, ...], after: Record) -> None:
    can = provider.capabilities
    if missing := [_FIELDS[field] for field in fields if field not in can.updates]:
        raise InputError(
            f"{provider.name} does not change {missing[0]} of a token by API",
            hint=f"`tokenguard provider show {provider.name}` lists what it can; without --at-provider only the record "
            "changes, and `tokenguard rotate` replaces the token",
        )
    if "label" in fields and not _fits(after.label, can):
        raise InputError(
            f"{provider.name} does not accept this label",
            hint=f"use at most {can.label_limit} letters, digits and characters of {can.label_punctuation!r}"
            + (", with a letter first" if can.label_letter_first else ""),
        )


def _fits(label: str, can: Capabilities) -> bool:
    plain = all(each.isascii() and (each.isalnum() or each in can.label_punctuation) for each in label)
    return plain and len(label) <= can.label_limit and (label[:1].isalpha() or not can.label_letter_first)


def _listed_row(issuer: Issuer, provider: Provider, record: Record, label: str) -> ProviderToken:
    """The token as the provider lists it: by its id, else by its label if that is unique.

    Raises:
        InputError: it is not listed as recorded, or another token has the label that it is to have.
    """
    found = issuer.listed()
    mine = found.of_id(record.provider_id) if record.provider_id else ()
    if not record.provider_id and record.label and found.complete:
        mine = found.named(record.label)
    if len(mine) != 1:
        raise InputError(
            f"{provider.name} does not list {record.name} as it is recorded",
            hint=f"tokenguard verify {record.name}; `tokenguard show {record.name}` prints its id and its label there",
        )
    if record.label and mine[0].label not in {record.label, label}:
        raise InputError(
            f"{provider.name} lists the id of {record.name} under another label: it may be another token",
            hint=f"if it was renamed there: tokenguard edit {record.name} --label LABEL, without --at-provider",
        )
    if any(row.provider_id != mine[0].provider_id for row in found.named(label)):
        raise InputError(f"{provider.name} lists another token with that label", hint="choose another label")
    return mine[0]


def _check_stays(provider: Provider, update: TokenUpdate) -> None:
    """What the same request sends, and was not given, must be known."""
    if "permissions" in provider.capabilities.updates and not update.wanted.permissions:
        raise InputError(
            f"{provider.name} does not list the permissions of the token, but a request that changes the "
            "label has to contain them",
            hint="give them with --permission",
        )


def _confirm(parts: WritesRecords, provider: Provider, update: TokenUpdate) -> None:
    if parts.tty is None:
        raise NeedsPerson(
            f"the change at {provider.name} is not confirmed; nothing was changed",
            hint="run the command with --plan to see it, or with --yes to confirm",
        )
    parts.tty.show(f"This changes the token at {provider.name} {provider.base_url}; its value stays:")
    if "label" in update.fields:
        parts.tty.show(f"  label        {update.row.label} becomes {update.wanted.label}")
    if "permissions" in update.fields:
        now = ", ".join(update.row.permissions) or "not listed"
        parts.tty.show(f"  permissions  {now} becomes {', '.join(update.wanted.permissions)}")
    if update.wider:
        parts.tty.show(f"  wider by     {', '.join(update.wider)}")
    confirm(parts.tty, "change it", undone="changed")


def _send(parts: WritesRecords, updater: Updater, provider: Provider, update: TokenUpdate, told: Snapshot) -> Snapshot:
    """The request, and what the list says of it; the outcome is on record either way."""
    doubt = ""
    try:
        updater.update(update.row.provider_id, update.wanted)
    except Ambiguous as error:
        doubt = f": {error.message}"
    except CreateRefused:
        _commit(parts, update, told, Phase.OUTCOME, {"result": "refused"})
        raise
    try:
        shown = _is_listed(parts, updater, provider, update)
    except Unreachable as error:
        shown, doubt = False, doubt or f": {error.message}"
    if not shown:
        _commit(parts, update, told, Phase.OUTCOME, {"result": "not listed"})
        raise Unreachable(
            f"the token list of {provider.name} does not show the change{doubt}",
            hint="the record is unchanged; look at the token there, then run the same command again",
        )
    parts.progress.step(f"{provider.name} lists the token with its new {' and '.join(update.fields)}")
    return _commit(parts, update, told, Phase.OUTCOME, {"result": "listed"}, listed=True)


def _is_listed(parts: WritesRecords, updater: Updater, provider: Provider, update: TokenUpdate) -> bool:
    """Whether the list shows the change, within the time by which it may lag."""

    def is_shown(seen: TokenList) -> bool:
        rows = seen.of_id(update.row.provider_id)
        return len(rows) == 1 and update.is_shown_by(rows[0])

    return is_shown(read_until(is_shown, updater.listed, provider, clock=parts.clock, progress=parts.progress))


def _commit(
    parts: WritesRecords,
    update: TokenUpdate,
    at: Snapshot,
    phase: Phase,
    detail: Detail,
    *,
    listed: bool = False,
) -> Snapshot:
    """An event of the change; `listed`: the record says so too, since the provider's list does."""
    event = Event(
        at=parts.clock.now(),
        op=Op.EDIT,
        phase=phase,
        actor=parts.store.actor(),
        name=at.document.record.name,
        detail={"fields": ",".join(update.fields), "to": "provider", **detail},
    )
    document = replace(at.document, record=update.after) if listed else at.document
    return parts.store.commit(at.id, at.version, document, [event])
