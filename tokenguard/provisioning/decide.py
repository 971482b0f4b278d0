"""Decides for one token: compares declaration and record; returns actions, manual steps, or the blocking reason."""

from collections.abc import Mapping
from datetime import datetime

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Custody, Location, Record, RecordState
from tokenguard.frozen import Frozen, field, replace
from tokenguard.policy.model import Policy, due_of
from tokenguard.ports.provider import Capabilities, Method
from tokenguard.provisioning.diff import IDENTITY, Servers, changes, for_first_value, new_record, undescribed, wanted
from tokenguard.provisioning.manifest import Declared, DesiredState, Issue
from tokenguard.provisioning.plan_model import Action, ActionType, Blocked, FieldChange, Todo, Wait


class ProviderInfo(Frozen, frozen=True):
    """A provider that this machine is set to use."""

    capabilities: Capabilities
    address: str


class PlanContext(Frozen, frozen=True, kw_only=True):
    """What a decision rests on besides the token itself."""

    now: datetime
    policy: Policy
    providers: Mapping[str, ProviderInfo | str]
    """By name; a text says why one cannot be used."""
    servers: Servers = field(default_factory=dict)
    waiting_admins: Mapping[str, TokenName] = field(default_factory=dict)
    """Providers whose admin credential is declared and has no value yet."""
    taken: Mapping[str, TokenName] = field(default_factory=dict)
    """Places that tokens of the store are delivered to which the manifest does not name, and adopted ones."""


class Decision(Frozen, frozen=True, kw_only=True):
    """What comes of one token; all empty: it is as declared."""

    action: Action | None = None
    todos: tuple[Todo, ...] = ()
    blocked: Blocked | None = None


def decide(declared: Declared, found: Snapshot | None, around: PlanContext) -> Decision:
    """Decide. Pure: the same declaration and record always lead to the same."""
    if declared.state is DesiredState.RETIRED:
        return _end(declared, found, around)
    known = around.providers.get(declared.provider, "the provider is not configured on this machine")
    if isinstance(known, str):
        return _blocked(declared, f"its provider cannot be used: {known}", "correct the provider, or configure it")
    kind, wants = declared.scope.kind if declared.scope else "", known.capabilities.scope_kind
    if wants and kind != wants:
        return _blocked(declared, f"tokens of {declared.provider} have the scope {wants}:ID", f"use scope: {wants}:ID")
    if declared.issue is Issue.API and known.capabilities.mint is not Method.API:
        return _blocked(declared, f"{declared.provider} has no API to create tokens", "use issue: guided")
    refused = _overlap(declared, found, around) or _unreached(declared, found, around)
    if refused is not None:
        return refused
    return _go_on(declared, found, known, around) if found else _begin(declared, None, known, around)


def _overlap(declared: Declared, found: Snapshot | None, around: PlanContext) -> Decision | None:
    """Refuse a new place that holds the value of another token: they would take turns at overwriting it."""
    record = found.document.record if found else None
    had = {str(each) for each in record.consumers or ()} | {record.location.adopted} if record else set()
    places = [*map(str, declared.consumers or ()), *([declared.location] if declared.location else [])]
    for place in places:
        other = around.taken.get(place, declared.name)
        if other != declared.name and place not in had:
            renamed = f"if it is the same token: tokenguard edit {other} --rename {declared.name}; else "
            hint = f"{'' if found else renamed}deliver it to another place, or remove this place from {other}"
            return _blocked(declared, f"the value of {other} is delivered to {place}", hint)
    return None


def _unreached(declared: Declared, found: Snapshot | None, around: PlanContext) -> Decision | None:
    """Refuse a field that a live value goes to on another server, and a new one where no server is known here."""
    confirm = {str(each): f"--deliver '{each}', with its other consumers" for each in declared.consumers or ()}
    confirm |= {declared.location: f"--adopt '{declared.location}'"} if declared.location else {}
    on_record: dict[str, Consumer | Location] = {}
    if found is not None:
        record = found.document.record
        on_record = {record.location.adopted: record.location, **{str(each): each for each in record.consumers or ()}}
    for address, option in confirm.items():
        servers, there = around.servers.get(address.partition(":")[0]), on_record.get(address)
        if isinstance(servers, str) and there is None:
            return _blocked(
                declared,
                f"the server of {address} is not known: {servers}",
                ("run plan on a machine with that configuration"),
            )
        unpinned = isinstance(there, Consumer) and there.unpinned
        moved = isinstance(servers, tuple) and there is not None and there.server not in servers and not unpinned
        if moved and found is not None and _has_value(found.document.record):
            hint = f"if the server has moved: tokenguard edit {declared.name} {option}"
            return _blocked(
                declared, f"{address} is pinned to a server that differs from this machine's configuration", hint
            )
    return None


def _go_on(declared: Declared, found: Snapshot, known: ProviderInfo, around: PlanContext) -> Decision:
    record = found.document.record
    if record.state is RecordState.RETIRED:
        return _blocked(
            declared, "it is retired, and its record is kept as evidence", ("declare a new token under a new name")
        )
    if found.document.moved_to:
        return _blocked(declared, "it was migrated to another store", "declare it in the manifest of that store")
    if found.document.busy:
        return _resume(declared, found, known, around)
    if not _has_value(record) and record.state is RecordState.PENDING:
        return _begin(declared, found, known, around)
    return _adjust(declared, found, known, around)


def _begin(declared: Declared, found: Snapshot | None, known: ProviderInfo, around: PlanContext) -> Decision:
    """A token without a value: creates its record, and its value if no person is needed."""
    before = found.document.record if found else None
    fresh = new_record(declared, kind=known.capabilities.kind, address=known.address, now=around.now,
                       servers=around.servers)  # fmt: skip
    after = replace(wanted(before, declared, around.servers), base_url=known.address) if before else fresh
    admin = around.waiting_admins.get(declared.provider)
    minted = admin is None or admin == declared.name
    by_api = declared.issue is Issue.API and after.kind.has_value and minted and not _persons(after)
    after = for_first_value(after, around.now) if by_api else after
    differences = changes(before or undescribed(after), after)
    recorded = (ActionType.DECLARE,) if before is None else (ActionType.CHANGE,) if differences else ()
    verbs = (ActionType.ISSUE,) if by_api else recorded
    deliver = (after.consumers or ()) if by_api else ()
    if declared.location is not None and after.kind.has_value and not _persons(after):
        overdue = after.due_at is not None and after.due_at <= around.now and _needs_person(after, known) is None
        verbs = (*verbs, ActionType.ADOPT, *((ActionType.ROTATE,) if overdue else ()))
        deliver = after.consumers or ()
    action = _action(declared, found, verbs, known, changes=differences, deliver=deliver, record=after)
    if by_api or ActionType.ADOPT in verbs or not after.kind.has_value:
        return Decision(action=action)
    return Decision(action=action, todos=(_value_todo(declared, after, admin),))


def _value_todo(declared: Declared, record: Record, admin: TokenName | None) -> Todo:
    due = record.added_at + declared.value_within if record.added_at else None
    if declared.issue is Issue.API and admin not in {None, declared.name}:
        return Todo(name=declared.name, wait=Wait.ADMIN, owner=declared.owner, due=due,
                    text=f"waits for the value of {admin}, its admin credential",
                    command=f"tokenguard add {admin}")  # fmt: skip
    if declared.issue is Issue.API:
        return Todo(name=declared.name, wait=Wait.VALUE, owner=declared.owner, due=due,
                    text="issue it, and deliver it to its `person:` consumers",
                    command=f"tokenguard add {declared.name} --issue")  # fmt: skip
    if declared.location is not None:
        return _todo(declared, Wait.VALUE, "adopt it, and deliver it to its `person:` consumers",
                     f"tokenguard add {declared.name}", due=due)  # fmt: skip
    guided = declared.issue is Issue.GUIDED
    return Todo(
        name=declared.name, wait=Wait.VALUE, owner=declared.owner, due=due,
        text=f"create it at {declared.provider}, with guidance" if guided else "add its value",
        command=f"tokenguard add {declared.name}{' --issue' if guided else ''}",
    )  # fmt: skip


def _adjust(declared: Declared, found: Snapshot, known: ProviderInfo, around: PlanContext) -> Decision:
    """A full member of the inventory: its fields, its consumers, its age."""
    before = found.document.record
    after = wanted(before, declared, around.servers)
    differences = changes(before, after)
    stuck = [
        each.field
        for each in differences
        if each.field in IDENTITY and getattr(before, each.field) and _has_value(before)
    ]
    if stuck:
        hint = "declare a new token under a new name and retire this one; `tokenguard edit` corrects a wrong record"
        return _blocked(declared, f"its live value was created for a different {stuck[0]}", hint)
    if before.base_url and before.base_url != known.address:
        hint = f"if the provider has moved: tokenguard edit {declared.name} --base-url {known.address or 'URL'}"
        return _blocked(declared, "its provider address differs from this machine's configuration", hint)
    if declared.location not in {None, before.location.adopted}:
        hint = f"tokenguard edit {declared.name} --adopt '{declared.location}', once its value is there"
        return _blocked(declared, "its live value is not at that location", hint)
    verbs = [ActionType.CHANGE] if differences else []
    todos: list[Todo] = []
    late = undelivered(replace(found.document, record=after)) if _has_value(before) else ()
    if before.live_leak is not None:
        todos.append(_todo(declared, Wait.ROTATE, "it has leaked: revoke it first, then replace it",
                           f"tokenguard rotate {declared.name} --compromised", due=before.live_leak.since))  # fmt: skip
    elif _is_due(after, around):
        if (why := _needs_person(after, known)) is None:
            verbs.append(ActionType.ROTATE)
        else:
            due = due_of(after, around.policy)
            todos.append(_todo(declared, Wait.ROTATE, f"rotate it: {why}", f"tokenguard rotate {declared.name}",
                               due=due.at if due else None))  # fmt: skip
    pushed = tuple(each for each in late if each.kind is not ConsumerKind.PERSON)
    if pushed and ActionType.ROTATE not in verbs:
        verbs.append(ActionType.DELIVER)
    todos += [
        _todo(declared, Wait.HAND_OVER, f"check that {each} has its value, and confirm it", "tokenguard apply")
        for each in late
        if each.kind is ConsumerKind.PERSON and ActionType.ROTATE not in verbs
    ]
    deliver = (after.consumers or ()) if ActionType.ROTATE in verbs else pushed
    action = _action(declared, found, tuple(verbs), known, changes=differences, deliver=deliver, record=after)
    return Decision(action=action, todos=tuple(todos))


def _resume(declared: Declared, found: Snapshot, known: ProviderInfo, around: PlanContext) -> Decision:
    """An open operation goes on as it was begun; what has been declared since comes after it, and is told with it."""
    record, journal = found.document.record, found.document.journal
    after = wanted(record, declared, around.servers)
    differences = changes(record, after)
    if wrong := [each.field for each in differences if each.field in IDENTITY and getattr(record, each.field)]:
        hint = f"tokenguard rotate {declared.name} --abort, then apply; or undo the change in the manifest"
        return _blocked(declared, f"its open operation was started for a different {wrong[0]}", hint)
    given = journal is not None and journal.mode is Mode.ADD
    place = record.location.adopted
    if given and place and declared.location == place and not _persons(record):
        verb = (
            ActionType.ADOPT if record.state is RecordState.PENDING else ActionType.RESUME
        )  # before it was live, it begins anew
        action = _action(declared, found, (verb,), known, deliver=record.consumers or (), record=record)
        return Decision(action=action)
    if not known.capabilities.unattended or given or _persons(record):
        command = f"tokenguard rotate {declared.name} --resume"
        return Decision(todos=(_todo(declared, Wait.RESUME, "its open operation waits for a person", command),))
    had = record.consumers or ()
    late = tuple(each for each in after.consumers or () if each not in had and each.kind is not ConsumerKind.PERSON)
    verbs = (
        ActionType.RESUME,
        *((ActionType.CHANGE,) if differences else ()),
        *((ActionType.DELIVER,) if late else ()),
    )
    action = _action(declared, found, verbs, known, changes=differences, deliver=late, record=after)
    return Decision(action=action)


def _end(declared: Declared, found: Snapshot | None, around: PlanContext) -> Decision:
    if found is None or found.document.record.state is RecordState.RETIRED:
        return Decision()
    record, journal = found.document.record, found.document.journal
    known = around.providers.get(record.provider, "the provider is not configured on this machine")
    if isinstance(known, str):
        return _blocked(declared, f"its provider cannot be used: {known}", "configure the provider")
    if never_had_value(found.document):
        return Decision(action=_action(declared, found, (ActionType.CLOSE,), known, record=record))
    command = f"tokenguard retire {declared.name}"
    if not known.capabilities.revokes(record) or not _has_value(record) or not known.capabilities.probe:
        text = f"revoke it at {record.provider}: a person has to do or confirm it"
        return Decision(todos=(_todo(declared, Wait.RETIRE, text, command, owner=record.owner),))
    if found.document.busy and journal is not None:
        verbs = (ActionType.RESUME,) if journal.mode is Mode.RETIRE else (ActionType.RESUME, ActionType.RETIRE)
    else:
        verbs = (ActionType.RETIRE,)
    return Decision(action=_action(declared, found, verbs, known, record=record, live=True))


def never_had_value(document: Document) -> bool:
    """Whether no value was ever stored or created under this name, so that none can be alive."""
    record = document.record
    return record.state is RecordState.PENDING and record.fingerprint is None and document.journal is None


def undelivered(document: Document) -> tuple[Consumer, ...]:
    """The consumers that are not known to hold the live value."""
    sure = document.journal.confirmed if document.journal is not None else frozenset()
    return tuple(each for each in document.record.consumers or () if each not in sure)


def _has_value(record: Record) -> bool:
    return record.fingerprint is not None


def _is_due(record: Record, around: PlanContext) -> bool:
    elsewhere = record.location.custody in {Custody.UNREADABLE, Custody.NONE}
    due = due_of(record, around.policy)
    return due is not None and due.at <= around.now and record.kind.has_value and not elsewhere


def _needs_person(record: Record, known: ProviderInfo) -> str | None:
    """Why its rotation needs a person."""
    if not known.capabilities.unattended:
        return f"{record.provider} has no API for it"
    if not known.capabilities.revokes(record):
        return f"its id at {record.provider} is not on record, so a person revokes it"
    if record.consumers is None and not known.capabilities.last_used:
        return "no consumers declared"
    return "a person must deliver it" if _persons(record) else None


def _persons(record: Record) -> bool:
    return any(each.kind is ConsumerKind.PERSON for each in record.consumers or ())


def _action(
    declared: Declared,
    found: Snapshot | None,
    verbs: tuple[ActionType, ...],
    known: ProviderInfo,
    *,
    record: Record,
    changes: tuple[FieldChange, ...] = (),
    deliver: tuple[Consumer, ...] = (),
    live: bool = False,
) -> Action | None:
    if not verbs:
        return None
    before = found.document.record if found else None
    had, before_location = (set(before.consumers or ()), before.location) if before else (set(), None)
    ends = declared.state is DesiredState.RETIRED
    admin = record.kind is CredentialKind.PROVIDER_ADMIN
    return Action(
        name=declared.name,
        verbs=verbs,
        token=found.id if found else TokenId(""),
        version=found.version if found else 0,
        changes=changes,
        deliver=deliver,
        destinations=() if ends else tuple(each for each in record.consumers or () if each not in had),
        adopts=None if ends or not record.location.adopted or before_location == record.location else record.location,
        provider=record.provider,
        address=known.address if before is None or record.base_url != before.base_url else "",
        owner=record.owner,
        rank=(3 if admin else 2) if ends else (0 if admin else 1),
        live=live,
    )


def _todo(
    declared: Declared, wait: Wait, text: str, command: str, *, due: datetime | None = None, owner: str = ""
) -> Todo:
    return Todo(name=declared.name, wait=wait, text=text, command=command, owner=owner or declared.owner, due=due)


def _blocked(declared: Declared, reason: str, hint: str) -> Decision:
    return Decision(blocked=Blocked(name=declared.name, reason=reason, hint=hint))
