"""The one error boundary: turns every exception into an exit code and at most one `error:` and one `hint:`."""

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import Path

import click

from tokenguard.cli.app import app
from tokenguard.cli.usage import explain
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.files import DISK_TROUBLES, shown
from tokenguard.shell.argv import refuse_values
from tokenguard.shell.colour import paint, wants_colour
from tokenguard.shell.output import UNREAD, take_standard_streams
from tokenguard.shell.wiring import Wiring
from tokenguard.text import safe_text

_STREAMING = frozenset({"exec", "env", "redact"})
"""Commands whose standard output is their own data, never a JSON document of tokenguard."""

_COMPLETE = "_TOKENGUARD_COMPLETE"
_NOT_OURS = {
    **DISK_TROUBLES,
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
}
"""Reasons for which a system may refuse to read or write a file."""
_BAD_PATHS = {
    errno.ENAMETOOLONG: "the name of a file is too long",
    errno.ELOOP: "a path has a symbolic link that is not followed",
    errno.ENOTDIR: "a path goes through something that is not a directory",
}
"""Paths that no file can have, or none that is accepted: what was given is wrong."""


def run_process(arguments: Sequence[str]) -> int:
    """Run one command line on this process's streams; a failing stream never hides the exit code."""
    output = take_standard_streams()
    wiring = Wiring()
    code = run(arguments, wiring)
    sys.stdout.flush()
    if code == ExitCode.OK and output.lost not in UNREAD:
        hint = "free space, or redirect the output; the command itself completed"
        code = _say(wiring, "standard output could not be written", hint, ExitCode.UNREACHABLE)
    return code


def run(arguments: Sequence[str], wiring: Wiring | None = None) -> int:
    """Run one command line and return the process's exit code. Raises nothing.

    Args:
        arguments: without the program's name.
        wiring: the adapters to use; made from the process's environment if None.
    """
    wiring = wiring or Wiring()
    try:
        code = _run(arguments, wiring)
        sys.stdout.flush()
        wiring.report_passed_over()
    except BrokenPipeError:
        _forget_stdout()
        code = ExitCode.OK
    except TokenguardError as error:
        error.hint = _with_resume_line(wiring, error)
        code = _end(wiring, arguments, error.message, error.hint, error.exit_code)
        _notify_of_what_is_urgent(wiring, code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        code = _end(wiring, arguments, "interrupted", _how_to_go_on(wiring), ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary: nothing may pass it
        code = _end(wiring, arguments, *_unexpected(error))
        if code is ExitCode.BUG:
            _tell_frames(error)
    finally:
        with contextlib.suppress(Exception):
            wiring.close()
    return int(code)


def _run(arguments: Sequence[str], wiring: Wiring) -> int:
    if instruction := wiring.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete  # only a completing shell needs it

        return shell_complete(app, {"obj": wiring}, "tokenguard", _COMPLETE, instruction)
    try:
        refuse_values(arguments)
        with app.make_context("tokenguard", list(arguments), obj=wiring) as context:
            code = app.invoke(context) or ExitCode.OK
            _notify_of_what_is_urgent(wiring, code)
            return int(code)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return ExitCode.USAGE
    except click.UsageError as error:
        raise explain(error) from None


def _notify_of_what_is_urgent(wiring: Wiring, code: object) -> None:
    """Notify of a revocation that is not confirmed (a child of `exec` ends with a plain number), and of break-glass."""
    if code is ExitCode.NOT_PROVEN_DEAD or wiring.break_glass:
        from tokenguard.usecases.notify_at_once import notify_before_exit  # few commands end so

        notify_before_exit(wiring)


def _say(wiring: Wiring, message: str, hint: str, code: ExitCode) -> ExitCode:
    labels = ("error:", "hint:")
    if wants_colour(sys.stderr, wiring.environ):
        labels = (paint("error:", "red"), paint("hint:", "cyan"))
    with contextlib.suppress(OSError):
        wiring.end_live_line()
        for label, text in zip(labels, (message, hint), strict=True):
            click.echo(f"{label} {safe_text(text, one_line=True)}", err=True)
    return code


def _with_resume_line(wiring: Wiring, error: TokenguardError) -> str:
    """The hint and, if a resumable operation could not be reached, the command that resumes it."""
    if error.exit_code is not ExitCode.UNREACHABLE or not wiring.resuming or "--resume" in error.hint:
        return error.hint
    return f"{error.hint}; then: {wiring.resuming}"


def _wants_document(arguments: Sequence[str]) -> bool:
    """Whether JSON was requested, also if the command line could not be parsed."""
    head = list(takewhile(lambda each: each != "--", arguments))
    asked = "--format=json" in head or ("--format", "json") in pairwise(head)
    return asked and _STREAMING.isdisjoint(head)


def _end(wiring: Wiring, arguments: Sequence[str], message: str, hint: str, code: ExitCode) -> ExitCode:
    """Say how the command ended; where JSON was requested also as a document, unless the command has printed its own.

    Standard output is one document for every error that passes here.
    """
    _say(wiring, message, hint, code)
    if _wants_document(arguments):
        with contextlib.suppress(Exception):
            if not wiring.screen.wrote:
                message, hint = (safe_text(text, one_line=True) for text in (message, hint))
                facts = {"message": message, "hint": hint, "exit_code": int(code)}
                wiring.screen.document({"error": facts})
                sys.stdout.flush()
    return code


def _how_to_go_on(wiring: Wiring) -> str:
    """After Ctrl-C: how to continue. That no operation is open is never said: none but the current one is looked up."""
    name = None
    with contextlib.suppress(Exception):
        name = wiring.open_operation()
    if wiring.unfinished:
        return wiring.unfinished
    if name:
        return f"nothing is lost; continue with `tokenguard {wiring.resumed_by} {name} --resume`"
    if "store" not in wiring.__dict__:
        return "nothing was stored; run the command again"
    return "run the command again; what was already stored is kept"


def _unexpected(error: Exception) -> tuple[str, str, ExitCode]:
    """What the system refuses, by its directory, since the file itself may be a temporary one; else a bug of ours."""
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    if number in _BAD_PATHS:
        return _BAD_PATHS[number], "give another path, and run the command again", ExitCode.USAGE
    why = _NOT_OURS.get(number)
    if why is None:
        message = f"an unexpected {type(error).__name__}: this is a bug in tokenguard"
        return message, "report it with the lines below; they contain no token values", ExitCode.BUG
    name = error.filename if isinstance(error, OSError) else None
    where = f": {shown(Path(name).absolute().parent)}" if isinstance(name, str) else ""
    hint = "fix that, then run the command again; it continues from the stored state"
    return f"{why}{where}", hint, ExitCode.UNREACHABLE


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code with which this boundary ends a command that was stopped by an error."""
    if isinstance(error, TokenguardError):
        return error.exit_code
    return _unexpected(error)[2] if isinstance(error, Exception) else ExitCode.INTERRUPTED


def _tell_frames(error: Exception) -> None:
    """The stack without locals, source lines or messages: any of them could hold a value."""
    package = Path(__file__).parents[2]
    for frame in traceback.extract_tb(error.__traceback__):
        place = Path(frame.filename)
        shown = place.relative_to(package) if place.is_relative_to(package) else place.name
        click.echo(f"  {safe_text(str(shown), one_line=True)}:{frame.lineno} in {frame.name}", err=True)


def _forget_stdout() -> None:
    """Keep the interpreter from reporting a closed pipe when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
