"""What was masked, told to those who have to know: the audit trail, a report file, and one line for the reader."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenguard.cli.saving import save_page
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.names import TokenName
from tokenguard.errors import Conflict, TokenguardError
from tokenguard.redaction.known import Source
from tokenguard.shell.wiring import Wiring

_TRIES = 5

Found = Mapping[str, Counter[Source]]
"""What was masked, by channel."""


def report_leaks(wiring: Wiring, found: Found, report: Path | None, *, audited: bool) -> int:
    """Tell what was masked; returns how much it was.

    Args:
        wiring: where to.
        found: what was masked.
        report: a file for the list, as JSON; written even if it is empty.
        audited: add a `leak` event to the trail of each token that is in the store.
    """
    total = sum(sum(counts.values()) for counts in found.values())
    if report is not None:
        save_page(report.absolute(), json.dumps({"leaks": _rows(found)}, indent=2) + "\n")
    names = sorted({source.name for counts in found.values() for source in counts if source.name})
    if total:
        whose = f" ({', '.join(names)})" if names else ""
        wiring.progress.note(f"masked {total} {'value' if total == 1 else 'values'} in the output{whose}")
        if audited and names:
            wiring.progress.note("if a value was ever printed unmasked there: `tokenguard respond`")
    if audited:
        for name in names:
            _record(wiring, TokenName(name), found)
    return total


def _rows(found: Found) -> list[dict[str, str | int]]:
    return [
        {"token": source.name, "mask": source.id, "form": source.form, "channel": channel, "count": count}
        for channel, counts in found.items()
        for source, count in sorted(counts.items())
    ]


def _record(wiring: Wiring, name: TokenName, found: Found) -> None:
    record_leak(
        wiring,
        name,
        [
            {"channel": channel, "form": source.form, "count": count, "result": "masked"}
            for channel, counts in found.items()
            for source, count in sorted(counts.items())
            if source.name == name
        ],
    )


def record_leak(wiring: Wiring, name: TokenName, details: Sequence[Detail]) -> None:
    """Add `leak` events to a token's trail, behind whatever else has happened to it meanwhile.

    What cannot be recorded is told and ends nothing: the leak itself is the graver matter.
    """
    store = wiring.store
    for _ in range(_TRIES):
        try:
            if (snapshot := store.find(name)) is None:
                return
            events = [
                Event(at=wiring.clock.now(), op=Op.LEAK, actor=store.actor(), name=name, detail=detail)
                for detail in details
            ]
            store.commit(snapshot.id, snapshot.version, snapshot.document, events)
        except Conflict:
            continue
        except TokenguardError as error:
            wiring.progress.note(f"the leak of {name} could not be recorded: {error.message}")
        return
    wiring.progress.note(f"the leak of {name} could not be recorded: others kept changing it")
