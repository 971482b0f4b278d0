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
