"""Copies of the checkout to plant flaws in: each with an environment whose programs import the copy."""

import shutil
import sys
import sysconfig
import venv
from pathlib import Path

from tests.mutants.table import ROOT

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", ".bench", ".coverage*", "dist", "*.egg-info"
)


def copy_of_the_checkout(directory: Path) -> Path:
    """A copy in `directory`, and in its `.venv` the packages and programs of this environment.

    Programs and child processes import the copy too, whatever their environment and working directory are.
    """
    shutil.copytree(ROOT, directory, ignore=_LEFT_OUT)
    environment = directory / ".venv"
    venv.EnvBuilder(symlinks=True).create(environment)
    (packages,) = (environment / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (packages / "copy.pth").write_text(f"{directory}\nimport site; site.addsitedir({ours!r})\n")
    for program in Path(sysconfig.get_path("scripts")).iterdir():
        _installed(program, environment / "bin" / program.name)
    return directory


def _installed(program: Path, place: Path) -> None:
    if place.exists() or not program.is_file():
        return
    text = program.read_bytes()
    here = f"#!{sys.executable}".encode()
    if not text.startswith(here):
        place.symlink_to(program.resolve())
        return
    place.write_bytes(text.replace(here, f"#!{place.with_name('python')}".encode(), 1))
    place.chmod(0o755)
