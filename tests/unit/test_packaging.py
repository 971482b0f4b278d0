"""The locks are whole and say nothing of where they were made; nothing promises what does not work yet."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / name for name in ("base.txt", "dev.txt")]
PIN = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(\S+)")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock):
    return {canonical(name): version for name, version in PIN.findall(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_a_hash_and_no_line_names_a_place(lock):
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock.read_text())[1:]
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in lock.read_text()
    assert not re.search(r"(?m)^-|file:|/(?:home|root)/", lock.read_text())


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
