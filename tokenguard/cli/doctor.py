"""`doctor`: finds what would make the next rotation fail, with the command that fixes it."""

import shutil
from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.wiring import Wiring


@command("doctor")
@click.option(
    "--install-hook",
    type=click.Choice(["pre-commit", "pre-merge-commit", "commit-msg", "pre-push"]),
    is_flag=False,
    flag_value="pre-commit",
    metavar="[HOOK]",
    help="Only install `tokenguard-hook` as this git hook, by default pre-commit.",
)
@click.option("--accept-server", is_flag=True, help="First accept the configured server as the store's new address.")
@pass_wiring
def doctor(wiring: Wiring, *, install_hook: str | None, accept_server: bool) -> int:
    """Find what would make the next rotation or commit fail, and show how to fix it.

    Checks the configuration, policy, .env and hook of the working directory; the hooks of coding agents; the store, its
    keys, logins, integrity and clock; open operations; and, for the tokens due next, provider, admin credential and
    consumers.

    Warnings do not change the exit code. Exit 1: an error must be fixed. 2: no store, or an invalid configuration. 4:
    the store cannot be opened. 5: a token that was proven dead is accepted again. 6: the store was tampered with or is
    damaged.
    """
    if install_hook:
        _install(wiring, install_hook)
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
        wiring.screen.table(("", "check", "finding", "fix"), rows, tones=[tones[each.level] for each in findings])
    return max((each.exit_code for each in findings), default=ExitCode.OK)


def _accept(wiring: Wiring) -> None:
    """Record, on the user's word, that the store moved to another server; the server is not contacted before."""
    try:
        wiring.known_servers().accept()
    except OSError:
        raise InputError(
            "the server's address cannot be saved on this machine",
            hint="make the state directory writable, or set TOKENGUARD_STATE_DIR to one that is",
        ) from None
    wiring.progress.step(f"accepted the configured server for {wiring.store_url}")


def _install(wiring: Wiring, stage: str) -> None:
    """Install the hook. Needs no store, since developers may have no access to one."""
    from tokenguard.files import shown  # only for this option
    from tokenguard.scanning.hook_file import PROGRAM, install_hook

    path, written = install_hook(Path(), wiring.environ, stage)
    if shutil.which(PROGRAM) is None:
        what = "commits" if stage == "pre-commit" else "pushes"
        wiring.progress.note(f"{PROGRAM} is not on the PATH: {what} fail until it is")
    if wiring.screen.as_json:
        wiring.screen.document({"hook": str(path), "written": written})
    else:
        wiring.screen.line(f"{'written' if written else 'already installed'}: {shown(path)}")
