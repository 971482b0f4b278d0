"""Shows changes of several records, has them confirmed once, and writes them; several commands end with it."""

from collections.abc import Sequence

from tokenguard.errors import ExitCode, NeedsPerson
from tokenguard.rotation.batch import most_severe
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm_number
from tokenguard.usecases.edit_records import commit_edits
from tokenguard.usecases.edit_token import RecordEdit, authorise_edits
from tokenguard.views.edit_view import changes_lines, show_changes, show_written


def write_edits(wiring: Wiring, edits: Sequence[RecordEdit], *, plan_only: bool, confirmed: bool) -> ExitCode:
    """Show the differences, and write them once they are confirmed.

    Args:
        wiring: the adapters in use.
        edits: checked changes, at most one for each token.
        plan_only: only show them.
        confirmed: do not ask.

    Returns:
        The most severe exit code of all of them.

    Raises:
        NeedsPerson: they were not confirmed, or there is no terminal to confirm them on.
    """
    wanted = bool(edits) and not plan_only
    if not plan_only:
        authorise_edits(wiring, edits)
    if wanted and not confirmed and wiring.tty is None:
        raise NeedsPerson(
            f"changes of {pluralize(len(edits), 'record')} are not confirmed; nothing was written",
            hint="run the command with --plan to see them, or with --yes to write them",
        )
    show_changes(wiring, edits)
    if wanted and not confirmed and wiring.tty is not None:
        if not wiring.screen.to_terminal or wiring.screen.as_json:
            wiring.tty.show(changes_lines(edits))
        confirm_number(wiring.tty, f"this changes {pluralize(len(edits), 'record')}", len(edits))
    results = list(commit_edits(wiring, edits)) if wanted else []
    if wanted or wiring.screen.as_json:
        show_written(wiring, edits, results)
    return most_severe(results)
