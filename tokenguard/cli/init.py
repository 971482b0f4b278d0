"""`init`: creates a store, or with --ci a repository's pipeline."""

from typing import TYPE_CHECKING

import click

from tokenguard.cli.base import PATH_TEXT, RenamedOption, command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.shell.wiring import Wiring

if TYPE_CHECKING:  # it loads the stores
    from tokenguard.ports.store_backend import CreatedStore


@command("init")
@click.option(
    "--recovery-file",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write the recovery code to this new private file; otherwise a terminal shows it once.",
)
@click.option("--sandbox", is_flag=True, help="Allow practice providers on this machine (a local store always does).")
@click.option(
    "--anew",
    is_flag=True,
    help="Create a new store even if this machine used an earlier one at this address, which no longer exists.",
)
@click.option("--print-policy", is_flag=True, help="Print the access policy of each role on Vault or AWS, and exit.")
@click.option(
    "--adopt",
    "adopted",
    metavar="LOCATION",
    multiple=True,
    help="With --print-policy: also allow access to this field, which the store adopts.",
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "auto"]),
    is_flag=False,
    flag_value="auto",
    help="Write manifest, policy, hook and pipeline into this repository, after showing a diff; creates no store.",
)
@click.option(
    "--schedule",
    "scheduler",
    type=click.Choice(["systemd", "cron", "kubernetes"]),
    help="Print systemd units, a crontab or CronJobs that run upkeep and notify; creates no store.",
)
@click.option("--into", metavar="DIR", default="", help="With --schedule: write new files into this directory.")
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    default="",
    help="With --ci: the repository, if it cannot be read from the git remote.",
)
@click.option(
    "--repository-id", metavar="N", default="", help="With --ci: the repository's number at GitHub or GitLab."
)
@click.option("--branch", metavar="B", default="main", help="With --ci: the protected branch (main).")
@click.option(
    "--aws-account",
    "account",
    cls=RenamedOption,
    former=("--account",),
    metavar="ID",
    default="",
    help="With --ci on AWS: the AWS account number.",
)
@click.option(
    "--requirement",
    metavar="R",
    default="",
    help="With --ci: the pip requirement to install, with its hash or a commit.",
)
@click.option(
    "--image",
    metavar="IMAGE",
    default="",
    help="With --ci gitlab or --schedule kubernetes: the container image, NAME@sha256:DIGEST.",
)
@click.option("--yes", is_flag=True, help="With --ci: do not ask for confirmation.")
@pass_wiring
def init(
    wiring: Wiring, recovery_file: str | None, ci: str | None, *, scheduler: str | None, into: str, sandbox: bool,
    anew: bool, print_policy: bool, adopted: tuple[str, ...], repository: str, repository_id: str, branch: str,
    account: str, requirement: str, image: str, yes: bool,
) -> None:  # fmt: skip
    """Create a store: a local one, encrypted with the first key source found, or one on Vault or AWS.

    Key sources, in order: TOKENGUARD_KEY_FILE (base64 of 32 bytes), TOKENGUARD_PASSPHRASE_FILE, the OS keyring, a
    passphrase prompt. The recovery code opens the store if the key is lost. A store at vault://MOUNT/PREFIX has no
    local key: [vault] of the configuration sets address and login. A store at aws://REGION/PREFIX uses AWS's default
    credentials; [aws] kms_key sets its encryption key.

    With --ci it creates no store, and writes the pipeline files of the repository in the working directory. Existing
    files are not changed, except that missing lines are added to .gitignore.

    With --schedule it creates no store either: it prints systemd units, a crontab or CronJobs for this store.
    """
    if scheduler is not None or into:
        others = (
            recovery_file or sandbox or anew or print_policy or adopted or ci or repository or account or requirement
        )
        _schedule(wiring, scheduler, into, image, alone=not others)
        return
    if ci is not None:
        _pipeline(
            wiring, alone=not (recovery_file or sandbox or anew or print_policy or adopted), yes=yes, system=ci,
            repository=repository, number=repository_id, branch=branch, account=account, requirement=requirement,
            image=image,
        )  # fmt: skip
        return
    if repository or repository_id or account or requirement or image or yes:
        raise InputError("these options need --ci", hint="`tokenguard init --ci github` writes a pipeline")
    if print_policy:
        _show_policies(wiring, adopted)
        return
    if adopted:
        raise InputError("--adopt needs --print-policy here", hint="`tokenguard add NAME --adopt LOCATION`")
    _show(wiring, wiring.backend.create(recovery_file, sandbox=sandbox, anew=anew), recovery_file)


def _pipeline(wiring: Wiring, *, alone: bool, yes: bool, **options: str) -> None:
    """Write the pipeline files that `options`, the fields of `CiOptions`, describe."""
    from tokenguard.usecases.init_ci import CiOptions, bootstrap  # few ask for it

    if not alone:
        raise InputError(
            "--ci does not create a store", hint="run `tokenguard init` once more without --ci to create it"
        )
    bootstrap(wiring, CiOptions(**options), yes=yes)


def _schedule(wiring: Wiring, scheduler: str | None, into: str, image: str, *, alone: bool) -> None:
    from tokenguard.provisioning.schedules import Scheduler  # few ask for it
    from tokenguard.usecases.init_schedule import render_schedule  # the same

    if scheduler is None:
        raise InputError("--into needs --schedule", hint="`tokenguard init --schedule systemd --into DIR`")
    if not alone:
        raise InputError("--schedule creates no store and no pipeline", hint="leave the other options out")
    render_schedule(wiring, Scheduler(scheduler), image=image, into=into)


def _show(wiring: Wiring, made: "CreatedStore", recovery_file: str | None) -> None:
    if wiring.screen.as_json:
        costs = {"cost": made.cost} if made.cost else {}
        wiring.screen.document({"store": made.url, "store_id": made.store_id, "recovery": made.recovery, **costs})
        return
    wiring.screen.line(f"created the store {made.url}")
    if made.cost:
        wiring.screen.line(f"it costs {made.cost}")
    match made.recovery:
        case "file":
            wiring.progress.note(f"the recovery code is in {recovery_file}: move it to a safe place")
        case "none":
            wiring.progress.note("there is no recovery code: `tokenguard store add-slot --recovery-file FILE` adds one")


def _show_policies(wiring: Wiring, adopted: tuple[str, ...]) -> None:
    from tokenguard.usecases.role_policies import role_policies  # few ask for it

    policies = role_policies(wiring, adopted)
    if wiring.screen.as_json:
        wiring.screen.document({"policies": policies})
        return
    for role, policy in policies.items():
        wiring.screen.line(f"# {role}")
        for line in policy.splitlines():
            wiring.screen.line(line)
