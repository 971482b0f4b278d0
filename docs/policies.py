"""Writes docs/policies.md from the rules and the policies that come with the package: `python -m docs.policies`."""

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenguard.policy.catalogue import rule_description
from tokenguard.policy.loader import default_policy, packaged_policy
from tokenguard.policy.model import Parameter, Rule
from tokenguard.policy.record_fields import SORTS

PAGE = Path(__file__).with_suffix(".md")
PACKAGED = ("default", "strict", "descript", "autoposting", "ci")
_HEAD = """# Policies

`python -m docs.policies` generates this page from the rules; a test compares them.

A policy is a set of rules, each with a reason and a source. `tokenguard check` checks every token of the store, and the
repository that you are in. It contacts providers only with `--ask-providers`, and never reads a value.

```sh
tokenguard check
tokenguard check --policy strict --fail-on warning
tokenguard check --ask-providers --format sarif
tokenguard check --inventory-only
tokenguard check services/upload --repo-only --base origin/main
tokenguard check --fix
tokenguard check --explain maximum-age
tokenguard policy show
tokenguard report --html --output report.html
```

A rule holds, is violated, or is *not evaluable* because the record lacks a fact or the provider has no list. Rules that
are not evaluable are reported with the reason and never count as holding. Exit 1 means a violation of at least
`--fail-on` (default: `error`).

`--fix` repairs what needs no decision: a missing line of `.gitignore`, the mode of a file that other users can read, a
due date that is later than the policy allows. It shows every change and asks first; without a terminal it changes
nothing unless `--yes` is given.

## Repository checks

`check` also looks at the repository that you are in (or that PATH is in): `.env` files and whether git tracks them,
file modes, MCP configurations, settings of coding agents, callback and pre-signed URLs, CI files. In your home
directory it checks the logins of vendors' programs, MCP clients and coding agents. `tokenguard-hook` evaluates the same
rules for the files of a commit and stops the commit on an error; it reports every pre-signed URL as a finding.

A repository can make the policy stricter, in `.tokenguard.toml` at its top:

```toml
[scan]
strict = true               # unscanned files fail
require_own = true          # fail if known tokens cannot be looked for
max_pragmas = 3             # maximum number of lines silenced by comments
profile = "detect-secrets"  # report what `--profile default` omits

[policy]
fail_on = "warning"

[policy.rules.maximum-age]
severity = "error"
days = {prod = 30}
```

Switching a rule off, a longer limit, a waiver, or any other key is an error (exit 2) with its line. Lists of words are
added to the policy's. In CI, use `--base origin/main` to read the file from the target branch, so that a pull request
cannot remove the requirements it must meet.

## A policy of your own

`check` and the hook use the file in your configuration (`[policy] file = "policy.yaml"`), otherwise the organisation's
policy that was pulled from the store, otherwise `default`; `check --policy` selects another one. A policy extends
another policy, or a file beside it, and lists the differences. Unknown keys are errors with line and column.

```yaml
format: 1
name: our-policy
extends: default            # or strict, descript, autoposting, ci, or base.yaml beside this file

rules:
  - id: maximum-age
    days: {prod: 60, staging: 90}
  - id: person-left
    people: [former-colleague]
  - id: no-consumer
    severity: "off"         # error, warning, note or off

own_rules:                  # conditions of your own, in CEL
  - id: readers-in-dev
    severity: error
    says: a token of dev can write
    why: Test systems leak more easily.
    source: our handbook, chapter 3
    fix: tokenguard rotate NAME
    applies: 'record.environment == "dev"'      # optional; default: all tokens
    holds: 'record.permissions.all(p, p.endsWith(":read"))'

overrides:                  # for some tokens: by token (a name or a pattern), environment, provider; files: by path
  - rule: maximum-age
    environment: sandbox
    severity: warning

waivers:                    # accepted violations, with a responsible team and an end
  - rule: maximum-age
    token: video/*
    owner: video
    reason: frozen until the launch
    until: 2027-01-31       # a violation again from this day
  - rule: callback-url
    path: tests/*
    owner: platform
    reason: addresses of the test server
    until: 2027-06-30
```

If several overrides match, the last one applies. A waiver needs an owner, a reason, an end, and tokens or files.

`tokenguard policy lint FILE` validates a file, and `tokenguard policy schema` prints a JSON Schema for editors.
`tokenguard policy publish FILE` shares a policy with its layers and waivers through the store, which is audited
(`audit log --op share`). `tokenguard policy pull` activates it on a machine, also for the hook.

### Conditions in CEL

Conditions need the extra `cel` ([install](../README.md#install)). A condition evaluates one `record`, with the fields
__FIELDS__.
Unknown fields have no value, and a condition that depends on one is *not evaluable*; `"owner" in record.known` tests
whether a field is known. Patterns in `matches` use RE2. A condition has at most 1,000 characters, 3 macros such as
`exists`, 8 additions and 64 commas; all conditions of a check together may take 30 seconds.

### Tests of a policy

```yaml
format: 1
policy: our-policy.yaml     # optional; default: the active policy
now: 2026-11-01
cases:
  - name: an old token of production
    token: {name: audio/app/prod/upload, environment: prod, rotated: 2026-01-01}
    expect: {maximum-age: violated}
  - name: a script that prints its token
    files:
      .gitlab-ci.yml: |
        deploy:
          script: [echo $API_TOKEN]
    expect: {ci-token-echoed: violated}
```

```sh
tokenguard policy test policy-tests.yaml
```

The expected result of a rule is `holds`, `violated`, `waived` (violated, with a waiver), `unknown` (not evaluable) or
`not asked` (the policy does not apply the rule). A token may have `name`, `provider`, `kind`, `state`,
`scope`, `environment`, `purpose`, `owner`, `made_by`, `account`, `deputy`, `permissions`, `consumers`, `base_url`,
`label`, `notes`, the dates `created`, `rotated`, `due` and `verified`, the result of that verification (`verdict`; for
the scope `leads`: `right`, `wrong` or `unverified`), and `also` for other tokens in the inventory.

"""


def render() -> str:
    """The whole page."""
    fields = textwrap.fill(", ".join(f"`{name}`" for name in SORTS), 118)
    return "".join(
        (_HEAD.replace("__FIELDS__", fields), "## Rules\n", *map(_rule, default_policy().rules), "\n", *_differences())
    )


def _rule(rule: Rule) -> str:
    known = rule_description(rule.id)
    parts = [f"\n### `{rule.id}`\n\n{known.demands} {rule.why}\n\n"]
    parts.append(f"* severity: {rule.severity}\n")
    parts += [f"* `{name}`: {_words(each)}\n" for name, each in rule.parameters.items()]
    parts.append(f"* fix: `{rule.fix}`\n" if "`" not in rule.fix else f"* fix: {rule.fix}\n")
    parts.append(f"* source: {rule.source}\n")
    if not known.checked:
        parts.append(f"* used by `{'scan' if rule.id.startswith('scan-') else 'rotate'}`, not by `check`\n")
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
