"""`tokenguard request`: ask a second person to approve a command, without running it."""

from typing import TYPE_CHECKING

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.domain.second_person import RENEW, ExpiredRequest
from tokenguard.errors import InputError
from tokenguard.inventory.views import moment
from tokenguard.provisioning.request import ApprovalRequest
from tokenguard.shell.progress import HeldNotes
from tokenguard.shell.wiring import Wiring
from tokenguard.streams.failure import OutputWithheld
from tokenguard.usecases.second_person import ReadOnlyStore, RequestFiled, approve_request_command, not_sensitive

if TYPE_CHECKING:
    from tokenguard.shell.render import Screen

COMMANDS = (
    ("rotate", "--compromised"), ("rotate", "--in-place"), ("rotate", "--due"), ("retire",), ("edit",), ("add",),
    ("apply",), ("import",), ("offboard",), ("show", "--reveal"), ("exec",), ("env",), ("fingerprints", "waive"),
    ("migrate", "--to"),
)  # fmt: skip
"""The commands with operations that a policy may ask a second person for, and the word that makes them one."""
_PLANS = ("--plan", "--dry-run")
_INSTEAD = {
    "respond": (
        "run it without a request, since recording a leak needs no approval; "
        "for the rotation, request `rotate NAME --compromised`"
    ),
    "triage": (
        "run it without a request: it writes what needs no approval, and requests approval for the "
        "rest; or request `edit NAME ...`"
    ),
    "upkeep": "request the command that it would run: `apply FILE`, or `rotate --due`",
    "rotate": "a planned rotation needs no approval; with --compromised, --in-place or --due it may need one",
    "show": "the record is shown without an approval; only --reveal may need one",
    "migrate": "only `migrate --to URL` may need an approval",
    "policy": "an approver runs it, without a request",
}
"""What to do about a command that cannot be requested, although it has to do with what can."""


@command("request", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@pass_wiring
def request(wiring: Wiring, words: tuple[str, ...]) -> None:
    """Ask a second person to approve COMMAND, and print the digest to approve. COMMAND is not run.

    Then another person runs `tokenguard approve DIGEST`, and you run COMMAND within the approval's time. Without
    COMMAND: list what awaits an approval or a review, and what expired.
    """
    if not words:
        _list(wiring)
        return
    _check_requestable(words)
    from tokenguard.cli.app import app  # it names this module

    _ = wiring.people  # a file that cannot be read is reported before anything is written
    wiring.requesting = True
    if words[0] != "migrate":  # it opens the stores itself, and asks before its first write
        _ = wiring.second_person
        wiring.store = ReadOnlyStore(wiring.store)
    context = click.get_current_context()
    called = app.get_command(context.find_root(), words[0])
    if called is None:
        raise not_sensitive()
    screen, wiring.screen = wiring.screen, wiring.screen.muted()  # one answer: the request's
    progress, held = wiring.progress, HeldNotes()
    wiring.progress = held
    try:
        with called.make_context(words[0], list(words[1:]), parent=context.parent) as inner:
            called.invoke(inner)
    except RequestFiled as filed:
        held.tell(progress)
        _show(wiring, screen, filed.request)
        return
    except OutputWithheld as error:  # the code of `exec` is about programs, and none was to be run
        raise InputError(error.message, hint=error.hint) from None
    finally:
        wiring.screen, wiring.progress = screen, progress
    raise not_sensitive()


def _check_requestable(words: tuple[str, ...]) -> None:
    given = {word.partition("=")[0] for word in words} if words[0] != "exec" else set()  # those are the program's
    if plan := next((each for each in _PLANS if each in given), ""):
        raise InputError(
            f"{plan} changes nothing, and needs no approval",
            hint="leave it out of the request, or run the command without `tokenguard request --`",
        )
    if given & {"--resume", "--abort"}:  # an effect may come before the first write, which is refused here
        raise InputError("an operation that has begun needs no approval", hint="run it without `tokenguard request --`")
    if not any(words[0] == name and given.issuperset(more) for name, *more in COMMANDS):
        known = ", ".join(" ".join(each) for each in COMMANDS)
        hint = _INSTEAD.get(words[0], f"a second person approves: {known}")
        raise InputError("this command cannot be requested", hint=hint)


def _show(wiring: Wiring, screen: "Screen", request: ApprovalRequest) -> None:
    if screen.as_json:
        screen.document(_document(request))
        return
    for each in request.operations:
        screen.line(f"{each.name or 'this store'}: {each.described}")
    screen.line(
        f"requested by {wiring.people.named(request.by)}; another person runs: {approve_request_command(request)}"
    )


def _document(request: ApprovalRequest) -> dict[str, object]:
    return {
        "digest": request.digest,
        "state": _state(request),
        "requested_by": request.by,
        "at": moment(request.at),
        "operations": [{"name": each.name, "operation": each.kind, **each.by_title} for each in request.operations],
        "break_glass": request.forced,
    }


def _named(request: ApprovalRequest) -> str:
    return "; ".join(f"{each.name or 'this store'}: {each.title}" for each in request.operations)


def _state(request: ApprovalRequest) -> str:
    """Whether the operation is done and awaits its review, or waits to be approved first."""
    return "done, needs a review" if request.forced else "needs approval first"


def _expired(request: ExpiredRequest) -> dict[str, object]:
    return {
        "digest": request.digest,
        "requested_by": request.by,
        "at": moment(request.at),
        "name": request.name,
        "operation": request.operation,
        "expired": moment(request.ended),
        "approved": request.approved,
    }


def _list(wiring: Wiring) -> None:
    """Requests without an approval by another person, reviews that are open, and requests that expired."""
    waiting, expired = wiring.second_person.waiting(), wiring.second_person.expired()
    if wiring.screen.as_json:
        wiring.screen.document(
            {"requests": [_document(each) for each in waiting], "expired": [_expired(each) for each in expired]}
        )
        return
    rows = [
        (f"{each.at:%Y-%m-%d %H:%M}", wiring.people.named(each.by), _named(each), _state(each),
         approve_request_command(each))
        for each in waiting
    ]  # fmt: skip
    rows += [
        (f"{each.at:%Y-%m-%d %H:%M}", wiring.people.named(each.by), f"{each.name or 'this store'}: {each.operation}",
         each.why, RENEW)
        for each in expired
    ]  # fmt: skip
    if rows:
        wiring.screen.table(("since (UTC)", "by", "what", "state", "next"), rows)
    else:
        wiring.screen.line("nothing awaits an approval or a review")
