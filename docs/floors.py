"""Writes the drawing of the rooms in docs/architecture.md from the import contracts: `make docs`."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
_BETWEEN = re.compile(r"(<!-- floors -->\n).*?(<!-- /floors -->)", re.DOTALL)


def floors() -> list[list[str]]:
    """The rooms of each floor, the highest first, as `[tool.importlinter]` has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["type"] == "layers")
    return [layer.split(" | ") for layer in layers]


def drawing() -> str:
    """A Mermaid chart: one box a floor, an arrow to the floor below."""
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  floor{number}["{" · ".join(rooms)}"]' for number, rooms in enumerate(floors())]
    lines += [f"  floor{number} --> floor{number + 1}" for number in range(len(floors()) - 1)]
    return "\n".join([*lines, "```"])


def render() -> str:
    """The page with the drawing of today's contracts."""
    return _BETWEEN.sub(lambda found: f"{found[1]}{drawing()}\n{found[2]}", PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(render())
