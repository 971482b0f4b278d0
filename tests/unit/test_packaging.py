"""The locks are whole and say nothing of where they were made; nothing promises what does not work yet."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from bench import dependencies

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / name for name in ("base.txt", "dev.txt")]
RELEASE_LOCK = ROOT / "requirements" / "release.txt"
PIP_LOCK = ROOT / "requirements" / "pip.txt"
INSTALLERS = [ROOT / name for name in ("Makefile", "action.yml", "pipelines/Containerfile")]
INSTALL = re.compile(r"pip.* install .*--require-hashes --requirement (?:\S*/)?requirements/(\w+)\.txt")
INDEX = re.compile(
    r"://|(?m:^\s*(?:-[ifr]\b|--(?:index-url|extra-index-url|find-links|trusted-host|no-index|requirement)))|@ "
)
PIN = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(\S+)")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock):
    return {canonical(name): version for name, version in PIN.findall(lock.read_text())}


@pytest.mark.parametrize("lock", [*LOCKS, PIP_LOCK, RELEASE_LOCK], ids=lambda lock: lock.name)
def test_every_pin_has_a_hash_and_no_line_names_an_index_or_a_place(lock):
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock.read_text())[1:]
    assert blocks
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert not INDEX.search(lock.read_text())
    assert not re.search(r"(?m)^-|file:|/(?:home|root)/", lock.read_text())


@pytest.mark.parametrize(
    "line", ["--index-url https://x", "-i x", "--extra-index-url x", "--find-links x", "a @ file:x", "    -f x", "-r y"]
)
def test_an_index_in_a_lock_would_be_noticed(line):
    assert INDEX.search(f"# made by make lock\n{line}\nx==1 \\\n    --hash=sha256:0\n")


def test_a_pin_names_each_extra_that_another_package_asks_for():
    """pip up to 23.2 takes `name[extra]` of a dependency for a requirement without a hash if only `name` is locked."""
    text = LOCKS[1].read_text()
    locked = {
        canonical(name): set(extras.split(",")) - {""}
        for name, extras in re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[([\w,-]+)\])?==", text)
    }
    asked = {}
    for name, extras in locked.items():
        try:
            lines = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:
            continue  # for another platform
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            if requirement.extras and (
                marker is None or any(marker.evaluate({"extra": each}) for each in {"", *extras})
            ):
                asked.setdefault(canonical(requirement.name), set()).update(requirement.extras)
    assert asked, "coverage[toml] is one"
    assert {name: extras for name, extras in asked.items() if not extras <= locked[name]} == {}


@pytest.mark.parametrize("file", INSTALLERS, ids=lambda file: file.name)
def test_whatever_installs_a_lock_installs_the_locked_pip_before(file):
    order = INSTALL.findall(file.read_text().replace("$(PIP)", "pip"))
    assert order[:1] == ["pip"]
    assert set(order[1:]) <= {"base", "dev", "release"}
    assert "base" in order


def test_nothing_else_installs_a_lock():
    """The docs send people to `make`; so do the scripts of this repository."""
    others = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("pipelines/**/*"), ROOT / ".ci" / "run"]
    found = {file for file in others if file.is_file() and re.search(r"requirements/\w+\.txt", file.read_text())}
    assert found <= {*INSTALLERS, ROOT / "CHANGELOG.md"}


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    names = {canonical(re.match(r"[\w.-]+", line)[0]) for line in wanted}
    assert names <= pins(LOCKS[0]).keys()


def test_both_locks_agree():
    base, dev = map(pins, LOCKS)
    assert base.items() <= dev.items()


def test_no_hook_is_offered_before_there_is_one():
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert isinstance(hooks, list)
    assert {hook["entry"].split()[0] for hook in hooks} <= scripts.keys()


FLOORS = {"cryptography": (48, 0, 1), "urllib3": (2, 7)}


def test_no_version_with_a_known_vulnerability_is_admitted():
    """Floors of the packages that parse what comes from outside; `make audit-deps` looks up all of them."""
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    asked = {requirement.name: requirement for requirement in map(Requirement, lines)}
    for name, floor in FLOORS.items():
        below = (*floor[:-1], floor[-1] - 1)
        assert not asked[name].specifier.contains(".".join(map(str, below)))
        assert asked[name].specifier.contains(".".join(map(str, floor)))


def test_the_page_of_dependencies_has_each_with_its_floor_and_its_reason():
    """The measured columns are written by `python -m bench.dependencies`."""
    rows = re.findall(
        r"^\| `([^`]+)`(?: \(extra `(\w+)`\))? \| ([^|]+) \| [\d.]+ MB \| \d+ \| \d+ ms \|",
        dependencies.PAGE.read_text(),
        re.MULTILINE,
    )
    asked = [(f"{each.name}{each.specifier}", extra, reason) for each, reason, extra in dependencies.declared()]
    assert asked == rows


def test_the_matrix_has_a_row_for_each_declared_python_and_finds_this_one():
    done = subprocess.run(["bash", ROOT / ".ci" / "matrix", "list"], capture_output=True, text=True, check=True)
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert list(rows) == [found[1] for each in declared if (found := re.search(r"Python :: (3\.\d+)$", each))]
    assert re.fullmatch(r"Python 3\.\d+\.\d+\S*|not on this machine", rows["{}.{}".format(*sys.version_info)])


def test_every_floor_is_below_what_is_locked_and_no_ceiling_keeps_a_fix_away():
    locked = pins(LOCKS[1])
    for each, _, _ in dependencies.declared():
        name, (only,) = canonical(each.name), each.specifier
        assert each.specifier.contains(locked[name]), name
        assert only.operator == ">=" or name == "detect-secrets", name


PIP_AUDIT = """#!{python}
import json, sys
lock = sys.argv[sys.argv.index("--requirement") + 1]
name = "control" if "control" in lock else lock.rpartition("/")[2]
print(json.dumps({{"dependencies": {answers}[name]}}))
"""
KNOWN = [{"name": "jinja2", "version": "2", "vulns": [{"id": "PYSEC-0", "fix_versions": ["3"]}]}]
CLEAN, SKIPPED = [{"name": "a", "version": "1", "vulns": []}], [{"name": "a", "skip_reason": "not found"}]


@pytest.mark.parametrize(
    ("control", "found", "code"),
    [(KNOWN, CLEAN, 0), (KNOWN, KNOWN, 1), (KNOWN, SKIPPED, 4), (KNOWN, [], 4), (CLEAN, CLEAN, 4), (SKIPPED, CLEAN, 4)],
)
def test_a_package_that_was_not_looked_up_never_counts_as_sound(tmp_path, control, found, code):
    pip_audit = tmp_path / "pip-audit"
    answers = {"control": control, "lock.txt": found}
    pip_audit.write_text(PIP_AUDIT.format(python=sys.executable, answers=repr(answers)))
    pip_audit.chmod(0o700)
    script = [sys.executable, ROOT / ".ci" / "audit_deps.py", pip_audit, tmp_path / "lock.txt"]
    assert subprocess.run(script, check=False, capture_output=True).returncode == code
