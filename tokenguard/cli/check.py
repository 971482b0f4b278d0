"""`tokenguard check`: holds the inventory to a policy."""

import click

from tokenguard.cli.assessing import chosen_policy, chosen_stores, surroundings
from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.explaining import explain
from tokenguard.errors import ExitCode
from tokenguard.policy.evaluation import Assessment, assess
from tokenguard.policy.model import Severity
from tokenguard.report.document import content
from tokenguard.report.formats import Format, render
from tokenguard.shell.wiring import Wiring

_FAIL_ON = [Severity.ERROR.value, Severity.WARNING.value, Severity.NOTE.value]


@command("check")
@click.option("--policy", "named", metavar="NAME|FILE", help="Another policy than the configured one.")
@click.option("--fail-on", type=click.Choice(_FAIL_ON), default="error", help="Exit 1 from this severity on: error.")
@click.option("--ask-providers", is_flag=True, help="Ask providers for their lists of tokens.")
@click.option("--all-stores", is_flag=True, help="Every store of the configuration.")
@click.option("--explain", "explained", metavar="RULE", help="Say what a rule demands and why, and check nothing.")
@click.option("--format", "as_format", type=click.Choice([each.value for each in Format]), help="How to report.")
@pass_wiring
def check(
    wiring: Wiring,
    *,
    named: str | None,
    fail_on: str,
    ask_providers: bool,
    all_stores: bool,
    explained: str | None,
    as_format: str | None,
) -> ExitCode:
    """Check every token against the policy; exit 1 if a rule of at least --fail-on is violated.

    A rule that cannot be answered for a token (Descript has no list of tokens) is reported as not evaluable, and
    never as kept. No value is read, and without --ask-providers nothing leaves this machine.
    """
    policy = chosen_policy(wiring, named)
    chosen = Format(as_format or wiring.flags.format)
    if explained is not None:
        explain(wiring, policy, explained, as_json=chosen is Format.JSON)
        return ExitCode.OK
    assessments = [
        assess(policy, surroundings(wiring, store, ask_providers=ask_providers), store=label)
        for label, store in chosen_stores(wiring, every=all_stores).items()
    ]
    _print(wiring, assessments, chosen)
    failed = any(each.at_least(Severity(fail_on)) for each in assessments)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _print(wiring: Wiring, assessments: list[Assessment], chosen: Format) -> None:
    wiring.flags.format = "json" if chosen is Format.JSON else "text"
    if chosen is Format.JSON:
        wiring.screen.document(content(assessments))
        return
    for line in render(assessments, chosen).rstrip("\n").split("\n"):
        wiring.screen.line(line)
