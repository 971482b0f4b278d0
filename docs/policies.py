"""Writes docs/policies.md from the rules and the policies that come with the package: `python -m docs.policies`."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenguard.policy.catalogue import about
from tokenguard.policy.loader import default_policy, packaged_policy
from tokenguard.policy.model import Parameter, Rule

PAGE = Path(__file__).with_suffix(".md")
PACKAGED = ("default", "strict", "descript", "autoposting", "ci")
_HEAD = """# Policies

Written by `python -m docs.policies` from the rules themselves; a test holds this page to it.

A policy says what good looks like, with a reason and a source for every rule. `tokenguard check` holds every token to
it. Nothing is asked of a provider unless you say `--ask-providers`, and no value is ever read.

```sh
tokenguard check
tokenguard check --policy strict --fail-on warning
tokenguard check --ask-providers --format sarif
tokenguard check --explain maximum-age
tokenguard report --html --output report.html
```

A rule has three answers. It holds; it is violated; or nobody can say, because the record lacks a fact or the provider
has no list. The third is reported as *not evaluable* with its reason and is never a pass. Exit 1 means a violation of
at least `--fail-on` (`error` where nothing is said).

`tokenguard report` writes the same for people: by owner, by due date, with waivers and with what nobody can say; as
Markdown, as a page that loads nothing, or as JSON.

## A policy of your own

Name it in the configuration (`[policy] file = "policy.yaml"`) or with `--policy FILE`. It begins with another policy
and says what differs; a key that is not known is an error with its place.

```yaml
format: 1
name: our-policy
extends: default            # or strict, descript, autoposting, ci

rules:
  - id: maximum-age
    days: {prod: 60, staging: 90}
  - id: person-left
    people: [former-colleague]
  - id: no-consumer
    severity: "off"         # error, warning, note or off

overrides:                  # for some tokens: by token (a name or a pattern), environment, provider
  - rule: maximum-age
    environment: sandbox
    severity: warning

waivers:                    # a violation that somebody answers for, for a while
  - rule: maximum-age
    token: video/*
    owner: video
    reason: frozen until the launch
    until: 2027-01-31       # from this day on it is a violation again
```

Of several overrides that match, the last one counts. A waiver without an owner, a reason or an end is refused, and so
is one that does not say which tokens it is for.

"""


def render() -> str:
    """The whole page."""
    return "".join((_HEAD, "## Rules\n", *map(_rule, default_policy().rules), "\n", *_differences()))


def _rule(rule: Rule) -> str:
    known = about(rule.id)
    parts = [f"\n### `{rule.id}`\n\n{known.demands} {rule.why}\n\n"]
    parts.append(f"* severity: {rule.severity}\n")
    parts += [f"* `{name}`: {_words(each)}\n" for name, each in rule.parameters.items()]
    parts.append(f"* mend it with: `{rule.fix}`\n" if "`" not in rule.fix else f"* mend it: {rule.fix}\n")
    parts.append(f"* source: {rule.source}\n")
    if not known.checked:
        parts.append("* used by `rotate`; `check` has nothing to ask\n")
    return "".join(parts)


def _differences() -> Iterator[str]:
    yield "## What the other policies change\n\n"
    base = {rule.id: rule for rule in default_policy().rules}
    for name in PACKAGED[1:]:
        yield f"`{name}`:\n\n"
        for rule in packaged_policy(name).rules:
            changes = [f"severity {rule.severity}"] if rule.severity != base[rule.id].severity else []
            changes += [
                f"{key} {_words(each)}"
                for key, each in rule.parameters.items()
                if each != base[rule.id].parameters[key]
            ]
            if changes:
                yield f"* `{rule.id}`: {'; '.join(changes)}\n"
        yield "\n" if name != PACKAGED[-1] else ""


def _words(parameter: Parameter) -> str:
    if isinstance(parameter, Mapping):
        return ", ".join(f"{key} ({_words(each)})" for key, each in parameter.items()) or "none"
    if isinstance(parameter, tuple):
        return ", ".join(map(str, parameter)) or "none"
    return f"{parameter:,}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(PAGE.read_text() != render())
    PAGE.write_text(render())
