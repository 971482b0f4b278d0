"""`tokenguard drift`: report where store, providers or consumers differ from a manifest."""

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.output.formats import OutputFormat
from tokenguard.policy.evaluation import Assessment
from tokenguard.policy.model import Severity
from tokenguard.provisioning.drift_kinds import assessment
from tokenguard.report.assessment_content import content
from tokenguard.report.write_assessment import ASSESSMENT_FORMATS, write_assessment
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.load_manifest import DEFAULT_FILE, declared_in, plan_against_store

_FAIL_ON = [Severity.ERROR.value, Severity.WARNING.value, Severity.NOTE.value]


@command("drift")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option("--ask-providers", is_flag=True, help="Compare with the providers' own lists of tokens.")
@click.option(
    "--ask-consumers", is_flag=True, help="Check that consumers have the live values, where tokenguard can read them."
)
@click.option(
    "--server", "server_file", metavar="FILE", help="Also compare the server's configuration with server.yaml."
)
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    default="warning",
    help="The lowest severity that makes the exit code 1; default: warning.",
)
@click.option("--format", "as_format", type=click.Choice([*map(str, ASSESSMENT_FORMATS)]), help="Output format.")
@pass_wiring
def drift(
    wiring: Wiring,
    file: str,
    *,
    environment: str,
    ask_providers: bool,
    ask_consumers: bool,
    server_file: str | None,
    fail_on: str,
    as_format: str | None,
) -> ExitCode:
    """Compare store, providers and consumers with the manifest FILE (tokens.yaml); exit 1 on drift.

    Nothing is written. Without --ask-providers and --ask-consumers only the store's metadata is read, for which the
    planner role is enough; --server needs a server administrator's login. What cannot be evaluated is reported as not
    evaluable, never as passed.
    """
    from tokenguard.usecases.detect_drift import ALWAYS, ON_REQUEST, server  # loads what asks

    held = plan_against_store(wiring, declared_in(file, environment))
    asked = {"ask_providers": ask_providers, "ask_consumers": ask_consumers}
    sources = [*ALWAYS, *(source for name, source in ON_REQUEST.items() if asked[name])]
    sources += [server(server_file)] if server_file else []
    found = assessment(
        (finding for source in sources for finding in source(wiring, held)),
        manifest=held.manifest.files[0],
        tokens=held.plan.declared,
    )
    _print(wiring, found, OutputFormat(as_format or wiring.flags.format))
    return ExitCode.FINDINGS if found.at_least(Severity(fail_on)) else ExitCode.OK


def _print(wiring: Wiring, found: Assessment, chosen: OutputFormat) -> None:
    wiring.flags.format = "json" if chosen is OutputFormat.JSON else "text"
    if chosen is OutputFormat.JSON:
        shape = content([found])
        wiring.screen.document(
            {
                "manifest": found.policy.name,
                "tokens": found.tokens,
                "drift": shape["violations"],
                "not_evaluable": shape["not_evaluable"],
            }
        )
        return
    wiring.screen.text(write_assessment([found], chosen, command="drift"))
