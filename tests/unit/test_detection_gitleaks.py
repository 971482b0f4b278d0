"""Our shapes as gitleaks rules: valid TOML, regexes that Go's engine reads, and they find our examples."""

import json
import tomllib

import re2

from tests.fakes.token_examples import example
from tokenguard.cli.error_handler import run
from tokenguard.detection.gitleaks_rules import gitleaks_rules, regex_of
from tokenguard.token_formats.table import FORMATS


def test_every_exported_rule_finds_its_examples() -> None:
    exported = {rule["description"]: rule for rule in tomllib.loads(gitleaks_rules())["rules"]}
    assert {"Descript API Token", "Autoposting API Key"} <= set(exported)
    for kind in FORMATS:
        if kind.stands_alone:
            row = exported[kind.type]
            assert row["regex"] == regex_of(kind)
            for number, template in enumerate(kind.shapes):
                assert re2.search(row["regex"], example(kind, number, template)), template


def test_the_command_prints_it(capsys) -> None:
    assert run(["fingerprints", "export", "gitleaks"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["extend"] == {"useDefault": True}
    assert run(["fingerprints", "export", "gitleaks", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["scanner"] == "gitleaks"
