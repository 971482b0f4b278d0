"""`verify`: asks providers whether tokens work and have the right scope."""

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode, InputError, Tampered, TokenguardError
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.inventory.verification import Verification, VerificationResult
from tokenguard.inventory.verification import verify as look_at
from tokenguard.inventory.views import moment
from tokenguard.rotation.batch import failure_line
from tokenguard.rotation.sampling import Controls
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.select_tokens import report_selection, select_tokens

_TONES = {
    VerificationResult.DEAD: "red",
    VerificationResult.REFUSED: "red",
    VerificationResult.WRONG_SCOPE: "red",
    VerificationResult.UNKNOWN: "yellow",
    VerificationResult.ALIVE: "green",
}


@command("verify")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every token of the store.")
@click.option(
    "--reconcile",
    "target",
    metavar="PROVIDER|SCOPE",
    help="Compare with the list on the provider's settings page, and record the result.",
)
@click.option(
    "--from-file",
    "source",
    metavar="FILE",
    type=PATH_TEXT,
    help="With --reconcile: a file with the list; - for standard input.",
)
@selects_due
@pass_wiring
def verify(
    wiring: Wiring, names: tuple[TokenName, ...], *, everything: bool, target: str | None, source: str | None,
    wanted: Filter,
) -> int:  # fmt: skip
    """Verify tokens with their providers and record the result; recheck revoked values that are due.

    With --reconcile: for a provider without an API list, a person enters it (one name per line, or CSV or JSON). Tokens
    that are missing there, unknown here or named differently are shown, and recorded with the date.

    Exit 1: a token is dead, has another scope, or is refused and was never accepted (the value may be wrong). Exit 4:
    the state of a token is unknown; a refusal is conclusive only while another token, or the admin credential, is
    accepted by the same host. Exit 5: a token that was proven dead is accepted again.

    A token whose provider cannot verify tokens is listed. If you named the token, the exit code is 4; otherwise the
    token does not change the exit code.
    """
    if target is not None:
        return _reconcile(wiring, target, source, alone=not names and not everything and wanted == ANY)
    if source is not None:
        raise InputError(
            "--from-file needs --reconcile", hint="tokenguard verify --reconcile descript --from-file FILE"
        )
    looks: list[Verification] = []
    code = ExitCode.OK
    controls = Controls(wiring.store, wiring.vendors, wiring.clock)
    snapshots = select_tokens(wiring, names, wanted, everything=everything)
    report_selection(wiring, wanted, snapshots)
    for snapshot in snapshots:
        if wiring.progress.live:
            record = snapshot.document.record
            wiring.progress.waiting(f"asking {record.provider} about {record.name}")
        look, found = _look(wiring, snapshot, controls, named=bool(names), alone=len(names) == 1)
        looks.append(look)
        code = max(code, found)
    wiring.progress.clear()
    _print(wiring, looks, told=wanted == ANY)
    return max(code, _look_again(wiring, snapshots, alone=len(names) == 1))


def _look_again(wiring: Wiring, snapshots: list[Snapshot], *, alone: bool) -> ExitCode:
    """Recheck old values that are due, grouped by provider."""
    now, code = wiring.clock.now(), ExitCode.OK
    due = [each.id for each in snapshots if any(item.probe_due_at <= now for item in each.document.quarantine)]
    for result in wiring.engine.reprobe(*due) if due else ():
        if result.error is not None:
            if alone or isinstance(result.error, Tampered):
                raise result.error
            wiring.progress.note(result.failure)
            code = max(code, result.exit_code, ExitCode.UNREACHABLE)
    return code


def _reconcile(wiring: Wiring, target: str, source: str | None, *, alone: bool) -> int:
    if not alone:
        raise InputError(
            "--reconcile cannot be combined with names or a selection",
            hint="it covers every token of the provider or scope",
        )
    from tokenguard.usecases.reconcile_listing import reconcile  # only this option needs it

    return reconcile(wiring, target, source)


def _look(
    wiring: Wiring, snapshot: Snapshot, controls: Controls, *, named: bool, alone: bool
) -> tuple[Verification, ExitCode]:
    """Verify one token; a failure does not stop the next."""
    record = snapshot.document.record
    try:
        look = look_at(wiring.store, wiring.clock, wiring.vendors.provider_of, snapshot, controlled=controls.hold)
        code = look.result.exit_code
        if look.result is VerificationResult.NOT_ASKED and named and record.state is not RecordState.RETIRED:
            code = ExitCode.UNREACHABLE
    except TokenguardError as error:
        if alone or isinstance(error, Tampered):
            raise
        wiring.progress.note(failure_line(record.name, error))
        look = Verification(record=record, result=VerificationResult.UNKNOWN, reason="not verified, see above")
        return look, max(error.exit_code, ExitCode.UNREACHABLE)
    return look, code


def _print(wiring: Wiring, looks: list[Verification], *, told: bool) -> None:
    """`told`: say also that there are none."""
    if wiring.screen.as_json:
        wiring.screen.document({"tokens": [_json(look) for look in looks]})
        return
    rows = [
        (look.record.name, look.result, _why(look), str(look.seen.scope or "") if look.seen else "") for look in looks
    ]  # fmt: skip
    if rows:
        wiring.screen.table(
            ("name", "result", "reason", "scope"), rows, tones=[_TONES.get(look.result, "") for look in looks]
        )
    elif told:
        wiring.progress.note("no tokens")


def _why(look: Verification) -> str:
    seen = look.seen
    return seen.explained if seen is not None and seen.reason == look.reason else look.reason


def _json(look: Verification) -> dict[str, object]:
    seen = look.seen
    return {
        "name": look.record.name,
        "provider": look.record.provider,
        "result": look.result,
        "reason": look.reason,
        "retry_after": seen.retry_after if seen else None,
        "at": moment(seen.at) if seen else None,
        "scope": str(seen.scope) if seen and seen.scope else None,
        "scope_name": seen.scope_name if seen else "",
        "scope_verdict": seen.scope_verdict if seen else None,
    }
