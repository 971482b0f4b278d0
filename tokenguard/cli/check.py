"""`tokenguard check`: holds the inventory to a policy."""

from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.check_surroundings import surroundings
from tokenguard.cli.explaining import explain
from tokenguard.errors import ExitCode, InputError
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.evaluation import Assessment, assess
from tokenguard.policy.loader import packaged_policy, read_policy
from tokenguard.policy.model import Policy, Severity
from tokenguard.ports.store import Store
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
    policy = _policy(wiring, named)
    chosen = Format(as_format or wiring.flags.format)
    if explained is not None:
        explain(wiring, policy, explained, as_json=chosen is Format.JSON)
        return ExitCode.OK
    assessments = [
        assess(policy, surroundings(wiring, store, ask_providers=ask_providers), store=label)
        for label, store in _stores(wiring, every=all_stores).items()
    ]
    _print(wiring, assessments, chosen)
    failed = any(each.at_least(Severity(fail_on)) for each in assessments)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _policy(wiring: Wiring, named: str | None) -> Policy:
    """A name is one of the policies that come with tokenguard; what has a `/` or a suffix is a file."""
    if named is None:
        policy = wiring.policy
    elif "/" in named or named.endswith((".yaml", ".yml")):
        policy = read_policy(Path(named))
    else:
        policy = packaged_policy(named)
    if not any(CATALOGUE[rule.id].checked for rule in policy.rules):
        raise InputError("the policy has no rule to check", hint="`extends: default` gives it the default rules")
    return policy


def _stores(wiring: Wiring, *, every: bool) -> dict[str, Store]:
    if not every:
        return {"": wiring.store}
    if not wiring.settings.stores:
        raise InputError("the configuration names no stores", hint="add [stores.NAME] url = … for each")
    return {name: wiring.open_store(url) for name, url in wiring.settings.stores.items()}


def _print(wiring: Wiring, assessments: list[Assessment], chosen: Format) -> None:
    wiring.flags.format = "json" if chosen is Format.JSON else "text"
    if chosen is Format.JSON:
        wiring.screen.document(content(assessments))
        return
    for line in render(assessments, chosen).rstrip("\n").split("\n"):
        wiring.screen.line(line)
