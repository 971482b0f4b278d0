"""`tokenguard plan`: shows what `apply` would do (dry run)."""

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.output.formats import OutputFormat
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.load_manifest import (
    DEFAULT_FILE,
    declared_in,
    plan_against_store,
    refuse_blocked,
    refuse_throwaway_files,
)
from tokenguard.views.plan_view import PLAN_FORMATS, show_plan


@command("plan")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if the plan has changes.")
@click.option("--format", "as_format", type=click.Choice([*map(str, PLAN_FORMATS)]), help="Output format.")
@pass_wiring
def plan(wiring: Wiring, file: str, *, environment: str, exit_code: bool, as_format: str | None) -> ExitCode:
    """Compare the manifest FILE (tokens.yaml) with the store and show what `tokenguard apply` would do.

    Nothing is written, no value is read and no provider is contacted: the planner role is enough. The digest at the end
    identifies this plan; `apply --digest` refuses any other. Exit 2: the manifest is invalid or cannot be fulfilled.
    """
    held = plan_against_store(wiring, declared_in(file, environment))
    show_plan(wiring, held.plan, OutputFormat(as_format or wiring.flags.format))
    refuse_blocked(held.plan, listed=True)
    refuse_throwaway_files(wiring, held)
    return ExitCode.FINDINGS if exit_code and held.plan.actions else ExitCode.OK
