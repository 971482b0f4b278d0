"""`respond` on the command line: whose a leaked value is, whether it lives, its end, the page; the value never shows."""

import json
import secrets
from datetime import timedelta

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory.views import moment

NAME = "video/app/prod/upload"


@pytest.fixture
def leaked(cli):
    """A live token of the inventory; every answer is checked not to show it."""
    return cli.add(NAME, "--deputy", "platform")


def found_by_gitleaks(cli, value, tmp_path, **more):
    path = tmp_path / "found.json"
    finding = {"RuleID": "r", "Secret": value, "Match": f'key="{value}"', "File": "src/app.py", "StartLine": 7}
    path.write_text(json.dumps([finding | {"Commit": "c" * 40, "Date": "2026-10-01T08:00:00Z"} | more]))
    return str(path)


def events(cli, op=Op.LEAK):
    snapshot = cli.store.find(token_name(NAME))
    return [entry.event for entry in cli.store.history(snapshot.id) if entry.event.op is op]


def silent(cli, answer, value):
    trail = repr(cli.everything())
    assert value not in answer.out + answer.err + trail
    return answer


def test_a_live_value_names_its_owner_and_exits_1(cli, leaked):
    answer = silent(cli, cli("respond", "--stdin", "--reach", "pushed", "--no-input", stdin=leaked), leaked)
    assert answer.code == 1, answer
    for text in (NAME, "video", "platform", "drive:d1", "alive", f"rotate {NAME} --compromised"):
        assert text in answer.out
    assert leaked in {made.value for made in cli.world.living()}


def test_the_leak_is_on_record_with_its_reach_and_place(cli, leaked, tmp_path):
    silent(cli, cli("respond", found_by_gitleaks(cli, leaked, tmp_path), "--reach", "public"), leaked)
    (event,) = events(cli)
    assert (event.detail["where"], event.detail["reach"]) == ("src/app.py:7", "public")
    assert (event.detail["channel"], event.detail["verdict"]) == ("gitleaks", "alive")


def test_a_responder_ends_it_and_the_page_proves_it(cli, leaked, tmp_path):
    page = tmp_path / "incident.md"
    report = found_by_gitleaks(cli, leaked, tmp_path)
    answer = cli("respond", report, "--reach", "pushed", "--rotate", "--summary", str(page), "--no-input")
    silent(cli, answer, leaked)
    assert answer.code == 0, answer
    assert leaked not in {made.value for made in cli.world.living()}
    text = page.read_text()
    assert leaked not in text
    assert page.stat().st_mode & 0o777 == 0o600
    for part in (NAME, "src/app.py:7", "2026-10-01T08:00:00Z", "provisional: 3 refusals", "| leak |", "| revoke"):
        assert part in text, part


def test_a_page_of_a_second_report_keeps_what_the_first_one_said(cli, leaked, tmp_path):
    page = tmp_path / "incident.md"
    first = ("--reach", "public", "--where", "https://paste.test/1", "--output", str(page))
    assert cli("respond", "--stdin", *first, stdin=leaked).code == 1
    begun = moment(cli.clock.now())
    cli.clock.sleep(3600)
    again = ("--reach", "log", "--where", "the build log", "--rotate", "--output", str(page))
    assert silent(cli, cli("respond", "--stdin", *again, stdin=leaked), leaked).code == 0
    text = page.read_text()
    for part in ("https://paste.test/1", "the build log", "### Reported before"):
        assert part in text, part
    assert f"| {begun} | leaked |" in text.partition("### Timeline")[2]


def test_a_value_that_is_dead_already_exits_0(cli, leaked):
    assert cli("rotate", NAME, "--compromised").code == 0
    answer = silent(cli, cli("respond", "--stdin", "--reach", "log", stdin=leaked), leaked)
    assert answer.code == 0, answer
    assert "dead" in answer.out


def test_a_person_is_asked_for_value_reach_and_leave(cli, leaked):
    cli.tty = FakeTty(leaked, "pub", "", "yes")
    answer = silent(cli, cli("respond"), leaked)
    assert answer.code == 0, answer
    assert events(cli)[0].detail["reach"] == "public"


@pytest.mark.parametrize("said", ["", "no", "y"])
def test_only_a_clear_yes_opens_the_rotation(cli, leaked, said):
    cli.tty = FakeTty(leaked, "log", "", said)
    assert cli("respond").code == 1
    assert not events(cli, Op.REVOKE)


def test_what_is_only_staged_is_not_offered_to_be_revoked(cli, leaked, words):
    cli.tty = FakeTty(leaked, "staged")
    answer = cli("respond")
    assert answer.code == 1
    words(answer)


def test_a_value_of_nobody_says_so_and_what_to_do(cli, leaked, words):
    answer = cli("respond", "--stdin", stdin="tgcanary-of-somebody-else")
    assert answer.code == 1
    words(answer)
    assert "tgcanary" not in answer.out + answer.err
    assert not events(cli)


def test_a_report_code_leads_to_the_token(cli, leaked):
    code = cli.store.find(token_name(NAME)).id[:12]
    answer = cli("respond", "--code", code, "--reach", "committed", "--no-input")
    assert answer.code == 1, answer
    assert NAME in answer.out


def test_a_report_code_can_be_responded_to_until_death_is_proven(cli, leaked):
    code = cli.store.find(token_name(NAME)).id[:12]
    assert cli("respond", "--code", code, "--reach", "pushed", "--rotate", "--no-input").code == 0
    assert leaked not in {made.value for made in cli.world.living()}


def test_a_report_code_that_is_repeated_after_the_rotation_does_not_flag_the_successor(cli, leaked, tmp_path):
    snapshot = cli.store.find(token_name(NAME))
    report = ("respond", "--code", snapshot.id[:12], "--reach", "log", "--where", "x", "--no-input")
    assert cli(*report, "--rotate").code == 0
    fresh = cli.world.living()[0].value
    page = tmp_path / "page.md"
    for again in (report, (*report, "--rotate"), (*report, "--output", str(page))):
        answer = cli(*again, "--format", "json")
        assert (answer.code, answer.document["tokens"][0]["verdict"]) == (4, "unknown")
        assert cli.store.find(token_name(NAME)).document.record.leaks == ()
    assert "rotate" not in page.read_text().partition("### Remaining steps")[2]
    assert cli("upkeep").code == 0
    assert [made.value for made in cli.world.living()] == [fresh]
    assert silent(cli, cli("respond", "--stdin", "--reach", "log", "--no-input", stdin=fresh), fresh).code == 1
    assert cli.store.find(token_name(NAME)).document.record.live_leak is not None


@pytest.mark.parametrize(("days", "code", "flagged"), [(-1, 0, False), (0, 4, False), (1, 1, True)])
def test_since_says_of_which_value_a_report_code_speaks(cli, leaked, days, code, flagged):
    snapshot = cli.store.find(token_name(NAME))
    report = ("respond", "--code", snapshot.id[:12], "--reach", "log", "--where", "x", "--no-input")
    cli.clock.sleep(10 * 86_400)
    assert cli(*report, "--rotate").code == 0
    rotated = cli.store.find(token_name(NAME)).document.record.rotated_at
    cli.clock.sleep(5 * 86_400)
    answer = cli(*report, "--since", f"{rotated + timedelta(days=days):%Y-%m-%d}")
    assert answer.code == code, answer
    assert cli.store.find(token_name(NAME)).document.record.has_leaked is flagged


def test_a_finding_of_a_replaced_value_flags_that_one_while_its_rotation_is_open(cli, leaked, tmp_path):
    snapshot = cli.store.find(token_name(NAME))
    record = replace(snapshot.document.record, consumers=None)
    cli.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])
    cli.tty = FakeTty()
    assert cli("rotate", NAME).code == 3
    cli.tty = None
    path = tmp_path / "own.json"
    finding = {"kind": "own", "path": "a", "line": 1, "token": NAME, "state": "revoked", "since": "2026-10-01"}
    path.write_text(json.dumps({"scanned": {}, "findings": [finding]}))
    assert cli("respond", str(path), "--reach", "pushed", "--no-input").code == 4
    document = cli.store.find(token_name(NAME)).document
    assert [leak.fingerprint for leak in document.record.leaks] == [document.journal.old.fingerprint]
    assert document.record.fingerprint != document.journal.old.fingerprint


def test_a_first_report_after_an_ordinary_rotation_is_of_the_value_in_use(cli, leaked):
    assert cli("rotate", NAME).code == 0
    code = cli.store.find(token_name(NAME)).id[:12]
    assert cli("respond", "--code", code, "--reach", "log", "--where", "x", "--no-input").code == 1
    assert cli.store.find(token_name(NAME)).document.record.live_leak is not None


def test_a_person_is_asked_for_the_place_behind_a_report_code(cli, leaked):
    cli.tty = FakeTty("log", "the build log", "no")
    answer = cli("respond", "--code", cli.store.find(token_name(NAME)).id[:12])
    assert "the build log" in answer.out
    assert events(cli)[0].detail["where"] == "the build log"


def test_without_a_person_it_is_said_that_the_place_is_not_on_record(cli, leaked):
    code = cli.store.find(token_name(NAME)).id[:12]
    answer = cli("respond", "--code", code, "--reach", "log", "--no-input")
    assert "--where" in answer.err
    assert "somewhere" not in answer.out


def test_our_own_findings_lead_to_the_token(cli, leaked, tmp_path):
    path = tmp_path / "own.json"
    finding = {"kind": "own", "path": "a.py", "line": 1, "report": cli.store.find(token_name(NAME)).id[:12]}
    rule = {"kind": "rule", "type": "Secret Keyword", "path": "b.py", "line": 2}
    path.write_text(json.dumps({"scanned": {}, "findings": [finding | {"state": "live"}, rule]}))
    answer = cli("respond", str(path), "--reach", "pushed", "--format", "json", "--no-input")
    assert answer.code == 1
    assert [each["name"] for each in answer.document["tokens"]] == [NAME]
    assert answer.document["without_value"] == 1
    assert "live since" in answer.document["tokens"][0]["reason"]


def test_one_value_in_many_places_is_one_case(cli, leaked, tmp_path):
    path = tmp_path / "many.json"
    finding = {"RuleID": "r", "Secret": leaked, "Match": leaked, "File": "a", "StartLine": 1}
    others = [finding | {"Secret": f"tgcanary{number:012}", "Match": ""} for number in range(60)]
    path.write_text(json.dumps([finding, finding | {"StartLine": 2}, *others]))
    answer = cli("respond", str(path), "--reach", "pushed", "--format", "json", "--no-input")
    (case,) = answer.document["tokens"]
    assert [place["where"] for place in case["places"]] == ["a:1", "a:2"]
    assert answer.document["unknown"] == 60
    assert len(events(cli)) == 2


def refuse(*_):
    raise Unreachable("the provider is away", hint="wait")


def test_an_open_operation_is_brought_to_its_end(cli, leaked, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(FakeIssuer, "create", refuse)
        assert cli("rotate", NAME, "--compromised", "--no-input").code == 5
    answer = silent(cli, cli("respond", "--stdin", "--reach", "pushed", "--rotate", "--no-input", stdin=leaked), leaked)
    assert answer.code == 0, answer


def test_a_response_that_fails_says_so_in_its_code_and_on_its_page(cli, leaked, monkeypatch, tmp_path):
    monkeypatch.setattr(FakeIssuer, "create", refuse)
    page = str(tmp_path / "page.md")
    answer = cli("respond", "--stdin", "--reach", "log", "--rotate", "--summary", page, "--no-input", stdin=leaked)
    assert answer.code == 5, answer
    assert "the provider is away" in (tmp_path / "page.md").read_text()
    assert f"tokenguard rotate {NAME} --resume" in answer.out


def test_an_outage_that_refuses_everybody_is_not_taken_for_death(cli, leaked, words):
    cli.world.outage = True
    answer = cli("respond", "--stdin", "--reach", "pushed", "--no-input", stdin=leaked)
    assert answer.code == 4, answer
    words(answer)


def test_a_file_that_calls_a_value_revoked_is_not_believed_without_a_proof(cli, leaked, tmp_path):
    path = tmp_path / "own.json"
    finding = {"kind": "own", "path": "a", "line": 1, "token": NAME, "state": "revoked", "since": "2026-10-01"}
    path.write_text(json.dumps({"scanned": {}, "findings": [finding]}))
    assert cli("respond", str(path), "--reach", "pushed", "--rotate", "--no-input").code == 4
    assert leaked in {made.value for made in cli.world.living()}
    assert cli("rotate", NAME, "--compromised").code == 0
    assert cli("respond", str(path), "--reach", "pushed", "--no-input").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("respond", "--code", "zz"), 2),
        (("respond", "--code", "0" * 12, "--reach", "log"), 2),
        (("respond", "--code", "0" * 12, "--stdin"), 2),
        (("respond", "missing.json"), 2),
        (("respond", "--stdin"), 2),
        (("respond",), 3),
    ],
)
def test_bad_input_is_refused_with_nothing_written(cli, leaked, arguments, code):
    cli.refused(*arguments, code=code)


def test_without_a_person_the_reach_must_be_given(cli, leaked):
    cli.refused("respond", "--stdin", "--no-input", code=3, stdin=leaked)


def test_an_old_value_that_is_accepted_again_has_its_revocation_reopened(cli, leaked):
    assert cli("rotate", NAME).code == 0
    cli.world.of_value(leaked).revoked_at = None
    answer = silent(cli, cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=leaked), leaked)
    assert answer.code == 5, answer
    document = cli.store.find(token_name(NAME)).document
    assert (document.busy, document.journal.mode) == (True, "revoke-again")
    assert events(cli, Op.DEATH)[-1].detail["result"] == "alive-again"
    assert cli("rotate", NAME, "--resume").code == 0
    assert not cli.world.alive(cli.world.of_value(leaked))
    assert cli.store.find(token_name(NAME)).document.record.leaks == ()


def test_a_responder_may_end_an_old_value_that_is_accepted_again_at_once(cli, leaked):
    assert cli("rotate", NAME).code == 0
    cli.world.of_value(leaked).revoked_at = None
    answer = cli("respond", "--stdin", "--reach", "public", "--rotate", "--no-input", stdin=leaked)
    assert answer.code == 0, answer
    assert not cli.world.alive(cli.world.of_value(leaked))


@pytest.mark.parametrize(
    ("answers", "reach", "says"),
    [
        ((), (), "nothing was recorded; run the command again"),
        (("public",), (), "nothing was recorded; run the command again"),
        (
            (),
            ("public",),
            f"the leak of {NAME} is recorded, and nothing was revoked: tokenguard rotate {NAME} --compromised",
        ),
    ],
    ids=["at the reach", "at the place", "at the question"],
)
def test_an_interrupt_says_what_is_recorded_and_what_to_run(cli, leaked, tmp_path, answers, reach, says):
    cli.tty = FakeTty(*answers)
    options = ("--reach", *reach, "--where", "wiki") if reach else ()
    answer = cli("respond", "--stdin", *options, stdin=leaked)
    assert (answer.code, says in answer.err) == (130, True), answer
    assert (cli.store.find(token_name(NAME)).document.record.live_leak is not None) is bool(reach)
    if reach:
        cli.tty = None
        assert cli(*says.partition(": tokenguard ")[2].split()).code == 0


def test_an_interrupted_rotation_of_a_response_names_the_command_and_what_is_left(cli, leaked, tmp_path, monkeypatch):
    other = cli.add("video/app/prod/other")
    file = found_by_gitleaks(cli, leaked, tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    (tmp_path / "found.json").write_text(json.dumps([*found, found[0] | {"Secret": other, "Match": other}]))

    def interrupted(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeIssuer, "revoke", interrupted)
    answer = cli("respond", file, "--reach", "public", "--rotate", "--no-input")
    monkeypatch.undo()
    assert answer.code == 130, answer
    (first,) = [each for each in cli.store.scan() if each.document.busy]
    name = first.document.record.name
    assert (
        f"its rotation is open: tokenguard rotate {name} --resume; 1 value left: run the same command again"
        in answer.err
    )
    assert cli("rotate", name, "--resume").code == 0


TWILIO = ("--provider", "twilio", "--scope", f"account:AC{'0' * 32}", "--env", "prod", "--owner", "video",
          "--purpose", "calls", "--no-verify", "--no-consumers", "--stdin")  # fmt: skip


def fields_of_a_token(cli):
    """A live token whose value has two fields, of which one is secret."""
    fields = {"key_id": f"SK{secrets.token_hex(6)}", "token": f"tgcanary{secrets.token_hex(20)}"}
    assert cli("add", NAME, *TWILIO, stdin=json.dumps(fields)).code == 0
    return fields


@pytest.mark.parametrize("source", ["stdin", "gitleaks", "an assignment"])
def test_the_secret_field_alone_names_its_token(cli, tmp_path, source):
    secret = fields_of_a_token(cli)["token"]
    found = [found_by_gitleaks(cli, secret, tmp_path)] if source == "gitleaks" else ["--stdin"]
    text = f"TWILIO_SECRET={secret}" if source == "an assignment" else secret
    answer = silent(cli, cli("respond", *found, "--reach", "public", "--no-input", stdin=text), secret)
    assert answer.code == 4, answer
    assert NAME in answer.out
    record = cli.store.find(token_name(NAME)).document.record
    assert [leak.fingerprint for leak in record.leaks] == [record.fingerprint]


def test_a_field_that_is_not_secret_is_no_leak(cli, tmp_path):
    found = found_by_gitleaks(cli, fields_of_a_token(cli)["key_id"], tmp_path)
    assert cli("respond", found, "--reach", "public", "--no-input").code == 1
    assert cli.store.find(token_name(NAME)).document.record.leaks == ()


def test_values_are_read_only_if_fields_are_looked_for(cli, leaked, monkeypatch):
    monkeypatch.setattr(type(cli.store), "holdings", lambda _: pytest.fail("every value was read"))
    assert cli("respond", "--stdin", "--reach", "pushed", "--no-input", stdin=leaked).code == 1
