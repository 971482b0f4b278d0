"""Writes the table of stages in docs/coding-agents.md from the contracts: `python -m docs.coding_agents`."""

import re
from collections.abc import Iterator
from pathlib import Path

from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import Effect

PAGE = Path(__file__).with_name("coding-agents.md")
_BETWEEN = re.compile(r"(<!-- stages -->\n).*?(<!-- /stages -->)", re.DOTALL)


def render() -> str:
    """The page with the table of today's contracts."""
    return _BETWEEN.sub(lambda found: f"{found[1]}{_table()}{found[2]}", PAGE.read_text())


def _table() -> str:
    return "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    yield "| agent | event | a token in it is |"
    yield "|---|---|---|"
    for each in map(agent, AGENTS):
        for stage in each.stages:
            if stage.effect is not Effect.NOTHING:
                where = "" if stage.installed else ", if registered by hand"
                other = each.effect(stage, {})
                partly = (
                    "" if other is stage.effect else f" in output of MCP servers, {other} in output of its own tools"
                )
                yield f"| {each.title} | `{stage.event}` | {stage.effect}{partly}{where} |"


if __name__ == "__main__":
    PAGE.write_text(render())
