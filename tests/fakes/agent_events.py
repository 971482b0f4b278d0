"""Events of coding agents as their documentation shows them, with a text put where a user, a model or a tool puts one.

Sources and dates are those of the contracts in `tokenguard/agents/`. Values are made by the tests.
"""

import json
from collections.abc import Callable

EventOf = Callable[[str], dict]


def _claude(event: str, **fields) -> dict:
    return {
        "session_id": "abc123", "prompt_id": "550e8400-e29b-41d4-a716-446655440000", "cwd": "/home/user/project",
        "transcript_path": "/home/user/.claude/projects/-home-user-project/00893aaf.jsonl",
        "permission_mode": "default", "hook_event_name": event, **fields,
    }  # fmt: skip


def _bash(text: str) -> dict:
    return {"command": text, "description": "Run it", "timeout": 120000, "run_in_background": False}


CLAUDE_CODE: dict[str, EventOf] = {
    "UserPromptSubmit": lambda text: _claude("UserPromptSubmit", prompt=text),
    "UserPromptExpansion": lambda text: _claude(
        "UserPromptExpansion", expansion_type="slash_command", command_name="example-skill", command_args=text,
        command_source="plugin", prompt="/example-skill arg1 arg2",
    ),
    "PreToolUse": lambda text: _claude("PreToolUse", tool_name="Bash", tool_input=_bash(text), tool_use_id="toolu_01"),
    "PermissionRequest": lambda text: _claude("PermissionRequest", tool_name="Bash", tool_input=_bash(text)),
    "PostToolUse": lambda text: _claude(
        "PostToolUse", tool_name="Bash", tool_input=_bash("npm test"), tool_use_id="toolu_01", duration_ms=12,
        tool_response={"stdout": text, "stderr": "", "interrupted": False, "isImage": False},
    ),
    "PostToolUseFailure": lambda text: _claude(
        "PostToolUseFailure", tool_name="Bash", tool_input=_bash("npm test"), tool_use_id="toolu_01",
        error=f"Exit code 1\n{text}", is_interrupt=False, duration_ms=4187,
    ),
    "PostToolBatch": lambda text: _claude("PostToolBatch", tool_calls=[
        {"tool_name": "Read", "tool_input": {"file_path": "/a.py"}, "tool_use_id": "toolu_01", "tool_response": "1\tx"},
        {"tool_name": "Read", "tool_input": {"file_path": "/b.py"}, "tool_use_id": "toolu_02", "tool_response": text},
    ]),
    "TaskCreated": lambda text: _claude(
        "TaskCreated", task_id="task-001", task_subject="Log in", task_description=text, teammate_name="implementer"
    ),
    "PreCompact": lambda text: _claude("PreCompact", trigger="manual", custom_instructions=text),
    "Elicitation": lambda text: _claude(
        "Elicitation", mcp_server_name="my-mcp-server", message=text, mode="form",
        requested_schema={"type": "object", "properties": {"username": {"type": "string", "title": "Username"}}},
    ),
    "ElicitationResult": lambda text: _claude(
        "ElicitationResult", mcp_server_name="my-mcp-server", action="accept", content={"username": text}, mode="form"
    ),
    "MessageDisplay": lambda text: _claude("MessageDisplay", turn_id="0c9e", message_id="5b2a", index=0, final=False, delta=text),
}  # fmt: skip


def _cursor(event: str, **fields) -> dict:
    return {
        "conversation_id": "5b0d6c1e", "generation_id": "f2a9c0d4", "model": "composer-2.5", "hook_event_name": event,
        "cursor_version": "3.19.0", "workspace_roots": ["/home/user/project"], "user_email": None,
        "transcript_path": None, **fields,
    }  # fmt: skip


CURSOR: dict[str, EventOf] = {
    "beforeSubmitPrompt": lambda text: _cursor("beforeSubmitPrompt", prompt=text, attachments=[]),
    "preToolUse": lambda text: _cursor(
        "preToolUse", tool_name="Shell", tool_input={"command": text, "working_directory": "/project"},
        tool_use_id="abc123", cwd="/project", agent_message="Installing dependencies...",
    ),
    "beforeShellExecution": lambda text: _cursor("beforeShellExecution", command=text, cwd="/project", sandbox=False),
    "beforeMCPExecution": lambda text: _cursor(
        "beforeMCPExecution", tool_name="query", tool_input=json.dumps({"q": text}), mcp_server_name="linear",
        command="npx server",
    ),
    "beforeReadFile": lambda text: _cursor("beforeReadFile", file_path="/project/a.py", content=text, attachments=[]),
    "beforeTabFileRead": lambda text: _cursor("beforeTabFileRead", file_path="/project/a.py", content=text),
    "subagentStart": lambda text: _cursor("subagentStart", subagent_id="abc-123", subagent_type="shell", task=text),
    "postToolUse": lambda text: _cursor(
        "postToolUse", tool_name="MCP:query", tool_input="{}", tool_output=json.dumps({"rows": [text]}), duration=5432,
        tool_use_id="abc123", cwd="/project",
    ),
    "postToolUse of its own tools": lambda text: _cursor(
        "postToolUse", tool_name="Shell", tool_input={"command": "npm test"}, tool_use_id="abc123", cwd="/project",
        tool_output=json.dumps({"output": text, "exitCode": 0}), duration=5432,
    ),
    "postToolUseFailure": lambda text: _cursor(
        "postToolUseFailure", tool_name="Shell", tool_input={}, error_message=text, failure_type="error"
    ),
    "afterShellExecution": lambda text: _cursor("afterShellExecution", command="npm test", output=text, duration=1),
    "afterMCPExecution": lambda text: _cursor(
        "afterMCPExecution", tool_name="query", tool_input="{}", result_json=json.dumps([text]), duration=1
    ),
    "afterAgentResponse": lambda text: _cursor("afterAgentResponse", text=text),
    "afterAgentThought": lambda text: _cursor("afterAgentThought", text=text, duration_ms=5000),
    "afterFileEdit": lambda text: _cursor(
        "afterFileEdit", file_path="/project/a.py", edits=[{"old_string": "x", "new_string": text}]
    ),
    "afterTabFileEdit": lambda text: _cursor(
        "afterTabFileEdit", file_path="/project/a.py", edits=[{"old_string": "x", "new_string": text}]
    ),
}  # fmt: skip


def _codex(event: str, **fields) -> dict:
    return {
        "session_id": "0190", "transcript_path": None, "cwd": "/project", "hook_event_name": event, "model": "gpt-5",
        "permission_mode": "default", "turn_id": "1", **fields,
    }  # fmt: skip


CODEX: dict[str, EventOf] = {
    "UserPromptSubmit": lambda text: _codex("UserPromptSubmit", prompt=text),
    "PreToolUse": lambda text: _codex("PreToolUse", tool_name="Bash", tool_use_id="c1", tool_input={"command": text}),
    "PermissionRequest": lambda text: _codex(
        "PermissionRequest", tool_name="apply_patch", tool_input={"command": text, "description": None}
    ),
    "PostToolUse": lambda text: _codex(
        "PostToolUse", tool_name="Bash", tool_use_id="c1", tool_input={"command": "make"}, tool_response=text
    ),
}  # fmt: skip


def _copilot(**fields) -> dict:
    return {"sessionId": "0190", "timestamp": 1795953600000, "cwd": "/project", **fields}


COPILOT: dict[str, EventOf] = {
    "userPromptTransformed": lambda text: _copilot(prompt="do it", transformedPrompt=text),
    "preToolUse": lambda text: _copilot(toolName="bash", toolArgs={"command": text}),
    "permissionRequest": lambda text: _copilot(toolName="bash", toolInput={"command": text}),
    "postToolUse": lambda text: _copilot(
        toolName="bash", toolArgs={"command": "make"}, toolResult={"resultType": "success", "textResultForLlm": text}
    ),
    "postToolUseFailure": lambda text: _copilot(toolName="bash", toolArgs={"command": "make"}, error=text),
    "subagentStop": lambda text: _copilot(
        transcriptPath="/home/user/.copilot/x", agentId="1", agentType="task", agentName="task", response=text,
        stopReason="end_turn",
    ),
}  # fmt: skip


def _as_in_vs_code(event: str, **fields) -> dict:
    """As Copilot sends events to hooks of Claude Code's files in a repository."""
    return {
        "hook_event_name": event, "session_id": "0190", "timestamp": "2026-11-29T12:00:00.000Z", "cwd": "/project", **fields,
    }  # fmt: skip


COPILOT |= {
    "PreToolUse": lambda text: _as_in_vs_code("PreToolUse", tool_name="Bash", tool_input={"command": text}),
    "PermissionRequest": lambda text: _as_in_vs_code("PermissionRequest", tool_name="Bash", tool_input={"command": text}),
    "PostToolUse": lambda text: _as_in_vs_code(
        "PostToolUse", tool_name="Bash", tool_input={"command": "make"},
        tool_result={"result_type": "success", "text_result_for_llm": text},
    ),
    "PostToolUseFailure": lambda text: _as_in_vs_code("PostToolUseFailure", tool_name="Bash", tool_input={}, error=text),
    "SubagentStop": lambda text: _as_in_vs_code("SubagentStop", agent_name="task", last_assistant_message=text),
}  # fmt: skip

EVENTS: dict[str, dict[str, EventOf]] = {
    "claude-code": CLAUDE_CODE, "cursor": CURSOR, "codex": CODEX, "copilot": COPILOT,
}  # fmt: skip
