"""`tokenguard offboard PERSON`: replaces, removes and reassigns everything that a person who leaves has to do with."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, break_glass_option, command, pass_wiring
from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, InputError, NeedsPerson, TokenguardError
from tokenguard.files import shown
from tokenguard.inventory.record_changes import plain_text
from tokenguard.output.save_file import check_kind, check_page, save_page
from tokenguard.rotation.batch import BatchResult, most_severe
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm_number
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.offboard_person import (
    PersonToken,
    Successors,
    check_can_begin,
    check_successors,
    last_disclosure,
    offboard,
    tokens_of_person,
)
from tokenguard.views.offboarding_page import offboarding_markdown, offboarding_table, offboarding_title


@command("offboard")
@click.argument("person")
@click.option("--plan", "plan_only", is_flag=True, help="Show the tokens and what would happen; change nothing.")
@click.option("--to", "person_to", default="", metavar="PERSON", help="The person who takes over PERSON's duties.")
@click.option("--login-to", default="", metavar="LOGIN", help="The provider login for tokens that a person creates.")
@click.option("--owner-to", default="", metavar="TEAM", help="The team that owns what PERSON owned.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Also write the result as a Markdown page; a new file gets mode 0600.",
)
@break_glass_option
@pass_wiring
def offboard_person(
    wiring: Wiring, person: str, *, plan_only: bool, person_to: str, login_to: str, owner_to: str, yes: bool,
    output: str | None,
) -> ExitCode:  # fmt: skip
    """Offboard PERSON: rotate the tokens that they created, remove their grants, reassign their duties.

    Write PERSON as in the token records. Rotations that need no person come first. A token whose rotation fails or is
    interrupted keeps naming PERSON, so that the same command continues with it. The record of a new value names its
    creator: for creation by API the identity that runs this command, for creation by hand the person named at the
    prompt. Exit codes as for `rotate`.
    """
    if not person.strip():  # as of a variable that is not set; the exit code would be that of "nothing is left to do"
        raise InputError("PERSON is empty", hint="name the person as in --made-by")
    ties = tokens_of_person(wiring, person)
    successors = _successors(person_to, login_to, owner_to)
    check_successors(wiring, person, successors)
    if not plan_only:
        check_can_begin(wiring, person, ties, successors)
    if output is not None:
        check_page(Path(output))
        check_kind(Path(output), offboarding_title(person))  # before anything is revoked
    if plan_only:
        _show_plan(wiring, person, ties, successors)
        return ExitCode.OK
    if not (yes or wiring.requesting):
        _confirm(wiring, person, ties, successors)
    results: list[BatchResult] = []
    try:
        _run(wiring, person, ties, successors, results)
    except KeyboardInterrupt:
        if output is not None and results:  # the next run has the remaining tokens only
            with suppress(TokenguardError):
                _save(wiring, output, _page(wiring, person, ties, successors, results))
        raise
    page = _page(wiring, person, ties, successors, results)
    if output is not None:
        _save(wiring, output, page)
    if wiring.screen.as_json:
        ended = {each.name: each.exit_code for each in results}
        wiring.screen.document({"person": person, "tokens": [_document(each, ended) for each in ties]})
    else:
        wiring.screen.text(page)
    return most_severe(results)


def _save(wiring: Wiring, output: str, page: str) -> None:
    save_page(Path(output), page)
    wiring.progress.note(f"written to {shown(Path(output))}")


def _show_plan(wiring: Wiring, person: str, ties: Sequence[PersonToken], successors: Successors) -> None:
    if wiring.screen.as_json:
        wiring.screen.document({"person": person, "tokens": [_document(each, {}) for each in ties]})
    else:
        wiring.screen.table(
            ("token", "role", "action", "needs", "blocked because"), offboarding_table(ties, successors)
        )


def _page(
    wiring: Wiring, person: str, ties: Sequence[PersonToken], successors: Successors, results: Sequence[BatchResult]
) -> str:
    now = {each.name: wiring.store.load(each.snapshot.id) for each in ties}  # it may have another name now
    disclosed = {each.name: last_disclosure(wiring, person, each) for each in ties}
    known = {name: at for name, at in disclosed.items() if at is not None}
    return offboarding_markdown(person, ties, successors, results, now=now, disclosed=known)


def _run(
    wiring: Wiring, person: str, ties: Sequence[PersonToken], successors: Successors, results: list[BatchResult]
) -> None:
    """Run all, and put each result into `results` as it comes."""
    try:
        for result in offboard(wiring, person, ties, successors):
            results.append(result)
            if result.error is not None:
                wiring.progress.note(result.failure)
    except KeyboardInterrupt:
        wiring.unfinished = (
            f"{pluralize(len(ties) - len(results), 'token')} left: run the same command again to continue"
        )
        raise


def _successors(person: str, login: str, owner: str) -> Successors:
    if owner:
        changes_from({"owner": owner})
    return Successors(person=plain_text(person, what="person"), login=plain_text(login, what="login"), owner=owner)


def _confirm(wiring: Wiring, person: str, ties: Sequence[PersonToken], successors: Successors) -> None:
    if wiring.tty is None:
        raise NeedsPerson(
            f"offboarding {person} is not confirmed; nothing was done",
            hint="run the command with --plan to see what it does, or with --yes to confirm",
        )
    for row in offboarding_table(ties, successors):
        wiring.tty.show(" · ".join(filter(None, row)))
    confirm_number(wiring.tty, f"this rotates, removes or reassigns {pluralize(len(ties), 'token')}", len(ties))


def _document(tie: PersonToken, ended: Mapping[TokenName, ExitCode]) -> dict[str, object]:
    facts = {"name": tie.name, "roles": list(tie.roles), "then": tie.ending.value, "needs_person": tie.needs_person}
    return facts | ({"exit": ended[tie.name]} if tie.name in ended else {})
