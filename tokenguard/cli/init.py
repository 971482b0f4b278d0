"""`init`: make a store, or with --ci a repository's pipeline."""

from typing import TYPE_CHECKING

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.shell.wiring import Wiring

if TYPE_CHECKING:  # it loads the stores
    from tokenguard.shell.store_backend import CreatedStore


@command("init")
@click.option(
    "--recovery-file",
    metavar="FILE",
    help="Write a recovery code to a new private file. Without it, a terminal shows the code once.",
)
@click.option("--sandbox", is_flag=True, help="Allow providers on this machine (a local store always does).")
@click.option("--print-policy", is_flag=True, help="Print what each role needs on a Vault or on AWS; ask nothing.")
@click.option(
    "--adopt", "adopted", metavar="LOCATION", multiple=True, help="With --print-policy: a field it is to keep."
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "auto"]),
    is_flag=False,
    flag_value="auto",
    help="Write manifest, policy, hook and pipeline into this repository, shown as a diff before; make no store.",
)
@click.option("--repository", metavar="OWNER/NAME", default="", help="With --ci, if the remote does not say it.")
@click.option("--repository-id", metavar="N", default="", help="With --ci: its number at GitHub or GitLab.")
@click.option("--branch", metavar="B", default="main", help="With --ci: the protected branch (main).")
@click.option("--account", metavar="ID", default="", help="With --ci on AWS: the account's number.")
@click.option(
    "--requirement", metavar="R", default="", help="With --ci: what pip installs, at a commit or with a hash."
)
@click.option("--yes", is_flag=True, help="With --ci: write without asking.")
@pass_wiring
def init(
    wiring: Wiring,
    recovery_file: str | None,
    ci: str | None,
    *,
    sandbox: bool,
    print_policy: bool,
    adopted: tuple[str, ...],
    repository: str,
    repository_id: str,
    branch: str,
    account: str,
    requirement: str,
    yes: bool,
) -> None:
    """Make a store: a local one locked with the first key source there is, or one on a Vault or AWS.

    The sources: TOKENGUARD_KEY_FILE (base64 of 32 bytes), TOKENGUARD_PASSPHRASE_FILE, the OS keyring, a passphrase
    that is asked for. A recovery code opens the store if that key is ever lost. A store at vault://MOUNT/PREFIX has no
    key here: the configuration's [vault] says where it is and how to log in. One at aws://REGION/PREFIX takes
    AWS's default credentials; [aws] kms_key is the key that encrypts it.

    With --ci it makes no store, and writes what the repository we stand in needs for its pipeline. No file that is
    there is changed, but for lines that .gitignore lacks.
    """
    if ci is not None:
        from tokenguard.usecases.init_ci import CiOptions, bootstrap  # few ask for it

        if recovery_file or sandbox or print_policy or adopted:
            raise InputError("--ci makes no store", hint="make it by another call, without --ci")
        wanted = CiOptions(
            system=ci, repository=repository, number=repository_id, branch=branch, account=account,
            requirement=requirement,
        )  # fmt: skip
        bootstrap(wiring, wanted, yes=yes)
        return
    if repository or repository_id or account or requirement or yes:
        raise InputError("these options belong to --ci", hint="`tokenguard init --ci github` writes a pipeline")
    if print_policy:
        from tokenguard.usecases.role_policies import role_policies  # few ask for it

        _show_policies(wiring, role_policies(wiring, adopted))
        return
    if adopted:
        raise InputError("--adopt belongs to --print-policy here", hint="`tokenguard add NAME --adopt LOCATION`")
    _show(wiring, wiring.backend.create(recovery_file, sandbox=sandbox), recovery_file)


def _show(wiring: Wiring, made: "CreatedStore", recovery_file: str | None) -> None:
    if wiring.screen.as_json:
        costs = {"cost": made.cost} if made.cost else {}
        wiring.screen.document({"store": made.url, "store_id": made.store_id, "recovery": made.recovery, **costs})
        return
    wiring.screen.line(f"made the store {made.url}")
    if made.cost:
        wiring.screen.line(f"it costs {made.cost}")
    match made.recovery:
        case "file":
            wiring.progress.note(f"the recovery code is in {recovery_file}: move it to a safe place")
        case "none":
            wiring.progress.note("there is no recovery code: `tokenguard store add-slot --recovery-file FILE` adds one")


def _show_policies(wiring: Wiring, policies: dict[str, str]) -> None:
    if wiring.screen.as_json:
        wiring.screen.document({"policies": policies})
        return
    for role, policy in policies.items():
        wiring.screen.line(f"# {role}")
        for line in policy.splitlines():
            wiring.screen.line(line)
