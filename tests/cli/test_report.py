"""`report`: people read it, programs read it, and nothing in it can act or leak."""

import csv
import io
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


def test_markdown_has_every_part(cli, value, words):
    answer = cli("report")
    assert answer.code == 0, answer
    for title in ("Owners", "Due within 90 days", "Violations", "Waivers", "Not evaluable", "By provider"):
        assert f"\n## {title}\n" in answer.out
    assert f"| `{NAME}` | video |" in answer.out
    words(answer)
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


def test_an_empty_store_is_reported_too(cli, words):
    answer = cli("report")
    assert answer.code == 0
    words(answer)


def test_a_json_file_is_what_would_be_printed(cli, value, tmp_path):
    target = tmp_path / "report.json"
    assert cli("report", "--format", "json", "--output", str(target)).code == 0
    assert target.read_text() == cli("report", "--format", "json").out


def test_a_long_table_is_cut_and_says_so(cli, value, monkeypatch, words):
    monkeypatch.setattr("tokenguard.report.report_tables.MAX_ROWS", 1)
    words(cli("report"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--html", "--format", "json"),
        ("--html", "--format", "csv"),
        ("--policy", "nobody"),
        ("--all-stores",),
        ("--output", "no/such/place.md"),
    ],
)
def test_what_cannot_be_done_is_refused(cli, arguments):
    cli.refused("report", *arguments)


def test_a_link_is_not_written_through(cli, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    cli.refused("report", "--output", str(tmp_path / "link"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("form", ["markdown", "text", "html", "json", "csv"])
def test_every_form_is_written_to_the_screen_and_to_a_file_alike(cli, value, form, tmp_path):
    target = tmp_path / "report"
    assert cli("report", "--format", form, "--output", str(target)).code == 0
    answer = cli("report", "--format", form)
    assert answer.code == 0
    assert answer.out == target.read_text()
    assert value not in answer.out


def test_the_form_may_be_said_before_the_command_and_after_it(cli, value):
    assert cli("--format", "json", "report").document == cli("report", "--format", "json").document
    assert cli("--format", "json", "report", "--format", "csv").out == cli("report", "--format", "csv").out != ""


def test_a_sheet_has_a_row_for_each_token_and_each_stranger(cli, value):
    rows = list(csv.DictReader(io.StringIO(cli("report", "--format", "csv", "--ask-providers").out)))
    assert [row["token"] for row in rows] == [NAME, ""]
    assert rows[0] | {"provider": "fake", "owner": "video", "alive": "alive"} == rows[0]
    assert rows[1]["listed as"].startswith("fake:drive:d1/")
    assert int(rows[0]["days left"]) < 0


class TestAsOf:
    def figures(self, cli, day):
        answer = cli("report", "--format", "json", "--as-of", day)
        assert answer.code == 0, answer
        return answer.document

    def test_a_later_day_is_a_forecast(self, cli):
        cli.add(NAME)
        now = self.figures(cli, "2026-11-01")
        later = self.figures(cli, "2027-03-01")
        assert (now["figures"]["overdue"], later["figures"]["overdue"]) == ("0", "1")
        assert now["remarks"] == []
        assert "forecast" in later["remarks"][0]

    def test_an_earlier_day_is_told_from_the_trail(self, cli, value):
        assert cli("edit", NAME, "--owner", "platform").code == 0
        assert cli("rotate", NAME).code == 0
        assert self.figures(cli, "2026-10-31")["tokens"] == 0
        before, now = self.figures(cli, "2026-11-20"), self.figures(cli, "2027-01-31")
        assert before["ages"]["0-30"] == before["tokens"] == 1
        assert (before["rotations"], len(now["rotations"])) == ([], 1)
        assert "1 record edited since" in before["remarks"][1]

    def test_the_list_of_today_is_not_held_against_the_past(self, cli, value):
        answer = cli("report", "--format", "json", "--ask-providers", "--as-of", "2026-11-02")
        reasons = {each["reason"] for each in answer.document["not_evaluable"] if each["rule"] == "orphan"}
        assert reasons == {"the provider's list is today's, not that of the requested day"}
        assert "orphan" not in {each["rule"] for each in answer.document["violations"]}

    @pytest.mark.parametrize(
        "day", ["", "yesterday", "2026-13-01", "2026-11-01T00:00", "01.11.2026", "9" * 99, "9999-12-31", "0001-01-01"]
    )
    def test_what_is_no_day_is_refused(self, cli, day):
        cli.refused("report", "--as-of", day)
