"""Codex: a hook file in the form of Claude Code's settings, with fewer events and its own answers."""

from typing import ClassVar

from tokenguard.agents.contract import BLOCKED, Agent, Effect, HookReply, HookStage, HookVerdict, SettingsScope
from tokenguard.documents import JsonTree

_TIMEOUT = 60


class Codex(Agent):
    """Codex."""

    name = "codex"
    title = "Codex"
    source = "https://developers.openai.com/codex/hooks"
    as_of = "2026-11-29"
    writers = frozenset({"apply_patch"})
    masks_reads = False
    program = "codex"
    oldest = (0, 124)
    """Runs hooks without being told to, and for all tools that its page names."""
    trust = "Codex skips a new or changed hook until you review and trust it with /hooks"
    folder_name = ".codex"
    folder_variable = "CODEX_HOME"
    hook_files: ClassVar = {SettingsScope.USER: "hooks.json", SettingsScope.PROJECT: ".codex/hooks.json"}
    record_names = ("sessions", "archived_sessions", "history.jsonl", "log")
    stages: ClassVar[tuple[HookStage, ...]] = (
        HookStage(event="SessionStart", effect=Effect.NOTHING),
        HookStage(event="UserPromptSubmit", effect=Effect.REFUSE, fields=("prompt",)),
        HookStage(event="PreToolUse", effect=Effect.REFUSE, fields=("tool_name", "tool_input")),
        HookStage(event="PermissionRequest", effect=Effect.REFUSE, fields=("tool_name", "tool_input"), installed=False),
        HookStage(event="PostToolUse", effect=Effect.MASK, fields=("tool_response",)),
        *(
            HookStage(event=event, effect=Effect.NOTHING, installed=False)
            for event in ("SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "Stop", "SessionEnd")
        ),
    )

    def reply(self, stage: HookStage, verdict: HookVerdict) -> HookReply:
        """Masked output is the reason of a block, which takes the place of the tool's result."""
        specific: dict[str, JsonTree] = {"hookEventName": stage.event}
        match verdict.effect:
            case Effect.MASK:
                masked = verdict.changed["tool_response"]
                reason = masked if isinstance(masked, str) else _as_json(masked)
                document: dict[str, JsonTree] = {"decision": "block", "reason": reason}
                return HookReply(document=document | {"systemMessage": verdict.reason})
            case _ if stage.event == "PreToolUse":
                specific |= {"permissionDecision": "deny", "permissionDecisionReason": verdict.reason}
                return HookReply(document={"hookSpecificOutput": specific})
            case _ if stage.event == "PermissionRequest":
                decision: dict[str, JsonTree] = {"behavior": "deny", "message": verdict.reason}
                return HookReply(document={"hookSpecificOutput": specific | {"decision": decision}})
            case _ if stage.event in {"UserPromptSubmit", "PostToolUse"}:
                return HookReply(document={"decision": "block", "reason": verdict.reason})
            case _:
                return HookReply(error=verdict.reason, code=BLOCKED)

    def notice(self, text: str) -> HookReply:
        """A warning in the interface."""
        return HookReply(document={"systemMessage": text})

    def registration(self, stage: HookStage, command: str) -> dict[str, JsonTree]:  # noqa: ARG002 - the port's form
        """A group without a matcher: every tool."""
        return {"hooks": [{"type": "command", "command": command, "timeout": _TIMEOUT}]}


def _as_json(tree: JsonTree) -> str:
    import json  # few tools give anything but text

    return json.dumps(tree, ensure_ascii=False)
