"""The coding agents that are known, by the names that commands take."""

from importlib import import_module
from typing import TYPE_CHECKING

from tokenguard.errors import InputError

if TYPE_CHECKING:
    from tokenguard.agents.contract import Agent, Event

AGENTS = {
    "claude-code": ("tokenguard.agents.claude_code", "ClaudeCode"),
    "cursor": ("tokenguard.agents.cursor", "Cursor"),
    "codex": ("tokenguard.agents.codex", "Codex"),
    "copilot": ("tokenguard.agents.copilot", "Copilot"),
}
"""Where each is; a hook loads only its own."""


def agent(name: str) -> "Agent":
    """The agent of that name; InputError if there is none."""
    if name not in AGENTS:
        raise InputError("unknown coding agent", hint=f"one of {', '.join(AGENTS)}")
    module, kind = AGENTS[name]
    found: Agent = getattr(import_module(module), kind)()
    return found


def sender(named: "Agent", event: "Event") -> "Agent":
    """Whose event it is: Cursor and Copilot also run the hooks in Claude Code's files, and send their own events.

    Each event of Cursor says its version, each of Copilot when it was; Claude Code documents neither.
    """
    if "cursor_version" in event and named.name != "cursor":
        return agent("cursor")
    return agent("copilot") if "timestamp" in event and named.name == "claude-code" else named
