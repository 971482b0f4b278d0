"""GitHub Copilot CLI and cloud agent: camelCase events without a name of their own, so the command names the event."""

import json
from collections.abc import Iterable
from typing import ClassVar

from tokenguard.agents.contract import BLOCKED, Agent, Effect, Event, Reply, Scope, Stage, Verdict, text_of
from tokenguard.documents import JsonTree

_TIMEOUT = 60
_MASKED = {
    "userPromptTransformed": ("modifiedTransformedPrompt", "transformedPrompt"),
    "postToolUse": ("modifiedResult", "toolResult"),
    "subagentStop": ("modifiedResponse", "response"),
}
"""By event: the field of the answer, and that of the event whose masked text it takes."""


class Copilot(Agent):
    """GitHub Copilot."""

    name = "copilot"
    title = "GitHub Copilot"
    source = "https://docs.github.com/en/copilot/reference/hooks-reference"
    as_of = "2026-11-29"
    masks_reads = True
    version = 1
    trust = "Copilot CLI runs the hooks of a project only in a trusted folder"
    folder_name = ".copilot"
    folder_variable = "COPILOT_HOME"
    hook_files: ClassVar = {Scope.USER: "hooks/tokenguard.json", Scope.PROJECT: ".github/hooks/tokenguard.json"}
    switch_files: ClassVar = {
        Scope.USER: ("settings.json",),
        Scope.PROJECT: (".github/copilot/settings.json", ".github/copilot/settings.local.json"),
    }
    record_names = ("session-state", "command-history-state", "session-store.db", "logs")
    """As GitHub's reference of the CLI's configuration directory lists them."""
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage(event="userPromptTransformed", effect=Effect.MASK, fields=("transformedPrompt",)),
        Stage(event="preToolUse", effect=Effect.REFUSE, fields=("toolName", "toolArgs")),
        Stage(event="permissionRequest", effect=Effect.REFUSE, fields=("toolName", "toolInput"), installed=False),
        Stage(event="postToolUse", effect=Effect.MASK, fields=("toolResult",)),
        Stage(event="postToolUseFailure", effect=Effect.TELL, fields=("error",)),
        Stage(event="subagentStop", effect=Effect.MASK, fields=("response",)),
        *(
            Stage(event=event, effect=Effect.NOTHING, installed=False)
            for event in (
                "userPromptSubmitted", "sessionStart", "sessionEnd", "subagentStart", "agentStop", "preCompact",
                "errorOccurred", "notification",
            )
        ),
    )  # fmt: skip

    def files(self, stage: Stage, event: Event) -> Iterable[str]:
        """The file of a `view`."""
        if stage.event == "preToolUse" and text_of(event, "toolName") == "view":
            yield text_of(_arguments(event), "path")

    def reply(self, stage: Stage, verdict: Verdict) -> Reply:
        """One JSON object; the line before it is shown in the timeline."""
        match verdict.effect:
            case Effect.MASK:
                answer, field = _MASKED[stage.event]
                return Reply(document={answer: verdict.changed[field]}, progress=_line(verdict.reason))
            case Effect.STOP:
                answer, _ = _MASKED[stage.event]
                return Reply(document={answer: _withheld(stage, verdict.reason)}, progress=_line(verdict.reason))
            case Effect.TELL:
                return Reply(progress=_line(verdict.reason), error=verdict.reason)
            case _ if stage.event == "preToolUse":
                decision: dict[str, JsonTree] = {"permissionDecision": "deny"}
                return Reply(document=decision | {"permissionDecisionReason": verdict.reason})
            case _ if stage.event == "permissionRequest":
                return Reply(document={"behavior": "deny", "message": verdict.reason})
            case _:
                return Reply(error=verdict.reason, code=BLOCKED)

    def notice(self, text: str) -> Reply:
        """A line in the timeline."""
        return Reply(progress=_line(text))

    def registration(self, stage: Stage, command: str) -> dict[str, JsonTree]:
        """A command for both systems; the event is its last word."""
        return {"type": "command", "command": f"{command} {stage.event}", "timeoutSec": _TIMEOUT}


def _withheld(stage: Stage, reason: str) -> JsonTree:
    return {"resultType": "success", "textResultForLlm": reason} if stage.event == "postToolUse" else reason


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
