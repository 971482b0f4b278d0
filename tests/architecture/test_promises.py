"""Each promise is listed in the state machine with code that is there, and the page names its tests."""

import importlib
import re
from pathlib import Path

from tokenguard.rotation import machine

ROOT = Path(__file__).parents[2]
LISTED = re.findall(r"^\* (P\d+), .*?: (.*?)(?=\n\*|\Z)", machine.__doc__, re.MULTILINE | re.DOTALL)
ALL = [f"P{number}" for number in range(1, 12)]


def _found(reference: str) -> object:
    """What a reference such as `revoke.finish` names."""
    parts = reference.split(".") if "." in reference else ["machine", reference]
    full = parts if parts[0] == "tokenguard" else ["tokenguard", "rotation", *parts]
    for end in range(len(full), 0, -1):
        try:
            thing = importlib.import_module(".".join(full[:end]))
        except ModuleNotFoundError:
            continue
        for name in full[end:]:
            thing = getattr(thing, name)
        return thing
    raise AssertionError(reference)


def test_every_promise_names_code_that_exists():
    assert [promise for promise, _ in LISTED] == ALL
    for promise, text in LISTED:
        references = re.findall(r"`([\w.]+)`", text)
        assert references, promise
        for reference in references:
            assert _found(reference) is not None, (promise, reference)


def test_the_page_has_a_row_for_every_promise_and_its_tests_exist():
    table = (ROOT / "docs/architecture.md").read_text().partition("\n## Promises\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (P\d+) \| (.*?) \| (.*?) \|$", table, re.MULTILINE)
    assert [promise for promise, _, _ in rows] == ALL
    for promise, code, tests in rows:
        for path in re.findall(r"`((?:tokenguard|tests)/[\w/]+(?:\.py)?)(?:::\w+)?`", code + tests):
            assert (ROOT / path).exists(), (promise, path)
