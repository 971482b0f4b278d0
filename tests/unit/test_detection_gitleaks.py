"""Our shapes as gitleaks rules: valid TOML, regexes that Go's engine reads, and they find our examples."""

import json
import tomllib

import re2

from tests.unit.test_detection_extras import filled
from tokenguard.cli.boundary import run
from tokenguard.detection.extra_rules import RULES
from tokenguard.detection.gitleaks_rules import gitleaks_rules, regex_of


def test_every_exported_rule_finds_its_examples() -> None:
    exported = {rule["description"]: rule for rule in tomllib.loads(gitleaks_rules())["rules"]}
    assert {"Descript API Token", "Autoposting API Key"} <= set(exported)
    for rule in RULES:
        if rule.type not in exported:
            continue
        row = exported[rule.type]
        assert row["regex"] == regex_of(rule)
        for number, template in enumerate(rule.examples):
            text = filled(template, number)
            assert re2.search(row["regex"], text), rule.type


def test_the_command_prints_it(capsys) -> None:
    assert run(["fingerprints", "export", "gitleaks"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["extend"] == {"useDefault": True}
    assert run(["fingerprints", "export", "gitleaks", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["scanner"] == "gitleaks"
