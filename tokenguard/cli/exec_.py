"""`exec`: run a program with the tokens it asked for, and mask them in what it prints."""

import click

from tokenguard.cli.asking import ASKED
from tokenguard.cli.base import Command, pass_wiring
from tokenguard.cli.disclosing import Asked, Disclosure
from tokenguard.cli.leaks import report_leaks
from tokenguard.cli.masking_values import known_values
from tokenguard.cli.usage import explain
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.redaction.matcher import Matcher
from tokenguard.shell.process import inherited_umask
from tokenguard.shell.wiring import Wiring
from tokenguard.streams.child import run_masked, run_unmasked
from tokenguard.streams.environment import child_environment
from tokenguard.streams.program import Ended, Program


class FailedClosed(TokenguardError):  # noqa: N818 - reads as what it says
    """The child was not started, whatever the reason: its own exit codes must not be mistaken for ours."""

    exit_code = ExitCode.CLOSED


class _Exec(Command):
    """A command whose own errors are all one exit code."""

    def make_context(self, *args: object, **how: object) -> click.Context:
        """Parse; bad usage fails closed too."""
        try:
            return super().make_context(*args, **how)  # type: ignore[arg-type]
        except click.UsageError as error:
            raise _closed(explain(error)) from None
        except TokenguardError as error:
            raise _closed(error) from None


def _closed(error: TokenguardError) -> FailedClosed:
    return FailedClosed(error.message, hint=error.hint)


@click.command("exec", cls=_Exec, context_settings={"allow_interspersed_args": False})
@click.option(
    "-t", "--token", "asked", metavar="NAME[=VARIABLE]", type=ASKED, multiple=True, help="Give it this token."
)
@click.option("--keep", metavar="VARIABLE", multiple=True, help="Let it have this variable although it opens a store.")
@click.option("--names", "show_names", is_flag=True, help="Show token names in masks instead of opaque ids.")
@click.option("--no-mask", is_flag=True, help="Leave its output as it is.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_wiring
def exec_command(
    wiring: Wiring,
    asked: tuple[Asked, ...],
    keep: tuple[str, ...],
    program: tuple[str, ...],
    *,
    show_names: bool,
    no_mask: bool,
) -> int:
    """Run a program with tokens in its environment, and mask them in its output.

    It gets what it was given and no credential of a store (TOKENGUARD_, VAULT_, AWS_ and the like).
    On a terminal it has a terminal of its own: colours, keys, window size and Ctrl-Z work. Its exit
    code is passed on; 125 means that it was not started, or that masking failed and output was withheld.
    """
    try:
        disclosure = Disclosure(wiring, asked, "exec")
        environment = child_environment(wiring.environ, disclosure.variables(), keep)
        matcher = None if no_mask else _matcher(wiring, disclosure, show_names=show_names)
        disclosure.intend()
        what = Program(argv=program, environment=environment, umask=inherited_umask())
        ended = _run(what, matcher, disclosure)
    except TokenguardError as error:
        raise _closed(error) from None
    disclosure.happened(f"exit {ended.code}")
    report_leaks(wiring, ended.found, None, audited=bool(asked))
    return ExitCode.CLOSED if ended.failed else ended.code


def _matcher(wiring: Wiring, disclosure: Disclosure, *, show_names: bool) -> Matcher:
    """The engine for what is given; without tokens no store is opened, and shapes are all it knows."""
    snapshots = [given.snapshot for given in disclosure.given]
    return Matcher.of(known_values(wiring.store, snapshots, show_names=show_names) if snapshots else ())


def _run(program: Program, matcher: Matcher | None, disclosure: Disclosure) -> Ended:
    try:
        return run_unmasked(program) if matcher is None else run_masked(program, matcher)
    except TokenguardError:
        disclosure.happened("not started")
        raise
