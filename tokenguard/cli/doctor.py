"""`doctor`: everything that would make the next rotation go wrong, with the command that mends it."""

import shutil
from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.wiring import Wiring


@command("doctor")
@click.option(
    "--install-hook", is_flag=True, help="Only make `tokenguard-hook` the pre-commit hook of this repository."
)
@click.option("--accept-server", is_flag=True, help="First: the configured server is where the store is from now on.")
@pass_wiring
def doctor(wiring: Wiring, *, install_hook: bool, accept_server: bool) -> int:
    """Check everything that would make the next rotation or the next commit go wrong, and say what mends it.

    Configuration, policy, .env and hook of the working directory; store, keys, logins, integrity and clock; open
    operations; and for the tokens that are due next their provider, its admin credential and their consumers.

    Warnings do not change the exit code. Exit 1: something must be mended. 2: there is no store there, or the
    configuration is wrong. 4: the store cannot be opened. 5: a token that was proven dead is accepted again.
    6: the store was tampered with, or is damaged.
    """
    if install_hook:
        _install(wiring)
        return ExitCode.OK
    if accept_server:
        _accept(wiring)
    from tokenguard.domain.diagnosis import Level  # loaded with it
    from tokenguard.usecases.diagnose import examine  # loads the store

    findings = list(examine(wiring))
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "checks": [
                    {"check": each.check, "level": each.level, "text": each.text, "hint": each.hint}
                    for each in findings
                ]
            }
        )
    else:
        tones = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
        rows = [(each.level, each.check, each.text, each.hint) for each in findings]
        wiring.screen.table(
            ("", "check", "finding", "mend it with"), rows, tones=[tones[each.level] for each in findings]
        )
    return max((each.exit_code for each in findings), default=ExitCode.OK)


def _accept(wiring: Wiring) -> None:
    """A person says that the store has moved to another server; nothing is asked of it before."""
    try:
        wiring.known_servers().accept()
    except OSError:
        raise InputError(
            "this machine cannot remember the server", hint="its state directory must be writable: TOKENGUARD_STATE_DIR"
        ) from None
    wiring.progress.step(f"the configured server is where {wiring.store_url} is")


def _install(wiring: Wiring) -> None:
    """Needs no store: a developer who has no access to one installs the hook too."""
    from tokenguard.files import shown  # only for this option
    from tokenguard.scanning.hook_file import PROGRAM, install_hook

    path, written = install_hook(Path(), wiring.environ)
    if shutil.which(PROGRAM) is None:
        wiring.progress.note(f"{PROGRAM} is not on the PATH here: commits will fail until it is")
    if wiring.screen.as_json:
        wiring.screen.document({"hook": str(path), "written": written})
    else:
        wiring.screen.line(f"{'written' if written else 'already there'}: {shown(path)}")
