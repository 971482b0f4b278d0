"""`upkeep`: one stuck operation never stops the rest, the gravest code wins, nothing is asked, one summary."""

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer, FakeProvider
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError, Unreachable
from tokenguard.stores.local.length_prefix import damaged

DAY = 86_400
LONG_AGO = "2026-10-01"


@pytest.fixture(autouse=True)
def real_approvals(cli):
    cli.approver = False


def record(cli, name):
    return cli.store.find(token_name(name)).document.record


def live(cli, name):
    return cli.store.read_live(cli.store.find(token_name(name)).id).value.token.reveal()


def due(cli, name, *more):
    value = cli.add(name, *more)
    assert cli("edit", name, "--due", LONG_AGO).code == 0
    return value


def upkeep(cli, *more, code):
    answer = cli("upkeep", "--format", "json", *more)
    assert answer.code == code, answer
    assert answer.document["exit_code"] == code
    return answer.document


def wrong(document):
    return {(each["duty"], each["name"], each["exit_code"]) for each in document["results"] if each["exit_code"]}


def stuck(cli, name):
    """An operation that waits for what only people can say: who uses the token."""
    cli.add(name)
    snapshot = cli.store.find(token_name(name))
    from tokenguard.frozen import replace

    document = replace(snapshot.document, record=replace(snapshot.document.record, consumers=None))
    cli.store.commit(snapshot.id, snapshot.version, document, [])
    cli.tty = FakeTty()  # without a person it would not be begun
    assert cli("rotate", name).code == 3
    cli.tty = None
    assert cli.store.find(token_name(name)).document.busy


def test_with_nothing_to_do_it_says_so_and_exits_0(cli):
    cli.add("a/fine")
    document = upkeep(cli, code=0)
    assert wrong(document) == set()
    assert cli("audit", "verify").code == 0


def test_a_stuck_operation_does_not_keep_the_rest_from_being_done(cli):
    stuck(cli, "a/stuck")
    old = due(cli, "b/due")
    document = upkeep(cli, code=3)
    assert ("resume", "a/stuck", 3) in wrong(document)
    assert live(cli, "b/due") != old
    assert cli.world.of_value(old).revoked_at is not None
    assert {"duty": "rotate", "ok": 1, "failed": 0} in document["duties"]


def test_what_was_interrupted_is_finished(cli, monkeypatch):
    due(cli, "a/b")

    def create(self, wanted):
        monkeypatch.undo()
        raise Unreachable("no answer", hint="later")

    monkeypatch.setattr(FakeIssuer, "create", create)
    assert cli("rotate", "a/b").code in {3, 4}
    upkeep(cli, code=0)
    assert not cli.store.find(token_name("a/b")).document.busy


def unanswering(monkeypatch, name):
    """The provider gives no answer about one token's value."""
    real = FakeProvider.probe

    def probe(self, value, expected):
        if value.token.reveal() == name:
            return Observation(verdict=Verdict.UNKNOWN, at=self.world.clock.now(), reason="timeout")
        return real(self, value, expected)

    monkeypatch.setattr(FakeProvider, "probe", probe)


def test_a_provider_that_gives_no_answer_is_4_and_the_rest_is_done(cli, monkeypatch):
    value, old = cli.add("a/silent"), due(cli, "b/due")
    unanswering(monkeypatch, value)
    document = upkeep(cli, code=4)
    assert wrong(document) == {("verify", "a/silent", 4)}
    assert live(cli, "b/due") != old


def test_a_consumer_that_lost_the_live_value_is_1(cli, tmp_path):
    env = tmp_path / "app.env"
    value = cli.world.create("a/b").value
    assert cli(
        "add", "a/b", "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "v", "--purpose", "x",
        "--deliver", f"dotenv:{env}#TOKEN", "--stdin", stdin=value,
    ).code == 0  # fmt: skip
    upkeep(cli, code=0)
    env.write_text("TOKEN=tgcanary-another-value\n")
    document = upkeep(cli, code=1)
    assert wrong(document) == {("consumers", "a/b", 1)}
    (hint,) = [each["hint"] for each in document["results"] if each["exit_code"]]
    assert cli(*hint.split()[1:]).code == 0
    assert value in env.read_text()
    upkeep(cli, code=0)


def test_a_dead_token_is_1(cli):
    value = cli.add("a/dead")
    cli.add("a/control")
    cli.world.of_value(value).revoked_at = -1e9
    assert ("verify", "a/dead", 1) in wrong(upkeep(cli, code=1))


def test_a_revoked_value_is_looked_at_again_when_it_is_due(cli):
    old = due(cli, "a/b")
    upkeep(cli, code=0)
    snapshot = cli.store.find(token_name("a/b"))
    (kept,) = snapshot.document.quarantine
    cli.clock.sleep(2 * DAY)
    upkeep(cli, code=0)
    assert not cli.store.load(snapshot.id).document.quarantine
    assert not isinstance(cli.store.read_candidate(snapshot.id, kept.label), Value)
    assert live(cli, "a/b") != old


def test_one_that_is_accepted_again_is_5(cli):
    old = due(cli, "a/b")
    upkeep(cli, code=0)
    cli.world.of_value(old).revoked_at = None
    cli.clock.sleep(2 * DAY)
    assert ("verify", "a/b", 5) in wrong(upkeep(cli, code=5))
    upkeep(cli, code=0)  # the next one revokes it again


def test_what_needs_a_person_waits_for_one_and_is_3(cli, monkeypatch):
    from tokenguard.ports.provider import Method

    old = due(cli, "a/guided")
    cli.vendors.fake = FakeProvider(cli.world, mint=Method.PERSON, revoke=Method.PERSON, lists=False)
    cli.tty = FakeTty()  # somebody sits there, and is asked nothing
    assert wrong(upkeep(cli, code=3)) == {("rotate", "a/guided", 3)}
    assert (live(cli, "a/guided"), cli.tty.shown) == (old, [])


GRAVEST = [({1, 3}, 3), ({3, 4}, 4), ({4, 5}, 5), ({5, 6}, 6), ({1}, 1), ({1, 2}, 2), ({2, 3}, 3), (set(), 0)]


@pytest.mark.parametrize(("codes", "expected"), GRAVEST)
def test_the_gravest_code_wins(codes, expected):
    from tokenguard.errors import ExitCode
    from tokenguard.views.upkeep_summary import Duty, Summary, UpkeepLine

    lines = tuple(UpkeepLine(duty=Duty.VERIFY, name="a/b", code=ExitCode(code)) for code in codes)
    assert Summary(lines=lines).exit_code == expected


def test_tampering_at_one_token_is_6_and_the_rest_is_done(cli, monkeypatch):
    cli.add("a/broken")
    old = due(cli, "b/due")
    token = cli.store.find(token_name("a/broken")).id
    real = cli.store.read_live

    def read_live(asked):
        if asked == token:
            raise damaged("a value is not what was written")
        return real(asked)

    monkeypatch.setattr(cli.store, "read_live", read_live)
    document = upkeep(cli, code=6)
    assert ("verify", "a/broken", 6) in wrong(document)
    assert real(cli.store.find(token_name("b/due")).id).value.token.reveal() != old


# ---- with a manifest


def test_what_is_new_waits_for_an_approval_and_what_repeats_is_done(cli, tmp_path):
    cli.add("a/live")
    old = due(cli, "b/due")
    written(tmp_path, "a/live: {consumers: [], notes: said anew}", "b/due: {consumers: []}", "c/new: {issue: true}")
    document = upkeep(cli, code=3)
    assert ("apply", "c/new", 3) in wrong(document)
    assert cli.store.find(token_name("c/new")) is None
    assert record(cli, "a/live").notes == "said anew"
    assert live(cli, "b/due") != old
    (hint,) = [each["hint"] for each in document["results"] if each["duty"] == "apply" and each["exit_code"]]
    plan = cli("plan", "--format", "json").document["digest"]
    assert "tokenguard approve sha256:" in hint
    assert cli("approve", plan, "--yes").code == 0
    upkeep(cli, code=0)
    assert live(cli, "c/new")


def test_a_destination_that_nobody_approved_gets_nothing(cli, tmp_path):
    cli.add("a/live")
    env = tmp_path / "new.env"
    written(tmp_path, f"a/live: {{consumers: [dotenv:{env}#TOKEN]}}")
    assert ("apply", "a/live", 3) in wrong(upkeep(cli, code=3))
    assert not env.exists()


def test_a_live_token_is_never_ended_by_it(cli, tmp_path):
    cli.add("a/live")
    written(tmp_path, "a/live: {state: retired}")
    document = upkeep(cli, code=1)
    assert ("drift", "a/live", 1) in wrong(document)
    assert record(cli, "a/live").state == "active"


def test_a_wish_that_cannot_be_granted_is_2_and_the_rest_is_done(cli, tmp_path):
    cli.add("a/live")
    old = due(cli, "b/due")
    written(tmp_path, 'a/live: {scope: "drive:d2", consumers: []}', "b/due: {consumers: []}")
    document = upkeep(cli, code=2)
    assert ("apply", "a/live", 2) in wrong(document)
    assert live(cli, "b/due") != old


BAD = {
    "a manifest that is not there": (("nowhere.yaml",), 2),
    "a manifest that is none": (("broken.yaml",), 2),
    "an environment that it does not know": (("good.yaml", "--env", "mars"), 2),
}


@pytest.mark.parametrize(("words", "code"), BAD.values(), ids=BAD)
def test_a_manifest_that_cannot_be_read_is_2_and_the_rest_is_done(cli, tmp_path, words, code):
    old = due(cli, "b/due")
    (tmp_path / "broken.yaml").write_text("tokens: [")
    written(tmp_path, "b/due: {consumers: []}").rename(tmp_path / "good.yaml")
    document = upkeep(cli, *words, code=code)
    assert {each for each in wrong(document) if each[0] == "apply"} == {("apply", "", 2)}
    assert live(cli, "b/due") != old


@pytest.mark.parametrize("words", [("--format", "sarif"), ("a", "b"), ("--yes",)])
def test_what_it_does_not_take_is_bad_input(cli, words):
    cli.refused("upkeep", *words)


# ---- how it is told


def test_it_is_told_as_text_and_as_markdown(cli):
    stuck(cli, "a/stuck")
    due(cli, "b/due")
    text = cli("upkeep")
    assert (text.code, "a/stuck" in text.out, "b/due" in text.out, "exit 3" in text.out) == (3, True, True, True)
    markdown = cli("upkeep", "--format", "markdown")
    assert (markdown.code, markdown.out.startswith("# "), "a/stuck" in markdown.out) == (3, True, True)


def test_ctrl_c_gives_the_summary_so_far_and_the_next_run_goes_on(cli, monkeypatch):
    first, second = due(cli, "a/first"), due(cli, "b/second")
    real, seen = FakeIssuer.create, []

    def create(self, wanted):
        seen.append(wanted)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(self, wanted)

    monkeypatch.setattr(FakeIssuer, "create", create)
    answer = cli("upkeep", "--format", "json")
    assert answer.code == 130, answer
    assert (answer.document["stopped"], answer.document["exit_code"]) == (True, 130)
    assert [each["name"] for each in answer.document["results"]] == ["a/first"]
    monkeypatch.undo()
    upkeep(cli, code=0)
    assert (live(cli, "a/first"), live(cli, "b/second")) != (first, second)


# ---- what the policy lets an unattended run begin


def under(cli, tmp_path, *, most=25, freezes=(), windows=()):
    """A policy of the team for what runs unattended."""
    import json

    policy, config = tmp_path / "team.yaml", tmp_path / "config.toml"
    rule = {"id": "unattended-rotation", "most": most, "freezes": list(freezes), "windows": list(windows)}
    policy.write_text(json.dumps({"format": 1, "name": "team", "extends": "default", "rules": [rule]}))
    config.write_text(f'[policy]\nfile = "{policy}"\n')
    config.chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(config)


@pytest.mark.parametrize("held", [{"freezes": ["2026-10-30..2026-11-30"]}, {"windows": ["never"]}])
def test_in_a_freeze_and_outside_of_windows_a_due_token_is_left_alone_and_that_is_no_failure(cli, tmp_path, held):
    under(cli, tmp_path, **held)
    old = due(cli, "a/b")
    document = upkeep(cli, code=0)
    assert live(cli, "a/b") == old
    assert [each["name"] for each in document["left_alone"]] == ["a/b"]
    assert "a/b" in cli("upkeep").out
    assert "a/b" in cli("upkeep", "--format", "markdown").out


def test_an_open_operation_goes_on_in_a_freeze(cli, tmp_path, monkeypatch):
    old = due(cli, "a/b")

    def create(self, wanted):
        monkeypatch.undo()
        raise Unreachable("no answer", hint="later")

    monkeypatch.setattr(FakeIssuer, "create", create)
    assert cli("rotate", "a/b").code in {3, 4}
    under(cli, tmp_path, freezes=["2026-10-30..2026-11-30"])
    upkeep(cli, code=0)
    assert live(cli, "a/b") != old


def test_no_more_are_begun_than_the_policy_lets(cli, tmp_path):
    under(cli, tmp_path, most=2)
    old = {name: due(cli, name) for name in ("a/1", "a/2", "a/3", "a/4")}
    document = upkeep(cli, code=0)
    assert sum(live(cli, name) != value for name, value in old.items()) == 2
    assert len(document["left_alone"]) == 2


def test_where_the_first_rotation_at_a_provider_fails_its_others_are_left_alone(cli, monkeypatch):
    old = {name: due(cli, name) for name in ("a/1", "a/2", "a/3")}

    def create(self, wanted):
        raise Unreachable("no answer", hint="later")

    monkeypatch.setattr(FakeIssuer, "create", create)
    document = upkeep(cli, code=4)
    assert len([each for each in wrong(document) if each[0] == "rotate"]) == 1
    assert len(document["left_alone"]) == 2
    assert {name: live(cli, name) for name in old} == old


def test_a_first_token_that_cannot_even_be_planned_holds_up_nothing_for_ever(cli, monkeypatch):
    for name in ("a/1", "a/2"):
        due(cli, name)
    real = cli.vendors.provider_of

    def provider_of(record):
        if record.name == "a/1":
            raise InputError("pinned elsewhere", hint="edit")
        return real(record)

    monkeypatch.setattr(cli.vendors, "provider_of", provider_of)
    document = upkeep(cli, code=2)
    assert ("rotate", "a/1", 2) in wrong(document)


def test_an_unattended_apply_rotates_nothing_in_a_freeze(cli, tmp_path):
    under(cli, tmp_path, freezes=["2026-10-30..2026-11-30"])
    old = due(cli, "a/b")
    written(tmp_path, "a/b: {consumers: [], notes: said anew}")
    assert cli("apply").code == 0
    assert (live(cli, "a/b"), record(cli, "a/b").notes) == (old, "said anew")
    cli.tty = FakeTty("yes")
    assert cli("apply").code == 0
    assert live(cli, "a/b") != old, "a person decides"
