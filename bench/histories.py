"""A repository with a long history, made of the files of public source trees; or one that BENCH_HISTORY names."""

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_FILES, _LARGEST = 3_000, 60_000
_SUFFIXES = frozenset({".py", ".yml", ".txt", ".rst", ".json", ".js", ".html", ".sh", ".ps1", ".cfg"})


def history(place: Path, trees: Sequence[Path], commits: int) -> Path:
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
