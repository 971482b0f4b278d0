"""`runbook NAME` through the one error boundary, on a store in memory."""

import json
import stat

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tokenguard.cli.error_handler import run
from tokenguard.domain.document import Document
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Record, RecordState
from tokenguard.shell.wiring import Wiring

NAME = "video/publisher/prod/upload"


@pytest.fixture
def wiring(tmp_path):
    made = Wiring(environ={"XDG_CONFIG_HOME": str(tmp_path), "NO_COLOR": "1"})
    clock = FakeClock()
    store = MemoryStore(clock)
    record = Record(
        name=token_name(NAME), provider="manual", state=RecordState.ACTIVE, scope=Scope("drive", "d1"), owner="video",
        added_at=clock.now(), created_at=clock.now(), environment="prod", purpose="<b>upload</b>",
    )  # fmt: skip
    store.commit(new_token_id(), 0, Document(record=record), [])
    made.clock, made.store, made.store_url = clock, store, "local:///srv/store"
    return made


def test_markdown_goes_to_standard_output(wiring, capsys):
    assert run(["runbook", NAME], wiring) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"# Runbook: `{NAME}`\n")
    assert "tokenguard --store local:///srv/store rotate" in shown.out
    assert "| Due | 2027-01-30 |" in shown.out
    assert not shown.err


def test_a_page_is_written_privately_and_replaces_the_last_one(wiring, capsys, tmp_path):
    path = tmp_path / "runbook.html"
    for _ in range(2):
        assert run(["runbook", NAME, "--html", "--output", str(path)], wiring) == 0
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    assert "&lt;b&gt;upload&lt;/b&gt;" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not capsys.readouterr().out


@pytest.mark.parametrize(("options", "kind"), [([], "markdown"), (["--html"], "html")])
def test_json_is_one_document(wiring, capsys, options, kind):
    assert run(["--format", "json", "runbook", NAME, *options], wiring) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["token"], found["type"]) == (NAME, kind)
    assert NAME in found["runbook"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["runbook"],
        ["runbook", "no/such/token"],
        ["runbook", "Not A Name"],
        ["runbook", NAME, "--pdf"],
        ["runbook", NAME, "--output", "/nowhere/runbook.md"],
        ["runbook", NAME, "--output", "/"],
        ["runbook", NAME, "--output", "/dev/null"],
    ],
)
def test_bad_usage_is_one_error_and_one_hint(wiring, capsys, arguments):
    assert run(arguments, wiring) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert [line.split(":")[0] for line in shown.err.splitlines()] == ["error", "hint"]


@pytest.mark.parametrize(
    ("provider", "fact"),
    [
        ("manual", "the exit code stays 5"),
        ("descript", "## Where to click"),
        ("autoposting", "revokes the old token at the provider by its id"),
    ],
)
def test_every_provider_has_a_runbook(wiring, capsys, provider, fact):
    name = token_name(f"video/{provider}")
    record = Record(name=name, provider=provider, scope=Scope("drive", "d1"), owner="video")
    wiring.store.commit(new_token_id(), 0, Document(record=record), [])
    assert run(["runbook", name], wiring) == 0
    shown = capsys.readouterr().out
    assert fact in shown
    assert "{" not in shown
