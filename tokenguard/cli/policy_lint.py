"""`policy lint` and `policy schema`: validate policy files, here and in an editor."""

from pathlib import Path
from typing import cast

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.files import read_named, shown
from tokenguard.policy.expression import compiled
from tokenguard.policy.loader import read_policy
from tokenguard.policy.model import Policy
from tokenguard.policy.policy_schema import policy_schema
from tokenguard.policy.repository_overrides import MAX_BYTES, read_tightening, tightened
from tokenguard.policy.windows import has_ended
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize


@command("lint")
@click.argument("file", type=PATH)
@pass_wiring
def lint(wiring: Wiring, file: Path) -> ExitCode:
    """Validate FILE, a policy or a .tokenguard.toml, as `check` does; exit 2 with line and column if it is invalid.

    A .tokenguard.toml is compared with the effective policy. Entries without effect are reported as remarks (exit 1).
    """
    if file.suffix == ".toml":
        policy, remarks = _repository(wiring, file), list[str]()
        what = f"not weaker than {policy.name}"
    else:
        policy = read_policy(file, compiled)
        remarks = _remarks(wiring, policy)
        counts = {"rule": policy.rules, "override": policy.overrides, "waiver": policy.waivers}
        what = ", ".join(pluralize(len(each), name) for name, each in counts.items())
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(file), "policy": policy.name, "remarks": remarks})
    else:
        for remark in remarks:
            wiring.screen.line(f"{shown(file)}: {remark}")
        wiring.screen.line(f"{shown(file)}: {what}{'' if remarks else ': valid'}")
    return ExitCode.FINDINGS if remarks else ExitCode.OK


def _repository(wiring: Wiring, file: Path) -> Policy:
    data = read_named(file, MAX_BYTES, hint="name a file that exists")
    return tightened(wiring.policy, read_tightening(data, source=file.name))


def _remarks(wiring: Wiring, policy: Policy) -> list[str]:
    """Remarks on entries that look effective and are not."""
    now = wiring.clock.now()
    ended = [each for each in policy.waivers if each.until <= now]
    idle = [each for each in policy.overrides if each.severity is None and not each.parameters]
    over = [freeze for freeze in _freezes(policy) if has_ended(freeze, now)]
    return [
        *(f"the freeze {freeze} is over" for freeze in over),
        *(f"the waiver of {each.rule} by {each.owner} ended on {each.until:%Y-%m-%d}" for each in ended),
        *(f"an override of {each.rule} changes nothing" for each in idle),
    ]


def _freezes(policy: Policy) -> list[str]:
    """Of the rule and of its overrides."""
    settings = [*(rule.parameters for rule in policy.rules), *(each.parameters for each in policy.overrides)]
    return [freeze for parameters in settings for freeze in cast("tuple[str, ...]", parameters.get("freezes", ()))]


@command("schema")
@pass_wiring
def schema(wiring: Wiring) -> None:
    """Print the JSON Schema of policy files: save it, and name it in your editor's settings for YAML."""
    wiring.flags.format = "json"
    wiring.screen.document(policy_schema())
