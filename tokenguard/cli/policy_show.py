"""`policy show`: shows every effective rule."""

from collections.abc import Mapping

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.policy.model import Override, Parameter, PolicyWaiver, Rule, RuleSelector
from tokenguard.policy.writing import as_document, match_words
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.assess import chosen_policy
from tokenguard.usecases.check_repository import load_check_context
from tokenguard.usecases.explain_rule import parameter_words


@command("show")
@click.argument("named", metavar="[NAME|FILE]", required=False)
@click.option("--base", metavar="REV", default="", help="Read .tokenguard.toml from this revision; recommended in CI.")
@pass_wiring
def show(wiring: Wiring, named: str | None, *, base: str) -> None:
    """Show the effective policy, or NAME or FILE, with all layers and this repository's stricter settings.

    With --format json the output is one file without layers, which `check --policy` reads.
    """
    policy = load_check_context(chosen_policy(wiring, named), None, base).policy
    if wiring.screen.as_json:
        wiring.screen.document(as_document(policy))
        return
    wiring.screen.line(f"policy {policy.name}")
    wiring.screen.table(["severity", "rule", "parameters"], [_row(rule) for rule in policy.rules])
    for override in policy.overrides:
        wiring.screen.line(_override_line(override))
    for waiver in policy.waivers:
        over = wiring.clock.now() >= waiver.until
        wiring.screen.line(_waiver_line(waiver, "no longer waived since" if over else "waived until"))


def _row(rule: Rule) -> list[str]:
    return [rule.severity.value, rule.id, rule.holds or _words(rule.parameters)]


def _override_line(override: Override) -> str:
    severity = [override.severity.value] if override.severity else []
    changes = "; ".join([*severity, *filter(None, [_words(override.parameters)])])
    return f"override: {override.rule} for {_where(override.match)}: {changes}"


def _waiver_line(waiver: PolicyWaiver, state: str) -> str:
    day, where = f"{waiver.until:%Y-%m-%d}", _where(waiver.match)
    return f"{state} {day}: {waiver.rule} for {where}, by {waiver.owner}: {waiver.reason}"


def _words(parameters: Mapping[str, Parameter]) -> str:
    return "; ".join(f"{name} {parameter_words(each)}" for name, each in parameters.items())


def _where(match: RuleSelector) -> str:
    return ", ".join(f"{key} {text}" for key, text in match_words(match).items())
