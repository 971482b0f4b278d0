"""Presents one token, for the commands that end with it."""

from tokenguard.domain.document import Snapshot
from tokenguard.domain.token import Record
from tokenguard.domain.token_fields import PEOPLE
from tokenguard.inventory.views import (
    day,
    due_words,
    leak_words,
    liveness_words,
    possibly_alive_words,
    state_words,
    token_json,
    waiver_words,
)
from tokenguard.policy.model import age_unknown, due_of
from tokenguard.shell.wiring import Wiring


def show_taken(wiring: Wiring, snapshot: Snapshot) -> None:
    """The outcome of `add`, `edit` or `retire`."""
    record, now = snapshot.document.record, wiring.clock.now()
    due = due_of(record, wiring.policy)
    if wiring.screen.as_json:
        wiring.screen.document(token_json(snapshot, due, now))
        return
    parts = [f"{record.name}: {state_words(snapshot.document)}"]
    if record.scope:
        parts.append(scope_words(record))
    if record.owner:
        parts.append(f"owner {record.owner}")
    if age_unknown(record, wiring.policy):
        parts.append("age unknown (--created YYYY-MM-DD records it)")
    if due:
        parts.append(f"due {due_words(due, now)}")
    wiring.screen.line("; ".join(parts))


def show_record(wiring: Wiring, snapshot: Snapshot) -> None:
    """All recorded fields, for people."""
    record, now = snapshot.document.record, wiring.clock.now()
    due = due_of(record, wiring.policy)
    consumers = (
        "not declared" if record.consumers is None else ", ".join(each.shown for each in record.consumers) or "none"
    )
    wiring.screen.pairs(
        [
            ("name", record.name),
            ("state", state_words(snapshot.document)),
            ("leaked", leak_words(record.leaked)),
            ("missing", ", ".join(record.missing)),
            ("provider", record.provider),
            ("address", record.base_url),
            ("kind", record.kind),
            ("scope", scope_words(record)),
            ("permissions", ", ".join(record.permissions)),
            ("environment", record.environment),
            ("purpose", record.purpose),
            ("owner", record.owner),
            *((each.label, _person_words(wiring, each.of(record))) for each in PEOPLE),
            ("consumers", consumers),
            ("after deliveries", ", ".join(map(str, record.after))),
            ("location", record.location.url or record.location.custody),
            ("on the server", record.location.server),
            ("imported from", record.imported_from),
            ("added", day(record.added_at)),
            ("created", day(record.created_at)),
            ("rotated", day(record.rotated_at)),
            ("ends", day(record.ends_at)),
            (
                "due",
                due_words(due, now, age_unknown=age_unknown(record, wiring.policy))
                + (", set by hand" if due and due.explicit else ""),
            ),
            ("last check", _look_words(record)),
            ("name at provider", record.label),
            ("provider id", record.provider_id),
            ("hint at provider", record.hint),
            ("possibly alive", possibly_alive_words(snapshot.document)),
            ("fingerprint", record.fingerprint or ""),
            ("leak waived", waiver_words(record.waived_leak)),
            ("notes", record.notes),
        ]
    )


def scope_words(record: Record) -> str:
    """The scope with its display name."""
    if record.scope is None:
        return ""
    return f"{record.scope} ({record.scope_name})" if record.scope_name else str(record.scope)


def _person_words(wiring: Wiring, name: str) -> str:
    """A person, with what `[people]` says of them."""
    found = wiring.people.find(name)
    if found is None:
        return name
    who = name if found.name == name else f"{name} ({found.name})"
    return f"{who}, has left" if found.left else who


def _look_words(record: Record) -> str:
    seen = record.seen
    words = liveness_words(seen)
    return words if seen is None else f"{words} on {day(seen.at)} ({seen.reason})"
