"""Writes docs/policies.md from the rules and the policies that come with the package: `python -m docs.policies`."""

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenguard.policy.catalogue import about
from tokenguard.policy.loader import default_policy, packaged_policy
from tokenguard.policy.model import Parameter, Rule
from tokenguard.policy.record_fields import SORTS

PAGE = Path(__file__).with_suffix(".md")
PACKAGED = ("default", "strict", "descript", "autoposting", "ci")
_HEAD = """# Policies

Written by `python -m docs.policies` from the rules themselves; a test holds this page to it.

A policy says what good looks like, with a reason and a source for every rule. `tokenguard check` holds every token of
the store to it, and the repository that you are in. Nothing is asked of a provider unless you say `--ask-providers`,
and no value is ever read.

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

A rule has three answers. It holds; it is violated; or nobody can say, because the record lacks a fact or the provider
has no list. The third is reported as *not evaluable* with its reason and is never a pass. Exit 1 means a violation of
at least `--fail-on` (`error` where nothing is said).

`--fix` mends what needs no decision: a missing line of `.gitignore`, the mode of a file that others can read, a due
date that is later than the policy allows. It shows every change first and asks; without a terminal it changes nothing
unless `--yes` is given.

## The repository

With the inventory, `check` looks at the repository that you are in (or that PATH is in): files of variables and what
git would do with them, modes, MCP configurations, callback and pre-signed URLs, CI files. Beside it, it looks at the
logins that vendors' programs and MCP clients keep in your home directory. `tokenguard-hook` asks the same of the files
that a commit changes (pre-signed URLs it reports as findings of the scan, whatever they allow), and stops the commit on
an error.

A repository may ask for more than the organisation does, in `.tokenguard.toml` at its top:

```toml
[scan]
strict = true               # anything that was not scanned is a failure
require_own = true          # the team's own tokens must be looked for
max_pragmas = 3             # so many lines may be silenced by a comment
profile = "detect-secrets"  # what `--profile` leaves out by default is reported too

[policy]
fail_on = "warning"

[policy.rules.maximum-age]
severity = "error"
days = {prod = 30}
```

It may only tighten: a rule switched off, a longer limit, a waiver, or any other key is an error (exit 2) with its line.
Lists of words are added to the policy's. In CI, read it from the branch that a change is to be merged into, so that the
change cannot take away what it is held to: `--base origin/main`.

## A policy of your own

In force, for `check` and the hook alike, is the file that your configuration names (`[policy] file = "policy.yaml"`),
or the organisation's policy as it was pulled from the store, or `default`; `check --policy` names another one. A policy
begins with another policy, or with a file beside it, and says what differs; a key that is not known is an error with
line and column.

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
    applies: 'record.environment == "dev"'      # may be left out: for all tokens
    holds: 'record.permissions.all(p, p.endsWith(":read"))'

overrides:                  # for some tokens: by token (a name or a pattern), environment, provider; files: by path
  - rule: maximum-age
    environment: sandbox
    severity: warning

waivers:                    # a violation that somebody answers for, for a while
  - rule: maximum-age
    token: video/*
    owner: video
    reason: frozen until the launch
    until: 2027-01-31       # from this day on it is a violation again
  - rule: callback-url
    path: tests/*
    owner: platform
    reason: addresses of the test server
    until: 2027-06-30
```

Of several overrides that match, the last one counts. A waiver without an owner, a reason or an end is refused, and so
is one that does not say which tokens, or which files, it is for.

`tokenguard policy lint FILE` says whether a file is in order, and `tokenguard policy schema` prints the JSON Schema for
editors. `tokenguard policy publish FILE` shares a policy through the store, with its layers and waivers in one; who
did, and when, is in the audit trail (`audit log --op share`). `tokenguard policy pull` puts it in force on a machine,
for the hook too.

### Conditions in CEL

They need the extra `cel`, from the clone: `pip install '.[cel]'`. A condition is about one `record`, with the fields
__FIELDS__.
What is not known of a token has no value, and a condition that depends on it is *not evaluable*; `"owner" in
record.known` asks whether something is known. Patterns in `matches` are RE2's. A condition has at most 1,000
characters, 3 macros such as `exists`, 8 additions and 64 commas; all conditions of a check together have 30 seconds.

### Tests of a policy

```yaml
format: 1
policy: our-policy.yaml     # or left out: the policy in force
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

A rule `holds`, is `violated`, `waived`, `unknown` or `not asked`. A token may have `name`, `provider`, `kind`, `state`,
`scope`, `environment`, `purpose`, `owner`, `made_by`, `account`, `deputy`, `permissions`, `consumers`, `base_url`,
`label`, `notes`, the days `created`, `rotated`, `due` and `verified`, what was seen then (`verdict`, and `leads` for
the scope), and `also` lists other tokens that are there.

"""


def render() -> str:
    """The whole page."""
    fields = textwrap.fill(", ".join(f"`{name}`" for name in SORTS), 118)
    return "".join(
        (_HEAD.replace("__FIELDS__", fields), "## Rules\n", *map(_rule, default_policy().rules), "\n", *_differences())
    )


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
