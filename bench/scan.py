"""Scanning against detect-secrets, kingfisher, betterleaks and `git log -p`, each in an environment of its own."""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Container, Sequence
from pathlib import Path

from bench import corpora, own_tokens
from bench.sidebyside import report
from tests.fakes.rules_oracle import ours as found_by_us
from tokenguard.frozen import Frozen

_OURS = Path(sys.executable).parent
_FOUND = {0, 1, 200}
"""Exit codes of a scan that did its work: nothing, or something (kingfisher: 200)."""


class Cost(Frozen, frozen=True):
    """What one process and its children took."""

    wall: float
    cpu: float
    peak: float
    """Seconds, seconds, MB of the largest process."""


def main() -> None:
    """Every goal, one line each; what cannot be downloaded is said and left out."""
    peers = corpora.peers()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if peers is not None:
            _trees(root, peers)
            _findings()
            _commits(root, peers)
        _hostile(root)
        _long_lines(root)
    own_tokens.measure(None if peers is None else [corpora.tree(name) for name in corpora.TREES])


def _trees(root: Path, peers: Path) -> None:
    """A whole tree, where no git ignores it: ours, and the peers', in turn."""
    tree = shutil.copytree(corpora.tree("ansible-core"), root / "tree", symlinks=True)
    ours = [_OURS / "tokenguard", "scan", "--format", "json", "."]
    slow = [peers / "detect-secrets", "scan", "--all-files", "--no-verify", "."]
    oracle = _run(slow, tree)
    mine = [_run(ours, tree) for _ in range(4)][1:]
    ratio = oracle.cpu / statistics.median(cost.cpu for cost in mine)
    report("ansible-core, CPU", "detect-secrets", f"1/{ratio:.0f}", "at most 1/60")
    fast = [peers / "kingfisher", "scan", ".", "--no-validate", "--no-update-check"]
    report("ansible-core, wall", "kingfisher", _in_turn(ours, fast, tree), "at most 1.0x")
    report("ansible-core, wall", "betterleaks", _in_turn(ours, [peers / "betterleaks", "."], tree), "-")
    peak = max(cost.peak for cost in mine)
    report("ansible-core, memory", "none", f"{peak:.0f} MB in each of 2 processes", "under 150 MB")


def _findings() -> None:
    """Type, secret and line of every finding, file by file."""
    for name in corpora.TREES:
        tree, wanted = corpora.tree(name), corpora.expected(name)
        before = Path.cwd()
        os.chdir(tree)
        try:
            found = {(path, *each) for path in corpora.files(tree) for each in found_by_us(Path(path))}
        finally:
            os.chdir(before)
        result = f"{len(wanted - found)} missing, {len(found - wanted)} more"
        report(f"{name}, {len(wanted)} findings", "detect-secrets", result, "0 missing, 0 more")


def _commits(root: Path, peers: Path) -> None:
    repository = root / "staged"
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    (repository / "app.py").write_text("def main() -> None:\n    print('hello')\n")
    subprocess.run(["git", "add", "app.py"], cwd=repository, check=True)
    ours = [_OURS / "tokenguard-hook"]
    for name, command, goal in (
        ("detect-secrets-hook", [peers / "detect-secrets-hook", "app.py"], "at most 0.25x"),
        ("betterleaks", [peers / "betterleaks", "git", "--staged", "."], "at most 0.4x"),
        ("betterleaks, by file", [peers / "betterleaks", "app.py"], "at most 0.6x"),
        ("kingfisher", [peers / "kingfisher", "scan", ".", "--staged", "--no-validate", "--no-update-check"], "-"),
    ):
        wall, cpu = in_turn(ours, command, repository, runs=15, clean=True)
        report("one small staged file, wall", name, wall, goal)
        report("one small staged file, CPU", name, cpu, "-")


def _hostile(root: Path) -> None:
    lines = "".join(
        f"{line}\n" for line in ("key" + " " * 800 + "x", '"' + " " * 900 + '",', "x=1;" * 250_000, "=a[" * 900)
    )
    hostile, clean = root / "hostile.txt", root / "clean.txt"
    hostile.write_text(lines)
    clean.write_text(("plain words in a row\n" * (len(lines) // 21 + 1))[: len(lines)])
    runs = [[_run([_OURS / "tokenguard", "scan", path], root).cpu for path in (hostile, clean)] for _ in range(5)]
    ratio = statistics.median(mine / plain for mine, plain in runs)
    report("hostile lines, CPU", "a clean file of that size", f"{ratio:.1f}x", "at most 20x")


def _long_lines(root: Path) -> None:
    """Content that was made to keep a scan busy, each by itself; what is left out of it is said."""
    source = random.Random(1)
    mixed = "abcdefghijklmnopqrstuvwxyz0123456789 =:\"'"
    for name, text in (
        ("20 MB of hex in one line", "".join(source.choices("0123456789abcdef", k=20_000_000))),
        ("33 MB of one letter", "a" * 33_000_000),
        ("a line of 900 kB", f'x = "{"".join(source.choices(mixed, k=900_000))}"'),
        ("28 MB of quoted hex lines", "\n".join(f'"{source.getrandbits(256):064x}"' for _ in range(420_000))),
    ):
        path = root / "long.txt"
        path.write_text(f"{text}\n")
        cost = _run([_OURS / "tokenguard", "scan", path], root)
        report(
            f"{name}, CPU", "none", f"{cost.cpu:.1f} s, {cost.peak:.0f} MB", "at most 3 s" if "28" not in name else "-"
        )


def in_turn(
    ours: Sequence[object], peer: Sequence[object], directory: Path, *, runs: int = 5, clean: bool = False
) -> tuple[str, str]:
    """How much longer ours takes than the peer's, pair by pair after one of each to warm up: wall and CPU time.

    With `clean` both must end with 0: betterleaks ends with 1 also for a command that it does not have.
    """
    codes = {0} if clean else _FOUND
    pairs = [(_run(ours, directory, codes), _run(peer, directory, codes)) for _ in range(runs + 1)][1:]
    walls = [mine.wall / theirs.wall for mine, theirs in pairs]
    return _spread(walls), _spread([mine.cpu / theirs.cpu for mine, theirs in pairs])


def _in_turn(ours: Sequence[object], peer: Sequence[object], directory: Path, *, runs: int = 5) -> str:
    return in_turn(ours, peer, directory, runs=runs)[0]


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"


def _run(command: Sequence[object], directory: Path, codes: Container[int] = frozenset(_FOUND)) -> Cost:
    """One run; an exit code that is not of a scan means that it did not do the work."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in codes:
            errors.seek(0)
            raise SystemExit(f"{command[0]} exited {child.returncode}: {errors.read().decode()[-400:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
