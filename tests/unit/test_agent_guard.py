"""The hook of coding agents: no known token passes at a stage at which the agent lets a hook act, in any encoding."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes.agent_events import EVENTS
from tests.fakes.disguises import COVERED, pdf, zipped
from tests.fakes.known_fingerprints import known_value, pulled
from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import Effect
from tokenguard.detection.match import TextMatch
from tokenguard.scanning import token_search
from tokenguard.scanning.bundle import now_utc
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.shell.scan_key import find_scan_key
from tokenguard.usecases.agent_guard import MOST_BYTES, answer_event

ENCODINGS = {
    "as it is": str,
    **{
        name: COVERED[name]
        for name in (
            "base64", "base64 url-safe", "wrapped base64", "gzip in base64", "base64 of json", "base32", "hex",
            "hex dump, xxd", "percent", "json escapes", "entities", "quoted-printable", "joined over lines",
        )
    },
}  # fmt: skip
STAGES = [pytest.param(name, event, id=f"{name} {event}") for name, events in EVENTS.items() for event in events]


class Machine:
    """This machine with fingerprints of one value."""

    def __init__(self) -> None:
        self.value = known_value()
        self.environ: dict[str, str] = dict(pulled(self.value))

    def answer(self, name: str, event: Mapping | bytes, *more: str) -> tuple[dict, str, int]:
        """The JSON of the answer, all that was written, and the exit code."""
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        output, error, code = answer_event([name, *more], lambda: data, lambda: find_scan_key(self.environ))
        documents = [json.loads(line) for line in output.splitlines()]
        found = next((each for each in documents if each.get("type") != "progress"), {})
        return found, output + error, code

    def shows(self, text: str) -> bool:
        """Whether a text holds the value in any way."""
        stage = load_own_tokens(find_scan_key(self.environ), now_utc()).stage
        assert stage is not None
        return any(isinstance(each, TextMatch) for each in stage(text.encode("utf-8", "surrogatepass")))


@pytest.fixture
def machine() -> Machine:
    return Machine()


def blocks(name: str, event: str, found: dict, code: int) -> bool:  # noqa: PLR0911 - one answer a case
    """Whether the answer keeps the action from happening, or the result from the model, by the agent's documentation."""
    specific = found.get("hookSpecificOutput", {})
    match name:
        case "claude-code" if event == "PermissionRequest":
            return specific["decision"]["behavior"] == "deny"
        case "claude-code" if event.startswith("PostTool"):
            return found.get("continue") is False
        case "claude-code":
            return code == 2
        case "cursor":
            return found.get("permission") == "deny" or found.get("continue") is False
        case "codex" if event == "PreToolUse":
            return specific["permissionDecision"] == "deny"
        case "codex" if event == "PermissionRequest":
            return specific["decision"]["behavior"] == "deny"
        case "codex":
            return found.get("decision") == "block"
        case _:
            return "deny" in {found.get("permissionDecision"), found.get("behavior")}


MASKED = {
    ("claude-code", "PostToolUse"): lambda found: found["hookSpecificOutput"]["updatedToolOutput"],
    ("claude-code", "MessageDisplay"): lambda found: found["hookSpecificOutput"]["displayContent"],
    ("cursor", "postToolUse"): lambda found: found["updated_mcp_tool_output"],
    ("codex", "PostToolUse"): lambda found: found["reason"],
    ("copilot", "userPromptTransformed"): lambda found: found["modifiedTransformedPrompt"],
    ("copilot", "postToolUse"): lambda found: found["modifiedResult"]["textResultForLlm"],
    ("copilot", "subagentStop"): lambda found: found["modifiedResponse"],
    ("copilot", "PostToolUse"): lambda found: found["modifiedResult"]["textResultForLlm"],
    ("copilot", "SubagentStop"): lambda found: found["modifiedResponse"],
}
"""What takes the place of a text, by the agents' documentation."""
TOLD = {
    ("cursor", event) for event in (
        "postToolUse of its own tools", "postToolUseFailure", "afterShellExecution", "afterMCPExecution",
        "afterAgentResponse", "afterAgentThought", "afterFileEdit", "afterTabFileEdit",
    )
} | {("copilot", "postToolUseFailure"), ("copilot", "PostToolUseFailure")}  # fmt: skip
"""Stages at which the documentation gives a hook no way to withhold anything."""


@pytest.mark.parametrize(
    ("sent_by", "event"), [("cursor", "preToolUse"), ("cursor", "postToolUse"), ("copilot", "PostToolUse"), ("copilot", "PreToolUse")]
)  # fmt: skip
def test_an_event_of_another_agent_is_answered_in_its_own_form(machine: "Machine", sent_by: str, event: str) -> None:
    """Cursor and Copilot run the hooks in Claude Code's files too."""
    sent = EVENTS[sent_by][event](f"x {machine.value}")
    assert machine.answer("claude-code", sent) == machine.answer(sent_by, sent, event)


ROOT = Path(__file__).parents[2]


def named(event: str) -> str:
    return event.partition(" ")[0]


@pytest.mark.parametrize(("name", "event"), STAGES)
def test_a_known_token_is_withheld_at_every_stage_in_every_encoding(machine: Machine, name: str, event: str) -> None:
    passed = []
    for encoding, write in ENCODINGS.items():
        text = f"before\n{write(machine.value)}\nafter"
        found, written, code = machine.answer(name, EVENTS[name][event](text), named(event))
        if machine.shows(written):
            passed.append((encoding, "shown"))
        if (name, event) in TOLD:
            held = "a known token" in written
        elif masked := MASKED.get((name, event)):
            held = "[tokenguard:" in json.dumps(masked(found))
        else:
            held = blocks(name, event, found, code) and "a known token" in written
        if not held:
            passed.append((encoding, "not held"))
    assert passed == []


@pytest.mark.parametrize(("name", "event"), STAGES)
def test_a_vendor_s_token_is_withheld_and_named_by_its_vendor(machine: Machine, name: str, event: str) -> None:
    value = "sk-social-" + secrets.token_hex(32)
    found, written, code = machine.answer(name, EVENTS[name][event](f"use {value} now"), named(event))
    assert value not in written
    assert "Autoposting" in written or "autoposting" in written
    if (name, event) not in TOLD and (name, event) not in MASKED:
        assert blocks(name, event, found, code)
        assert "tokenguard exec" in written


@pytest.mark.parametrize(
    ("name", "event"), [("claude-code", "PreToolUse"), ("copilot", "postToolUse"), ("cursor", "preToolUse")]
)
def test_vendors_formats_may_be_reported_only_and_known_tokens_are_withheld_all_the_same(
    machine: Machine, name: str, event: str
) -> None:
    value = "sk-social-" + secrets.token_hex(32)
    found, written, code = machine.answer(name, EVENTS[name][event](value), event, "--formats", "report")
    assert "Autoposting" in written
    assert code == 0
    assert found in ({}, {"systemMessage": found.get("systemMessage")})
    assert value not in written
    found, written, code = machine.answer(name, EVENTS[name][event](machine.value), event, "--formats", "report")
    assert not machine.shows(written)
    assert blocks(name, event, found, code) or "modifiedResult" in found


@pytest.mark.parametrize(("name", "event"), STAGES)
def test_what_holds_no_token_passes_without_a_decision(machine: Machine, name: str, event: str) -> None:
    text = "def main():\n    print('hello')  # 550e8400-e29b-41d4-a716-446655440000\n"
    assert machine.answer(name, EVENTS[name][event](text), named(event)) == ({}, "", 0)


def test_every_stage_with_text_has_a_recorded_event() -> None:
    for name in AGENTS:
        searched = {stage.event for stage in agent(name).stages if stage.effect is not Effect.NOTHING}
        assert searched == {named(event) for event in EVENTS[name]}, name


def test_masked_output_keeps_its_form_and_everything_else(machine: Machine) -> None:
    event = EVENTS["claude-code"]["PostToolUse"](f"a {machine.value} b")
    event["tool_response"]["more"] = [{"n": 1.5, machine.value: None}, True]
    found, _, _ = machine.answer("claude-code", event)
    mask = "[tokenguard:00000000]"
    assert found["hookSpecificOutput"]["updatedToolOutput"] == {
        "stdout": f"a {mask} b", "stderr": "", "interrupted": False, "isImage": False,
        "more": [{"n": 1.5, mask: None}, True],
    }  # fmt: skip


def test_a_token_of_which_json_in_a_text_holds_two_writings_is_masked_in_both(machine: Machine) -> None:
    """Masking one of them writes the JSON anew, and the other one must not stay in it."""
    text = json.dumps({"a": machine.value, "b": [ord(each) for each in machine.value]})
    for name, event in (("codex", "PostToolUse"), ("copilot", "postToolUse"), ("cursor", "postToolUse")):
        found, written, _ = machine.answer(name, EVENTS[name][event](text), event)
        assert not machine.shows(written), name
        assert found


@pytest.mark.parametrize("name", AGENTS)
def test_a_buffer_of_bytes_is_searched(machine: Machine, name: str) -> None:
    """As programs in JavaScript write one; no mask can stand in a list of numbers, so all of it is withheld.

    In a text, as Cursor sends it, one can.
    """
    events = {"claude-code": "PostToolUse", "cursor": "postToolUse", "codex": "PostToolUse", "copilot": "postToolUse"}
    event = EVENTS[name][events[name]]("x")
    field = agent(name).stage(events[name]).fields[0]
    buffer = {"type": "Buffer", "data": [*machine.value.encode()]}
    event[field] = json.dumps(buffer) if name == "cursor" else buffer
    found, written, _ = machine.answer(name, event, events[name])
    assert "a known token" in written or "[tokenguard:00000000]" in written
    assert str(buffer["data"])[1:-1] not in written
    assert found


@pytest.mark.parametrize(
    ("name", "tool", "stage"),
    [("claude-code", "Write", "PreToolUse"), ("codex", "apply_patch", "PreToolUse"), ("cursor", "Write", "preToolUse"),
     ("copilot", "edit", "preToolUse")],
)  # fmt: skip
def test_a_mask_is_not_written_in_place_of_a_token(machine: Machine, name: str, tool: str, stage: str) -> None:
    event = EVENTS[name][stage]("A=1\nTOKEN=[tokenguard:0a1b2c3d]\n")
    found, _, code = machine.answer(name, event, stage)
    assert (found, code) == ({}, 0), "a command may name one"
    event = {**event, ("toolName" if name == "copilot" else "tool_name"): tool}
    found, _, code = machine.answer(name, event, stage)
    assert blocks(name, stage, found, code)


def test_more_files_than_can_be_searched_are_refused(machine: Machine, tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(101)]
    for name in names:
        (tmp_path / name).touch()
    event = EVENTS["cursor"]["beforeShellExecution"](f"cat {' '.join(names[:100])}") | {"cwd": str(tmp_path)}
    assert machine.answer("cursor", event) == ({}, "", 0)
    event = EVENTS["cursor"]["beforeShellExecution"](f"cat {' '.join(names)}") | {"cwd": str(tmp_path)}
    assert machine.answer("cursor", event)[0]["permission"] == "deny"


@pytest.mark.parametrize("cut", [5, 22, 40])
def test_a_token_that_is_split_over_two_fields_is_found(machine: Machine, cut: int) -> None:
    first, second = machine.value[:cut], machine.value[cut:]
    event = EVENTS["claude-code"]["PreToolUse"]("")
    event["tool_input"] = {"command": f"x{first}", "description": f"{second} y"}
    _, written, code = machine.answer("claude-code", event)
    assert (code, "a known token" in written) == (2, True)
    event = EVENTS["claude-code"]["PostToolUse"]("")
    event["tool_response"] = {"stdout": f"x {first}", "stderr": f"{second} y", "interrupted": False, "isImage": False}
    found, written, _ = machine.answer("claude-code", event)
    changed = found["hookSpecificOutput"]["updatedToolOutput"]
    assert first not in changed["stdout"] or second not in changed["stderr"]
    assert changed["interrupted"] is False


def blocks_of(value: str, form: str, cut: int) -> list[dict]:
    """The content of an answer of an MCP server, in which no block holds the whole value."""
    first, second = value[:cut], value[cut:]
    block = lambda text: {"type": "text", "text": text}  # noqa: E731
    match form:
        case "two blocks":
            return [block(f"says {first}"), block(f"{second} done")]
        case "the type last":
            return [{"text": f"says {first}", "type": "text"}, {"text": f"{second} done", "type": "text"}]
        case "an image between":
            return [block(f"says {first}"), {"type": "image", "data": "AAAA", "mimeType": "image/png"}, block(second)]
        case "a resource":
            return [block(first), {"type": "resource", "resource": {"uri": "file:///x", "text": second}}]
        case _:
            return [block(value[:cut]), block(value[cut : cut + 3]), block(value[cut + 3 :])]


BLOCKS = ["two blocks", "the type last", "an image between", "a resource", "three blocks"]


@pytest.mark.parametrize("form", BLOCKS)
@pytest.mark.parametrize("name", ["claude-code", "cursor", "codex"])
def test_a_token_that_is_cut_over_blocks_of_an_answer_is_withheld(machine: Machine, name: str, form: str) -> None:
    stage = "postToolUse" if name == "cursor" else "PostToolUse"
    field = agent(name).stage(stage).fields[0]
    for cut in (5, 20, len(machine.value) - 5):
        content = {"content": blocks_of(machine.value, form, cut), "isError": False}
        event = EVENTS[name][stage]("") | {field: json.dumps(content) if name == "cursor" else content}
        found, written, _ = machine.answer(name, event, stage)
        assert "a known token" in written
        masked = json.dumps(MASKED[name, stage](found))
        kept = [part in masked for part in (machine.value[:cut], machine.value[cut:], machine.value[cut + 3 :])]
        assert kept.count(True) < 2, (cut, masked)
        assert json.loads(masked) != content


@pytest.mark.parametrize("form", BLOCKS)
def test_a_token_that_is_cut_over_blocks_of_an_input_is_refused(machine: Machine, form: str) -> None:
    event = EVENTS["claude-code"]["PreToolUse"]("") | {"tool_input": {"blocks": blocks_of(machine.value, form, 20)}}
    _, written, code = machine.answer("claude-code", event)
    assert (code, "a known token" in written) == (2, True)


def test_three_small_fields_hold_one_token(machine: Machine) -> None:
    value = machine.value
    event = EVENTS["copilot"]["preToolUse"]("")
    event["toolArgs"] = [value[:15], value[15:30], value[30:]]
    found, _, _ = machine.answer("copilot", event, "preToolUse")
    assert found["permissionDecision"] == "deny"


def test_where_masks_cannot_hide_a_token_the_text_is_withheld_as_a_whole(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(token_search, "_ROUNDS", 0)
    found, written, _ = machine.answer("codex", EVENTS["codex"]["PostToolUse"](f"a {machine.value}"))
    assert found["reason"].startswith("[tokenguard: withheld: a known token")
    assert not machine.shows(written)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"\x00\xff{",
    "another kind of JSON": b'["prompt"]',
    "cut": b'{"hook_event_name": "PreToolUse", "tool_input": {"command": "x',
    "bad UTF-8": b'{"hook_event_name": "PreToolUse", "tool_input": "\xff\xfe"}',
    "very deep": b'{"hook_event_name": "PreToolUse", "tool_input": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a name twice": b'{"hook_event_name": "PreToolUse", "tool_input": {"command": "x", "command": "y"}}',
    "a field twice": b'{"prompt": "x", "hook_event_name": "UserPromptSubmit", "prompt": "y"}',
    "very large": b'{"hook_event_name": "PreToolUse", "tool_input": "' + b"a" * MOST_BYTES + b'"}',
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("name", AGENTS)
def test_an_event_that_cannot_be_read_blocks(machine: Machine, name: str, case: str) -> None:
    found, written, code = machine.answer(name, HOSTILE[case])
    assert code == 2
    assert "Nothing was let through" in written
    if name == "claude-code":  # its stages after a tool do not heed the code
        assert found["continue"] is False


def test_an_event_deeper_than_can_be_masked_is_withheld(machine: Machine) -> None:
    nested: object = machine.value
    for _ in range(900):
        nested = [nested]
    event = EVENTS["claude-code"]["PostToolUse"]("") | {"tool_response": nested}
    found, written, code = machine.answer("claude-code", event)
    assert not machine.shows(written) or "updatedToolOutput" in json.dumps(found)
    assert found.get("continue") is False or "[tokenguard:" in json.dumps(found), (written, code)


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\u202e", "\x1b[31m"])
def test_odd_characters_hide_nothing(machine: Machine, odd: str) -> None:
    event = EVENTS["claude-code"]["PostToolUse"](f"{odd}{machine.value}{odd}")
    found, _, code = machine.answer("claude-code", event)
    assert found["hookSpecificOutput"]["updatedToolOutput"]["stdout"] == f"{odd}[tokenguard:00000000]{odd}"
    assert code == 0
    value = "sk-social-" + secrets.token_hex(32)
    event = EVENTS["claude-code"]["PostToolUse"](f"{odd} {value} {odd}")
    found, _, _ = machine.answer("claude-code", event)
    assert found["hookSpecificOutput"]["updatedToolOutput"]["stdout"] == f"{odd} [tokenguard:autoposting-api-key] {odd}"


@pytest.mark.parametrize("empty", [False, True], ids=["missing", "null"])
@pytest.mark.parametrize(("name", "event"), STAGES)
def test_a_text_that_is_not_where_it_was_documented_is_searched(
    machine: Machine, name: str, event: str, empty: bool
) -> None:
    """A newer version may have another name for the field: nothing is said without a token, and nothing passes with one."""
    stage = agent(name).stage(named(event))
    assert stage is not None
    fields = {path.partition(".")[0] for path in stage.fields}
    sent = {key: value for key, value in EVENTS[name][event]("x").items() if key not in fields}
    sent |= dict.fromkeys(fields) if empty else {}
    assert machine.answer(name, sent, stage.event) == ({}, "", 0)
    found, written, code = machine.answer(name, sent | {"renamed": [{"text": f"x {machine.value}"}]}, stage.event)
    assert "a known token" in written
    assert not machine.shows(written)
    assert (name, event) in TOLD or (name, event) in MASKED or blocks(name, event, found, code)


@pytest.mark.parametrize("name", AGENTS)
def test_an_unknown_event_is_searched_and_said(machine: Machine, name: str) -> None:
    _, written, code = machine.answer(name, {"hook_event_name": "Brand\nNew", "text": "hello"}, "BrandNew")
    assert "BrandNew" in written
    assert agent(name).as_of in written
    assert code == 0
    _, written, code = machine.answer(name, {"new": [{"field": machine.value}]}, "BrandNew")
    assert code == 2
    assert not machine.shows(written)


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["claude-code", "a", "b"], ["claude-code", "--wrong"], ["codex", "--reads", "x"]]
)
def test_unknown_words_block_too(words: list[str]) -> None:
    _, error, code = answer_event(words, lambda: b"{}", lambda: None)
    assert code == 2
    assert error.startswith("tokenguard: ")


def test_ctrl_c_blocks() -> None:
    def interrupted() -> bytes:
        raise KeyboardInterrupt

    assert answer_event(["codex"], interrupted, lambda: None)[2] == 2


# ---- files


def reading(name: str, path: Path) -> tuple[dict, str]:
    """An event with which a file is about to be read, and its name."""
    if name == "claude-code":
        event = EVENTS[name]["PreToolUse"]("") | {"tool_name": "Read", "tool_input": {"file_path": str(path)}}
        return event, "PreToolUse"
    if name == "cursor":
        event = EVENTS[name]["preToolUse"](f"cat {path.name} | head") | {"cwd": str(path.parent)}
        event["tool_input"]["working_directory"] = str(path.parent)
        return event, "preToolUse"
    return EVENTS[name]["preToolUse"]("") | {
        "toolName": "view",
        "toolArgs": json.dumps({"path": str(path)}),
    }, "preToolUse"


@pytest.mark.parametrize("write", [str, lambda value: base64.b64encode(value.encode()).decode()])
@pytest.mark.parametrize("name", ["claude-code", "cursor", "copilot"])
def test_a_read_of_a_file_with_a_known_token_is_refused(machine: Machine, tmp_path: Path, name: str, write) -> None:
    path = tmp_path / ".env"
    path.write_text(f"A=1\nTOKEN={write(machine.value)}\n")
    event, stage = reading(name, path)
    found, written, code = machine.answer(name, event, stage)
    assert blocks(name, stage, found, code)
    assert ".env" in written
    assert not machine.shows(written)
    path.write_text("A=1\n")
    assert machine.answer(name, event, stage) == ({}, "", 0)


@pytest.mark.parametrize(
    "write", [pdf, lambda value: zipped("word/document.xml", f"<w:t>{value}</w:t>")], ids=["PDF", "zip"]
)
def test_a_read_of_a_document_with_a_known_token_is_refused(machine: Machine, tmp_path: Path, write) -> None:
    path = tmp_path / "notes"
    path.write_bytes(write(machine.value))
    event, stage = reading("claude-code", path)
    found, _, code = machine.answer("claude-code", event, stage)
    assert blocks("claude-code", stage, found, code)
    path.write_bytes(write("nothing of that kind"))
    assert machine.answer("claude-code", event, stage) == ({}, "", 0)


@pytest.mark.parametrize(("name", "let"), [("claude-code", True), ("copilot", True), ("cursor", False)])
def test_with_masked_reads_a_file_is_let_through_only_where_its_text_is_masked(
    machine: Machine, tmp_path: Path, name: str, let: bool
) -> None:
    path = tmp_path / ".env"
    path.write_text(machine.value)
    event, stage = reading(name, path)
    found, _, code = machine.answer(name, event, stage, "--reads", "mask")
    assert blocks(name, stage, found, code) is not let if found or code else let


@pytest.mark.parametrize("mention", ["look at @.env", 'look at @".env", please', "@.env#L1-2", "(@.env)", "@.env."])
def test_a_file_that_a_prompt_mentions_is_read_by_no_tool_and_refused(
    machine: Machine, tmp_path: Path, mention: str
) -> None:
    (tmp_path / ".env").write_text(f"sk-social-{secrets.token_hex(32)}")
    event = EVENTS["claude-code"]["UserPromptSubmit"](mention) | {"cwd": str(tmp_path)}
    _, written, code = machine.answer("claude-code", event, "--reads", "mask")
    assert code == 2
    assert "Autoposting" in written


def test_an_attachment_with_a_token_is_refused(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(machine.value)
    event = EVENTS["cursor"]["beforeSubmitPrompt"]("look")
    event["attachments"] = [{"type": "file", "file_path": str(tmp_path / "a.py")}]
    assert machine.answer("cursor", event)[0]["continue"] is False


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-here/x", "/dev/zero", ".", "missing"])
def test_names_that_are_no_files_are_passed_over(machine: Machine, name: str) -> None:
    event = EVENTS["claude-code"]["PreToolUse"]("") | {"tool_name": "Read", "tool_input": {"file_path": name}}
    assert machine.answer("claude-code", event) == ({}, "", 0)


def test_a_pipe_is_not_waited_for(machine: Machine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    event = EVENTS["cursor"]["preToolUse"](f"cat {tmp_path / 'pipe'}")
    assert machine.answer("cursor", event) == ({}, "", 0)


# ---- known tokens cannot be searched for


def test_without_a_scan_key_a_session_begins_with_a_notice(machine: Machine) -> None:
    machine.environ.clear()
    for name in ("claude-code", "codex"):
        found, _, code = machine.answer(name, {"hook_event_name": "SessionStart", "source": "startup"})
        assert (code, "known tokens not searched for" in found["systemMessage"]) == (0, True)
    assert machine.answer("claude-code", EVENTS["claude-code"]["UserPromptSubmit"]("hello")) == ({}, "", 0)


@pytest.mark.parametrize(("name", "event"), [("claude-code", "UserPromptSubmit"), ("cursor", "preToolUse"), ("copilot", "postToolUse")])  # fmt: skip
@pytest.mark.parametrize("state", ["no list", "damaged", "another key", "key hidden by a project"])
def test_where_known_tokens_should_be_found_and_cannot_nothing_passes(
    machine: Machine, name: str, event: str, state: str
) -> None:
    own = find_scan_key(machine.environ).digest[:16]
    (bundle,) = (Path.home() / ".local/state/tokenguard/scan").glob("*.json")
    options = []
    if state == "no list":
        bundle.unlink()
    elif state == "damaged":
        bundle.write_bytes(b"{}")
    else:
        options = ["--own", own]
        machine.environ.clear()
        if state == "another key":
            machine.environ |= pulled(known_value())
    found, written, code = machine.answer(name, EVENTS[name][event]("hello"), event, *options)
    assert "Nothing was let through" in written
    if (name, event) in MASKED:
        assert "hello" not in json.dumps(MASKED[name, event](found))
    else:
        assert blocks(name, event, found, code)


def test_with_the_key_of_the_installation_known_tokens_are_searched_for(machine: Machine) -> None:
    own = find_scan_key(machine.environ).digest[:16]
    event = EVENTS["claude-code"]["UserPromptSubmit"]("hello")
    assert machine.answer("claude-code", event, "--own", own) == ({}, "", 0)


def test_where_formats_cannot_be_searched_for_the_user_is_told_and_known_tokens_are_found(
    machine: Machine, monkeypatch
) -> None:
    def broken(text: str, path: str):
        raise RecursionError

    monkeypatch.setattr(token_search, "scan_extras", broken)
    prompt = EVENTS["claude-code"]["UserPromptSubmit"]
    found, _, code = machine.answer("claude-code", prompt("hello"))
    assert (code, "RecursionError" in found["systemMessage"]) == (0, True)
    assert machine.answer("claude-code", prompt(machine.value))[2] == 2


def test_a_failure_of_our_own_blocks(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(token_search.TokenSearch, "find", lambda *_: 1 / 0)
    _, written, code = machine.answer("claude-code", EVENTS["claude-code"]["PreToolUse"]("hello"))
    assert (code, "ZeroDivisionError" in written) == (2, True)


@pytest.mark.parametrize("comment", ["# pragma: allowlist secret", "// pragma: allowlist nextline secret\n"])
def test_no_comment_silences_anything(machine: Machine, comment: str) -> None:
    text = f"{comment}\nx = 'sk-social-{secrets.token_hex(32)}'  {comment}"
    assert machine.answer("claude-code", EVENTS["claude-code"]["PreToolUse"](text))[2] == 2


def test_a_private_key_is_withheld(machine: Machine) -> None:
    key = "\n".join(secrets.token_hex(32) for _ in range(8))
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{key}\n-----END OPENSSH PRIVATE KEY-----\nafter"
    found, _, _ = machine.answer("codex", EVENTS["codex"]["PostToolUse"](text))
    assert found["reason"] == "[tokenguard:private-key]\nafter"


# ---- the process


INTERRUPTED = """
import os, signal, sys
class Stdin:
    def read(self, size):
        os.kill(os.getpid(), signal.SIGINT)
        return b"{}"
sys.stdin = type("Text", (), {"buffer": Stdin()})
sys.argv[1:] = ["agent", "hook", "codex"]
import tokenguard_entry
tokenguard_entry.command()
"""


def test_a_process_that_is_interrupted_blocks() -> None:
    """Python's own answer to Ctrl-C would be a code with which agents go on."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Nothing was let through" in done.stderr


STARTED = (
    "import sys; sys.argv[1:] = ['agent', 'hook', 'claude-code']; import tokenguard_entry; tokenguard_entry.command()"
)
WITHOUT = {
    "standard input": "<&-",
    "standard output": ">&-",
    "standard error": "2>&-",
    "any stream": "<&- >&- 2>&-",
    "space for an answer": "> /dev/full",
    "space for anything": "> /dev/full 2>&1",
    "a reader": ">&$left",
}


@pytest.mark.parametrize("missing", WITHOUT)
def test_a_process_that_cannot_read_or_answer_blocks(missing: str) -> None:
    """Python's own exit code after an error is one with which agents go on."""
    reading, writing = os.pipe()
    os.close(reading)
    command = f'exec "$0" -c "$1" {WITHOUT[missing].replace("$left", str(writing))}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, STARTED], input=HOSTILE["a name twice"], cwd=ROOT, pass_fds=[writing],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_process_that_cannot_load_its_parts_blocks() -> None:
    broken = f"import sys; sys.modules['tokenguard.usecases.agent_guard'] = None; {STARTED}"
    done = subprocess.run(
        [sys.executable, "-c", broken], input=b"{}", cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert b"Nothing was let through" in done.stderr


SLOW = """
import sys, time
from tokenguard.precommit import agent_hook
from tokenguard.scanning.token_search import TokenSearch
agent_hook._PATIENCE = 0.5
TokenSearch._known = lambda *_: iter(lambda: time.sleep(1), 1)
agent_hook.main(sys.argv[1:])
"""


@pytest.mark.usefixtures("unmeasured")
def test_a_search_that_takes_too_long_is_given_up_and_nothing_passes(machine: Machine) -> None:
    """The agents would go on without an answer."""
    done = subprocess.run(
        [sys.executable, "-c", SLOW, "claude-code"], input=json.dumps(EVENTS["claude-code"]["PostToolUse"]("x")),
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **machine.environ},
    )  # fmt: skip
    assert "took too long" in done.stdout
    assert json.loads(done.stdout)["continue"] is False


def test_very_many_tokens_are_masked_in_one_pass(machine: Machine, monkeypatch) -> None:
    """One by one, a few megabytes of them would take longer than an agent waits."""
    passes = []
    replaced = token_search._replaced
    monkeypatch.setattr(token_search, "_replaced", lambda *given: passes.append(1) or replaced(*given))
    text = "\n".join(f"sk-social-{secrets.token_hex(32)}" for _ in range(500))
    found, _, _ = machine.answer("codex", EVENTS["codex"]["PostToolUse"](text))
    assert found["reason"].count("[tokenguard:autoposting-api-key]") == 500
    assert len(passes) == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "{" + "}" * 100_000])
def test_text_that_begins_like_deep_json_passes(machine: Machine, text: str) -> None:
    assert machine.answer("claude-code", EVENTS["claude-code"]["PostToolUse"](text)) == ({}, "", 0)


WATCHED = """
import json, sys
heard = []
def hear(event, arguments):
    if event.startswith("socket.") or event in {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"}:
        heard.append(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        heard.append(f"writes {arguments[0]}")
sys.addaudithook(hear)
import tokenguard_entry
sys.argv[1:1] = ["agent", "hook"]
try:
    tokenguard_entry.command()
except SystemExit as end:
    print(json.dumps([end.code, heard, sorted(sys.modules)]), file=sys.stderr)
"""
HEAVY = {
    "detect_secrets", "requests", "urllib3", "yaml", "cryptography", "click", "rich", "hvac", "boto3", "botocore",
    "argparse", "asyncio", "http", "ssl", "socket", "email", "dataclasses", "tarfile", "zipfile", "configparser",
    "logging", "multiprocessing", "subprocess", "sqlite3",
}  # fmt: skip


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("claude-code", "PostToolUse"),
        ("cursor", "preToolUse"),
        ("codex", "UserPromptSubmit"),
        ("copilot", "postToolUse"),
    ],
)
def test_the_process_opens_no_socket_starts_nothing_writes_no_file_and_loads_little(
    machine: Machine, name: str, event: str
) -> None:
    text = f"{machine.value}\n" + "x = 1\n" * 3_000
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, name, named(event)], input=json.dumps(EVENTS[name][event](text)),
        capture_output=True, text=True, check=True, env={**os.environ, **machine.environ}, cwd=ROOT,
    )  # fmt: skip
    code, heard, modules = json.loads(done.stderr.splitlines()[-1])
    assert code in {0, 2}
    assert heard == []
    assert {each.partition(".")[0] for each in modules} & HEAVY == set()
    assert not machine.shows(done.stdout + done.stderr)
