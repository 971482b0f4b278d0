"""`rotate --in-place`: one request gives a token a new value and ends the old one; accepted first, and proven as always."""

import itertools
import json

import pytest

from tests.cli.test_respond_by_value import configured
from tests.contract.test_described_services import FILES
from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Stage
from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Value
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.shell.vendors import admin_variable

NAME, OTHER = "video/app/prod/cdn", "video/app/prod/other"
UNATTENDED = ("--in-place", "--accept-outage", "--no-input")


@pytest.fixture(params=["cloudflare", "gitlab"])
def service(request, cli, tmp_path):
    """Cloudflare keeps the token's id; GitLab makes a new token of the same name, and punishes the id of the old one."""
    with LoopbackService(described=FILES[request.param], value_prefix="tgcanary-") as running:
        cli.environ[admin_variable(request.param)] = running.admin.token.reveal()
        configured(cli, tmp_path, running)
        for name in (NAME, OTHER):
            label = name.replace("/", "-")
            issued = running.issue(label)
            scope = ("--scope", f"{running.described.scope_kind}:{running.scope}", "--env", "prod", "--owner", "video")
            given = (
                "--provider",
                request.param,
                *scope,
                "--purpose",
                name,
                "--no-consumers",
                "--label",
                label,
                "--stdin",
            )
            assert cli("add", name, *given, stdin=issued.value.token.reveal()).code == 0
        yield running


def held(cli, name=NAME):
    snapshot = cli.store.find(token_name(name))
    live = cli.store.read_live(snapshot.id)
    return snapshot.document, live.value if live else None


def living(service):
    return [each.value for each in service.tokens.values() if each.alive]


def replaced(service):
    route = service.described.replace.route
    return [each for each in service.asked if each.method == route.method and each.path.endswith(route.segments[-1])]


def rotated(cli, *more):
    return cli("rotate", NAME, *(more or UNATTENDED))


def test_the_token_gets_a_new_value_and_the_old_one_is_proven_dead(cli, service):
    before = held(cli)[1]
    assert rotated(cli).code == 0
    document, now = held(cli)
    assert now != before
    assert now in living(service)
    assert before not in living(service)
    assert document.journal.proof.proven
    assert document.record.provider_id == next(each.id for each in service.tokens.values() if each.value == now)
    assert document.record.label == NAME.replace("/", "-")
    assert held(cli, OTHER)[1] in living(service)
    assert rotated(cli).code == 0  # it can be repeated
    assert held(cli)[1] in living(service)


def test_the_revoke_is_on_record_before_the_request(cli, service):
    assert rotated(cli).code == 0
    trail = [entry.event for entry in cli.store.history(cli.store.find(token_name(NAME)).id)]
    order = [(each.op, each.phase) for each in trail if each.detail.get("result") == "in-place" or each.op is Op.MINT]
    assert order == [
        (Op.REVOKE, Phase.INTENT),
        (Op.MINT, Phase.INTENT),
        (Op.REVOKE, Phase.OUTCOME),
        (Op.DONE, Phase.FACT),
    ]


def test_a_lost_answer_costs_one_more_request_and_no_family(cli, service):
    service.cuts = 1
    assert rotated(cli).code == 5
    refused = cli("rotate", NAME, "--abort")
    assert refused.code == 2, refused  # the old value is dead: what is left is to get another one
    assert cli("rotate", NAME, "--resume", "--no-input").code == 0
    assert held(cli)[1] in living(service)
    assert len(replaced(service)) == 2
    assert all(each.status == 200 for each in replaced(service))


def test_a_value_that_was_stored_and_not_recorded_is_adopted(cli, service, monkeypatch):
    real, cut = cli.store.commit, []

    def commit(token, version, document, events):
        if document.journal and document.journal.stage is Stage.STORED and not cut:
            cut.append(True)
            raise KeyboardInterrupt
        return real(token, version, document, events)

    monkeypatch.setattr(cli.store, "commit", commit)
    assert rotated(cli).code == 130
    assert cli("rotate", NAME, "--resume", "--no-input").code == 0
    assert len(replaced(service)) == 1
    assert held(cli)[1] in living(service)


@pytest.mark.parametrize("cut", range(1, 15))
@pytest.mark.parametrize("late", [False, True])
def test_an_interrupt_at_any_write_converges(cli, service, monkeypatch, cut, late):
    """Before or after each write of the document: the token ends with a value that lives, and no replaced id is sent."""
    before, real, count = held(cli)[1], cli.store.commit, itertools.count(1)

    def commit(*arguments):
        hit = next(count) == cut
        if hit and not late:
            raise KeyboardInterrupt
        done = real(*arguments)
        if hit:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(cli.store, "commit", commit)
    interrupted = rotated(cli).code == 130
    monkeypatch.setattr(cli.store, "commit", real)
    if interrupted and held(cli)[0].busy:
        assert cli("rotate", NAME, "--resume", "--no-input").code == 0
    elif interrupted and held(cli)[1] == before:
        assert rotated(cli).code == 0  # nothing was begun
    document, now = held(cli)
    assert now in living(service)
    assert before not in living(service)
    assert document.journal.stage is Stage.DONE
    assert document.journal.proof.proven
    assert all(each.status == 200 for each in replaced(service))
    assert sum(each.alive and each.label == NAME.replace("/", "-") for each in service.tokens.values()) == 1
    assert held(cli, OTHER)[1] in living(service)


def test_a_provider_that_accepts_the_old_value_too_is_no_death(cli, service):
    service.ignores_revoke = True
    before = held(cli)[1]
    assert rotated(cli).code == 5
    assert held(cli)[1] in living(service)
    assert cli("rotate", NAME, "--abort").code == 2  # both values live, and the provider may end the old one
    for each in service.tokens.values():
        each.alive = each.alive and each.value != before
    assert cli("rotate", NAME, "--resume", "--no-input").code == 0
    assert len(replaced(service)) == 1


def test_a_lost_answer_never_names_a_token_to_revoke(cli, service):
    """It said that a token of a label which the provider never had may exist, and to revoke it by hand."""
    service.cuts = 1
    lost = rotated(cli)
    assert lost.code == 5
    shown, run = cli("show", NAME), cli("runbook", NAME)
    label = held(cli)[0].journal.attempts[-1].label
    assert "do not revoke the token" in lost.err
    assert f"another value for it: tokenguard rotate {NAME} --resume" in lost.err
    for answer in (lost, run):
        assert label not in answer.out + answer.err
    assert "new token" not in lost.err
    assert "the token stays: do not revoke it" in run.out.lower()
    assert "new value, alive or unknown" in shown.out
    assert "token, alive or unknown" not in shown.out
    assert "--in-place" in run.out
    done = cli("rotate", NAME, "--resume", "--no-input")
    assert done.code == 0
    assert "new token" not in done.err
    assert "old token" not in done.out + done.err
    kept = [line for line in cli("show", NAME).out.splitlines() if "in quarantine" in line]
    assert all(f"old value of {NAME.replace('/', '-')}" in line for line in kept)
    assert kept


def test_a_plan_says_that_consumers_fail(cli, service):
    plan = cli("rotate", NAME, "--in-place", "--plan")
    assert "consumers fail until each has the new value" in plan.out
    assert "new token" not in plan.out
    assert "old token" not in plan.out


def test_a_provider_that_cannot_is_told_before_anything_is_asked(cli):
    """Without a terminal it asked for an acceptance of an outage that the provider could not have caused."""
    cli.add(NAME)
    for asked in (("--no-input",), ("--accept-outage",), ()):
        assert "leave out --in-place" in cli.refused("rotate", NAME, "--in-place", *asked).answer.hint
    cli.tty = FakeTty()
    assert "leave out --in-place" in cli.refused("rotate", NAME, "--in-place").answer.hint
    assert cli.tty.shown == []


def test_nobody_is_surprised(cli, service):
    plan = cli("rotate", NAME, "--in-place", "--plan")
    assert "invalidates the old one at once" in plan.out
    assert rotated(cli, "--in-place", "--no-input").code == 3
    cli.tty = FakeTty("no")
    assert rotated(cli, "--in-place").code != 0
    assert any("in place" in text for text in cli.tty.shown)
    for wrong in (("--compromised",), ("--resume",), ("--abort",)):
        cli.refused("rotate", NAME, "--in-place", *wrong)
    assert replaced(service) == []
    cli.tty = FakeTty("1")
    assert rotated(cli, "--in-place").code == 0


def test_a_provider_without_it_refuses_before_anything_is_written(cli):
    value = cli.add(NAME)
    before = repr(cli.everything())
    assert rotated(cli).code == 2
    assert Value.of(value) == held(cli)[1]
    assert "does not support it" not in before
    assert "cannot give a token a new value in place" in cli("rotate", NAME, "--in-place", "--plan").out


@pytest.mark.parametrize("listed", [True, False])
def test_the_policy_may_have_due_tokens_replaced_in_place(cli, service, tmp_path, listed):
    policy, config = tmp_path / "team.yaml", tmp_path / "policy.toml"
    rule = {"id": "unattended-rotation", "in_place": [service.described.name if listed else "elsewhere"]}
    policy.write_text(json.dumps({"format": 1, "name": "team", "extends": "default", "rules": [rule]}))
    config.write_text(f"[policy]\nfile = {json.dumps(str(policy))}\n")
    config.chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    before = held(cli)[1]
    for name, day in ((NAME, "2025-01-01"), (OTHER, f"{cli.clock.now():%Y-%m-%d}")):
        assert cli("edit", name, "--created", day).code == 0
    assert cli("rotate", "--due", "--no-input").code == (0 if listed else 3)  # its id is not on record: a person's work
    assert (held(cli)[1] != before) is bool(listed or service.described.create)
    assert len(replaced(service)) == listed


def test_a_plan_names_a_person_where_the_id_or_the_admin_credential_is_missing(cli, service):
    """A plan promised that the provider revokes the old token, and the run stopped for a person."""
    name = service.described.name
    assert "its id at the provider is not on record" in cli("rotate", NAME, "--plan").out
    assert rotated(cli).code == 0  # its id is on record from here on
    assert "by hand" not in cli("rotate", NAME, "--plan").out
    del cli.environ[admin_variable(name)]
    by_hand = "revoke the old token by hand" in cli("rotate", NAME, "--plan").out
    assert by_hand is (service.described.create is None)  # otherwise the rotation does not begin
