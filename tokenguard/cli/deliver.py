"""`tokenguard deliver`: brings the live value back to consumers that do not have it."""

from collections.abc import Iterator

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode
from tokenguard.inventory.selection import Filter
from tokenguard.rotation.batch import failure_line, most_severe_code
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.deliver_tokens import (
    OWED,
    ConsumerCheck,
    ConsumerResult,
    compare_consumers,
    deliver_differing,
)
from tokenguard.usecases.select_tokens import report_selection, select_tokens

_TONES = {
    ConsumerResult.COMMAND_OWED: "red",
    ConsumerResult.DIFFERS: "red",
    ConsumerResult.FAILED: "red",
    ConsumerResult.DELIVERED: "green",
}


@command("deliver")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every token of the store.")
@click.option("--check", "check_only", is_flag=True, help="Only compare; exit 1 if a consumer differs.")
@selects_due
@pass_wiring
def deliver(
    wiring: Wiring, names: tuple[TokenName, ...], *, everything: bool, check_only: bool, wanted: Filter
) -> ExitCode:
    """Compare consumers with the store, and deliver the live value to those that lack it or hold another one.

    Nothing is created or revoked. A consumer whose value cannot be read back receives the live value only if its token
    is named; `person:` consumers are only listed. Exit 3: an operation is open. 4: a consumer cannot be reached.
    """
    found = select_tokens(wiring, names, wanted, everything=everything)
    report_selection(wiring, wanted, found)
    checks = list(_checks(wiring, found, check_only=check_only, unread=bool(names)))
    _show(wiring, checks, found=bool(found))
    if check_only and any(check.result in OWED for check in checks):
        wiring.progress.note("the same command without --check delivers the live value")
    return most_severe_code(check.exit_code for check in checks)


def _checks(wiring: Wiring, found: list[Snapshot], *, check_only: bool, unread: bool) -> Iterator[ConsumerCheck]:
    for snapshot in found:
        record = snapshot.document.record
        if record.state is RecordState.RETIRED or not record.consumers:
            continue
        wiring.progress.waiting(f"comparing the consumers of {record.name}")
        checks = (
            compare_consumers(wiring, snapshot) if check_only else deliver_differing(wiring, snapshot, unread=unread)
        )
        for check in checks:
            if check.error is not None:
                wiring.progress.note(failure_line(check.name, check.error))
            yield check
    wiring.progress.clear()


def _show(wiring: Wiring, checks: list[ConsumerCheck], *, found: bool) -> None:
    rows = [(check.name, str(check.consumer or ""), check.result.value) for check in checks]
    if wiring.screen.as_json:
        wiring.screen.document(
            {"consumers": [{"name": name, "consumer": consumer, "result": result} for name, consumer, result in rows]}
        )
    elif rows:
        tones = [_TONES.get(check.result, "") for check in checks]
        wiring.screen.table(("name", "consumer", "result"), rows, tones=tones)
    elif found:
        wiring.progress.note("no consumer is declared for these tokens")
