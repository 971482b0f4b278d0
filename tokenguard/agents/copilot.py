"""GitHub Copilot CLI and cloud agent: camelCase events without a name of their own, so the command names the event."""

import json
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
_ANSWERS = {
    "userPromptTransformed": "modifiedTransformedPrompt",
    "postToolUse": "modifiedResult",
    "subagentStop": "modifiedResponse",
}
"""By event: the field of the answer with what takes the place of the text."""
_RESULT = {"result_type": "resultType", "text_result_for_llm": "textResultForLlm"}
"""Fields of a result in an event with names as in VS Code, and in the answer to it."""


class Copilot(Agent):
    """GitHub Copilot."""

    name = "copilot"
    title = "GitHub Copilot"
    source = "https://docs.github.com/en/copilot/reference/hooks-reference"
    as_of = "2026-11-29"
    writers = frozenset({"create", "edit", "str_replace_editor", "apply_patch", "Write", "Edit"})
    masks_reads = True
    version = 1
    trust = "Copilot CLI runs the hooks of a project only in a trusted folder"
    folder_name = ".copilot"
    folder_variable = "COPILOT_HOME"
    hook_files: ClassVar = {
        SettingsScope.USER: "hooks/tokenguard.json",
        SettingsScope.PROJECT: ".github/hooks/tokenguard.json",
    }
    switch_files: ClassVar = {
        SettingsScope.USER: ("settings.json",),
        SettingsScope.PROJECT: (".github/copilot/settings.json", ".github/copilot/settings.local.json"),
    }
    record_names = ("session-state", "command-history-state", "session-store.db", "logs")
    """As GitHub's reference of the CLI's configuration directory lists them."""
    stages: ClassVar[tuple[HookStage, ...]] = (
        HookStage(event="userPromptTransformed", effect=Effect.MASK, fields=("transformedPrompt",)),
        HookStage(event="preToolUse", effect=Effect.REFUSE, fields=("toolName", "toolArgs")),
        HookStage(event="permissionRequest", effect=Effect.REFUSE, fields=("toolName", "toolInput"), installed=False),
        HookStage(event="postToolUse", effect=Effect.MASK, fields=("toolResult",)),
        HookStage(event="postToolUseFailure", effect=Effect.TELL, fields=("error",)),
        HookStage(event="subagentStop", effect=Effect.MASK, fields=("response",)),
        HookStage(event="PreToolUse", effect=Effect.REFUSE, fields=("tool_name", "tool_input"), installed=False),
        HookStage(event="PermissionRequest", effect=Effect.REFUSE, fields=("tool_name", "tool_input"), installed=False),
        HookStage(event="PostToolUse", effect=Effect.MASK, fields=("tool_result",), installed=False),
        HookStage(event="PostToolUseFailure", effect=Effect.TELL, fields=("error",), installed=False),
        HookStage(event="SubagentStop", effect=Effect.MASK, fields=("last_assistant_message",), installed=False),
        *(
            HookStage(event=event, effect=Effect.NOTHING, installed=False)
            for event in (
                "userPromptSubmitted", "sessionStart", "sessionEnd", "subagentStart", "agentStop", "preCompact",
                "errorOccurred", "notification", "UserPromptSubmit", "SessionStart", "SessionEnd", "Stop", "PreCompact",
                "ErrorOccurred",
            )
        ),
    )  # fmt: skip

    def files(self, stage: HookStage, event: Event) -> Iterable[str]:
        """The file of a `view`, or of a `Read`, as it is called in events with names as in VS Code."""
        if stage.event == "preToolUse" and text_of(event, "toolName") == "view":
            yield text_of(_arguments(event), "path")
        if stage.event == "PreToolUse" and text_of(event, "tool_name") == "Read":
            yield from (text_of(event, "tool_input", name) for name in ("path", "file_path"))

    def reply(self, stage: HookStage, verdict: HookVerdict) -> HookReply:
        """One JSON object; the line before it is shown in the timeline."""
        event = stage.event[0].lower() + stage.event[1:]
        match verdict.effect:
            case Effect.MASK:
                masked = verdict.changed[stage.fields[0]]
                if isinstance(masked, dict):
                    masked = {_RESULT.get(name, name): value for name, value in masked.items()}
                return HookReply(document={_ANSWERS[event]: masked}, progress=_line(verdict.reason))
            case Effect.STOP:
                withheld: JsonTree = verdict.reason
                if event == "postToolUse":
                    withheld = {"resultType": "success", "textResultForLlm": verdict.reason}
                return HookReply(document={_ANSWERS[event]: withheld}, progress=_line(verdict.reason))
            case Effect.TELL:
                return HookReply(progress=_line(verdict.reason), error=verdict.reason)
            case _ if event == "preToolUse":
                document: dict[str, JsonTree] = {"permissionDecision": "deny"}
                return HookReply(document=document | {"permissionDecisionReason": verdict.reason}, code=BLOCKED)
            case _:
                document = {"behavior": "deny", "message": verdict.reason}
                return HookReply(document=document, code=BLOCKED)

    def notice(self, text: str) -> HookReply:
        """A line in the timeline."""
        return HookReply(progress=_line(text))

    def registration(self, stage: HookStage, command: str) -> dict[str, JsonTree]:
        """A command for both systems; the event is its last word."""
        return {"type": "command", "command": f"{command} {stage.event}", "timeoutSec": _TIMEOUT}


def _arguments(event: Event) -> Event:
    """The arguments of a tool, which may be JSON in a text."""
    given = event.get("toolArgs")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return {}
    return given if isinstance(given, dict) else {}


def _line(text: str) -> dict[str, JsonTree]:
    return {"type": "progress", "message": text}
