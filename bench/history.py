"""Scanning a long history, made of the files of public source trees (or one that BENCH_HISTORY names)."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import corpora
from bench.scan import in_turn
from bench.sidebyside import report

_COMMITS = int(os.environ.get("BENCH_COMMITS", "50000"))
_RUNS = int(os.environ.get("BENCH_RUNS", "3"))
_FILES, _LARGEST = 3_000, 60_000
_SUFFIXES = frozenset({".py", ".yml", ".txt", ".rst", ".json", ".js", ".html", ".sh", ".ps1", ".cfg"})


def main() -> None:
    """Ours and a peer's scan of all commits, against what git takes to print them."""
    peers = corpora.peers()
    if peers is None:
        return
    where = repository(corpora.CACHE / f"history-{_COMMITS}", [corpora.tree(name) for name in corpora.TREES], _COMMITS)
    log = ["git", "log", "-p", "-U0", "--all"]
    ours = [Path(sys.executable).parent / "tokenguard", "scan", "--history", "--format", "json"]
    for name, command, runs, goal in (
        ("ours", ours, _RUNS, "at most 1.2x"),
        ("betterleaks'", [peers / "betterleaks", "git", "."], 1, "-"),
    ):
        wall, cpu = in_turn(command, log, where, runs=runs)
        report(f"history of {_COMMITS:,} commits: {name}, wall", "git log -p -U0", wall, goal)
        report(f"history of {_COMMITS:,} commits: {name}, CPU", "git log -p -U0", cpu, "-")


def repository(place: Path, trees: Sequence[Path], commits: int) -> Path:
    """The repository, made at `place` if it is not there; each commit adds a file or changes a few lines of one."""
    if named := os.environ.get("BENCH_HISTORY"):
        return Path(named)
    if not place.exists():
        unfinished = place.with_suffix(".part")
        subprocess.run(["git", "init", "-q", "-b", "main", unfinished], check=True)
        with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=unfinished, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.writelines(_commits(trees, commits))
        unfinished.rename(place)
    return place


def _commits(trees: Sequence[Path], commits: int) -> Iterator[bytes]:
    source = random.Random(1)
    paths = sorted(
        path
        for tree in trees
        for path in tree.rglob("*")
        if path.suffix in _SUFFIXES and path.is_file() and 0 < path.stat().st_size < _LARGEST
    )
    chosen = source.sample(paths, min(_FILES, len(paths)))
    contents: dict[Path, list[bytes]] = {}
    for number in range(commits):
        path = chosen[number] if number < len(chosen) else source.choice(chosen)
        if path in contents:
            for _ in range(source.randint(1, 6)):
                lines = contents[path]
                lines.insert(source.randrange(len(lines) + 1), b"# change %d of %d\n" % (number, source.randrange(9)))
        else:
            contents[path] = path.read_bytes().splitlines(keepends=True)
        data = b"".join(contents[path])
        name = f"part{len(path.parent.name) % 40}/{path.name}".encode()
        yield b"commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata <<END\n" % (1_600_000_000 + number)
        yield b"change %d\nEND\nM 644 inline %s\ndata %d\n%s\n" % (number, name, len(data), data)
