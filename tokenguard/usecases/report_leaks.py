"""Reports masked values: to the audit trail, to a report file, and in one line to the user."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.leak import Exposure
from tokenguard.domain.leak_trail import ended_by_person, reported
from tokenguard.domain.names import TokenName
from tokenguard.errors import Conflict, InputError, NeedsPerson, TokenguardError, Unfinished
from tokenguard.frozen import replace
from tokenguard.inventory.admission import checked_text
from tokenguard.inventory.views import leak_words
from tokenguard.output.save_file import save_page
from tokenguard.redaction.known import MatchSource
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasClock, HasProgress, HasStore, HasTerminal
from tokenguard.usecases.token_lookup import known_token

_TRIES = 5
_BY_FORMAT = "recognised by format"

Found = Mapping[str, Counter[MatchSource]]
"""What was masked, by channel."""


class ReportLeaksParts(HasClock, HasProgress, HasStore, HasTerminal, Protocol):
    """What this use case takes."""


def report_leaks(
    parts: ReportLeaksParts,
    found: Found,
    report: Path | None,
    *,
    audited: bool,
    exposed: Counter[MatchSource] | None = None,
) -> int:
    """Report masked values; returns their number.

    Args:
        parts: what it takes of the process.
        found: what was masked.
        report: a file for the JSON list; written even if the list is empty.
        audited: add a `leak` event to the trail of each token that is in the store.
        exposed: values in files that could not be masked; the events say so.
    """
    total = sum(sum(counts.values()) for counts in found.values())
    if report is not None:
        save_page(report.absolute(), json.dumps({"leaks": _rows(found)}, indent=2) + "\n", force=True)
    left = exposed or Counter[MatchSource]()
    names = sorted({source.name for counts in (*found.values(), left) for source in counts if source.name})
    if total:
        places = ", ".join(f"{sum(counts.values())} in {channel}" for channel, counts in found.items() if counts)
        parts.progress.note(
            f"masked {total} {'value' if total == 1 else 'values'} in the output{_whose(found)}: {places}"
        )
        if audited and names:
            parts.progress.note("if this output was also written without masking before, run `tokenguard respond`")
    if audited:
        for name in names:
            _record(parts, TokenName(name), found, left)
    return total


def _whose(found: Found) -> str:
    """The tokens, each with its number of values where there are several."""
    counts: Counter[str] = Counter()
    for each in found.values():
        for source, count in each.items():
            counts[source.name or _BY_FORMAT] += count
    if len(counts) == 1:
        return f" ({next(iter(counts))})"
    ordered = sorted(counts.items(), key=lambda each: (each[0] == _BY_FORMAT, each[0]))
    return f" ({', '.join(f'{name} {count}' for name, count in ordered)})"


def _rows(found: Found) -> list[dict[str, str | int]]:
    return [
        {"token": source.name, "mask": source.id, "form": source.form, "channel": channel, "count": count}
        for channel, counts in found.items()
        for source, count in sorted(counts.items())
    ]


def _record(parts: ReportLeaksParts, name: TokenName, found: Found, exposed: Counter[MatchSource]) -> None:
    record_leak(
        parts,
        name,
        [
            {"channel": channel, "form": source.form, "count": count, "result": result}
            for channel, counts, result in (
                *((channel, counts, "masked") for channel, counts in found.items()),
                ("files", exposed, "not masked"),
            )
            for source, count in sorted(counts.items())
            if source.name == name
        ],
    )


def end_leak(parts: ReportLeaksParts, name: TokenName, reason: str, *, confirmed: bool) -> Snapshot:
    """Close the leaks of a token by a person's decision, in one commit with its event.

    Raises:
        InputError: no leak is recorded, or the reason is empty.
        NeedsPerson: there is no terminal to confirm it.
        Unfinished: an operation is open, which closes the leak with a proof.
    """
    snapshot = known_token(parts.store, name)
    record, said = snapshot.document.record, checked_text(parts.store, reason, what="reason")
    if not said:
        raise InputError("the reason is empty", hint="give the reason in one line; it is recorded")
    if record.leaked is None:
        raise InputError(f"no leak of {name} is recorded", hint=f"see `tokenguard show {name}`")
    if snapshot.document.busy:
        raise Unfinished(
            f"{name} has an open operation, which ends the leak with a proof",
            hint=f"tokenguard rotate {name} --resume",
        )
    if parts.tty is None:
        raise NeedsPerson(
            "ending a leak without proof of the revocation needs a person",
            hint=f"tokenguard rotate {name} --compromised",
        )
    if not confirmed:
        parts.tty.show(f"{name}: leaked {leak_words(record.leaked)}; not proven dead")
        confirm(parts.tty, "end the leak", undone="changed", hint="answer yes")
    event = Event(
        at=parts.clock.now(), op=Op.LEAK, actor=parts.store.actor(), name=name, detail=ended_by_person(record, said)
    )
    document = replace(snapshot.document, record=replace(record, leaks=()))
    return parts.store.commit(snapshot.id, snapshot.version, document, [event])


def record_leak(
    parts: ReportLeaksParts, name: TokenName, details: Sequence[Detail], leak: Exposure | None = None
) -> bool:
    """Append `leak` events to a token's trail and record the leak, after any concurrent changes.

    A failure to record is reported and does not stop the response.

    Returns:
        Whether it is recorded.
    """
    store = parts.store
    for _ in range(_TRIES):
        try:
            if (snapshot := store.find(name)) is None:
                return False
            now, actor, document = parts.clock.now(), store.actor(), snapshot.document
            found = [{**detail, **reported(leak)} if leak and detail is details[0] else detail for detail in details]
            events = [Event(at=now, op=Op.LEAK, actor=actor, name=name, detail=detail) for detail in found]
            if leak is not None:
                document = replace(document, record=document.record.with_leak(leak))
            store.commit(snapshot.id, snapshot.version, document, events)
        except Conflict:
            continue
        except TokenguardError as error:
            parts.progress.note(f"the leak of {name} could not be recorded: {error.message}")
            return False
        return True
    parts.progress.note(f"the leak of {name} could not be recorded: other runners kept changing the token")
    return False
