"""What is found, and what is told wrongly, beside the peers: `python -m bench detection [FOLDER…]`.

A folder holds checkouts of public corpora (see `detection_corpora`), or a part of CredData as `creddata` wants it. The
generated tokens and the noise on published source code need neither.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import corpora, creddata
from bench.detection_corpora import Example, readers
from bench.detection_generator import lookalikes, planted, write
from bench.detection_peers import Found, scanners, tokenguard_findings
from bench.lock_files import write_lock_files
from bench.sidebyside import report

_FOUR = ("Django", "fastapi", "requests", "black")
_TWO = ("ansible-core", "sphinx")
_SHARE_OF_VALID, _SHARE_OF_INVALID = 0.95, 1.1

Scanners = Mapping[str, Callable[[Path], Found]]


def main() -> None:
    """Every table; what cannot be had here is said and left out."""
    folders = [Path(each).resolve() for each in sys.argv[1:] if os.sep in each]
    peers = corpora.peers()
    every = scanners(peers)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        _generated(root, every)
        for folder in folders:
            _labelled(folder, every) if (folder / "rows.json").exists() else _fixtures(folder, root, every)
        if peers is not None:
            _noise(every)
        _lock_files(root / "locks", every)


def _generated(root: Path, every: Scanners) -> None:
    files = write(planted(), root / "kinds")
    told = {(str(each["path"]), each["type"]) for each in tokenguard_findings(root / "kinds")}
    named = sum((path, each.type) in told for path, each in files.items())
    kinds = len({each.type for each in files.values()})
    work = f"{kinds} kinds x {len(files) // kinds} placements"
    report(f"{work}, found by name", "tokenguard", _share(named, len(files)), "98 %")
    for name, scan in every.items():
        report(f"{work}, found", name, _share(len(scan(root / "kinds")), len(files)), "-")
    wrong = write(lookalikes(), root / "lookalikes")
    for name, scan in every.items():
        report("lookalikes of a wrong length", name, f"{len(scan(root / 'lookalikes'))} of {len(wrong)}", "0")


def _fixtures(folder: Path, root: Path, every: Scanners) -> None:
    """Found among the examples that a corpus marks as secrets, and among those that it marks as none."""
    for name, read in readers().items():
        if not (folder / name).is_dir():
            report(name, "none", "not in the folder", "-")
            continue
        examples = {each.path: each for each in read(folder / name)}
        for each in examples.values():
            path = root / name / each.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.data)
        counts = {scanner: _counts(examples, scan(root / name)) for scanner, scan in every.items()}
        goal = _goal(counts)
        for scanner, (valid, invalid) in counts.items():
            total = sum(each.valid for each in examples.values())
            shown = f"{valid} of {total}, {invalid} of {len(examples) - total}"
            report(f"{name}: valid, invalid", scanner, shown, goal if scanner == "tokenguard" else "-")


def _counts(examples: Mapping[str, Example], found: Found) -> tuple[int, int]:
    valid = sum(each.valid and path in found for path, each in examples.items())
    return valid, sum(not each.valid and path in found for path, each in examples.items())


def _goal(counts: Mapping[str, tuple[int, int]]) -> str:
    others = [each for name, each in counts.items() if name != "tokenguard"]
    if not others:
        return "-"
    valid, invalid = max(others, key=lambda each: (each[0], -each[1]))
    return f"at least {_SHARE_OF_VALID * valid:.0f}, at most {_SHARE_OF_INVALID * invalid:.0f}"


def _labelled(folder: Path, every: Scanners) -> None:
    for name, scan in every.items():
        goal = "recall 0.45, precision 0.85" if name == "tokenguard" else "-"
        report("CredData, the part that may be used", name, creddata.agreement(folder, scan(folder)), goal)


def _noise(every: Scanners) -> None:
    for name, scan in every.items():
        lines = {tree: sum(map(len, scan(corpora.tree(tree)).values())) for tree in (*_FOUR, *_TWO)}
        report("four packages, findings", name, sum(lines[tree] for tree in _FOUR), "at most 30")
        report("ansible-core and sphinx, findings", name, sum(lines[tree] for tree in _TWO), "at most 15")


def _lock_files(root: Path, every: Scanners) -> None:
    count = write_lock_files(root)
    for name, scan in every.items():
        report(f"{count} kinds of lock files, findings", name, sum(map(len, scan(root).values())), "0")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part} of {whole})"
