"""`setup`: what the store's server needs for a pipeline without stored secrets; shown, applied, or written down."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.wiring import Wiring

DEFAULT_FILE = "server.yaml"


@command("setup")
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@click.option("--apply", "apply_it", is_flag=True, help="Do it. A terminal is asked before, unless --yes is given.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if the server is not as the file says: drift.")
@click.option("--emit", type=click.Choice(["terraform"]), help="Write it as Terraform's JSON instead; ask no server.")
@pass_wiring
def setup(
    wiring: Wiring, file: str, *, apply_it: bool, yes: bool, exit_code: bool, emit: str | None
) -> ExitCode | None:
    """Hold the store's server against FILE (server.yaml): mount, policies, login methods of the CI, roles, audit.

    Nothing is written without --apply, and what is there and not ours (a mount, a login method) is never changed. It
    needs the login of whoever runs the server; a store's own roles cannot do it. For a store on AWS there is --emit
    terraform, with roles, trust and use of the KMS key: IAM is not changed from here.
    """
    from tokenguard.usecases.setup_server import emitted, held, perform, show  # loads hvac

    if emit:
        if apply_it or exit_code:
            raise InputError("--emit asks no server", hint="leave out --apply and --exit-code")
        wiring.flags.format = "json"
        wiring.screen.document(emitted(wiring, file))
        return None
    found = held(wiring, file)
    if apply_it:
        found = perform(wiring, found, ask=not yes)
    show(wiring, found)
    if found.blocked:
        raise InputError(
            f"on the server, the {found.blocked[0].resource.title} is something else than declared",
            hint="it is never changed from here: name another mount, or see to it on the server",
        )
    return ExitCode.FINDINGS if exit_code and found.open else ExitCode.OK
