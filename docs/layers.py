"""Writes the drawing of the layers in docs/architecture.md from the import contracts: `make docs`."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
_BETWEEN = re.compile(r"(<!-- layers -->\n).*?(<!-- /layers -->)", re.DOTALL)


def layers() -> list[list[str]]:
    """The packages of each layer, the highest first, as `[tool.importlinter]` has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (each["layers"] for each in contracts if each["type"] == "layers")
    return [layer.split(" | ") for layer in found]


def drawing() -> str:
    """A Mermaid chart: one box a layer, an arrow to the layer below."""
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  layer{number}["{" · ".join(packages)}"]' for number, packages in enumerate(layers())]
    lines += [f"  layer{number} --> layer{number + 1}" for number in range(len(layers()) - 1)]
    return "\n".join([*lines, "```"])


def render() -> str:
    """The page with the drawing of today's contracts."""
    return _BETWEEN.sub(lambda found: f"{found[1]}{drawing()}\n{found[2]}", PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(render())
