"""Bad manifests: file, line, column, one error, one hint, exit 2, nothing written, and nothing of them quoted."""

import re

import pytest

from tests.cli.bad_manifests import OPAQUE, VALUE, cases, placed

CASES = cases()


def test_there_are_at_least_150():
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_a_bad_manifest_is_refused_at_its_place(cli, tmp_path, name):
    marked, says = CASES[name]
    text, line, column = placed(marked)
    (tmp_path / "tokens.yaml").write_text(text)
    error = cli.refused("apply")
    place, _, reason = error.partition(": ")
    assert place == f"tokens.yaml:{line}:{column}", error
    assert says in reason, error
    assert VALUE not in error
    assert OPAQUE not in error
    assert re.fullmatch(r"[ -~]*", error), error


@pytest.mark.parametrize(
    ("wrong", "proposed"),
    [
        ("    permisions: [a]", "did you mean permissions?"),
        ("    consumer: []", "did you mean consumers?"),
        ("    made-by: alex", "did you mean made_by?"),
        ("    env: prod", "did you mean environment?"),
        ("    deliver: []", "did you mean consumers?"),
        ("    consumers: ['persn:alex']", "did you mean person:?"),
        ("    consumers: ['github:acme/app#lower']", "write github:OWNER/REPOSITORY"),
        ("    consumers: person:alex", "write it as [FIRST"),
    ],
)
def test_a_slip_is_answered_with_what_was_probably_meant(cli, tmp_path, wrong, proposed):
    (tmp_path / "tokens.yaml").write_text(f"version: 1\ntokens:\n  a/b:\n{wrong}\n")
    assert cli("plan").err.splitlines()[1].startswith(f"hint: {proposed}")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("\towner: x", "indent with spaces"),
        ("    purpose: one: two", "needs quotes"),
        ("   owner: x", "the indentation is wrong"),
        ("    permissions: [a, b", "not closed"),
    ],
)
def test_the_usual_slips_of_yaml_are_told_in_words(cli, tmp_path, line, why):
    (tmp_path / "tokens.yaml").write_text(f"version: 1\ntokens:\n  a/b:\n    provider: fake\n{line}\n    notes: x\n")
    assert why in cli.refused("plan")
