"""Policies on policies: what a layer says wins, what it leaves out is inherited, and the rest is refused."""

import re
import shlex
from datetime import UTC, datetime, timedelta

import click
import pytest

from docs.policies import PAGE, render
from tokenguard.cli.app import app
from tokenguard.errors import InputError
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.loader import default_policy, load_policy, packaged_policy
from tokenguard.policy.model import RuleSelector, Severity

HEAD = "format: 1\nname: own\nextends: default\n"
PACKAGED = ("default", "strict", "descript", "autoposting", "ci")


def own(text: str):
    return load_policy((HEAD + text).encode(), source="p.yaml")


def test_a_layer_that_says_nothing_is_its_base():
    assert own("").rules == default_policy().rules


def test_a_layer_changes_what_it_names_and_inherits_the_rest():
    policy = own("rules:\n  - {id: maximum-age, otherwise: 5}\n  - {id: orphan, severity: 'off'}\n")
    base = default_policy().rule("maximum-age")
    rule = policy.rule("maximum-age")
    assert (rule.limit("prod"), rule.limit("x")) == (base.limit("prod"), timedelta(days=5))
    assert (rule.why, rule.severity) == (base.why, base.severity)
    assert policy.rule("orphan") is None
    assert len(policy.rules) == len(CATALOGUE)


def test_overrides_and_waivers_are_read():
    policy = own(
        "overrides:\n  - {rule: maximum-age, environment: dev, severity: warning, otherwise: 7}\n"
        "waivers:\n  - {rule: orphan, token: a/*, owner: video, reason: moving, until: 2027-01-31}\n"
    )
    (override,), (waiver,) = policy.overrides, policy.waivers
    assert (override.match, override.severity, override.parameters) == (
        RuleSelector(environment="dev"), Severity.WARNING, {"otherwise": 7},
    )  # fmt: skip
    assert (waiver.owner, waiver.reason, waiver.until) == ("video", "moving", datetime(2027, 1, 31, tzinfo=UTC))


WAIVER = "waivers:\n  - {rule: orphan, token: a/*, owner: video, reason: moving, until: 2027-01-31}\n"
OVERRIDE = "overrides:\n  - {rule: maximum-age, environment: dev, otherwise: 7}\n"
BAD = {
    "base unknown": ("extends: default", "extends: nobody"),
    "base outside": ("extends: default", "extends: ../default"),
    "base a list": ("extends: default", "extends: [default]"),
    "waiver without owner": (" owner: video,", ""),
    "waiver without reason": (" reason: moving,", ""),
    "waiver without reason's text": ("reason: moving", "reason: ''"),
    "waiver without end": (", until: 2027-01-31", ""),
    "waiver until never": ("until: 2027-01-31", "until: never"),
    "waiver until no day": ("until: 2027-01-31", "until: 2027-02-30"),
    "waiver for everything": (" token: a/*,", ""),
    "waiver of an unknown rule": ("rule: orphan", "rule: orphans"),
    "waiver with more": ("until: 2027-01-31", "until: 2027-01-31, forever: true"),
    "owner with markup": ("owner: video", "owner: <b>"),
    "reason that acts on a terminal": ("reason: moving", 'reason: "\\e[31m"'),
    "reason too long": ("reason: moving", f"reason: {'x' * 501}"),
    "override for everything": (" environment: dev,", ""),
    "override of an unknown rule": ("rule: maximum-age", "rule: nothing"),
    "override with a parameter of another rule": ("otherwise: 7", "most: 7"),
    "override out of range": ("otherwise: 7", "otherwise: 0"),
    "overrides a mapping": (OVERRIDE, "overrides: {}\n"),
    "waivers text": (WAIVER, "waivers: none\n"),
}


@pytest.mark.parametrize(("old", "new"), BAD.values(), ids=BAD)
def test_a_layer_that_is_not_understood_is_refused(old, new):
    good = HEAD + OVERRIDE + WAIVER
    assert old in good
    load_policy(good.encode(), source="p.yaml")
    with pytest.raises(InputError):
        load_policy(good.replace(old, new).encode(), source="p.yaml")


def test_layers_have_a_floor():
    with pytest.raises(InputError, match="too many"):
        load_policy(HEAD.encode(), source="p.yaml", layers=0)


def test_many_stars_do_not_make_a_match_slow():
    from tests.unit.test_policy_rules import GOOD

    assert not RuleSelector(token="*a" * 200 + "!").admits(GOOD)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_policy_that_comes_with_the_package_has_every_rule(name):
    policy = packaged_policy(name)
    assert (policy.name, [rule.id for rule in policy.rules]) == (name, list(CATALOGUE))


def test_strict_is_nowhere_softer_than_the_default():
    order, strict = list(Severity), packaged_policy("strict")
    for rule in default_policy().rules:
        assert order.index(strict.rule(rule.id).severity) <= order.index(rule.severity), rule.id
    assert {rule.severity for rule in strict.rules} == {Severity.ERROR}


@pytest.mark.parametrize("rule", default_policy().rules, ids=lambda rule: rule.id)
def test_every_fix_names_commands_and_options_that_exist(rule):
    for line in re.findall(r"tokenguard ([^,;:`]+)", rule.fix):
        name, *words = shlex.split(line)
        command = app.get_command(click.Context(app), name)
        assert command is not None, line
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_page_of_rules_is_written_from_the_rules():
    assert PAGE.read_text() == render(), "run `python -m docs.policies`"
