"""Any event: an answer in the agent's form, and no known token in what takes the place of a text."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.disguises import COVERED
from tests.unit.test_agent_guard import EVENTS, Machine
from tokenguard.agents.agent_registry import AGENTS, agent

WRITINGS = ["base64", "hex", "percent", "json escapes", "entities", "joined", "base64 of json", "base32"]
TEXTS = st.text(alphabet="ab9_-= \n\"'\\{}[]:,%&;\u202e\x00é", max_size=12)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def trees(leaves):
    return st.recursive(
        leaves | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=12,
    )


def holding(value: str):
    """A tree with the value in it, in some writing, between some text, perhaps in JSON in a text."""
    writings = st.sampled_from([str, *(COVERED[name] for name in WRITINGS)])
    held = st.builds(lambda write, before, after: f"{before} {write(value)} {after}", writings, TEXTS, TEXTS)
    plain = trees(TEXTS | held)
    return st.builds(
        lambda first, tree, kind: [{first: tree}, [tree, first], {"a": json.dumps([first, tree])}, json.dumps({"k": first})][kind],
        held, plain, st.integers(0, 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "event", "field"),
    [("claude-code", "PostToolUse", "tool_response"), ("codex", "PostToolUse", "tool_response"),
     ("copilot", "postToolUse", "toolResult")],
)  # fmt: skip
def test_no_output_shows_a_known_token_after_masking(machine, name, event, field):
    @settings(max_examples=25)
    @given(tree=holding(machine.value))
    def holds(tree):
        found, written, _ = machine.answer(name, EVENTS[name][event]("x") | {field: tree}, event)
        assert not machine.shows(written)
        assert found, "the token was not found"

    holds()


@pytest.mark.parametrize("name", AGENTS)
def test_what_holds_no_token_is_not_changed(machine, name):
    stage = next(stage for stage in agent(name).stages if stage.event in {"PostToolUse", "postToolUse"})

    @settings(max_examples=15)
    @given(tree=trees(TEXTS))
    def holds(tree):
        event = EVENTS[name][stage.event]("x") | {stage.fields[0]: tree}
        assert machine.answer(name, event, stage.event) == ({}, "", 0)

    holds()


@pytest.mark.parametrize("name", AGENTS)
def test_any_bytes_get_an_answer(machine, name):
    @settings(max_examples=25)
    @given(data=st.binary(max_size=60) | trees(TEXTS).map(lambda tree: json.dumps(tree).encode()))
    def holds(data):
        _, written, code = machine.answer(name, data)
        assert code in {0, 2}
        assert written

    holds()


@pytest.mark.parametrize("name", AGENTS)
def test_an_event_with_fields_of_any_kind_gets_an_answer(machine, name):
    """Missing ones too."""
    fields = ["tool_name", "tool_input", "tool_response", "prompt", "cwd", "attachments", "workspace_roots", "tool_output",
              "toolName", "toolArgs", "toolResult", "tool_calls", "content", "cursor_version", "timestamp"]  # fmt: skip
    events = [stage.event for stage in agent(name).stages]

    @settings(max_examples=50)
    @given(event=st.sampled_from(events), more=st.dictionaries(st.sampled_from(fields), trees(TEXTS), max_size=6))
    def holds(event, more):
        _, written, code = machine.answer(name, {"hook_event_name": event, **more}, event)
        assert code in {0, 2}
        assert "this is a bug" not in written

    holds()
