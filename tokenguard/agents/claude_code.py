"""Claude Code: settings with groups of hooks, decisions as JSON or by exit code 2."""

import re
from collections.abc import Iterable
from typing import ClassVar

from tokenguard.agents.contract import (
    BLOCKED,
    Agent,
    Effect,
    Event,
    HookReply,
    HookStage,
    HookVerdict,
    SettingsScope,
    text_of,
)
from tokenguard.documents import JsonTree

_TIMEOUT = 60
"""Seconds. A hook that takes longer is cancelled and blocks nothing."""
_MENTION = re.compile(r"@(?:\"([^\"\n]+)\"|([^\s\"'`()<>{}]+))")
_LINES = re.compile(r"#L?\d+(?:-L?\d+)?$")
_REFUSED_BY_JSON = frozenset({"UserPromptSubmit", "UserPromptExpansion", "TaskCreated", "PreCompact"})


class ClaudeCode(Agent):
    """Claude Code."""

    name = "claude-code"
    title = "Claude Code"
    source = "https://code.claude.com/docs/en/hooks"
    as_of = "2026-09-18"
    writers = frozenset({"Write", "Edit", "NotebookEdit"})
    masks_reads = True
    program = "claude"
    oldest = (2, 1, 121)
    """By its changelog: replaces the output of all tools; since 2.1.101 an unknown event spoils no other setting."""
    trust = "Claude Code runs hooks in a folder only after you accept its workspace trust dialog"
    folder_name = ".claude"
    folder_variable = "CLAUDE_CONFIG_DIR"
    hook_files: ClassVar = {SettingsScope.USER: "settings.json", SettingsScope.PROJECT: ".claude/settings.json"}
    switch_files: ClassVar = {
        SettingsScope.USER: ("settings.json",),
        SettingsScope.PROJECT: (".claude/settings.json", ".claude/settings.local.json"),
    }
    record_names = (
        "projects", "history.jsonl", "file-history", "paste-cache", "debug", "shell-snapshots", "session-env", "plans",
        "tasks", "todos", "logs", "backups",
    )  # fmt: skip
    """As https://code.claude.com/docs/en/claude-directory lists application data."""
    stages: ClassVar[tuple[HookStage, ...]] = (
        HookStage(event="SessionStart", effect=Effect.NOTHING),
        HookStage(event="UserPromptSubmit", effect=Effect.REFUSE, fields=("prompt",)),
        HookStage(event="UserPromptExpansion", effect=Effect.REFUSE, fields=("prompt", "command_args")),
        HookStage(event="PreToolUse", effect=Effect.REFUSE, fields=("tool_name", "tool_input")),
        HookStage(event="PermissionRequest", effect=Effect.REFUSE, fields=("tool_name", "tool_input"), installed=False),
        HookStage(event="PostToolUse", effect=Effect.MASK, fields=("tool_response",)),
        HookStage(event="PostToolUseFailure", effect=Effect.STOP, fields=("error",)),
        HookStage(event="PostToolBatch", effect=Effect.STOP, fields=("tool_calls.*.tool_response",)),
        HookStage(
            event="TaskCreated", effect=Effect.REFUSE, fields=("task_subject", "task_description"), installed=False
        ),
        HookStage(event="PreCompact", effect=Effect.REFUSE, fields=("custom_instructions",)),
        HookStage(event="Elicitation", effect=Effect.REFUSE, fields=("message", "url", "requested_schema")),
        HookStage(event="ElicitationResult", effect=Effect.REFUSE, fields=("content",)),
        HookStage(event="MessageDisplay", effect=Effect.MASK, fields=("delta",), installed=False),
        *(
            HookStage(event=event, effect=Effect.NOTHING, installed=False)
            for event in (
                "Setup", "InstructionsLoaded", "PermissionDenied", "Notification", "SubagentStart", "SubagentStop",
                "TaskCompleted", "Stop", "StopFailure", "TeammateIdle", "ConfigChange", "CwdChanged", "DirectoryAdded",
                "FileChanged", "WorktreeCreate", "WorktreeRemove", "PostCompact", "PreModelSwitch", "PostModelSwitch",
                "SessionEnd",
            )
        ),
    )  # fmt: skip

    def files(self, stage: HookStage, event: Event) -> Iterable[str]:
        """The file of a Read, and files that a prompt mentions with `@`, for which no tool is called."""
        if stage.event == "PreToolUse" and text_of(event, "tool_name") == "Read":
            yield text_of(event, "tool_input", "file_path")
        for field in stage.fields if stage.event in {"UserPromptSubmit", "UserPromptExpansion"} else ():
            for quoted, plain in _MENTION.findall(text_of(event, field)):
                named = _LINES.sub("", quoted or plain)
                yield from dict.fromkeys((named, named.rstrip(".,;:!?")))

    def reply(self, stage: HookStage, verdict: HookVerdict) -> HookReply:
        """JSON, and exit 2 where that blocks too: a field of the JSON that is not accepted then changes nothing."""
        specific: dict[str, JsonTree] = {"hookEventName": stage.event}
        match verdict.effect:
            case Effect.REFUSE if stage.event == "PermissionRequest":
                decision: dict[str, JsonTree] = {"behavior": "deny", "message": verdict.reason}
                return HookReply(document={"hookSpecificOutput": specific | {"decision": decision}})
            case Effect.REFUSE if stage.event == "PreToolUse":
                specific |= {"permissionDecision": "deny", "permissionDecisionReason": verdict.reason}
                return HookReply(document={"hookSpecificOutput": specific}, error=verdict.reason, code=BLOCKED)
            case Effect.REFUSE:
                document: dict[str, JsonTree] = {}
                if stage.event in _REFUSED_BY_JSON:
                    document = {"decision": "block", "reason": verdict.reason}
                if stage.event == "UserPromptSubmit":
                    document["hookSpecificOutput"] = specific | {"suppressOriginalPrompt": True}
                return HookReply(document=document or None, error=verdict.reason, code=BLOCKED)
            case Effect.MASK:
                field, what = ("displayContent", "delta") if stage.event == "MessageDisplay" else (
                    "updatedToolOutput", "tool_response",
                )  # fmt: skip
                specific[field] = verdict.changed[what]
                if stage.event == "MessageDisplay":
                    return HookReply(document={"hookSpecificOutput": specific})
                specific["additionalContext"] = verdict.reason
                return HookReply(document={"hookSpecificOutput": specific, "systemMessage": verdict.reason})
            case _:
                return HookReply(document={"continue": False, "stopReason": verdict.reason})

    def failure(self, reason: str) -> HookReply:
        """Blocked, and stopped where nothing can be blocked any more."""
        return HookReply(document={"continue": False, "stopReason": reason}, error=reason, code=BLOCKED)

    def notice(self, text: str) -> HookReply:
        """A warning in the transcript."""
        return HookReply(document={"systemMessage": text})

    def registration(self, stage: HookStage, command: str) -> dict[str, JsonTree]:  # noqa: ARG002 - the port's form
        """A group without a matcher: every tool."""
        return {"hooks": [{"type": "command", "command": command, "timeout": _TIMEOUT}]}
