"""`notify`: what holds in the store is told once on each route, never lost, never with a value, in few messages."""

import json
import os
import shlex
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.mail_server import MailSink
from tests.fakes.notification_receiver import SECRET, Receiver
from tests.fakes.scripted_server import ScriptedServer, raw, reply, stream
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.names import token_name
from tokenguard.domain.token import LeakWaiver
from tokenguard.errors import Tampered, Unreachable
from tokenguard.frozen import replace
from tokenguard.http.client import Client
from tokenguard.notifications.notification import NotificationKind
from tokenguard.notifications.outbox import decode_outbox
from tokenguard.ports.shared_item import Item
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases import send_notifications

VIDEO, AUDIO = "video/app/prod/upload", "audio/site/prod/player"
HOUR = 3_600
DAY = 86_400


@pytest.fixture
def receiver(cli):
    with Receiver(cli.clock) as receiver:
        cli.environ["HOOK_SECRET"] = SECRET
        yield receiver


@pytest.fixture
def configured(cli, tmp_path):
    """Writes the configuration of the runner."""

    def write(text, **routes):
        path = tmp_path / "runner" / "config.toml"
        path.parent.mkdir(exist_ok=True)
        for name, (url, more) in routes.items():
            text += f'\n[notify.routes.{name}]\nwebhook = "{url}"\nsecret = "env:HOOK_SECRET"\n{more}\n'
        path.write_text(text)
        cli.environ["TOKENGUARD_CONFIG"] = str(path)

    return write


@pytest.fixture
def ops(configured, receiver):
    configured("[notify]", ops=(f"{receiver.url}/hook", ""))
    return receiver


def changed(cli, name, **fields):
    found = cli.store.find(token_name(name))
    record = replace(found.document.record, **fields)
    cli.store.commit(found.id, found.version, replace(found.document, record=record), [])


def leak(cli, name, reach=Spread.PUSHED):
    record = cli.store.find(token_name(name)).document.record
    found = Exposure(since=cli.clock.now(), reach=reach, by="kim", fingerprint=record.fingerprint, where="app.py:3")
    changed(cli, name, leaks=(*record.leaks, found))


def stuck(cli, name):
    cli.add(name)
    changed(cli, name, consumers=None)
    cli.tty = FakeTty()
    assert cli("rotate", name).code == 3
    cli.tty = None


def told_command(cli, command, *more):
    """Run the command of a message, as the person does who was told."""
    program, option, _store, *words = shlex.split(command)
    assert (program, option) == ("tokenguard", "--store")
    return cli(*words, *more)


def outbox(cli):
    return cli.store.shared_items.read(Item.OUTBOX)


def test_what_holds_is_told_once_and_signed(cli, ops):
    value = cli.add(VIDEO)
    stuck(cli, AUDIO)
    leak(cli, VIDEO)
    answer = cli("notify")
    assert answer.code == 0, answer
    assert sorted(ops.events) == [("leak", VIDEO), ("waiting", AUDIO)]
    (leaked,) = [each for each in ops.handled if each.event == "leak"]
    assert leaked.data["command"] == f"tokenguard --store local:///srv/store rotate {VIDEO} --compromised"
    assert leaked.organisation == cli.store.store_id
    assert value not in json.dumps(ops.bodies) + answer.out + answer.err + outbox(cli).data.decode()
    cli("notify")
    cli.clock.sleep(2 * DAY)
    cli("notify")
    assert len(ops.bodies) == 2


def test_a_request_for_a_second_person_is_told_until_it_is_approved(cli, ops, tmp_path):
    cli.add(VIDEO)
    (tmp_path / "runner" / "policy.yaml").write_text(
        "format: 1\nname: t\nextends: default\nrules:\n  - {id: second-person, operations: [retire]}\n"
    )
    config = tmp_path / "runner" / "config.toml"
    config.write_text('[policy]\nfile = "policy.yaml"\n' + config.read_text())
    assert cli("retire", VIDEO, "--yes").code == 3
    digest = cli("request", "--format", "json").document["requests"][0]["digest"]
    for _ in range(2):
        assert cli("notify").code == 0
    (told,) = ops.handled
    assert (told.event, told.data["token"], told.data["owner"]) == ("waiting", VIDEO, "video")
    assert told.data["command"] == f"tokenguard --store local:///srv/store approve {digest}"
    cli.clock.sleep(7 * DAY)
    for _ in range(2):
        assert cli("notify").code == 0
        cli.clock.sleep(DAY)
    (_, gone) = ops.handled
    assert (gone.event, gone.data["token"], gone.data["owner"]) == ("waiting", VIDEO, "video")
    assert "it was not approved; run the command again" in gone.data["text"]
    assert gone.data["command"] == "tokenguard --store local:///srv/store request"


def test_a_wider_leak_is_told_again(cli, ops):
    cli.add(VIDEO)
    leak(cli, VIDEO, Spread.COMMITTED)
    cli("notify")
    record = cli.store.find(token_name(VIDEO)).document.record
    changed(cli, VIDEO, leaks=(replace(record.leaks[0], reach=Spread.PUBLIC),))
    cli("notify")
    assert ops.events == [("leak", VIDEO)] * 2
    assert len({each.id for each in ops.handled}) == 2


AGAIN = {
    "the same report once more": ("--where", "wiki", "--since", "2026-11-01"),
    "elsewhere": ("--where", "paste.example.org"),
    "at the same place, later": ("--where", "wiki"),
}


@pytest.mark.parametrize("more", AGAIN.values(), ids=AGAIN)
def test_a_leak_that_was_ended_and_is_reported_anew_is_told_again(cli, ops, more):
    value = cli.add(VIDEO)
    assert cli(
        "respond", "--stdin", "--reach", "public", "--where", "wiki", "--since", "2026-11-01", stdin=value
    ).code in {0, 1}
    cli("notify")
    cli("notify")
    assert ops.events == [("leak", VIDEO)]
    cli.clock.sleep(HOUR)
    cli.tty = FakeTty("yes")
    assert cli("edit", VIDEO, "--leak-ended", "taken down").code == 0
    cli.tty = None
    cli.clock.sleep(HOUR)
    assert cli("respond", "--stdin", "--reach", "public", *more, stdin=value).code in {0, 1}
    for _ in range(2):
        assert cli("notify").code == 0
    assert ops.events == [("leak", VIDEO)] * 2


def test_a_changed_trail_silences_no_notification(cli, ops, monkeypatch):
    cli.add(VIDEO)
    leak(cli, VIDEO)

    def changed_trail(token):
        raise Tampered("the trail is changed", hint="run `tokenguard audit verify`")

    monkeypatch.setattr(cli.store, "history", changed_trail)
    assert cli("notify").code == 0
    assert ops.events == [("leak", VIDEO)]


def test_due_is_told_at_each_threshold_and_overdue_once_without_reminders(cli, configured, receiver):
    configured('[notify]\nremind_after = "never"', ops=(receiver.url, ""))
    ops = receiver
    cli.add(VIDEO)
    changed(cli, VIDEO, due_at=cli.clock.now() + timedelta(days=40))
    for _ in range(50):
        assert cli("notify").code == 0
        cli.clock.sleep(DAY)
    kinds = [kind for kind, _ in ops.events]
    assert kinds[-1] == "overdue"
    assert kinds.count("overdue") == 1
    assert kinds[:-1] == ["due"] * (len(kinds) - 1)
    assert len(kinds) > 2
    assert len({each.id for each in ops.handled}) == len(kinds)


def test_the_days_until_a_token_is_due_are_said_as_they_are(cli, ops):
    cli.add(VIDEO, "--due", (cli.clock.now() + timedelta(days=1)).date().isoformat())
    assert "due in 1 day, on " in cli("notify", "--plan").out
    assert "(1 d)" in cli("list").out
    cli.clock.sleep(DAY)
    assert "(due today)" in cli("list").out
    cli.add(AUDIO, "--due", cli.clock.now().date().isoformat())
    assert cli("rotate", "--due", "--plan").out.count("due today") == 2
    cli.clock.sleep(DAY)
    assert "(overdue 1 d)" in cli("list").out


@pytest.mark.parametrize(("status", "hours"), [(500, 24), (503, 3), (429, 3), (400, 3), (404, 3), (302, 3)])
def test_a_receiver_that_refuses_for_a_day_is_told_later_and_asked_ever_more_seldom(cli, ops, status, hours):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    ops.status = status
    for _ in range(hours * 6):
        assert cli("notify").code == 4
        cli.clock.sleep(HOUR / 6)
    assert 5 <= len(ops.bodies) <= (15 if hours == 24 else 9)
    assert len({each["id"] for each in ops.bodies}) == 1
    ops.status = 204
    changed(cli, VIDEO, leaks=())  # it has ended meanwhile: it is told all the same
    cli.clock.sleep(6 * HOUR)
    assert cli("notify").code == 0
    assert ops.events == [("leak", VIDEO)]
    assert cli("notify").code == 0
    assert len(ops.handled) == 1


def test_a_receiver_that_hangs_delays_only_its_own_route(cli, configured, receiver, monkeypatch):
    monkeypatch.setattr("tokenguard.http.client.Client.__init__.__kwdefaults__", {
        "deadline": 0.2, "pinned": "", "max_body": 1 << 20, "status_suffices": False,
    })  # fmt: skip
    cli.add(VIDEO)
    leak(cli, VIDEO)
    with ScriptedServer(lambda connection: connection.recv(1)) as silent:
        configured("[notify]", first=(silent.url, ""), second=(receiver.url, ""))
        answer = cli("notify")
    assert (answer.code, receiver.events) == (4, [("leak", VIDEO)])
    assert "timeout" in answer.err


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ACCEPTED = {
    "a body beyond the limit": reply(200, b"a" * 70_000),
    "a body without end": stream(OK + b"\r\n", b"a" * 65_536),
    "a connection that breaks within the body": raw(OK + b"Content-Length: 500\r\n\r\na"),
    "a chunk of no size": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a body that never comes": stream(OK + b"Content-Length: 500\r\n\r\n", b"", 0.05),
}


@pytest.mark.parametrize("script", ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_receiver_has_accepted_is_not_sent_again_whatever_its_body(cli, configured, monkeypatch, script):
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "deadline", 1.5)
    cli.add(VIDEO)
    leak(cli, VIDEO)
    cli.environ["HOOK_SECRET"] = SECRET
    with ScriptedServer(script) as server:
        configured("[notify]", ops=(f"{server.url}/hook", ""))
        answer = cli("notify")
        assert answer.code == 0, answer
        cli.clock.sleep(DAY)
        assert cli("notify").code == 0
        assert server.connections == 1


def test_a_redirect_is_not_followed(cli, configured, receiver):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    with ScriptedServer(reply(302, b"", f"Location: {receiver.url}/elsewhere")) as moved:
        configured("[notify]", ops=(moved.url, ""))
        answer = cli("notify")
    assert answer.code == 4
    assert "redirect" in answer.err
    assert receiver.bodies == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_runner_killed_around_the_message_loses_nothing_and_the_id_stays(cli, ops, monkeypatch, moment):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    real = send_notifications.Notifier._sent

    def killed(self, route, made):
        if moment == "after":
            real(self, route, made)
        raise KeyboardInterrupt

    monkeypatch.setattr(send_notifications.Notifier, "_sent", killed)
    assert cli("notify").code == 130
    monkeypatch.undo()
    assert cli("notify").code == 0  # the route is still claimed by the runner that was killed
    assert len(ops.bodies) == (moment == "after")
    cli.clock.sleep(HOUR)
    assert cli("notify").code == 0
    assert len({each["id"] for each in ops.bodies}) == 1
    assert ops.events == [("leak", VIDEO)]
    assert outbox(cli) is not None


RUNNERS = {
    "ended here": ("{host}/{ended}/ab", 1),
    "running here": ("{host}/{running}/ab", 0),
    "on another machine": ("elsewhere/{ended}/ab", 0),
    "of an earlier version": ("", 0),
}


@pytest.mark.parametrize(("runner", "sent"), RUNNERS.values(), ids=RUNNERS)
def test_a_route_is_free_as_soon_as_its_runner_has_ended_on_this_machine(cli, ops, monkeypatch, runner, sent):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    name = runner.format(host=os.uname().nodename, ended=ended.pid, running=os.getppid())
    cli.add(VIDEO)
    leak(cli, VIDEO)
    monkeypatch.setattr(Wiring, "holder", name)
    monkeypatch.setattr(send_notifications.Notifier, "_sent", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert cli("notify").code == 130
    monkeypatch.undo()
    answer = cli("notify")
    assert (answer.code, len(ops.bodies), "another runner" in answer.err) == (0, sent, not sent)
    cli.clock.sleep(HOUR)
    assert cli("notify").code == 0
    assert ops.events == [("leak", VIDEO)]


def test_while_one_runner_sends_another_does_not(cli, ops, monkeypatch):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    real, codes = send_notifications.Notifier._sent, []

    def sent(self, route, made):
        monkeypatch.undo()
        answer = cli("notify")
        codes.append((answer.code, "another runner" in answer.err))
        return real(self, route, made)

    monkeypatch.setattr(send_notifications.Notifier, "_sent", sent)
    assert cli("notify").code == 0
    assert codes == [(0, True)]
    assert len(ops.bodies) == 1


def test_owners_severity_and_events_choose_the_route(cli, configured, receiver):
    with Receiver(cli.clock) as audio, Receiver(cli.clock) as leaks:
        configured(
            "[notify]",
            video=(receiver.url, 'owners = ["video"]\nseverity = "error"'),
            audio=(audio.url, 'owners = ["audio"]'),
            leaks=(leaks.url, 'events = ["leak"]'),
        )
        cli.add(VIDEO)
        cli.add(AUDIO, "--owner", "audio")
        leak(cli, VIDEO)
        for name in (VIDEO, AUDIO):
            changed(cli, name, due_at=cli.clock.now() + timedelta(days=1))
        assert cli("notify").code == 0
        assert receiver.events == [("leak", VIDEO)]
        assert audio.events == [("due", AUDIO)]
        assert leaks.events == [("leak", VIDEO)]
        plan = cli("notify", "--plan", "--format", "json").document
        assert [(each["event"], each["token"]) for each in plan["unrouted"]] == [("due", VIDEO)]


def test_many_are_few_messages_and_none_is_missing(cli, configured, receiver):
    configured("[notify]", ops=(receiver.url, "per_hour = 3"))
    names = [f"video/app/prod/t{number}" for number in range(12)]
    for name in names:
        cli.add(name)
        changed(cli, name, due_at=cli.clock.now() - timedelta(days=1))
    leak(cli, names[7])
    assert cli("notify").code == 0
    assert [each.event for each in receiver.handled] == ["leak", "overdue", "digest"]
    assert sorted(receiver.events) == sorted([("leak", names[7]), *(("overdue", name) for name in names)])
    leak(cli, names[3])
    assert cli("notify").code == 0  # the hour is full
    assert len(receiver.handled) == 3
    cli.clock.sleep(HOUR)
    assert cli("notify").code == 0
    assert receiver.events[-1] == ("leak", names[3])


def test_plan_writes_and_sends_nothing(cli, ops):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    before = cli.everything()
    answer = cli("notify", "--plan")
    assert (answer.code, ops.bodies, cli.everything()) == (0, [], before)
    assert "leak" in answer.out
    assert VIDEO in answer.out


def test_a_test_message_reaches_every_route_and_leaves_no_trace(cli, ops):
    before = cli.everything()
    assert cli("notify", "--test").code == 0
    assert [each.event for each in ops.handled] == ["test"]
    assert cli.everything() == before
    ops.status = 500
    assert cli("notify", "--test").code == 4


def test_each_change_of_the_outbox_is_in_the_audit_trail(cli, ops):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    cli("notify")
    _, entries = cli.store.shared_items.trail(Item.OUTBOX)
    assert [(each.event.op, each.event.phase) for each in entries] == [("notify", "intent"), ("notify", "outcome")]
    assert cli("audit", "verify").code == 0


def test_each_event_and_its_severity_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    rows = [row for row in page.splitlines() if row.startswith("| `")]
    for kind in set(NotificationKind) - {NotificationKind.TEST}:
        (row,) = [row for row in rows if f"`{kind}`" in row.split("|")[1]]
        assert row.split("|")[2].strip() == kind.severity, row


# ---- with upkeep


def test_upkeep_tells_what_it_found_and_that_it_ran(cli, ops):
    value = cli.add(VIDEO)
    cli.add("video/app/prod/control")
    cli.world.of_value(value).revoked_at = -1e9
    assert cli("upkeep").code == 1
    assert ops.events == [("failed", VIDEO)]
    cli.clock.sleep(DAY)
    cli("upkeep")  # the same finding is not told twice
    assert len(ops.events) == 1
    cli.clock.sleep(25 * HOUR)
    cli("notify")
    assert len(ops.events) == 1
    cli.clock.sleep(2 * HOUR)
    cli("notify")
    assert ops.events[-1] == ("upkeep-missed", "")


def test_a_finding_that_ended_and_came_back_is_told_again(cli, ops):
    value = cli.add(VIDEO)
    cli.add("video/app/prod/control")
    for revoked_at in (-1e9, None, -1e9):
        cli.world.of_value(value).revoked_at = revoked_at
        cli("upkeep")
        cli.clock.sleep(DAY)
    assert ops.events == [("failed", VIDEO)] * 2


def test_one_cause_is_one_message_however_many_tokens_it_hits(cli, ops, monkeypatch):
    values = [cli.add(f"video/app/prod/t{number}") for number in range(12)]
    for value in values:
        cli.world.of_value(value).revoked_at = -1e9
    cli("upkeep")
    assert len(ops.handled) == 1
    assert "12 tokens" in ops.handled[0].data["text"]


def test_a_route_that_fails_is_a_line_of_upkeep_and_changes_no_other_duty(cli, ops):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    ops.status = 500
    document = cli("upkeep", "--format", "json").document
    assert ("notify", "ops", 4) in {(each["duty"], each["name"], each["exit_code"]) for each in document["results"]}
    assert document["exit_code"] == 4


def test_drift_and_orphans_are_told_with_the_command(cli, ops, tmp_path):
    cli.approver = True
    cli.add(VIDEO)
    cli.world.create("made-by-hand")
    (tmp_path / "tokens.yaml").write_text(
        f"version: 1\ntokens:\n  {VIDEO}:\n    {{provider: fake, scope: 'drive:d1', environment: prod, owner: video, "
        "purpose: uploads, consumers: []}\n"
    )
    changed(cli, VIDEO, purpose="another")
    cli("upkeep")
    (orphan,) = [each.data for each in ops.handled if each.event == "orphan"]
    assert orphan["command"].startswith("tokenguard --store local:///srv/store drift tokens.yaml")
    shown = told_command(cli, orphan["command"], "--format", "json").document["drift"]
    assert "orphan" in {each["rule"] for each in shown}


def test_drift_of_many_tokens_is_told_with_the_command_that_shows_it(cli, ops, tmp_path):
    cli.approver = True
    for number in range(13):
        cli.add(f"video/app/prod/t{number}")
    (tmp_path / "all.yaml").write_text(
        "version: 1\ntokens:\n  video/app/prod/t0:\n    {provider: fake, scope: 'drive:d1', environment: prod, "
        "owner: video, purpose: uploads, consumers: []}\n"
    )
    cli("upkeep", "all.yaml", "--env", "prod")
    (drift,) = [each.data for each in ops.handled if each.event == "drift"]
    shown = told_command(cli, drift["command"], "--format", "json").document.get("drift", [])
    assert {each["rule"] for each in shown} == {"undeclared"}
    assert len(shown) == 12


def test_a_live_token_that_is_refused_is_told_with_the_command_that_replaces_it(cli, ops):
    value = cli.add(VIDEO)
    cli.add("video/app/prod/control")
    cli.world.of_value(value).revoked_at = -1e9
    assert cli("upkeep").code == 1
    assert told_command(cli, ops.handled[0].data["command"]).code == 0
    assert cli("verify", VIDEO).code == 0


def test_doctor_shows_everything_that_the_last_upkeep_found(cli, ops):
    names = [f"video/app/prod/t{number}" for number in range(8)]
    values = [cli.add(name) for name in names]
    for value in values[:-1]:
        cli.world.of_value(value).revoked_at = -1e9

    def found():
        checks = cli("doctor", "--format", "json").document["checks"]
        return {each["text"].partition(":")[0]: each["hint"] for each in checks if each["check"] == "upkeep"}

    assert not found(), "none ran"
    cli("upkeep")
    assert list(found()) == names[:-1]
    cli.clock.sleep(27 * HOUR)
    assert "tokenguard upkeep" in found().values()


def test_a_revocation_that_is_not_confirmed_is_told(cli, ops, monkeypatch):
    old = cli.add(VIDEO)
    assert cli("edit", VIDEO, "--due", "2026-10-01").code == 0
    cli("upkeep")
    cli.world.of_value(old).revoked_at = None
    cli.clock.sleep(2 * DAY)
    assert cli("upkeep").code == 5
    (unproven,) = [each.data for each in ops.handled if each.event == "revoke-unproven"]
    assert unproven["command"].endswith(f"rotate {VIDEO} --resume")


def test_each_revoked_token_that_is_accepted_again_is_told_once(cli, ops):
    cli.add(VIDEO)
    assert cli("rotate", VIDEO).code == 0
    (one,) = cli.store.find(token_name(VIDEO)).document.quarantine
    other = replace(one, provider_id="another")
    for first, second in ((True, False), (True, True), (False, True), (False, False)):
        found = cli.store.find(token_name(VIDEO))
        kept = (replace(one, alive_again=first), replace(other, alive_again=second))
        cli.store.commit(found.id, found.version, replace(found.document, quarantine=kept), [])
        assert cli("notify").code == 0
    assert ops.events == [("revoke-unproven", VIDEO)] * 2


def test_a_waiver_is_told_before_it_ends(cli, ops, tmp_path):
    cli.add(VIDEO)
    record = cli.store.find(token_name(VIDEO)).document.record
    until = cli.clock.now() + timedelta(days=30)
    waiver = LeakWaiver(owner="video", reason="a test key", until=until, fingerprint=record.fingerprint)
    changed(cli, VIDEO, leak_waiver=waiver)
    for _ in range(32):
        cli("notify")
        cli.clock.sleep(DAY)
    assert [kind for kind, _ in ops.events if kind == "waiver-ends"] == ["waiver-ends"]


def test_a_waiver_of_the_policy_is_told_before_it_ends(cli, configured, receiver, tmp_path):
    policy = {
        "format": 1, "name": "team", "extends": "default",
        "waivers": [{"rule": "maximum-age", "token": "video/*", "owner": "video", "reason": "a pilot", "until": "2026-11-05"}],
    }  # fmt: skip
    (tmp_path / "team.yaml").write_text(json.dumps(policy))
    configured(f'[policy]\nfile = "{tmp_path}/team.yaml"\n', ops=(receiver.url, ""))
    assert cli("notify").code == 0
    assert [each.event for each in receiver.handled] == ["waiver-ends"]
    assert "2026-11-05" in receiver.handled[0].data["text"]


def test_what_upkeep_itself_did_is_not_asked_of_a_person(cli, ops):
    cli.add(VIDEO)
    assert cli("edit", VIDEO, "--due", "2026-10-01").code == 0
    assert cli("upkeep").code == 0
    cli("notify")
    assert ops.events == []


def test_what_upkeep_could_not_do_is_told(cli, ops):
    cli.add(VIDEO)
    changed(cli, VIDEO, consumers=None)  # so a planned rotation stops before the revoke intent
    assert cli("edit", VIDEO, "--due", "2026-10-01").code == 0
    assert cli("upkeep").code == 3
    assert {name for _event, name in ops.events} == {VIDEO}


def test_a_leak_that_upkeep_itself_ends_is_told(cli, ops):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    assert cli("upkeep").code == 0
    assert not cli.store.find(token_name(VIDEO)).document.record.leaks
    assert ops.events == [("leak", VIDEO)]


def test_without_notify_upkeep_writes_no_outbox(cli):
    cli.add(VIDEO)
    assert cli("upkeep").code == 0
    assert outbox(cli) is None


# ---- mail and chat


@pytest.fixture
def mail(cli, configured, tmp_path):
    """Configures one mail route to a server of this machine."""

    def write(server, more="", ca=True):
        tls = (
            "none" if not server.implicit_tls and not server.starttls else "tls" if server.implicit_tls else "starttls"
        )
        bundle = tmp_path / "ca.pem"
        server.ca.cert_pem.write_to_path(bundle)
        network = f'[network]\nca_bundle = "{bundle}"\n' if ca else ""
        configured(
            f'{network}[notify.routes.mail]\nsmtp = "localhost:{server.port}"\ntls = "{tls}"\n'
            f'sender = "tokenguard@example.org"\nto = ["a@example.org", "b@example.org"]\n{more}\n'
        )
        return server

    return write


@pytest.mark.parametrize("kind", [{}, {"implicit_tls": True}, {"starttls": False}])
def test_a_mail_holds_everything_the_most_urgent_command_first(cli, mail, kind):
    with mail(MailSink(**kind)) as server:
        values = [cli.add(VIDEO), cli.add(AUDIO, "--owner", "audio")]
        changed(cli, AUDIO, due_at=cli.clock.now() + timedelta(days=1))
        leak(cli, VIDEO)
        assert cli("notify").code == 0
        assert cli("notify").code == 0
    (message,) = server.taken
    text = message.get_content()
    assert text.splitlines()[0] == f"tokenguard --store local:///srv/store rotate {VIDEO} --compromised"
    assert AUDIO in text
    assert len(text.splitlines()) <= 24
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Subject"] == f"[tokenguard] leak {VIDEO} and 1 more"
    assert not any(value in str(message) for value in values)
    assert server.encrypted == [kind != {"starttls": False}]


def test_a_mail_that_is_sent_again_has_the_same_message_id(cli, mail):
    with mail(MailSink()) as server:
        cli.add(VIDEO)
        leak(cli, VIDEO)
        server.refuses["DATA"] = b"451 later"
        answer = cli("notify")
        assert (answer.code, "smtp-451" in answer.err) == (4, True)
        del server.refuses["DATA"]
        assert cli("notify", "--test").code == 0  # past the waiting
        cli.clock.sleep(HOUR)
        assert cli("notify").code == 0
    assert [each["Subject"] for each in server.taken] == ["[tokenguard] test", f"[tokenguard] leak {VIDEO}"]
    assert outbox(cli).data.decode().count('"notification"') == 0


@pytest.mark.parametrize("reason", ["Zo\u00eb", "\u65e5\u672c\u8a9e", "long " * 50])
def test_a_mail_has_only_what_every_server_takes(cli, mail, reason):
    name = "a/b"
    with mail(MailSink()) as server:
        cli.add(name)
        mark = cli.store.find(token_name(name)).document.record.fingerprint
        until = cli.clock.now() + timedelta(days=5)
        changed(cli, name, leak_waiver=LeakWaiver(owner="video", reason=reason, until=until, fingerprint=mark))
        assert cli("notify").code == 0
    assert reason[:40] in server.taken[0].get_content()
    assert server.data[0].isascii()
    assert max(map(len, server.data[0].splitlines())) <= 998


MAIL_FAILURES = {
    "recipients": ("RCPT", b"550 no such user tgcanary", "recipients-refused"),
    "sender": ("MAIL", b"553 no", "smtp-553"),
    "greeting": ("EHLO", b"502 no", "no-starttls"),
    "greylisted": ("RCPT", b"451 later", "smtp-451"),
    "closed": ("DATA", b"", "disconnected"),
}


@pytest.mark.parametrize(("verb", "says", "reason"), MAIL_FAILURES.values(), ids=MAIL_FAILURES)
def test_a_refused_mail_is_kept_and_the_server_s_words_are_not_quoted(cli, mail, verb, says, reason):
    with mail(MailSink()) as server:
        cli.add(VIDEO)
        leak(cli, VIDEO)
        server.refuses[verb] = says
        answer = cli("notify")
    assert (answer.code, server.taken) == (4, [])
    assert reason in answer.err
    assert "tgcanary" not in answer.err
    assert VIDEO in outbox(cli).data.decode()


def test_a_mail_is_sent_again_until_no_address_is_refused_for_now(cli, mail):
    with mail(MailSink()) as server:
        cli.add(VIDEO)
        leak(cli, VIDEO)
        server.mailboxes["b@example.org"] = b"451 greylisted"
        assert cli("notify").code == 4
        assert VIDEO in outbox(cli).data.decode()
        server.mailboxes.clear()
        cli.clock.sleep(HOUR)
        assert cli("notify").code == 0
    assert len({each["Message-ID"] for each in server.taken}) == 1
    assert len(server.taken) == 2


def test_an_address_that_is_refused_for_now_each_time_repeats_no_mail_for_ever(cli, mail):
    """Such as a mailbox that is full for weeks: the other addresses have every mail by then."""
    with mail(MailSink()) as server:
        cli.add(VIDEO)
        leak(cli, VIDEO)
        server.mailboxes["b@example.org"] = b"452 mailbox full"
        answers = [cli("notify")]
        while answers[-1].code:
            assert len(server.taken) == len(answers) < 9
            cli.clock.sleep(6 * HOUR)
            answers.append(cli("notify"))
    assert {each.code for each in answers[:-1]} == {4}
    assert "some-recipients-refused" in answers[-2].err
    assert len(server.taken) > 3


@pytest.mark.parametrize("arguments", [(), ("--test",)])
def test_an_address_that_is_refused_for_ever_is_reported_and_holds_up_no_other(cli, mail, arguments):
    with mail(MailSink()) as server:
        cli.add(VIDEO)
        leak(cli, VIDEO)
        server.mailboxes["b@example.org"] = b"550 no such user tgcanary"
        answer = cli("notify", *arguments)
        assert answer.code == 4
        assert "some-recipients-refused" in answer.err
        assert "tgcanary" not in answer.out + answer.err
        assert cli("notify").code == (4 if arguments else 0)
    assert len(server.taken) == (2 if arguments else 1)
    assert outbox(cli).data.decode().count('"notification"') == 0


@pytest.mark.parametrize("problem", ["no-starttls", "unknown-ca", "login", "no-login", "gone"])
def test_a_mail_is_never_sent_without_encryption_or_login(cli, mail, problem):
    cli.environ["MAIL_PASSWORD"] = "tgcanary-password"
    server = MailSink(login=("ops", "another"))
    cli.add(VIDEO)
    leak(cli, VIDEO)
    with server:
        mail(
            server,
            'user = "ops"\nsecret = "env:MAIL_PASSWORD"' if problem.endswith("login") else "",
            ca=problem != "unknown-ca",
        )
        server.starttls, server.logins_offered = problem != "no-starttls", problem != "no-login"
        if problem != "gone":
            answer = cli("notify")
    if problem == "gone":
        answer = cli("notify")
    reasons = {
        "no-starttls": "no-starttls",
        "unknown-ca": "tls",
        "login": "smtp-535",
        "no-login": "no-login",
        "gone": "connect",
    }
    assert (answer.code, server.taken) == (4, [])
    assert reasons[problem] in answer.err
    assert "tgcanary" not in answer.out + answer.err


def test_a_mail_server_that_speaks_late_is_given_up_in_time(cli, mail, monkeypatch):
    monkeypatch.setattr("tokenguard.notifications.mail.MailChannel.__init__.__kwdefaults__", {"deadline": 0.3})
    with mail(MailSink()) as server:
        server.late = 0.2  # for each byte: no single read ever waits for long
        cli.add(VIDEO)
        leak(cli, VIDEO)
        answer = cli("notify")
    assert (answer.code, "timeout" in answer.err) == (4, True)


FAREWELLS = {"another code": b"250 ok", "an error": b"421 too busy", "no answer": b"", "no SMTP": b"tgcanary"}


@pytest.mark.parametrize("says", FAREWELLS.values(), ids=FAREWELLS)
def test_a_mail_that_the_server_took_is_sent_once_however_the_connection_ends(cli, mail, monkeypatch, says):
    monkeypatch.setattr("tokenguard.notifications.mail.MailChannel.__init__.__kwdefaults__", {"deadline": 1.0})
    with mail(MailSink()) as server:
        server.refuses["QUIT"], server.silent = says, "" if says else "QUIT"
        cli.add(VIDEO)
        leak(cli, VIDEO)
        for _ in range(2):
            assert cli("notify").code == 0
            cli.clock.sleep(HOUR)
    assert [each["Subject"] for each in server.taken] == [f"[tokenguard] leak {VIDEO}"]
    assert VIDEO not in outbox(cli).data.decode()


IMPORTS_IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""apprise does on Python 3.11 and 3.12, where that says that later ones have it no more."""


def chat_route(cli, configured, address):
    cli.environ["CHAT"] = address
    configured('[notify.routes.chat]\nchat = "env:CHAT"\n')
    cli.add(VIDEO)
    leak(cli, VIDEO)


@IMPORTS_IMGHDR
def test_a_chat_is_told_through_apprise(cli, configured, receiver):
    with ScriptedServer(reply(200, b"{}")) as server:
        chat_route(cli, configured, f"json://127.0.0.1:{server.port}/tgcanary-part-of-the-address")
        answer = cli("notify")
    (asked,) = server.requests
    body = json.loads(asked.partition(b"\r\n\r\n")[2])
    assert answer.code == 0
    assert body["title"] == f"[tokenguard] leak {VIDEO}"
    assert body["message"].startswith("tokenguard --store")
    assert "tgcanary" not in answer.out + answer.err


@IMPORTS_IMGHDR
@pytest.mark.parametrize("status", [500, 403])
def test_a_chat_that_refuses_is_told_later_and_its_address_is_never_shown(cli, configured, status):
    with ScriptedServer(reply(status, b"tgcanary")) as server:
        chat_route(cli, configured, f"json://127.0.0.1:{server.port}/tgcanary-part-of-the-address")
        answer = cli("notify")
    assert answer.code == 4
    assert "tgcanary" not in answer.out + answer.err
    assert VIDEO in outbox(cli).data.decode()


@IMPORTS_IMGHDR
def test_an_address_that_apprise_does_not_know_is_2_and_not_shown(cli, configured):
    chat_route(cli, configured, "tgcanary://not-a-service")
    answer = cli("notify")
    assert answer.code == 2
    assert "tgcanary" not in answer.out + answer.err


def test_without_apprise_a_chat_route_says_what_to_install(cli, configured, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    chat_route(cli, configured, "json://127.0.0.1:1")
    answer = cli("notify")
    assert answer.code == 2
    assert "pip install apprise" in answer.err


# ---- bad input

BAD = {
    "no-secret": '[notify.routes.a]\nwebhook = "https://hooks.example.org/x"',
    "no-webhook": '[notify.routes.a]\nsecret = "env:HOOK_SECRET"',
    "plain-http": '[notify.routes.a]\nwebhook = "http://hooks.example.org"\nsecret = "env:HOOK_SECRET"',
    "user-in-url": '[notify.routes.a]\nwebhook = "https://a:b@hooks.example.org"\nsecret = "env:HOOK_SECRET"',
    "severity": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nseverity = "loud"',
    "event": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nevents = ["leek"]',
    "per-hour": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nper_hour = 0',
    "two-receivers": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nchat = "env:Y"',
    "webhook-with-to": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nto = ["a@b.example"]',
    "chat-in-the-file": '[notify.routes.a]\nchat = "slack://tgcanary"',
    "chat-with-a-secret": '[notify.routes.a]\nchat = "env:X"\nsecret = "env:Y"',
    "mail-without-to": '[notify.routes.a]\nsmtp = "mail.example.org"\nsender = "a@example.org"',
    "mail-to-a-header": '[notify.routes.a]\nsmtp = "m.example.org"\nsender = "a@b.example"\nto = ["a@b.example\\nBcc: x"]',
    "mail-from-a-name": '[notify.routes.a]\nsmtp = "m.example.org"\nsender = "Kim <a@b.example>"\nto = ["a@b.example"]',
    "mail-in-the-clear": '[notify.routes.a]\nsmtp = "m.example.org"\ntls = "none"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "password-in-the-clear": '[notify.routes.a]\nsmtp = "localhost"\ntls = "none"\nuser = "u"\nsecret = "env:X"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "login-without-a-user": '[notify.routes.a]\nsmtp = "m.example.org"\nsecret = "env:X"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "tls": '[notify.routes.a]\nsmtp = "m.example.org"\ntls = "ssl3"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "server-is-a-url": '[notify.routes.a]\nsmtp = "smtps://m.example.org"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "server-port": '[notify.routes.a]\nsmtp = "m.example.org:99999"\nsender = "a@b.example"\nto = ["a@b.example"]',
    "unknown-key": '[notify.routes.a]\nwebhook = "https://h.example.org"\nsecret = "env:X"\nslack = "x"',
    "route-name": '[notify.routes."a b"]\nwebhook = "https://h.example.org"\nsecret = "env:X"',
    "within": '[notify]\nupkeep_within = "soon"',
    "within-year": '[notify]\nupkeep_within = "365d"',
    "remind-soon": '[notify]\nremind_after = "soon"',
    "remind-hourly": '[notify]\nremind_after = "1h"',
    "remind-year": '[notify]\nremind_after = "365d"',
    "no-route": "[notify]",
    "wrong-type": "notify = 3",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BAD.items()])
@pytest.mark.parametrize("more", [(), ("--plan",), ("--test",)])
def test_a_bad_configuration_is_refused_before_anything_is_sent(cli, configured, receiver, text, more):
    configured(text)
    cli.refused("notify", *more)


@pytest.mark.parametrize("server", ["m.example.org:99999", "smtps://m.example.org", "a b", "u:p@m.example.org", "[::1"])
def test_a_bad_mail_server_is_refused_with_the_form_of_a_mail_server(cli, configured, server):
    configured(f'[notify.routes.a]\nsmtp = "{server}"\nsender = "a@b.example"\nto = ["a@b.example"]')
    assert "HOST:PORT" in cli.refused("notify").answer.err


@pytest.mark.parametrize(
    ("given", "secret"),
    [("env:HOOK_SECRET", ""), ("env:HOOK_SECRET", "tgcanary-short"), ("plain-text-secret", SECRET)],
    ids=["not set", "short", "no reference"],
)
def test_a_bad_credential_fails_its_route_alone(cli, configured, receiver, tmp_path, given, secret):
    cli.environ |= {"HOOK_SECRET": secret, "GOOD_SECRET": SECRET}
    cli.add(VIDEO)
    leak(cli, VIDEO)
    text = f'[notify.routes.bad]\nwebhook = "{receiver.url}"\nsecret = "{given}"\n'
    configured(text + f'[notify.routes.good]\nwebhook = "{receiver.url}"\nsecret = "env:GOOD_SECRET"\n')
    answer = cli("notify")
    assert answer.code == 2
    assert receiver.events == [("leak", VIDEO)]
    assert not secret or secret not in answer.out + answer.err
    cli.environ["HOOK_SECRET"] = SECRET
    configured("[notify]", bad=(receiver.url, ""))
    assert cli("notify").code == 0  # at once: a mistake here is no failure of the receiver
    assert len(receiver.bodies) == 2


@pytest.mark.parametrize("more", [(), ("--test",)])
def test_of_several_failures_the_exit_code_is_the_gravest(cli, configured, receiver, more):
    cli.add(VIDEO)
    leak(cli, VIDEO)
    receiver.status = 500
    bad = f'[notify.routes.bad]\nwebhook = "{receiver.url}"\nsecret = "env:NOT_SET"\n'
    configured(bad, down=(receiver.url, ""))
    assert cli("notify", *more).code == 4
    assert cli("notify", *more, "--route", "bad").code == 2


def test_a_test_message_says_nothing_of_what_waits(cli, configured, receiver):
    configured(
        "[notify.routes.bad]\n" + f'webhook = "{receiver.url}"\nsecret = "env:NOT_SET"\n', ops=(receiver.url, "")
    )
    cli.add(VIDEO)
    leak(cli, VIDEO)
    answer = cli("notify", "--test")
    assert answer.out.splitlines() == ["bad: test message not sent", "ops: test message sent"]
    assert receiver.events == [("test", "")]


def test_options_that_contradict_and_routes_that_are_unknown(cli, ops):
    cli.refused("notify", "--plan", "--test")
    cli.refused("notify", "--route", "none")


def test_a_repository_chooses_no_receiver(cli, configured, receiver, tmp_path):
    configured("", a=(receiver.url, ""))
    (tmp_path / ".git").mkdir()
    cli.refused("notify", "--test")
    assert receiver.bodies == []


@pytest.mark.parametrize("data", [b"", b"{}x", b'{"format":3}', b'{"owed":[1]}', b"\xff"])
def test_a_damaged_outbox_is_6_and_is_left(cli, ops, data):
    from tests.contract.shelf_suite import share

    share(cli.store, Item.OUTBOX, data)
    cli.refused("notify", code=6)


# ---- at once


def respond(cli, value, *more):
    return cli("respond", "--stdin", "--reach", "public", "--where", "wiki", *more, stdin=value)


def test_a_leak_is_told_by_respond_itself_and_once(cli, ops):
    value = cli.add(VIDEO)
    answer = respond(cli, value)
    assert answer.code == 1
    assert ops.events == [("leak", VIDEO)]
    assert "notified ops of 1 event" in answer.err
    cli("notify")
    assert ops.events == [("leak", VIDEO)]


def test_a_leak_that_respond_ends_is_told_before(cli, ops):
    value = cli.add(VIDEO)
    ops.status = 500
    answer = respond(cli, value, "--rotate")
    assert answer.code == 0, answer
    assert "ops is not notified yet: http-500" in answer.err
    assert cli.store.find(token_name(VIDEO)).document.record.leaks == ()
    ops.status = 204
    cli.clock.sleep(HOUR)
    assert cli("notify").code == 0
    assert ops.events == [("leak", VIDEO)]


def test_a_leak_reported_by_a_runner_without_routes_is_told_by_another(cli, configured, receiver):
    value = cli.add(VIDEO)
    configured("[notify]")
    cli("notify", "--plan")
    assert respond(cli, value, "--rotate").code == 0
    assert receiver.events == []
    configured("[notify]", ops=(receiver.url, ""))
    for _ in range(2):
        assert cli("notify").code == 0
    assert receiver.events == [("leak", VIDEO)]
    cli.clock.sleep(9 * DAY)
    assert cli("notify").code == 0
    assert receiver.events == [("leak", VIDEO)]


def test_a_store_without_notifications_gets_no_outbox_from_respond(cli):
    assert respond(cli, cli.add(VIDEO)).code == 1
    assert outbox(cli) is None


def test_a_receiver_that_hangs_holds_up_respond_for_one_deadline(cli, configured, receiver, monkeypatch):
    monkeypatch.setattr(send_notifications, "AT_ONCE", 0.3)
    value = cli.add(VIDEO)
    with ScriptedServer(lambda connection: connection.recv(1)) as silent:
        configured("[notify]", first=(silent.url, ""), second=(receiver.url, ""), third=(silent.url, ""))
        answer = respond(cli, value)
    assert (answer.code, receiver.events) == (1, [("leak", VIDEO)])
    assert "first is not notified yet: timeout" in answer.err
    owed = decode_outbox(outbox(cli).data).owed
    assert [each.routes for each in owed] == [("first", "third")]


@pytest.mark.parametrize("broken", ["route", "outbox"])
def test_what_cannot_be_told_stops_no_response(cli, ops, configured, monkeypatch, broken):
    value = cli.add(VIDEO)
    if broken == "route":
        cli.environ["HOOK_SECRET"] = "short"
    else:

        def denied(*_):
            raise Unreachable("the store refuses this", hint="ask for the role rotator")

        monkeypatch.setattr(cli.store.shared_items, "write", denied)
    answer = respond(cli, value, "--rotate")
    assert answer.code == 0, answer
    assert "notified yet" in answer.err


@pytest.mark.parametrize("moment", ["before the outbox", "before the message", "after the message"])
def test_a_response_that_is_killed_around_its_message_loses_nothing(cli, ops, monkeypatch, moment):
    value, real = cli.add(VIDEO), send_notifications.Notifier._sent

    def killed(self, *arguments):
        if moment == "after the message":
            real(self, *arguments)
        raise KeyboardInterrupt

    name = "at_once" if moment == "before the outbox" else "_sent"
    monkeypatch.setattr(send_notifications.Notifier, name, killed)
    assert respond(cli, value, "--rotate").code == 130
    monkeypatch.undo()
    assert cli.world.of_value(value) in cli.world.living(), "it is told before anything ends the leak"
    cli.clock.sleep(HOUR)
    assert cli("notify").code == 0
    assert len({each["id"] for each in ops.bodies}) == 1
    assert ops.events == [("leak", VIDEO)]


def test_only_what_is_urgent_is_sent_at_once(cli, ops):
    value = cli.add(VIDEO)
    cli.add(AUDIO)
    changed(cli, AUDIO, due_at=cli.clock.now() - timedelta(days=1))
    respond(cli, value)
    assert ops.events == [("leak", VIDEO)]
    cli("notify")
    assert sorted(ops.events) == [("leak", VIDEO), ("overdue", AUDIO)]


def test_a_revocation_that_a_command_leaves_unconfirmed_is_told_by_it(cli, ops, monkeypatch):
    cli.add(VIDEO)
    monkeypatch.setattr(cli.world, "revoke", lambda id_: None)
    assert cli("retire", VIDEO, "--yes").code == 5
    assert ops.events == [("revoke-unproven", VIDEO)]
    assert cli("rotate", VIDEO, "--resume").code == 5
    assert len(ops.events) == 1


def test_break_glass_is_told_at_once_and_until_it_is_reviewed(cli, ops, tmp_path):
    cli.add(VIDEO)
    (tmp_path / "runner" / "policy.yaml").write_text(
        "format: 1\nname: t\nextends: default\nrules:\n  - {id: second-person, operations: [retire]}\n"
    )
    config = tmp_path / "runner" / "config.toml"
    config.write_text('[policy]\nfile = "policy.yaml"\n' + config.read_text())
    assert cli("retire", VIDEO, "--yes", "--break-glass", "asleep").code == 0
    assert ops.events == [("break-glass", VIDEO)]
    cli("notify")
    cli.clock.sleep(7 * DAY)
    cli("notify")
    assert ops.events.count(("break-glass", VIDEO)) == 2


# ---- reminders


def told_on_days(cli, ops, days):
    """On which days a leak was told."""
    found = []
    for day in range(days):
        before = len(ops.events)
        assert cli("notify").code == 0
        found += [day] * ops.events[before:].count(("leak", VIDEO))
        cli.clock.sleep(DAY)
    return found


@pytest.mark.parametrize(
    ("config", "days"),
    [("", [0, 7, 21, 49]), ('remind_after = "2d"', [0, 2, 6, 14, 30, 46]), ('remind_after = "never"', [0])],
)
def test_a_leak_that_stays_is_told_again_at_growing_distances(cli, configured, receiver, config, days):
    configured(f"[notify]\n{config}", ops=(receiver.url, ""))
    cli.add(VIDEO)
    leak(cli, VIDEO)
    assert told_on_days(cli, receiver, 50) == days
    assert len({each.id for each in receiver.handled}) == len(days)
    assert [each.data["reminder"] for each in receiver.handled] == list(range(len(days)))


def test_a_reminder_counts_from_the_report_not_from_the_beginning_of_the_leak(cli, ops):
    value = cli.add(VIDEO, "--created", "2024-01-01")
    respond(cli, value, "--since", "2024-02-01")
    assert [0, *told_on_days(cli, ops, 25)] == [0, 7, 21]
    assert any("reminder 1, after 7 days" in each.data["text"] for each in ops.handled if each.event == "leak")


def test_a_stuck_operation_is_told_again_although_upkeep_tries_it_each_night(cli, ops):
    stuck(cli, VIDEO)
    waiting = []
    for day in range(23):
        before = len(ops.events)
        cli("upkeep", "--no-input")
        waiting += [day] * ops.events[before:].count(("waiting", VIDEO))
        cli.clock.sleep(DAY)
    assert waiting == [0, 7, 21]


def test_reminders_keep_to_the_limit_of_the_route(cli, configured, receiver):
    configured("[notify]", ops=(receiver.url, "per_hour = 2"))
    for number in range(5):
        cli.add(f"video/app/prod/t{number}")
        changed(cli, f"video/app/prod/t{number}", due_at=cli.clock.now())
    for _ in range(2):
        cli("notify")
        cli.clock.sleep(7 * DAY)
    assert len(receiver.bodies) == 4
    assert receiver.events.count(("overdue", "video/app/prod/t3")) == 2


def test_a_missing_variable_is_named_with_the_key_of_the_route(monkeypatch):
    from tokenguard.errors import InputError
    from tokenguard.shell.credentials import read_credential

    with pytest.raises(InputError, match=r"named by \[notify\.routes\.a\] secret, is not set"):
        read_credential("env:NOT_SET_HERE", {}, table="[notify.routes.a]", what="secret")


def test_what_the_outbox_has_no_space_for_is_counted_and_told_by_later_runs(cli, ops, monkeypatch):
    monkeypatch.setattr("tokenguard.notifications.outbox.MOST_OWED", 3)
    names = [f"video/app/prod/n{number}" for number in range(8)]
    for name in names:
        cli.add(name)
        leak(cli, name)
    (planned,) = cli("notify", "--plan", "--format", "json").document["routes"]
    assert (len(planned["sent"]), planned["later"]) == (3, 5)
    left = []
    for _ in range(3):
        (route,) = cli("notify", "--format", "json").document["routes"]
        left.append(len(route["waiting"]) + route["later"])
    assert left == [5, 2, 0]
    assert sorted(name for _, name in ops.events) == names
