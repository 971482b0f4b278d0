"""Each constant that limits something is reached on the real program, or is listed with the reason why not."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from tests.integration.test_limits import LIMITS

ROOT = Path(__file__).parents[2]
_LIMIT = re.compile(
    r"MAX|MOST|LONGEST|LARGEST|SHORTEST|DEEPEST|LIMIT|BUDGET|DEADLINE|TIMEOUT|PATIENCE|TRIES|ATTEMPTS|ALLOWANCE|HOSTILE"
    r"|CANDIDATES|DEPTH|NESTED"
)
"""What the name of a limit says."""
_OF_ANSWERS = ROOT / "tests/integration/test_limits_of_answers.py"
_NAME = re.compile(r'"([a-z_.0-9]+:[A-Z_]+)"')


def _is_number(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.Call(func=ast.Name(id="timedelta")):
            return True
    return False


@cache
def limits() -> frozenset[str]:
    """Every constant of the package that is a number or a time, and that limits something by its name."""
    found = set()
    for path in (ROOT / "tokenguard").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT / "tokenguard").with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                name = target.id if isinstance(target, ast.Name) else ""
                if name.isupper() and _LIMIT.search(name) and _is_number(getattr(node, "value", None)):
                    found.add(f"{module}:{name}")
    return frozenset(found)


@cache
def reached() -> frozenset[str]:
    return frozenset({each.name for each in LIMITS} | set(_NAME.findall(_OF_ANSWERS.read_text())))


@cache
def explained() -> dict[str, str]:
    """Those that are not reached there, with the reason or the test."""
    sections = tomllib.loads((ROOT / "tests/architecture/limits_not_reached.toml").read_text())
    elsewhere: dict[str, str] = sections.pop("elsewhere")
    listed = [(name, section["why"]) for section in sections.values() for name in section["names"]]
    assert len({name for name, _ in listed} | elsewhere.keys()) == len(listed) + len(elsewhere), "listed twice"
    return {**dict(listed), **elsewhere}


def test_every_limit_has_a_row_or_a_reason():
    missing = sorted(limits() - reached() - explained().keys())
    assert missing == [], "add rows, or reasons: CONTRIBUTING.md, Tests"


def test_a_reason_is_that_of_a_limit_without_a_row():
    assert sorted(explained().keys() - limits()) == []
    assert sorted(explained().keys() & reached()) == []


def test_what_is_reached_exists():
    """Some rows are limits by another name, such as RATIO; each is a constant of its module all the same."""
    for name in reached():
        module, _, constant = name.partition(":")
        path = ROOT / "tokenguard" / (module.replace(".", "/") + ".py")
        assert re.search(rf"^{constant}\b", path.read_text(), re.MULTILINE), name


def test_a_test_elsewhere_exists():
    for each in explained().values():
        path, separator, test = each.partition("::")
        assert not separator or f"def {test}(" in (ROOT / path).read_text(), each


def test_most_limits_of_input_are_reached():
    """The count can only grow: a row that is taken out fails here."""
    assert len(reached() & limits()) >= 95
