"""The wheel is whole: built from the sdist, installed into a clean environment, it runs without the checkout."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, cwd, **environment):
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    answer = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture
def built(dist):
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return sdist, wheel


def environment(folder, wheel):
    """A new environment with the wheel alone, and where its packages are."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-compile", wheel, cwd=folder)
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    """Its dependencies are borrowed from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    site = environment(folder, *dist.glob("*.whl"))
    # A path file is not read for further path files, so an editable checkout in this environment stays out of sight.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_the_package_and_the_policies_and_nothing_else(built):
    names = zipfile.ZipFile(built[1]).namelist()
    shared = {name.partition(".data/data/")[2] for name in names if ".data/" in name}
    assert shared == {f"share/man/man1/{page}" for page in ("tokenguard.1", "tokenguard-hook.1")}
    packed = {name.split("/")[0] for name in names if ".dist-info/" not in name and ".data/" not in name}
    assert packed == {"tokenguard", "tokenguard_entry.py"}
    assert "tokenguard/py.typed" in names
    packed = {Path(name).name for name in names if name.startswith("tokenguard/_policies/")}
    assert packed == {path.name for path in (ROOT / "policies").iterdir()}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_sdist_holds_what_a_packager_needs(built):
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {"pyproject.toml", "LICENSE", "README.md", "Makefile", "requirements/dev.txt", "policies/default.yaml"}
    assert needed <= names


def test_a_wheel_built_twice_is_the_same(built, tmp_path):
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, ROOT)
    run(*command, cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == built[1].read_bytes()


def test_the_command_runs_from_the_wheel(installed, tmp_path):
    assert "Usage: tokenguard" in run(installed / "bin" / "tokenguard", "--help", cwd=tmp_path)
    where = run(installed / "bin" / "python", "-c", "import tokenguard; print(tokenguard.__file__)", cwd=tmp_path)
    assert where.startswith(str(installed))


def test_the_policies_are_found_in_the_wheel(installed, tmp_path):
    script = "from tokenguard.policy.loader import default_policy; print(default_policy().name)"
    assert run(installed / "bin" / "python", "-c", script, cwd=tmp_path).strip()


@pytest.mark.parametrize("script", ["tokenguard", "tokenguard-hook"])
def test_another_projects_package_in_the_place_of_ours_is_said(built, tmp_path, script):
    """On the public index the name `tokenguard` is a stranger's; both cannot be in one environment."""
    site = environment(tmp_path / "env", built[1])
    (site / "tokenguard" / "__init__.py").write_text('"""Another project."""\n__version__ = "9"\n')
    done = subprocess.run(
        [tmp_path / "env" / "bin" / script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
