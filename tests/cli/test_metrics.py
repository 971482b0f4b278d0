"""`metrics` and `report --format ics`: what other programs read of the inventory, held to their own parsers."""

from datetime import timedelta

import icalendar
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.fakes.memory_store import MemoryStore
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.report.open_metrics import OPENING

VIDEO, DEV, AUDIO = "video/app/prod/upload", "video/app/dev/upload", "audio/site/prod/player"


@pytest.fixture
def three(cli):
    return [cli.add(VIDEO), cli.add(DEV, "--env", "dev"), cli.add(AUDIO, "--owner", "audio")]


def read(text):
    """Every sample by its name and labels, as another program reads it."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for each in families for sample in each.samples
    }


def entries(text):
    return icalendar.Calendar.from_ical(text).walk("VEVENT")


def changed(cli, name, **fields):
    found = cli.store.find(token_name(name))
    record = replace(found.document.record, **fields)
    cli.store.commit(found.id, found.version, replace(found.document, record=record), [])


def test_counts_are_by_place_and_an_ended_state_goes_back_to_zero(cli, three):
    now = cli.clock.now()
    record = cli.store.find(token_name(VIDEO)).document.record
    leak = Exposure(since=now, reach=Spread.PUSHED, by="kim", fingerprint=record.fingerprint)
    changed(cli, VIDEO, leaks=(leak,), due_at=now - timedelta(days=1))
    changed(cli, AUDIO, due_at=now + timedelta(days=3), created_at=None, rotated_at=None)
    samples = read(cli("metrics").out)
    place, other = ("fake", "prod", "video"), ("audio", "fake", "prod")
    assert samples["tokenguard_tokens", "active", *place] == 1
    assert samples["tokenguard_tokens_overdue", *place] == samples["tokenguard_tokens_leaked", *place] == 1
    assert (samples["tokenguard_tokens_due_30_days", *other], samples["tokenguard_tokens_overdue", *other]) == (1, 0)
    assert samples["tokenguard_tokens_revocations_unproven", *place] == 0
    assert samples["tokenguard_token_age_days_count",] == 2
    changed(cli, VIDEO, leaks=())
    assert read(cli("metrics").out)["tokenguard_tokens_leaked", *place] == 0


def test_no_name_and_no_value_is_in_the_metrics(cli, three):
    text = cli("metrics").out
    assert text.endswith("# EOF\n")
    assert not any(part in text for part in (VIDEO, *three))


def test_an_empty_store_has_metrics_too(cli):
    assert read(cli("metrics").out)["tokenguard_token_age_days_count",] == 0


def test_a_file_is_replaced_and_another_one_is_not(cli, three, tmp_path):
    file, other = tmp_path / "tokenguard.prom", tmp_path / "notes.txt"
    other.write_text("mine\n")
    for _ in range(2):
        assert cli("metrics", "--output", str(file)).code == 0
    assert read(file.read_text())
    cli.refused("metrics", "--output", str(other))
    cli.refused("metrics", "--output", str(tmp_path / "none" / "x"))
    cli.refused("metrics", "--format", "json")
    assert other.read_text() == "mine\n"


def test_upkeep_says_when_it_ended_and_how(cli, three, tmp_path):
    file = tmp_path / "tokenguard.prom"
    answer = cli("upkeep", "--metrics", str(file))
    samples = read(file.read_text())
    assert samples["tokenguard_upkeep_exit_code",] == answer.code
    assert samples["tokenguard_upkeep_timestamp_seconds",] == pytest.approx(cli.clock.now().timestamp(), abs=600)
    cli.refused("upkeep", "--metrics", str(tmp_path / "none" / "x"))


def test_the_last_upkeep_is_known_from_the_store(cli, three, tmp_path):
    config = tmp_path / "runner.toml"
    config.write_text("[notify]\n")
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    assert ("tokenguard_upkeep_exit_code",) not in read(cli("metrics").out)
    answer, ended = cli("upkeep"), cli.clock.now().timestamp()
    cli.clock.sleep(86_400)
    samples = read(cli("metrics").out)
    assert samples.get(("tokenguard_upkeep_exit_code",)) == answer.code
    assert samples["tokenguard_upkeep_timestamp_seconds",] == pytest.approx(ended, abs=600)


def test_a_calendar_has_each_due_date_once(cli, three, tmp_path):
    now = cli.clock.now()
    changed(cli, VIDEO, due_at=now + timedelta(days=3))
    changed(cli, DEV, due_at=now - timedelta(days=3), owner="ä" * 60)
    answer = cli("report", "--format", "ics")
    assert answer.code == 0
    assert all(len(line.encode()) <= 75 for line in answer.out.split("\r\n"))
    events = {str(each["SUMMARY"]): each for each in entries(answer.out)}
    assert events[f"rotate {VIDEO}"].decoded("DTSTART") == (now + timedelta(days=3)).date()
    assert f"tokenguard rotate {DEV}" in str(events[f"rotate {DEV}"]["DESCRIPTION"])
    assert "ä" * 60 in str(events[f"rotate {DEV}"]["DESCRIPTION"])
    assert not any(value in answer.out for value in three)
    cli.refused("report", "--html", "--format", "ics")


def test_calendars_of_two_stores_can_be_subscribed_together(cli, three):
    def exported():
        return {str(each["UID"]): each.decoded("DTSTART") for each in entries(cli("report", "--format", "ics").out)}

    changed(cli, VIDEO, due_at=cli.clock.now() + timedelta(days=3))
    one, again = exported(), exported()
    changed(cli, VIDEO, due_at=cli.clock.now() + timedelta(days=9))
    moved = exported()
    cli.store = MemoryStore(cli.clock)
    for name in (VIDEO, AUDIO):
        cli.add(name)
    changed(cli, VIDEO, due_at=cli.clock.now() + timedelta(days=3))
    other = exported()
    assert len(one) > 1, "an export has an entry for each token"
    assert one == again
    assert one.keys() == moved.keys(), "a due date that moves is a change of the same entry"
    assert one != moved
    assert other
    assert one.keys().isdisjoint(other)


@pytest.mark.parametrize("text", ["a;b,c\\d", "tab\there", "line\nbreak", "\N{GRINNING FACE}" * 40])
def test_text_cannot_break_out_of_its_line(cli, three, text):
    changed(cli, VIDEO, due_at=cli.clock.now() + timedelta(days=1), owner=text)
    (event,) = [each for each in entries(cli("report", "--format", "ics").out) if str(each["SUMMARY"]).endswith(VIDEO)]
    assert "".join(each for each in text if each.isprintable()) in str(event["DESCRIPTION"])
    assert read(cli("metrics").out)


@pytest.mark.parametrize("command", ["upkeep", "metrics"])
def test_a_file_of_something_else_is_refused_before_the_work(cli, three, tmp_path, command):
    file = tmp_path / "notes.md"
    file.write_text("my notes\n")
    before = cli.everything()
    answer = cli(command, "--metrics" if command == "upkeep" else "--output", str(file))
    assert (answer.code, file.read_text(), cli.everything()) == (2, "my notes\n", before)
    assert "--force" not in answer.hint


def test_the_file_begins_as_an_earlier_one_does(cli, three, tmp_path):
    file = tmp_path / "tokens.prom"
    for _ in range(2):
        assert cli("upkeep", "--metrics", str(file)).code == 0
    assert file.read_text().startswith(OPENING)
    assert cli("metrics").out.startswith(OPENING)
