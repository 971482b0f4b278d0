"""`triage`: walks through what incomplete records lack, with a suggestion for each field."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, InputError, NeedsPerson, Tampered, TokenguardError
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.inventory.suggestions import MissingFact, edit_command
from tokenguard.rotation.batch import BatchResult, most_severe
from tokenguard.shell.tty import Tty
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.select_tokens import report_selection, select_tokens
from tokenguard.usecases.triage_records import IncompleteRecord, Triage, WaitingAnswers, checked_answer, triage_order

_OPEN, _SKIP = "-", "skip"
_EXAMPLES = {
    "owner": "a team", "scope": "KIND:ID", "environment": "prod, staging or dev", "purpose": "one line",
    "made_by": "the person who created it", "consumers": "dotenv:PATH#VAR, command:NAME, person:TEXT or none",
    "created_at": "YYYY-MM-DD",
}  # fmt: skip


@command("triage")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--plan", "plan_only", is_flag=True, help="List what is missing, with suggestions; ask nothing.")
@break_glass_option
@selects_due
@pass_wiring
def triage(wiring: Wiring, names: tuple[TokenName, ...], *, plan_only: bool, wanted: Filter) -> ExitCode:
    """Complete the records of tokens: all incomplete ones, named ones, or a selection. Unclaimed tokens come first.

    A record is incomplete without its owner, scope, environment, purpose, creator, consumers or age. Suggestions come
    from the provider, from the name, from the .env line that the token was imported from (if the line still has the
    value), and from other tokens of the same scope, file or path, if these agree. Each record is written when its
    last question is answered; after Ctrl-C the same command continues. Exit 3: there is no terminal (the list is
    shown), or an answer waits for the approval of a second person; the other answers are written.
    """
    everything = not names and wanted == ANY
    chosen = select_tokens(wiring, names, wanted, everything=everything)
    report_selection(wiring, wanted, chosen)
    work = Triage(wiring, chosen if everything else None)
    found = work.incomplete(chosen)
    if plan_only or not found or wiring.tty is None:
        _show(wiring, found)
        if found and not plan_only:
            raise NeedsPerson(
                f"{pluralize(len(found), 'record')} {'is' if len(found) == 1 else 'are'} incomplete, and there is no "
                "terminal to ask on",
                hint="run `tokenguard triage` in a terminal, or see `tokenguard edit --help`",
            )
        return ExitCode.OK
    results: list[BatchResult] = []
    for place, each in triage_order(found):
        changed = [result for result in results if _is_changed(result)]
        wiring.unfinished = f"{pluralize(len(changed), 'record')} changed; run the same command again for the rest"
        if (result := _ask_about(work, wiring.tty, place, each)) is not None:
            results.append(result)
    wiring.unfinished = ""
    _show_changed(wiring, results, len(found))
    return most_severe(results)


def _is_changed(result: BatchResult) -> bool:
    return result.error is None or (isinstance(result.error, WaitingAnswers) and bool(result.error.written))


def _ask_about(work: Triage, tty: Tty, place: str, each: IncompleteRecord) -> BatchResult | None:
    """Ask for what one record lacks, and write it; None if nothing was answered."""
    each = work.looked_up(each)
    record = each.snapshot.document.record
    known = [record.provider, record.hint, f"imported from {record.imported_from}" if record.imported_from else ""]
    tty.show()
    tty.show(f"{place}: {record.name} ({', '.join(part for part in known if part)})")
    tty.show(f"  Enter takes the suggestion in brackets, {_OPEN} leaves the field open, {_SKIP} leaves the record")
    given: dict[str, object] = {}
    for fact in each.facts:
        answer = _ask(tty, fact, partial(work.check, each.snapshot, dict(given)))
        if answer is None:
            return None
        given |= answer
    if not given:
        return None
    try:
        work.record(each.snapshot, given)
    except Tampered:
        raise
    except WaitingAnswers as error:
        tty.show(f"  waits: {', '.join(error.waiting)}: {error.message}; {error.hint}")
        return BatchResult(name=record.name, error=error)
    except TokenguardError as error:
        tty.show(f"  not written: {error.message}; {error.hint}")
        return BatchResult(name=record.name, error=error)
    return BatchResult(name=record.name)


def _ask(tty: Tty, fact: MissingFact, check: Callable[[dict[str, object]], None]) -> dict[str, object] | None:
    """The answer as options; empty if the field stays open, None if the record is left."""
    offered = f"{fact.suggestion}: {fact.source}" if fact.suggestion else "open"
    while True:
        typed = tty.ask(f"  {fact.column.replace('_', ' ')} ({_EXAMPLES[fact.column]}) [{offered}]: ", public=True)
        text = typed or fact.suggestion
        if text.lower() == _SKIP:
            return None
        if not text or text == _OPEN:
            return {}
        try:
            answer = dict(checked_answer(fact.column, text))
            check(answer)
        except InputError as error:
            tty.show(f"  not yet: {error.message}; {error.hint}")
        else:
            return answer


def _show(wiring: Wiring, found: Sequence[IncompleteRecord]) -> None:
    if wiring.screen.as_json:
        wiring.screen.document({"records": [_document(each) for each in found]})
    elif found:
        rows = [
            (each.snapshot.document.record.name, fact.column, fact.suggestion, fact.source)
            for each in found
            for fact in each.facts
        ]
        wiring.screen.table(("token", "lacks", "suggestion", "source"), rows)
    else:
        wiring.screen.line("every record is complete")


def _document(each: IncompleteRecord) -> dict[str, Any]:
    record = each.snapshot.document.record
    facts = [{"field": fact.column, "suggestion": fact.suggestion, "source": fact.source} for fact in each.facts]
    return {"name": record.name, "state": record.state, "lacks": facts, "edit": edit_command(record, each.facts)}


def _show_changed(wiring: Wiring, results: Sequence[BatchResult], of: int) -> None:
    changed = [each.name for each in results if _is_changed(each)]
    waiting = [each.name for each in results if isinstance(each.error, WaitingAnswers)]
    failed = [each.name for each in results if each.error is not None and each.name not in waiting]
    if wiring.screen.as_json:
        wiring.screen.document({"changed": changed, "waiting": waiting, "not_written": failed})
        return
    more = [("waiting for a second person", waiting), ("not written", failed)]
    facts = [f"{len(names)} {what}" for what, names in more if names]
    wiring.screen.line("; ".join([f"{len(changed)} of {pluralize(of, 'record')} changed", *facts]))
