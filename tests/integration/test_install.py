"""A fresh clone is set up from the pip that a Python bundles, however old: hashes are checked, and everything is found."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = (
    "Makefile",
    "tokenguard_entry.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements",
    "tokenguard",
    "policies",
    "pipelines",
    "docs",
)
OLD = ("22.3", "23.0.1", "23.2.1")
WORKS_ON_3_12 = ("23.2.1",)
_UNREACHABLE = re.compile(r"(?i)connection|name resolution|network is unreachable|timed out")


class Fresh:
    """What is needed of a clone, and beside it an environment as Python makes it, copied from `bundled`."""

    def __init__(self, directory: Path, bundled: Path) -> None:
        self.clone, self.environment = directory / "clone", directory / "environment"
        self.clone.mkdir()
        for name in NEEDED:
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, self.clone / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, self.clone / name)
        shutil.copytree(bundled, self.environment, symlinks=True)

    def pip(self, *arguments: str) -> str:
        python = str(self.environment / "bin" / "python")
        return self.run(python, "-m", "pip", "--disable-pip-version-check", *arguments)

    def make(self, stamp: str) -> None:
        self.run("make", f"VENV={self.environment}", f"{self.environment}/{stamp}.stamp")

    def run(self, *command: str) -> str:
        """Run it with the person's own home, whose settings of pip say where the index is."""
        home = pwd.getpwuid(os.getuid()).pw_dir
        done = subprocess.run(
            command, cwd=self.clone, env={**os.environ, "HOME": home}, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        if done.returncode and _UNREACHABLE.search(said) and os.environ.get("CI") != "true":
            pytest.skip("NOT TESTED: the package index cannot be reached, so the locks were not installed")
        assert done.returncode == 0, said
        return done.stdout


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the pip that this Python bundles: it takes seconds to make."""
    environment = tmp_path_factory.mktemp("bundled") / "environment"
    venv.create(environment, with_pip=True)
    return environment


@pytest.fixture
def fresh(tmp_path: Path, bundled: Path) -> Fresh:
    return Fresh(tmp_path, bundled)


def version_of(pip: str) -> str:
    return pip.split()[1]


@pytest.mark.timeout(600)
def test_from_the_bundled_pip_the_locked_one_is_installed_and_takes_the_locks(fresh: Fresh) -> None:
    """The lock for development holds all of the other one, which is a test of its own."""
    bundled = version_of(fresh.pip("--version"))
    fresh.make("pip")
    locked = version_of(fresh.pip("--version"))
    assert f"pip=={locked} " in (ROOT / "requirements/pip.txt").read_text(), bundled
    fresh.pip("install", "--quiet", "--dry-run", "--require-hashes", "--requirement", "requirements/dev.txt")


def test_a_file_with_another_hash_is_not_installed(fresh: Fresh) -> None:
    lock = fresh.clone / "requirements/pip.txt"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", lock.read_text()))
    before = fresh.pip("--version")
    with pytest.raises(AssertionError, match="HASH"):
        fresh.make("pip")
    assert fresh.pip("--version") == before


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("version", OLD)
def test_both_locks_are_installed_from_an_old_pip_as_make_does_it(fresh: Fresh, version: str) -> None:
    if sys.version_info >= (3, 12) and version not in WORKS_ON_3_12:
        pytest.skip(f"pip {version} does not run on this Python")
    fresh.pip("install", "--quiet", f"pip=={version}")
    assert version_of(fresh.pip("--version")) == version
    fresh.make("base")
    program = str(fresh.environment / "bin" / "tokenguard")
    assert "Usage" in fresh.run(program, "--help")
    fresh.make("dev")
    fresh.pip("check")
