"""Writes docs/disguises.md from the table that the tests hold the scanner to: `python -m docs.disguises`."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.fakes.disguises import COVERED, NOT_COVERED

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Encodings of known tokens

Written by `python -m docs.disguises` from the test table; a test holds this page and the scanner to it.

Scans find the known tokens of your team in {covered} of {every} forms that are tried; unknown values in these forms
are not reported as known tokens. One encoding inside another is decoded, deeper nesting only in the forms listed below.
What exceeds the [limits](scanning.md#limits) is listed as `nested-disguises`.
"""


def written() -> str:
    """The page."""
    head = _HEAD.format(covered=len(COVERED), every=len(COVERED) + len(NOT_COVERED))
    return "\n".join(
        [head, "## Not found", "", *_items(NOT_COVERED), "", "## Found", "", *_items(COVERED), ""],
    )


def _items(names: Iterable[str]) -> list[str]:
    return [f"* {name}" for name in sorted(names)]


if __name__ == "__main__":
    PAGE.write_text(written())
    sys.stdout.write(f"{PAGE.name}\n")
