"""`fingerprints waive`: lets scans skip one live token until a date, on a team's responsibility."""

from datetime import datetime, timedelta

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.names import TokenName, segment
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.domain.token import LeakWaiver, RecordState
from tokenguard.errors import InputError, Unfinished
from tokenguard.frozen import replace
from tokenguard.inventory.admission import checked_text
from tokenguard.inventory.record_changes import plain_text
from tokenguard.inventory.views import waiver_words
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import end_date
from tokenguard.usecases.token_lookup import known_token

_LONGEST = timedelta(days=366)
_NEXT = "distribute it with `tokenguard fingerprints publish`, then `pull`"


@command("waive")
@click.argument("name", type=TOKEN_NAME)
@click.option("--owner", metavar="TEAM", help="The responsible team; required without --end.")
@click.option("--reason", metavar="TEXT", help="The reason; every user of a scan can read it. Required without --end.")
@click.option(
    "--until", metavar="YYYY-MM-DD", help="The day it expires; at most one year ahead. Required without --end."
)
@click.option("--end", is_flag=True, help="End the waiver now.")
@break_glass_option
@pass_wiring
def waive(
    wiring: Wiring, name: TokenName, *, owner: str | None, reason: str | None, until: str | None, end: bool
) -> None:
    """Let scans skip the live value of NAME. A repository cannot do this by itself.

    A waiver takes effect with the next bundle, is shown by every scan that finds the value, applies to this value only
    (not to its successor), and expires.
    """
    snapshot = known_token(wiring.store, name)
    if end:
        if owner or reason or until:
            raise InputError("--end and a new waiver contradict each other", hint="give one of the two")
        wiring.second_person.authorise([])  # what makes scans stricter waits for no approval
        _end(wiring, snapshot)
        return
    checked_text(wiring.store, reason or "", what="reason")
    waiver = _waiver(snapshot, wiring.clock.now(), owner or "", reason or "", until or "")
    facts = ("waived until", f"{waiver.until:%Y-%m-%d}"), ("for", waiver.owner), ("because", waiver.reason)
    sensitive = wiring.second_person.on_token(snapshot, SensitiveKind.WAIVER, *facts)
    _commit(wiring, snapshot, waiver, wiring.second_person.authorise(sensitive))
    if wiring.screen.as_json:
        wiring.screen.document({"token": name, "owner": waiver.owner, "reason": waiver.reason, "until": until})
        return
    wiring.screen.line(f"{name}: leak waived {waiver_words(waiver)}")
    wiring.progress.note(_NEXT)


def _end(wiring: Wiring, snapshot: Snapshot) -> None:
    name, there = snapshot.document.record.name, snapshot.document.record.leak_waiver is not None
    if there:
        _commit(wiring, snapshot, None, {})
    if wiring.screen.as_json:
        wiring.screen.document({"token": name, "ended": there})
        return
    wiring.screen.line(f"{name}: the waiver has ended" if there else f"{name}: there was no waiver")
    if there:
        wiring.progress.note(_NEXT)


def _waiver(snapshot: Snapshot, now: datetime, owner: str, reason: str, until: str) -> LeakWaiver:
    record = snapshot.document.record
    if not (owner and reason.strip() and until):
        raise InputError("a waiver needs an owner, a reason and an expiry", hint="give --owner, --reason and --until")
    if record.state is RecordState.RETIRED or record.fingerprint is None:
        raise InputError(f"{record.name} has no live value to waive", hint="only a live token can block a commit")
    if snapshot.document.busy:
        raise Unfinished(
            f"an open operation on {record.name} may replace the value",
            hint=f"tokenguard rotate {record.name} --resume, or --abort, then waive",
        )
    end = end_date(until)
    if end <= now:
        raise InputError("--until is in the past", hint="give a later date; `--end` ends a waiver now")
    if end > now + _LONGEST:
        raise InputError("--until is more than one year ahead", hint="give an earlier date")
    return LeakWaiver(
        owner=segment(owner, what="owner"),
        reason=plain_text(reason, what="reason"),
        until=end,
        fingerprint=record.fingerprint,
    )


def _commit(wiring: Wiring, snapshot: Snapshot, waiver: LeakWaiver | None, approved: Detail) -> None:
    record = replace(snapshot.document.record, leak_waiver=waiver)
    detail: Detail = {"result": "ended"}
    if waiver is not None:
        detail = {"owner": waiver.owner, "reason": waiver.reason, "until": waiver.until.date().isoformat()}
    detail |= approved
    event = Event(at=wiring.clock.now(), op=Op.WAIVE, actor=wiring.store.actor(), name=record.name, detail=detail)
    wiring.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [event])
