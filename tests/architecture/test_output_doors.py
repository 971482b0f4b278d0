"""T25: there are few doors to a terminal, and all of them are listed here."""

import re
from pathlib import Path

import tokenguard

ROOT = Path(tokenguard.__file__).parent
SPEAKS = re.compile(r"\bprint\(|click\.(?:s?echo|secho)\(|sys\.(?:stdout|stderr)\b|sys\.__std")
DOORS = {
    "cli/boundary.py": "the error boundary, through safe_text",
    "shell/render.py": "standard output, through safe_text",
    "cli/demo_person.py": "the demo, which shows what real commands print",
    "cli/demo_stage.py": "the demo, which shows what real commands print",
    "cli/sandbox.py": "one line of JSON of its own making",
    "shell/progress.py": "standard error, through safe_text",
}


def test_only_the_doors_speak():
    speaking = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := [line.strip() for line in path.read_text().splitlines() if SPEAKS.search(line)])
    }
    strangers = {name: lines for name, lines in speaking.items() if name not in DOORS}
    assert not strangers


def test_the_list_of_doors_is_true():
    for name in DOORS:
        assert SPEAKS.search((ROOT / name).read_text()), name
