"""`make test-fast` and `make test-real` together are `make test`: no folder of tests is in neither, or in both."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_TESTS = {"data", "fakes", "snapshots"}


def test_each_folder_of_tests_is_in_one_tier():
    makefile = (ROOT / "Makefile").read_text()
    tiers = [re.search(rf"^{name} = (.*)$", makefile, re.MULTILINE)[1].split() for name in ("FAST", "REAL")]
    named = [Path(each).name for tier in tiers for each in tier]
    folders = {
        path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith((".", "_"))
    }
    assert sorted(named) == sorted(folders - NO_TESTS)
