"""`show NAME`: shows record, operation, quarantine and recent events; `--reveal` shows the value, audited."""

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import ChainedEvent
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Record
from tokenguard.errors import InputError
from tokenguard.inventory.views import detail_json, event_words, moment, possibly_alive_tokens
from tokenguard.policy.model import due_of
from tokenguard.rotation.lease import is_runner_dead
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.token_lookup import known_token
from tokenguard.views.token_view import show_record

_EVENTS = 10


@command("show")
@click.argument("name", type=TOKEN_NAME)
@click.option("--reveal", is_flag=True, help="Show the value, on a terminal only; audited.")
@break_glass_option
@pass_wiring
def show(wiring: Wiring, name: TokenName, *, reveal: bool) -> None:
    """Show one token: its record, last operation and recent events."""
    snapshot = known_token(wiring.store, name)
    if reveal:
        from tokenguard.usecases.reveal import reveal_on_terminal

        reveal_on_terminal(wiring, snapshot)
        return
    if wiring.break_glass:
        raise InputError("--break-glass needs --reveal", hint="leave it out: showing the record needs no approval")
    entries = list(wiring.store.history(snapshot.id))[-_EVENTS:]
    if wiring.screen.as_json:
        due = due_of(snapshot.document.record, wiring.policy)
        wiring.screen.document(detail_json(snapshot, due, wiring.clock.now(), entries))
        return
    show_record(wiring, snapshot)
    _show_operation(wiring, snapshot)
    _show_events(wiring, entries)


def _show_operation(wiring: Wiring, snapshot: Snapshot) -> None:
    document, screen = snapshot.document, wiring.screen
    if (journal := document.journal) is not None:
        proof = journal.proof
        screen.line()
        screen.pairs(
            [
                ("operation" if document.busy else "last operation", f"{journal.words} (stage {journal.stage})"),
                ("opened", moment(journal.opened_at) or ""),
                ("reason", journal.reason),
                ("held by", journal.holder if document.busy and not is_runner_dead(journal.holder) else ""),
                ("stopped because", journal.waiting_for),
                (
                    f"old {journal.mode.unit}",
                    (f"dead, {proof.words}" if proof.proven else proof.words) if proof else "",
                ),
                *(
                    (f"{each.which} {each.unit}, alive or unknown", each.words)
                    for each in possibly_alive_tokens(journal)
                ),
                ("resume with", f"tokenguard rotate {document.record.name} --resume" if document.busy else ""),
            ]
        )
    for item in document.quarantine:
        again = ", ALIVE" if item.alive_again else ""
        when = f"recheck due {moment(item.probe_due_at)}"
        kept = when if item.proof.proven else f"{item.proof.words}; {_recheck_words(wiring, document.record)}"
        known = item.provider_label
        stored = f"the old value of {known}, stored as {item.label}" if known not in {"", item.label} else item.label
        screen.line(f"in quarantine: {stored}, {kept}{again}")


def _recheck_words(wiring: Wiring, record: Record) -> str:
    """Whether an unproven death can still be proven."""
    try:
        asked = wiring.vendors.provider_of(record).capabilities.probe
    except InputError:  # it is no longer configured
        asked = False
    return (
        "rechecked as soon as a live token or admin credential can serve as a control"
        if asked
        else f"{record.provider} cannot verify tokens"
    )


def _show_events(wiring: Wiring, entries: list[ChainedEvent]) -> None:
    wiring.screen.line()
    wiring.screen.table(("when", "what", "who", "how"), [event_words(entry) for entry in entries])
