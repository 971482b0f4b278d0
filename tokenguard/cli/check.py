"""`tokenguard check`: checks the inventory and a repository against a policy."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.output.formats import OutputFormat
from tokenguard.policy.evaluation import Assessment, assess
from tokenguard.policy.model import Policy, Severity
from tokenguard.ports.store import Store
from tokenguard.report.assessment_content import content
from tokenguard.report.write_assessment import ASSESSMENT_FORMATS, write_assessment
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.assess import chosen_policy, chosen_stores, surroundings
from tokenguard.usecases.explain_rule import explain_rule, parameter_words

if TYPE_CHECKING:  # loads what `--help` does without
    from tokenguard.usecases.check_repository import CheckContext

_FAIL_ON = [Severity.ERROR.value, Severity.WARNING.value, Severity.NOTE.value]


@command("check")
@click.argument("path", required=False, type=PATH)
@click.option("--policy", "named", metavar="NAME|FILE", help="The policy to use instead of the configured one.")
@click.option(
    "--fail-on", type=click.Choice(_FAIL_ON), help="The lowest severity that makes the exit code 1; default: error."
)
@click.option("--inventory-only", is_flag=True, help="Check only tokens, no repository.")
@click.option("--repo-only", is_flag=True, help="Check only the repository; no store is opened.")
@click.option("--base", metavar="REV", default="", help="Read .tokenguard.toml from this revision; recommended in CI.")
@click.option(
    "--fix",
    is_flag=True,
    help="Show the fixes that can be applied automatically, ask, and apply them; without a terminal only with --yes.",
)
@click.option("--yes", is_flag=True, help="With --fix: do not ask for confirmation.")
@click.option("--ask-providers", is_flag=True, help="Compare with the providers' own lists of tokens.")
@click.option("--all-stores", is_flag=True, help="Include every configured store.")
@click.option("--explain", "explained", metavar="RULE", help="Explain a rule and exit.")
@click.option("--format", "as_format", type=click.Choice([*map(str, ASSESSMENT_FORMATS)]), help="Output format.")
@pass_wiring
def check(
    wiring: Wiring,
    path: Path | None,
    *,
    named: str | None,
    fail_on: str | None,
    inventory_only: bool,
    repo_only: bool,
    base: str,
    fix: bool,
    yes: bool,
    ask_providers: bool,
    all_stores: bool,
    explained: str | None,
    as_format: str | None,
) -> ExitCode:
    """Check tokens and a repository against the policy; exit 1 on a violation of at least --fail-on.

    The tokens are those of the store. The repository is the git repository of PATH (default: the working directory).
    The checks cover its .env files, CI files, MCP configurations, callback and pre-signed URLs, and the logins that
    vendors' programs keep in your home directory. Its .tokenguard.toml may be stricter than the policy, never weaker.

    A rule that cannot be evaluated for a token (Descript has no list of tokens) is reported as not evaluable, never as
    passed. No value is read, and without --ask-providers no provider is contacted.
    """
    if inventory_only and (repo_only or path is not None or base):
        raise InputError("--inventory-only does not check a repository", hint="give PATH or --inventory-only, not both")
    chosen = OutputFormat(as_format or wiring.flags.format)
    from tokenguard.usecases.check_repository import CheckContext, load_check_context  # `--help` needs none of it

    policy = chosen_policy(wiring, named)
    held = CheckContext(policy) if inventory_only else load_check_context(policy, path, base, needed=repo_only)
    if explained is not None:
        _explain(wiring, held.policy, explained, as_json=chosen is OutputFormat.JSON)
        return ExitCode.OK
    stores = {} if repo_only else _stores(wiring, held, every=all_stores)

    assessed = partial(_assessed, wiring, held, stores, ask_providers=ask_providers)
    assessments = assessed()
    if fix and _mended(wiring, held, assessments, confirmed=yes):
        assessments = assessed()
    _print(wiring, assessments, chosen)
    failed = any(each.at_least(held.asked.failing(Severity(fail_on or Severity.ERROR))) for each in assessments)
    if failed:
        return ExitCode.FINDINGS
    wiring.stores.check_listed_whole()
    return ExitCode.OK


def _assessed(
    wiring: Wiring, held: "CheckContext", stores: Mapping[str, Store], *, ask_providers: bool
) -> list[Assessment]:
    """One assessment for each store, and one for the repository."""
    from tokenguard.usecases.check_repository import examine  # `--help` needs none of it

    tokens = [
        assess(held.policy, surroundings(wiring, store, ask_providers=ask_providers), store=label)
        for label, store in stores.items()
    ]
    return [*tokens, examine(wiring, held)] if held.repository is not None else tokens


def _stores(wiring: Wiring, held: "CheckContext", *, every: bool) -> dict[str, Store]:
    """The stores to check; in a repository without a store, the error's hint names --repo-only."""
    try:
        return chosen_stores(wiring, every=every)
    except InputError as error:
        if held.repository is None:
            raise
        raise InputError(error.message, hint=f"{error.hint}; --repo-only checks the repository alone") from None


def _mended(wiring: Wiring, held: "CheckContext", assessments: list[Assessment], *, confirmed: bool) -> bool:
    from tokenguard.usecases.apply_fixes import apply_fixes, fixes  # only `--fix` needs it

    top = held.repository.top if held.repository is not None else None
    found = fixes(wiring, held.policy, top, assessments)
    if not found:
        wiring.progress.note("no violation can be fixed automatically")
    return bool(found) and apply_fixes(wiring, found, confirmed=confirmed)


def _print(wiring: Wiring, assessments: list[Assessment], chosen: OutputFormat) -> None:
    wiring.flags.format = "json" if chosen is OutputFormat.JSON else "text"
    if chosen is OutputFormat.JSON:
        wiring.screen.document(content(assessments))
        return
    wiring.screen.text(write_assessment(assessments, chosen))


def _explain(wiring: Wiring, policy: Policy, rule: str, *, as_json: bool) -> None:
    """Print one rule as the policy configures it."""
    found = explain_rule(policy, rule)
    if as_json:
        wiring.screen.document({**found.words, "parameters": found.parameters})
    else:
        parameters = ((name, parameter_words(each)) for name, each in found.parameters.items())
        wiring.screen.pairs([*found.words.items(), *parameters])
