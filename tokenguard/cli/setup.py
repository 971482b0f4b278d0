"""`setup`: compares the store's server with a declaration, applies it, or writes it as Terraform."""

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.wiring import Wiring

DEFAULT_FILE = "server.yaml"


@command("setup")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--apply", "apply_it", is_flag=True, help="Apply the differences, after confirmation on a terminal.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if the server differs from FILE.")
@click.option("--emit", type=click.Choice(["terraform"]), help="Write Terraform JSON instead; no server is contacted.")
@pass_wiring
def setup(
    wiring: Wiring, file: str, *, apply_it: bool, yes: bool, exit_code: bool, emit: str | None
) -> ExitCode | None:
    """Compare the store's server with FILE (server.yaml): mount, policies, auth methods of the CI, roles, audit.

    Nothing is written without --apply. Existing mounts and auth methods of another type are never modified. It needs a
    server administrator's login; the store's own roles are not enough. For a store on AWS use --emit terraform, which
    writes roles, trust policies and permission to use the KMS key: tokenguard does not change IAM.
    """
    from tokenguard.usecases.setup_server import held, perform, show, terraform_document  # loads hvac

    if emit:
        if apply_it or exit_code:
            raise InputError(
                "--emit cannot be combined with --apply or --exit-code", hint="leave out --apply and --exit-code"
            )
        wiring.flags.format = "json"
        wiring.screen.document(terraform_document(wiring, file))
        return None
    found = held(wiring, file)
    if apply_it:
        found = perform(wiring, found, ask=not yes)
    show(wiring, found)
    if found.blocked:
        raise InputError(
            f"the {found.blocked[0].resource.title} on the server has a type that differs from the declared one",
            hint="tokenguard never changes it: use another mount, or change it on the server",
        )
    return ExitCode.FINDINGS if exit_code and found.open else ExitCode.OK
