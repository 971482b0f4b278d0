"""Cursor: permissions as JSON; the output of its own tools cannot be replaced, that of MCP tools can."""

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import ClassVar

from tokenguard.agents.contract import Agent, Effect, Event, HookReply, HookStage, HookVerdict, SettingsScope, text_of
from tokenguard.documents import JsonTree

_TIMEOUT = 60
_MCP = "MCP:"
_FAILING_CLOSED = frozenset(
    {"beforeSubmitPrompt", "preToolUse", "beforeReadFile", "beforeTabFileRead", "beforeShellExecution",
     "beforeMCPExecution", "subagentStart"}
)  # fmt: skip


class Cursor(Agent):
    """Cursor."""

    name = "cursor"
    title = "Cursor"
    source = "https://cursor.com/docs/hooks"
    as_of = "2026-11-29"
    writers = frozenset({"Write"})
    masks_reads = False
    version = 1
    trust = "Cursor runs the hooks of a project only in a trusted workspace; the Hooks tab lists those that run"
    folder_name = ".cursor"
    hook_files: ClassVar = {SettingsScope.USER: "hooks.json", SettingsScope.PROJECT: ".cursor/hooks.json"}
    record_names = ("projects/*/agent-transcripts",)
    """Where `transcript_path` of its events leads."""
    stages: ClassVar[tuple[HookStage, ...]] = (
        HookStage(event="beforeSubmitPrompt", effect=Effect.REFUSE, fields=("prompt",)),
        HookStage(event="preToolUse", effect=Effect.REFUSE, fields=("tool_name", "tool_input")),
        HookStage(
            event="beforeShellExecution", effect=Effect.REFUSE, fields=("command",), installed=False
        ),
        HookStage(
            event="beforeMCPExecution", effect=Effect.REFUSE, fields=("tool_name", "tool_input"), installed=False
        ),
        HookStage(event="beforeReadFile", effect=Effect.REFUSE, fields=("content",)),
        HookStage(event="beforeTabFileRead", effect=Effect.REFUSE, fields=("content",)),
        HookStage(event="subagentStart", effect=Effect.REFUSE, fields=("task",), installed=False),
        HookStage(event="postToolUse", effect=Effect.MASK, fields=("tool_output",)),
        *(
            HookStage(event=event, effect=Effect.TELL, fields=fields, installed=False)
            for event, fields in (
                ("postToolUseFailure", ("error_message",)), ("afterShellExecution", ("output",)),
                ("afterMCPExecution", ("result_json",)), ("afterAgentResponse", ("text",)),
                ("afterAgentThought", ("text",)), ("afterFileEdit", ("edits",)), ("afterTabFileEdit", ("edits",)),
            )
        ),
        *(
            HookStage(event=event, effect=Effect.NOTHING, installed=False)
            for event in ("sessionStart", "sessionEnd", "subagentStop", "preCompact", "stop", "workspaceOpen")
        ),
    )  # fmt: skip

    def effect(self, stage: HookStage, event: Event) -> Effect:
        """The output of an MCP tool can be replaced, any other only be told of."""
        if stage.event == "postToolUse" and not text_of(event, "tool_name").startswith(_MCP):
            return Effect.TELL
        return stage.effect

    def files(self, stage: HookStage, event: Event) -> Iterable[str]:
        """Attachments, and files that a command names: what it prints cannot be masked afterwards."""
        attached = event.get("attachments")
        for each in attached if isinstance(attached, list) else ():
            path = each.get("file_path", each.get("filePath")) if isinstance(each, dict) else None
            yield path if isinstance(path, str) else ""
        if stage.event == "beforeShellExecution":
            yield from _words(text_of(event, "command"))
        if stage.event == "preToolUse":
            yield from _words(text_of(event, "tool_input", "command"))
            for name in ("file_path", "path", "target_file"):
                if text_of(event, "tool_name") in {"Read", "Grep"}:
                    yield text_of(event, "tool_input", name)

    def directory(self, event: Event) -> str:
        """Of the command, of the event, or the first folder of the workspace."""
        roots = event.get("workspace_roots")
        first = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""
        places = (text_of(event, "tool_input", "working_directory"), text_of(event, "cwd"), first)
        return next((each for each in places if each), "")

    def reply(self, stage: HookStage, verdict: HookVerdict) -> HookReply:
        """A decision with a sentence for the user and one for the agent, where there is a place for it."""
        match verdict.effect:
            case Effect.MASK:
                return HookReply(document={"updated_mcp_tool_output": _as_object(verdict.changed["tool_output"])})
            case Effect.STOP:
                return HookReply(document={"updated_mcp_tool_output": _as_object(verdict.reason)})
            case Effect.TELL if stage.event == "postToolUse":
                return HookReply(document={"additional_context": verdict.reason}, error=verdict.reason)
            case Effect.TELL:
                return HookReply(document={}, error=verdict.reason)
            case _ if stage.event == "beforeSubmitPrompt":
                return HookReply(document={"continue": False, "user_message": verdict.reason})
            case _:
                denied: dict[str, JsonTree] = {"permission": "deny", "user_message": verdict.reason}
                if stage.event not in {"beforeReadFile", "beforeTabFileRead", "subagentStart"}:
                    denied["agent_message"] = verdict.reason
                return HookReply(document=denied)

    def notice(self, text: str) -> HookReply:
        """Only the output channel of its hooks shows what is not a decision; no decision is made."""
        return HookReply(document={}, error=text)

    def registration(self, stage: HookStage, command: str) -> dict[str, JsonTree]:
        """A hook that decides also decides by failing."""
        entry: dict[str, JsonTree] = {"command": command, "timeout": _TIMEOUT}
        return entry | {"failClosed": True} if stage.event in _FAILING_CLOSED else entry


def _words(command: str) -> Iterator[str]:
    """What may be names of files in a shell command."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="<>|&;()")
    lexer.whitespace_split = True
    try:
        words = [*lexer]
    except ValueError:
        words = command.split()
    for word in words:
        yield from dict.fromkeys((word, word.rpartition("=")[2]))


def _as_object(masked: JsonTree) -> JsonTree:
    """A result as an object: that in the JSON text, or one of the form that MCP gives to text."""
    text = masked if isinstance(masked, str) else json.dumps(masked)
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"content": [{"type": "text", "text": text}]}
