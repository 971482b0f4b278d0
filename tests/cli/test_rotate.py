"""`rotate` on the command line: who is chosen, what is told first, how one bad token leaves the rest alone."""

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer
from tokenguard.domain.journal import Stage
from tokenguard.domain.names import token_name
from tokenguard.ports.provider import CreateRefused, Method, Vendor
from tokenguard.rotation.engine import Engine

NAME = "video/app/prod/upload"
OTHER = "video/app/prod/export"
DAY = 86_400


def stage(cli, name=NAME):
    return cli.store.find(token_name(name)).document.journal.stage


def living(cli):
    return sorted(made.value for made in cli.world.living())


class Refusing(FakeIssuer):
    def create(self, wanted):
        raise CreateRefused("the provider refused to make a token", hint="look at its quota")


def refuse_for(cli, monkeypatch, name):
    """The provider makes nothing for one token."""
    real = cli.vendors.of

    def of(record):
        vendor = real(record)
        return Vendor(vendor.provider, Refusing(cli.world)) if record.name == name else vendor

    monkeypatch.setattr(cli.vendors, "of", of)


def test_one_token_is_rotated_and_says_so_in_one_line(cli):
    old = cli.add(NAME)
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    assert answer.out == f"{NAME}: done; old token revoked (provisional, 3 refusals)\n"
    assert old not in living(cli)
    assert len(living(cli)) == 1


def test_the_result_as_json_is_one_document_with_its_proof(cli):
    cli.add(NAME)
    (result,) = cli("rotate", NAME, "--format", "json").document["results"]
    assert (result["name"], result["exit_code"], result["stage"]) == (NAME, 0, "done")
    assert result["proof"]["grade"] == "provisional"
    assert result["proof"]["control"]


@pytest.mark.parametrize("command", ["rotate", "retire"])
def test_a_result_in_json_has_no_proof_of_an_earlier_operation(cli, tmp_path, command):
    cli.add(NAME)
    cli.add(OTHER)
    assert cli("rotate", NAME).code == 0
    (tmp_path / "app").mkdir()
    assert cli("edit", NAME, "--deliver", f"dotenv:{tmp_path}/app/x.env#TOKEN").code == 0
    (tmp_path / "app").rmdir()
    before = stage(cli)
    answer = cli(command, NAME, OTHER, *(["--yes"] if command == "retire" else []), "--format", "json")
    results = {each["name"]: each for each in answer.document["results"]}
    failed, done = results[NAME], results[OTHER]
    assert (done["exit_code"], done["proof"]["grade"]) == (0, "provisional")
    assert failed["exit_code"] == 2
    assert (failed["operation"], failed["stage"], failed["proof"], stage(cli)) == ("", "", None, before)


def test_a_failed_rotation_as_json_says_why_on_both_channels(cli, monkeypatch):
    cli.add(NAME)
    refuse_for(cli, monkeypatch, NAME)
    answer = cli("rotate", NAME, "--format", "json")
    assert answer.code == 4
    assert answer.document["results"][0]["error"] == "the provider refused to make a token"
    error, hint = answer.err.splitlines()[-2:]
    assert error == "error: the provider refused to make a token"
    assert hint.startswith("hint: look at its quota"), hint
    assert hint.endswith(f"tokenguard rotate {NAME} --resume"), hint


def test_a_plan_tells_everything_and_does_nothing(cli, words):
    cli.add(NAME)
    before = cli.everything()
    answer = cli("rotate", NAME, "--plan")
    assert answer.code == 0
    words(answer)
    assert cli.everything() == before
    (plan,) = cli("rotate", NAME, "--plan", "--format", "json").document["plan"]
    assert plan["needs_person"] is False
    assert plan["due_at"] == cli("show", NAME, "--format", "json").document["due_at"]
    assert [step["by"] for step in plan["steps"]].count("provider") == 2
    assert cli.everything() == before


def test_due_takes_what_is_due_and_nothing_else(cli):
    old = cli.add(NAME, "--due", "2026-11-02")
    young = cli.add(OTHER)
    cli.clock.sleep(2 * DAY)
    answer = cli("rotate", "--due")
    assert answer.code == 0, answer
    assert old not in living(cli)
    assert young in living(cli)


def test_what_another_runner_has_rotated_meanwhile_is_left_alone(cli, monkeypatch):
    for name in (NAME, OTHER):
        cli.add(name, "--due", "2026-11-02")
    cli.clock.sleep(2 * DAY)
    real = Engine.rotate

    def rotate(engine, token, **how):
        """Another runner takes the second token of the list while this one is at the first."""
        monkeypatch.setattr(Engine, "rotate", real)
        for other in list(cli.store.scan()):
            if other.id != token:
                real(engine, other.id)
        return real(engine, token, **how)

    monkeypatch.setattr(Engine, "rotate", rotate)
    answer = cli("rotate", "--due")
    assert answer.code == 0, answer
    assert "1 more: rotated by other runners" in answer.out
    assert len(cli.world.made) == 4, "each was made once and replaced once"


def test_nothing_due_is_a_clean_answer(cli):
    cli.add(NAME)
    assert cli("rotate", "--due").out == "nothing to rotate\n"
    for form in (["--due"], ["--resume"]):
        assert cli("rotate", *form, "--format", "json").document == {"results": []}


def test_all_of_a_scope_takes_exactly_that_scope(cli):
    old = cli.add(NAME)
    assert cli("rotate", "--all-of", "drive:d1").code == 0
    assert old not in living(cli)


def test_all_of_a_scope_that_nobody_has_heard_of_never_exits_0(cli, words):
    cli.add(NAME)
    words(cli.refused("rotate", "--all-of", "drive:d2", "--compromised"))
    assert cli("retire", NAME, "--yes").code == 0
    answer = cli("rotate", "--all-of", "drive:d1")
    assert answer.code == 0, "all of it is dead already"
    words(answer)


def test_one_bad_token_never_blocks_the_rest_and_the_gravest_code_wins(cli, monkeypatch):
    cli.add(NAME)
    good = cli.add(OTHER)
    refuse_for(cli, monkeypatch, NAME)
    answer = cli("rotate", NAME, OTHER)
    assert answer.code == 4, answer
    assert good not in living(cli)
    assert stage(cli, OTHER) is Stage.DONE
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["exit", "4"] in [row[1:3] for row in rows if row and row[0] == NAME]
    assert "done" in [row[1] for row in rows if row and row[0] == OTHER and len(row) > 1]


def test_resume_without_a_name_takes_everything_that_is_open(cli, monkeypatch, words):
    cli.add(NAME)
    cli.add(OTHER)
    with monkeypatch.context() as patched:
        refuse_for(cli, patched, NAME)
        assert cli("rotate", NAME).code == 4
    assert cli("rotate", NAME).code == 3, "it is open: resume or abort"
    answer = cli("rotate", "--resume")
    assert answer.code == 0, answer
    assert stage(cli) is Stage.DONE
    words(cli("rotate", "--resume"))
    words(cli("rotate", NAME, "--resume"))


def test_abort_undoes_what_was_begun(cli, monkeypatch):
    old = cli.add(NAME)
    refuse_for(cli, monkeypatch, NAME)
    assert cli("rotate", NAME).code == 4
    answer = cli("rotate", NAME, "--abort")
    assert answer.code == 0, answer
    assert stage(cli) is Stage.ABORTED
    assert living(cli) == [old]


def test_many_compromised_tokens_are_confirmed_by_their_number(cli):
    cli.add(NAME)
    cli.add(OTHER)
    cli.tty = FakeTty("1")
    before = living(cli)
    answer = cli("rotate", "--all-of", "drive:d1", "--compromised")
    assert answer.code == 3
    assert living(cli) == before
    cli.tty = FakeTty("2")
    answer = cli("rotate", "--all-of", "drive:d1", "--compromised", "--reason", "laptop stolen")
    assert answer.code == 0, answer
    assert set(before).isdisjoint(living(cli))


def test_the_reason_is_in_the_audit_trail(cli):
    cli.add(NAME)
    cli("rotate", NAME, "--compromised", "--reason", "posted in a ticket")
    events = [entry.event for entry in cli.store.history(cli.store.find(token_name(NAME)).id)]
    assert [event.detail["reason"] for event in events if "reason" in event.detail] == ["posted in a ticket"]


def test_ctrl_c_says_how_to_go_on(cli, monkeypatch):
    cli.add(NAME)

    class Interrupted(FakeIssuer):
        def create(self, wanted):
            raise KeyboardInterrupt

    real = cli.vendors.of
    monkeypatch.setattr(cli.vendors, "of", lambda record: Vendor(real(record).provider, Interrupted(cli.world)))
    answer = cli("rotate", NAME)
    assert answer.code == 130
    assert f"tokenguard rotate {NAME} --resume" in answer.err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--abort"],
        [NAME, "--due"],
        [NAME, "--owner", "video"],
        ["--all-of", "drive:d2", "--scope", "drive:d1"],
        ["--owner", "video", "--resume"],
        [NAME, "--resume", "--abort"],
        [NAME, "--resume", "--plan"],
        ["--due", "--resume"],
        ["--all-of", "d1"],
        ["Not/A/Name"],
        ["no/such/token"],
        [NAME, "--compromised", "--resume"],
        [NAME, "--accept-outage", "--compromised"],
        [NAME, "--accept-outage", "--abort"],
        [NAME, "--reason", "x" * 201],
        [NAME, "--reason", "two\nlines"],
        [NAME, "--nonsense"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40] or "nothing",
)
def test_bad_combinations_are_refused_with_nothing_written(cli, arguments):
    cli.add(NAME)
    cli.refused("rotate", *arguments)


def test_a_manual_token_ends_on_a_persons_word_and_never_with_0(cli):
    value = cli.world.create(NAME).value
    fields = ("--provider", "manual", "--scope", "org:o1", "--env", "prod", "--owner", "video", "--purpose", "p")
    assert cli("add", NAME, *fields, "--no-consumers", "--stdin", stdin=value).code == 0
    cli.tty = FakeTty(cli.world.create("new").value, "done ada")
    answer = cli("rotate", NAME)
    assert answer.code == 5, answer
    assert "asserted by ada" in answer.err
    assert stage(cli) is Stage.DONE
    assert cli("rotate", NAME, "--resume").code == 5, "it is not proven by asking again"
    assert cli("rotate", "--resume").code == 0, "and no longer owed"
    assert "asserted by ada" in cli("show", NAME).out
    proof = cli("show", NAME, "--format", "json").document["last_operation"]["proof"]
    assert (proof["grade"], proof["said_by"], proof["control"]) == ("asserted", "ada", False)


def accept_assertions(cli, tmp_path):
    policy, config = tmp_path / "policy.yaml", tmp_path / "config.toml"
    policy.write_text("format: 1\nname: own\nextends: default\nrules: [{id: asserted-death, providers: [manual]}]\n")
    config.write_text(f'[policy]\nfile = "{policy}"\n')
    config.chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(config)


@pytest.mark.parametrize("when", ["before", "afterwards"])
def test_a_policy_may_accept_that_a_death_is_only_asserted(cli, tmp_path, when):
    if when == "before":
        accept_assertions(cli, tmp_path)
    value = cli.world.create(NAME).value
    fields = ("--provider", "manual", "--scope", "org:o1", "--env", "prod", "--owner", "video", "--purpose", "p")
    assert cli("add", NAME, *fields, "--no-consumers", "--stdin", stdin=value).code == 0
    cli.tty = FakeTty(cli.world.create("new").value, "done ada")
    assert cli("rotate", NAME).code == (0 if when == "before" else 5)
    if when == "afterwards":
        assert "old-token-dead" in cli("check").out
        accept_assertions(cli, tmp_path)
        assert cli("rotate", NAME, "--resume").code == 0
    assert "asserted by ada" in cli("show", NAME).out
    assert "old-token-dead" not in cli("check").out


def test_a_death_that_the_list_proves_is_not_told_as_no_refusals(cli):
    cli.add("video/app/prod/other")
    cli.add(NAME)
    able = cli.vendors.fake.capabilities
    cli.vendors.fake.capabilities = type(able)(mint=Method.API, revoke=Method.API, probe=False, lists=True)
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    assert "missing from the list" in answer.out
    assert "refusal" not in answer.out
