"""`bench detection` reads each corpus as its maintainers mark it, and what it generates is found by name."""

from pathlib import Path

import pytest

from bench.creddata import agreement
from bench.detection_corpora import readers
from bench.detection_generator import PLACEMENTS, Planted, lookalikes, planted
from bench.lock_files import write_lock_files
from tokenguard.detection.match import TextMatch
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import FORMATS

FILES = {
    "leaky-repo": {
        ".leaky-meta/secrets.csv": "# name,risk,informative\na.env,2,1\nb.txt,0,1\n",
        "a.env": "tgcanary1\n",
        "b.txt": "tgcanary2\n",
    },
    "fake-leaks": {"npm/valid/a": "tgcanary1", "npm/invalid/b": "tgcanary2", "README.md": "x"},
    "titus": {
        "pkg/rule/rules/a.yml": "rules:\n- id: a.1\n  examples: ['tgcanary1']\n  negative_examples: ['tgcanary2']\n",
        "pkg/rule/rules/b.yml": "a: 1\n",
    },
    "secretlint": {
        f"packages/@secretlint/secretlint-rule-a/test/snapshots/{mark}.x/input.txt": f"tgcanary{number}"
        for number, mark in ((1, "ng"), (2, "ok"))
    },
    "gitleaks": {
        "cmd/generate/config/rules/a.go": 'tps := []string{\n\t`tgcanary1`, // a, b\n\tmake("{x}"),\n}\n'
        'fps := []string{"tgcanary2"}\nreturn validate(r, tps, fps)\n'
    },
    "detect-secrets": {
        "tests/plugins/a_test.py": "S = 'tgcanary'\n@pytest.mark.parametrize(\n    'line,should_flag',\n"
        "    [('{}1'.format(S), True), (S + '2', False), ('{}{}'.format(S, make()), True)],\n)\ndef test_a(): pass\n"
    },
}


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_is_read_as_it_marks_its_examples(name: str, tmp_path: Path) -> None:
    for path, text in FILES[name].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    examples = list(readers()[name](tmp_path))
    assert {(each.data.decode().strip(), each.valid) for each in examples} == {
        ("tgcanary1", True),
        ("tgcanary2", False),
    }
    assert len({each.path for each in examples}) == len(examples)
    assert not any("example" in each.path for each in examples), "a judge reads paths too"


def test_labels_are_counted_by_line(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(
        '[{"FilePath": "a", "LineStart": "1", "LineEnd": "2", "GroundTruth": "T", "Category": "Token"},'
        '{"FilePath": "a", "LineStart": "4", "LineEnd": "4", "GroundTruth": "F", "Category": "Token"},'
        '{"FilePath": "a", "LineStart": "5", "LineEnd": "5", "GroundTruth": "T", "Category": "UUID"}]'
    )
    told = agreement(tmp_path, {"a": {2, 4, 9}})
    assert (told.true, told.all_true, told.false, told.unlabelled) == (1, 1, 1, 1)


def _told(each: Planted) -> set[str]:
    name = each.path.partition("/")[2]
    return {hit.type for hit in matches_of(each.text.encode(), name, Stages()) if isinstance(hit, TextMatch)}


def test_nearly_every_token_is_found_by_name_in_every_placement() -> None:
    """One placement for each kind here, each kind in turn in another one; all of them in the bench."""
    every = list(planted())
    sample = [each for number, each in enumerate(every) if number % len(PLACEMENTS) == (number // 12) % len(PLACEMENTS)]
    missed = [each.type for each in sample if each.type not in _told(each)]
    assert len(sample) > len(FORMATS) * 0.9
    assert len(missed) <= len(sample) * 0.02, missed


def test_lookalikes_of_a_wrong_length_are_not_told() -> None:
    told = [each.path for each in lookalikes() if _told(each)]
    assert told == []


def test_lock_files_hold_nothing(tmp_path: Path) -> None:
    assert write_lock_files(tmp_path) >= 10
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert _told(Planted(f"x/{path.name}", path.read_text(), "")) == set(), path.name


def test_the_table_of_the_page_has_a_row_for_each_corpus_and_the_number_of_kinds() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scanning.md").read_text()
    table = page.partition("<!-- detection -->")[2].partition("<!-- /detection -->")[0]
    assert [line.split(" | ")[0].strip("| ") for line in table.strip().splitlines()[2:]] == list(readers())
    assert f"{len({each.type for each in planted()})} kinds in {len(PLACEMENTS)} placements" in page
