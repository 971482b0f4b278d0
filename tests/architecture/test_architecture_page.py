"""The page for whoever arrives later says what the code is: layers, ports, decisions, and the order of a rotation."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from docs import layers as drawing
from tokenguard.rotation.machine import ORDER

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text()


def section(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def named(cell):
    return re.findall(r"`(\w+)`", cell)


def rows(text):
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return found[2:]


def test_its_layers_are_those_that_imports_are_held_to():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["type"] == "layers")
    assert [named(row[0]) for row in rows(section("Layers"))] == [each.split(" | ") for each in layers], (
        "a package moved or is new: say in docs/architecture.md what it is for"
    )


def test_its_ports_are_those_there_are():
    modules = (ROOT / "tokenguard/ports").glob("*.py")
    protocols = {
        name for module in modules for name in re.findall(r"^class (\w+)\(.*Protocol", module.read_text(), re.MULTILINE)
    }
    assert {name for row in rows(section("Ports")) for name in named(row[0])} == protocols


def test_every_decision_is_listed_and_has_the_parts_that_the_template_asks_for():
    files = {path.name for path in (DOCS / "adr").glob("0*.md")}
    assert set(re.findall(r"\(adr/(.*?)\)", section("Decisions"))) == files
    parts = re.findall(r"^## .*$", (DOCS / "adr/template.md").read_text(), re.MULTILINE)
    for name in files:
        text = (DOCS / "adr" / name).read_text()
        assert text.startswith(f"# {name[:4]}. "), name
        assert re.findall(r"^## .*$", text, re.MULTILINE) == parts, name


def test_the_page_on_rotation_has_the_order_that_the_machine_has():
    table = (DOCS / "rotation.md").read_text().partition("| operation | order |")[2].partition("\n\n")[0]
    told = [tuple(row[1].replace("*", "").strip().split(", ")) for row in rows(f"|\n{table.strip()}")]
    assert sorted(told) == sorted(tuple(str(stage) for stage in order) for order in ORDER.values())


def test_the_drawing_is_made_of_the_contracts():
    assert drawing.render() == PAGE, "run `make docs`"


MODULES = {".".join(path.with_suffix("").relative_to(ROOT).parts) for path in (ROOT / "tokenguard").rglob("*.py")}
JOURNEYS = {row[0].strip(): re.findall(r"`([\w/]+)`", row[1]) for row in rows(section("Five paths through the code"))}


def imports(module):
    """The modules of ours that a module imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found & MODULES


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_is_a_path_through_the_code(journey):
    path = [f"tokenguard.{name.replace('/', '.')}" for name in JOURNEYS[journey]]
    assert 5 <= len(path) <= 16, "a journey that touches more files is hard to follow"
    reached = set()
    for number, module in enumerate(path):
        assert module in MODULES, module
        assert number == 0 or module in reached, f"no earlier file imports {module}"
        reached |= imports(module)
