"""Texts of the field: the secret is found in each that holds one, and nothing in each that only looks like it."""

import base64
import random

import pytest

from tests.fakes.field_texts import FOUND, HARMLESS
from tokenguard.detection.clean_text import is_clean
from tokenguard.detection.match import TextMatch
from tokenguard.scanning.scanner import Stages, matches_of


def told(text: str, path: str) -> list[str]:
    return [each.whole.reveal() for each in matches_of(text.encode(), path, Stages()) if isinstance(each, TextMatch)]


@pytest.mark.parametrize(("path", "template", "make"), FOUND, ids=[f"{at}-{row[0]}" for at, row in enumerate(FOUND)])
def test_a_secret_is_found_in_its_file(path: str, template: str, make) -> None:
    """Of three values two at least: the judge gives one in some hundreds a low confidence."""
    found = 0
    for _ in range(3):
        value = make()
        text = template.format(value)
        found += any(value[4:-4] in each or each in value for each in told(text, path))
        assert not (is_clean(text.encode(), path) and told(text, path))
    assert found >= 2


@pytest.mark.parametrize(("path", "text"), HARMLESS, ids=[f"{at}-{row[0]}" for at, row in enumerate(HARMLESS)])
def test_what_only_looks_like_a_secret_is_not_told(path: str, text: str) -> None:
    assert told(text, path) == []


def test_the_tables_are_of_many_kinds() -> None:
    assert len(FOUND) >= 150
    assert len(HARMLESS) >= 80
    assert len({path for path, _, _ in FOUND}) >= 100


@pytest.mark.parametrize(
    "text",
    [
        "Use the password `letmein1` only in examples.\n",
        "| key | value2 |\n| token | string1 |\n| `secret` | see section-4.2 |\n",
        "The token is `v1.2.3`, the key was `ctrl+alt+f1`.\n",
        "| password | The password of user1 |\n|---|---|\n",
        "secret `projects/p/secrets/s/versions/1` and key `spec.template.spec.v1`\n",
    ],
)
def test_a_sentence_about_a_name_gives_no_value(text: str) -> None:
    assert told(text, "docs/guide.md") == []


def test_an_image_in_a_notebook_is_none() -> None:
    for size in (200, 900, 9000):
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(3).randbytes(size)).decode()
        assert told('{"cells":[{"outputs":[{"data":{"image/png":"' + picture + '"}}]}]}\n', "a.ipynb") == []
