"""`report`: people read it, programs read it, and nothing in it can act or leak."""

import stat
from datetime import timedelta

import pytest

NAME = "video/app/prod/upload"


@pytest.fixture
def value(cli):
    """An overdue token beside an orphan whose name is an attack."""
    value = cli.add(NAME, "--label", NAME)
    cli.world.create("<script>alert(1)</script>|`x`\x1b[31m")
    cli.clock.sleep(timedelta(days=91).total_seconds())
    return value


def test_markdown_has_every_part(cli, value):
    answer = cli("report")
    assert answer.code == 0, answer
    for title in ("Owners", "Due within 90 days", "Violations", "Waivers", "Not evaluable", "By provider"):
        assert f"\n## {title}\n" in answer.out
    assert f"| `{NAME}` | video |" in answer.out
    assert "overdue by 1" in answer.out
    assert value not in answer.out


def test_json_has_owners_and_dates(cli, value):
    document = cli("report", "--format", "json").document
    assert document["owners"][0] | {"owner": "video", "tokens": 1} == document["owners"][0]
    assert document["due"][0]["token"] == NAME
    assert document["due"][0]["days_left"] < 0
    assert "maximum-age" in {each["rule"] for each in document["violations"]}
    assert value not in str(document)


def test_the_page_is_self_contained_and_nothing_breaks_out(cli, value, tmp_path):
    target = tmp_path / "report.html"
    answer = cli("report", "--html", "--ask-providers", "--output", str(target))
    assert (answer.code, answer.out) == (0, "")
    page = target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "default-src 'none'" in page
    assert "<title>Token report: default</title>" in page
    assert "<script" not in page
    assert "&lt;script" in page
    assert "\x1b" not in page
    assert "src=" not in page.partition("<body>")[2]
    assert value not in page


def test_an_empty_store_is_reported_too(cli):
    answer = cli("report")
    assert answer.code == 0
    assert "There are no tokens." in answer.out


def test_a_json_file_is_what_would_be_printed(cli, value, tmp_path):
    target = tmp_path / "report.json"
    assert cli("report", "--format", "json", "--output", str(target)).code == 0
    assert target.read_text() == cli("report", "--format", "json").out


def test_a_long_table_is_cut_and_says_so(cli, value, monkeypatch):
    monkeypatch.setattr("tokenguard.report.posture.MAX_ROWS", 1)
    assert "more, which the JSON form has in full." in cli("report").out


@pytest.mark.parametrize(
    "arguments",
    [("--html", "--format", "json"), ("--policy", "nobody"), ("--all-stores",), ("--output", "no/such/place.md")],
)
def test_what_cannot_be_done_is_refused(cli, arguments):
    cli.refused("report", *arguments)


def test_a_link_is_not_written_through(cli, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    cli.refused("report", "--output", str(tmp_path / "link"))
    assert not (tmp_path / "elsewhere").exists()
