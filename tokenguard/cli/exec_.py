"""`exec`: run a program with tokens in its environment, and mask them in its output."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, BaseCommand, break_glass_option, pass_wiring
from tokenguard.cli.token_option import ASKED
from tokenguard.cli.usage import explain
from tokenguard.errors import TokenguardError
from tokenguard.shell.wiring import Wiring
from tokenguard.streams.failure import OutputWithheld
from tokenguard.usecases.exec_rounds import ON_ROTATE, ChildSettings, run_disclosed
from tokenguard.usecases.requested_token import RequestedToken


class _Exec(BaseCommand):
    """A command whose own errors are all one exit code."""

    def make_context(self, *args: object, **how: object) -> click.Context:
        """Parse; bad usage fails closed too."""
        try:
            return super().make_context(*args, **how)  # type: ignore[arg-type]
        except click.UsageError as error:
            raise _closed(explain(error)) from None
        except TokenguardError as error:
            raise _closed(error) from None


def _closed(error: TokenguardError) -> OutputWithheld:
    return OutputWithheld(error.message, hint=error.hint)


@click.command("exec", cls=_Exec, context_settings={"allow_interspersed_args": False})
@click.option(
    "-t",
    "--token",
    "asked",
    metavar="NAME[=VARIABLE]",
    type=ASKED,
    multiple=True,
    help="A token to give to the program.",
)
@click.option(
    "--keep", metavar="VARIABLE", multiple=True, help="Pass on this variable, although it is a store credential."
)
@click.option("--names", "show_names", is_flag=True, help="Show token names in masks, instead of ids.")
@click.option(
    "--mask-files",
    metavar="DIR",
    type=PATH,
    multiple=True,
    help="After the program ends, also mask the files that it wrote below this folder.",
)
@click.option("--no-mask", is_flag=True, help="Do not mask the output.")
@click.option(
    "--on-rotate",
    type=click.Choice([*ON_ROTATE]),
    help="When a token is replaced: send SIGHUP, or restart the program.",
)
@click.option(
    "--check-every",
    metavar="SECONDS",
    type=click.IntRange(1, 3600),
    default=30,
    show_default=True,
    help="Interval of the --on-rotate check.",
)
@break_glass_option
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_wiring
def exec_command(
    wiring: Wiring,
    asked: tuple[RequestedToken, ...],
    keep: tuple[str, ...],
    mask_files: tuple[Path, ...],
    program: tuple[str, ...],
    *,
    show_names: bool,
    no_mask: bool,
    on_rotate: str | None,
    check_every: int,
) -> int:
    """Run a program with tokens in its environment, and mask them in its output.

    The program gets the tokens, and your environment without store credentials (TOKENGUARD_, VAULT_, AWS_ and similar).
    On a terminal it runs in a pseudo-terminal: colours, keys, window size and Ctrl-Z work. Its exit code is passed on;
    125 means that it was not started, that masking failed and output was withheld, or that a file of --mask-files could
    not be masked.
    """
    if on_rotate and (no_mask or not asked):
        raise OutputWithheld("--on-rotate needs tokens and masking", hint="give -t NAME, and leave --no-mask out")
    if mask_files and no_mask:
        raise OutputWithheld("--mask-files needs masking", hint="leave --no-mask out")
    if wiring.requesting and not asked:
        from tokenguard.usecases.second_person import not_sensitive  # only a request needs it

        raise not_sensitive()
    settings = ChildSettings(
        show_names=show_names, masked=not no_mask, on_rotate=on_rotate, check_every=check_every, mask_files=mask_files
    )
    try:
        ended = run_disclosed(wiring, asked, program, keep, settings)
    except TokenguardError as error:
        if wiring.requesting:
            raise
        raise _closed(error) from None
    if ended.exposed or any(ended.found.values()):
        from tokenguard.usecases.report_leaks import report_leaks  # most programs show nothing

        report_leaks(wiring, ended.found, None, audited=bool(asked), exposed=ended.exposed)
    if ended.failure:
        raise ended.failure
    return ended.code
