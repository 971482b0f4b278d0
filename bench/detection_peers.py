"""What each scanner finds in a folder: lines by file, at its own default settings, without asking any vendor."""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Found = Mapping[str, set[int]]
"""Lines with a finding by the file's path below the folder."""

_TOKENGUARD = Path(sys.executable).parent / "tokenguard"


def scanners(peers: Path | None) -> dict[str, Callable[[Path], Found]]:
    """Ours first, then those of the peers that are installed."""
    every: dict[str, Callable[[Path], Found]] = {"tokenguard": _tokenguard}
    if peers is not None:
        every |= {
            "detect-secrets": lambda root: _detect_secrets(peers / "detect-secrets", root),
            "betterleaks": lambda root: _betterleaks(peers / "betterleaks", root),
            "kingfisher": lambda root: _kingfisher(peers / "kingfisher", root),
        }
    return every


def tokenguard_findings(root: Path) -> list[dict[str, Any]]:
    """Each finding of ours as JSON tells it."""
    told: dict[str, list[dict[str, Any]]] = json.loads(_output([_TOKENGUARD, "scan", "--format", "json", "."], root))
    return told["findings"]


def _tokenguard(root: Path) -> Found:
    return _by_file((str(each["path"]), each["line"]) for each in tokenguard_findings(root))


def _detect_secrets(program: Path, root: Path) -> Found:
    told = json.loads(_output([program, "scan", "--all-files", "--no-verify", "."], root))["results"]
    return _by_file((path, each["line_number"]) for path, rows in told.items() for each in rows)


def _betterleaks(program: Path, root: Path) -> Found:
    told = _written([program, ".", "--no-banner", "--exit-code", "0", "-o"], root)
    places = (each["location"] for each in json.loads(told)["findings"])
    return _by_file((each["path"], each.get("start_line", 1)) for each in places)


def _kingfisher(program: Path, root: Path) -> Found:
    told = _written([program, "scan", ".", "--format", "json", "--no-validate", "--no-update-check", "-o"], root)
    rows = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    found = [each["finding"] for row in rows for each in row.get("findings", ()) if isinstance(each, dict)]
    return _by_file((each["path"], each["line"]) for each in found)


def _by_file(places: Iterable[tuple[str, int]]) -> Found:
    found: dict[str, set[int]] = defaultdict(set)
    for path, line in places:
        found[os.path.normpath(path.partition("!")[0])].add(line)
    return found


def _output(command: Sequence[object], root: Path) -> str:
    done = subprocess.run([str(each) for each in command], cwd=root, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} exited {done.returncode}: {done.stderr.decode()[-400:]}")
    return done.stdout.decode()


def _written(command: Sequence[object], root: Path) -> str:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "found.json"
        subprocess.run([*(str(each) for each in command), str(file)], cwd=root, capture_output=True, check=False)
        return file.read_text()
