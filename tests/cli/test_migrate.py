"""`migrate` on the command line: from one embedded store to another, and what the old one says afterwards."""

import base64
import json
import secrets

import pytest

from tests.fakes.command_line import CommandLine, FakeTty
from tests.fakes.notification_receiver import SECRET, Receiver
from tokenguard.domain.event import STORE_CHAIN
from tokenguard.errors import ExitCode
from tokenguard.frozen import replace
from tokenguard.stores.local.store import LocalStore
from tokenguard.usecases.export_audit import cursor_text, read_cursor

NAME = "video/app/prod/upload"


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    """Two real stores `old` and `new`, one key; providers are the fake world's."""
    line = CommandLine(monkeypatch, capfd)
    line.store = None
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    line.environ = {"NO_COLOR": "1", "TOKENGUARD_KEY_FILE": str(key)}
    for place in ("old", "new"):
        use(line, tmp_path / place)
        assert line("--no-input", "init").code == 0
        line.clock.sleep(1)  # the first entries of their chains differ
    use(line, tmp_path / "old")
    return line


def use(line, place):
    line.environ["TOKENGUARD_STORE"] = f"local://{place}"


def added(line, name=NAME):
    value = f"tgcanary-{secrets.token_hex(12)}"
    answer = line("add", name, "--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
                  "--purpose", "uploads", "--no-consumers", "--stdin", "--no-input", stdin=value)  # fmt: skip
    assert answer.code == 0, answer
    return value


def url(place):
    return f"local://{place}"


def stopped(*_):
    raise KeyboardInterrupt


def test_everything_moves_and_every_command_on_the_old_store_names_the_new_one(cli, tmp_path, words):
    value = added(cli)
    before = cli("audit", "log", NAME, "--format", "json").document["entries"]
    answer = cli("migrate", "--to", url(tmp_path / "new"))
    assert answer.code == 0, answer
    words(answer)
    assert value not in answer.out + answer.err
    for line in (["list"], ["show", NAME], ["audit", "verify"], ["rotate", "--resume"], ["rotate", NAME], ["check"],
                 ["verify", "--all"], ["store", "slots"], ["store", "backup", "x"], ["runbook", NAME], ["env", "-t", NAME],
                 ["add", "a/b", "--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
                  "--purpose", "x", "--no-consumers", "--from-env", "X"]):  # fmt: skip
        told = cli(*line, "--no-input")
        assert (told.code, url(tmp_path / "new") in told.err, told.out) == (4, True, ""), (line, told)
    assert cli("doctor").code == 4
    assert cli("exec", "-t", NAME, "--", "true").code == ExitCode.CLOSED
    use(cli, tmp_path / "new")
    entries = cli("audit", "log", NAME, "--format", "json").document["entries"]
    assert entries[: len(before)] == before
    assert [(each["op"], each["phase"]) for each in entries[len(before) :]] == [
        ("migrate", "intent"), ("migrate", "outcome"),
    ]  # fmt: skip
    assert cli("audit", "verify").code == 0
    assert value in cli("env", "-t", NAME).out


def test_an_export_from_before_a_migration_is_said_to_be_one_and_tampering_is_still_found(cli, tmp_path):
    added(cli)
    before = cli("audit", "export").out
    (tmp_path / "a.jsonl").write_text(before)
    (tmp_path / "b.jsonl").write_text(before)
    assert cli("migrate", "--to", url(tmp_path / "new")).code == 0
    use(cli, tmp_path / "new")
    for given in (["--since", f"@{tmp_path}/a.jsonl"], ["--since", json.loads(before.splitlines()[-1])["cursor"]],
                  ["--output", str(tmp_path / "b.jsonl")]):  # fmt: skip
        answer = cli("audit", "export", *given)
        assert (answer.code, answer.out, url(tmp_path / "old") in answer.err) == (2, "", True), answer
        assert "backup" not in answer.err
    assert (tmp_path / "b.jsonl").read_text() == before
    cursor = read_cursor(json.loads(before.splitlines()[-1])["cursor"])
    for gone, code in (("shared:outbox", 2), ("0" * 32, 6)):  # an item may stay behind, a token may not
        changed = cursor_text({**cursor, gone: cursor[STORE_CHAIN]})
        assert cli("audit", "export", "--since", changed).code == code, gone
    after = cli("audit", "export").out.splitlines()
    cursor = read_cursor(json.loads(after[-1])["cursor"])
    changed = {**cursor, STORE_CHAIN: replace(cursor[STORE_CHAIN], hash="f" * 64)}
    assert cli("audit", "export", "--since", cursor_text(changed)).code == 6
    assert cli("audit", "export", "--since", cursor_text(cursor)).code == 0


def test_a_plan_tells_what_would_go_along_and_does_nothing(cli, tmp_path, words):
    added(cli)
    answer = cli("migrate", "--to", url(tmp_path / "new"), "--plan", "--format", "json")
    assert answer.code == 0, answer
    assert answer.document["plan"]["tokens"] == 1
    assert answer.document["plan"]["to"] == url(tmp_path / "new")
    assert cli("list").code == 0
    words(cli("migrate", "--to", url(tmp_path / "new"), "--plan"))


def test_a_second_run_has_nothing_left_to_do(cli, tmp_path, words):
    added(cli)
    assert cli("migrate", "--to", url(tmp_path / "new")).code == 0
    again = cli("migrate", "--to", url(tmp_path / "new"))
    assert again.code == 0
    words(again)


def test_a_person_is_asked_and_may_say_no(cli, tmp_path, words):
    added(cli)
    cli.tty = FakeTty("no")
    refused = cli("migrate", "--to", url(tmp_path / "new"))
    assert refused.code == 3
    words(refused)
    cli.tty = FakeTty()
    assert cli("migrate", "--to", url(tmp_path / "new")).code == ExitCode.INTERRUPTED
    cli.tty = None
    assert cli("list").code == 0
    cli.tty = FakeTty("yes")
    assert cli("migrate", "--to", url(tmp_path / "new")).code == 0


def test_json_is_one_document(cli, tmp_path):
    added(cli)
    answer = cli("migrate", "--to", url(tmp_path / "new"), "--format", "json", "--no-input")
    assert json.loads(answer.out)["moved"]["tokens"] == 1


def test_a_store_that_is_not_empty_or_the_same_or_not_there_is_refused(cli, tmp_path):
    added(cli)
    use(cli, tmp_path / "new")
    added(cli, "other/token")
    use(cli, tmp_path / "old")
    for target, why in {
        url(tmp_path / "new"): "is not empty",
        url(tmp_path / "old"): "the store itself",
        url(tmp_path / "nowhere"): "there is no store",
        "nonsense": "neither the address of a store",
    }.items():
        answer = cli("migrate", "--to", target)
        assert (answer.code, why in answer.err) == (2, True), answer
    assert cli("list").code == 0
    for line in (
        ["migrate"],
        ["migrate", "--abort", "--to", "x"],
        ["migrate", "--abort", "--plan"],
        ["migrate", "--abort"],
    ):
        assert cli(*line).code == 2, line


def test_an_interrupted_move_is_told_by_both_stores_and_can_be_taken_back(cli, tmp_path, monkeypatch, words):
    added(cli)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "publish", stopped)
        answer = cli("migrate", "--to", url(tmp_path / "new"))
    assert answer.code == ExitCode.INTERRUPTED
    words(answer)
    told = cli("list")
    assert told.code == 4
    assert f"--store {url(tmp_path / 'old')} migrate --to {url(tmp_path / 'new')}" in told.err
    use(cli, tmp_path / "new")
    words(cli("list"))
    assert cli("migrate", "--abort").code == 2
    use(cli, tmp_path / "old")
    back = cli("migrate", "--abort")
    assert (back.code, "is undone" in back.out) == (0, True), back
    assert cli("list").code == 0
    assert cli("audit", "verify").code == 0
    assert cli("edit", NAME, "--purpose", "goes on").code == 0
    words(cli("migrate", "--to", url(tmp_path / "new")))


def test_another_target_in_the_middle_of_a_move_is_refused(cli, tmp_path, monkeypatch, words):
    added(cli)
    use(cli, tmp_path / "third")
    assert cli("--no-input", "init").code == 0
    use(cli, tmp_path / "old")
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "put_candidate", stopped)
        cli("migrate", "--to", url(tmp_path / "new"))
    answer = cli("migrate", "--to", url(tmp_path / "third"))
    assert (answer.code, f"to {url(tmp_path / 'new')} is not finished" in answer.err) == (4, True)
    use(cli, tmp_path / "third")
    added(cli, "x/y")
    words(cli("migrate", "--to", url(tmp_path / "new")))
    use(cli, tmp_path / "old")
    assert cli("migrate", "--to", url(tmp_path / "new")).code == 0


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_migration_by_break_glass_is_told_before_it_begins(cli, tmp_path, confirmed):
    added(cli)
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: t\nextends: default\nrules:\n  - {id: second-person, operations: [migrate]}\n"
    )
    with Receiver(cli.clock) as receiver:
        route = f'[notify.routes.ops]\nwebhook = "{receiver.url}"\nsecret = "env:HOOK_SECRET"\n'
        (tmp_path / "config.toml").write_text(f'[policy]\nfile = "policy.yaml"\n{route}')
        cli.environ |= {"TOKENGUARD_CONFIG": str(tmp_path / "config.toml"), "HOOK_SECRET": SECRET}
        words = ("migrate", "--to", url(tmp_path / "new"), "--break-glass", "the disk fails")
        cli.tty = FakeTty("yes" if confirmed else "no")
        answer = cli(*words)
        assert (answer.code == 0) is confirmed, answer
        assert receiver.events == [("break-glass", "")]
        now = url(tmp_path / ("new" if confirmed else "old"))
        assert f"--store {now} approve" in receiver.handled[-1].data["command"]
        assert "not notified yet" not in answer.err
        assert not confirmed or "not notified yet" not in cli(*words).err, "nothing was done the second time"
        cli.tty = None
        cli.environ["TOKENGUARD_STORE"] = now
        assert cli("notify").code == 0
        assert receiver.events == [("break-glass", "")] * (2 if confirmed else 1), "once in each store"
        assert f"--store {now} approve" in receiver.handled[-1].data["command"]
