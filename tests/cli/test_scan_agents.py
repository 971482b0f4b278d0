"""`scan --agents`: what coding agents keep on this machine, with session and time."""

import base64
import gzip
import json
import secrets
from pathlib import Path

import pytest

from tests.fakes.known_fingerprints import known_value, pulled
from tokenguard.scanning import transcripts

SESSION = "00893aaf-19fa-41d2-8238-13269b9b3ca0"


@pytest.fixture
def value(cli):
    value = known_value()
    cli.environ = {**cli.environ, **pulled(value)}
    return value


def line(text: str, **more) -> str:
    return json.dumps({"type": "user", "message": {"content": text}, **more}) + "\n"


def keep(place: str, text: str | bytes) -> Path:
    path = Path.home() / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def findings(cli, *more):
    answer = cli("scan", "--agents", *more, "--format", "json")
    return answer, answer.document["findings"]


def test_a_transcript_s_finding_says_agent_session_and_time(cli, value):
    text = line("hello") + line(f"use {value}", sessionId=SESSION, timestamp="2026-11-28T10:20:30.123Z")
    path = keep(f".claude/projects/-home-user/{SESSION}.jsonl", text)
    answer, (found,) = findings(cli)
    assert answer.code == 1
    assert (found["path"], found["line"], found["kind"]) == (str(path), 2, "own")
    assert (found["agent"], found["session"], found["time"]) == ("claude-code", SESSION, "2026-11-28T10:20:30Z")
    assert value not in answer.out + answer.err
    text = cli("scan", "--agents")
    assert SESSION in text.out
    assert "tokenguard respond" in text.out


KEPT = {
    "claude-code": (
        f".claude/projects/p/{SESSION}.jsonl", f".claude/projects/p/{SESSION}/tool-results/a.txt",
        ".claude/history.jsonl", ".claude/file-history/s/a@v1", ".claude/paste-cache/1", ".claude/debug/x.txt",
    ),
    "cursor": (f".cursor/projects/p/agent-transcripts/{SESSION}/{SESSION}.jsonl",),
    "codex": (f".codex/sessions/2026/11/28/rollout-2026-11-28T10-20-30-{SESSION}.jsonl", ".codex/history.jsonl"),
    "copilot": (f".copilot/session-state/{SESSION}/events.jsonl", ".copilot/logs/a.log", ".copilot/session-store.db"),
}  # fmt: skip


def test_every_documented_place_is_read(cli, value):
    for places in KEPT.values():
        for place in places:
            keep(place, f"x {value} y")
    keep(".claude/settings.json", f'{{"env": {{"T": "{value}"}}}}')
    _, found = findings(cli)
    assert {(each["agent"], each["path"]) for each in found} == {
        (name, str(Path.home() / place)) for name, places in KEPT.items() for place in places
    }
    assert all(each["session"] == SESSION for each in found if SESSION in each["path"])
    assert all("time" in each for each in found)


def test_a_compressed_transcript_has_the_time_of_its_file(cli, value):
    keep(f".claude/projects/p/{SESSION}.jsonl.gz", gzip.compress(line(value).encode()))
    _, (found,) = findings(cli)
    assert (found["session"], found["time"][:2]) == (SESSION, "20")


def test_folders_may_be_elsewhere(cli, value, tmp_path):
    cli.environ = {**cli.environ, "CLAUDE_CONFIG_DIR": str(tmp_path / "c"), "CODEX_HOME": str(tmp_path / "x")}
    for name in ("c/history.jsonl", "x/history.jsonl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(value)
    assert len(findings(cli)[1]) == 2


def test_encodings_vendors_and_comments_are_as_in_the_hook(cli, value):
    keep(".claude/history.jsonl", line(base64.b64encode(value.encode()).decode()))
    keep(".codex/history.jsonl", line(f"sk-social-{secrets.token_hex(32)} # pragma: allowlist secret"))
    _, found = findings(cli)
    assert {(each["agent"], each["type"]) for each in found} == {
        ("claude-code", "own token"), ("codex", "Autoposting API Key"),
    }  # fmt: skip


def test_ids_and_digests_of_a_transcript_are_no_findings(cli, value):
    text = line(f'password = "{secrets.token_hex(12)}"', uuid=SESSION, sha=secrets.token_hex(20))
    keep(".claude/projects/p/a.jsonl", text)
    answer, found = findings(cli)
    assert (answer.code, found) == (0, [])


@pytest.mark.parametrize("lines", [True, False])
def test_a_large_transcript_is_read_to_its_end(cli, value, monkeypatch, lines):
    monkeypatch.setattr(transcripts, "_PIECE", 1 << 16)
    monkeypatch.setattr("tokenguard.scanning.file_walk.MAX_BYTES", 1 << 17)
    monkeypatch.setattr(transcripts, "_OVERLAP", 1 << 8)
    filler = line("x" * 100) if lines else "x " * 60
    count = (1 << 18) // len(filler)
    middle = (1 << 16) // len(filler)
    text = filler * middle + (line(value) if lines else value) + filler * (count - middle) + line(f"end {value}")
    keep(".claude/history.jsonl", text)
    _, found = findings(cli)
    expected = {middle + 1, count + 2} if lines else {1}
    assert {each["line"] for each in found} == expected


BAD_TIMES = [True, None, [], {}, "tomorrow", 1e300, -1e300, "9" * 400]


@pytest.mark.parametrize("time", BAD_TIMES)
def test_a_line_that_says_nonsense_gives_the_file_s_time_and_no_part_of_a_value(cli, value, time):
    keep(".claude/projects/p/a.jsonl", line("x", sessionId=value, timestamp=time))
    answer, (found,) = findings(cli)
    assert "session" not in found
    assert found["time"].startswith("20")
    assert value not in answer.out


def test_without_agents_there_is_nothing_to_scan(cli):
    answer, found = findings(cli)
    assert (answer.code, found, answer.document["scanned"]["files"]) == (0, [], 0)


def test_links_are_not_followed_and_said(cli, value, tmp_path):
    (tmp_path / "elsewhere").write_text(value)
    keep(".claude/projects/a.txt", "x")
    (Path.home() / ".claude/projects/link").symlink_to(tmp_path / "elsewhere")
    answer, found = findings(cli)
    assert found == []
    assert [each["reason"] for each in answer.document["scanned"]["skipped"]] == ["symlink"]


@pytest.mark.parametrize("other", [["--staged"], ["."], ["--stdin"], ["--history"]])
def test_it_is_one_target_of_several(cli, other):
    assert cli("scan", "--agents", *other).code == 2
