"""P1: no duplicate is revoked unless the token in use is identified in the provider's list."""

from datetime import timedelta

import pytest

from tests.fakes.world import ScriptedOperator, World, canary
from tests.unit.rotation_bench import Bench, finished
from tests.unit.test_rotation_absence_control import failed
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.secret import Value
from tokenguard.errors import ExitCode
from tokenguard.frozen import replace
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.provider import Method
from tokenguard.rotation.absence import fits

FIRST = "video/first/prod"


def bare(_value: str) -> str:
    """A list that shows nothing of a value."""
    return ""


def start_only(value: str) -> str:
    return value[:9] + "..."


def a_bench(*, hint, guided: bool = False) -> Bench:
    """A provider that lists and revokes by API; `guided`: where a person creates the tokens."""
    bench = Bench(capabilities={"mint": Method.PERSON} if guided else {})
    bench.world.hint = hint
    return bench


def begin(bench: Bench, work: str):
    """Begin a rotation or a first token; returns what runs it, and its token once it has one."""
    if work == "issue":
        return lambda: bench.engine.issue(bench.record(FIRST)), lambda: bench.store.find(FIRST).id
    token, _ = bench.add()
    return lambda: bench.engine.rotate(token), lambda: token


def served(bench: Bench, token):
    return bench.world.of_value(bench.live_value(token))


@pytest.mark.parametrize("work", ["issue", "rotate"])
@pytest.mark.parametrize("hint", [bare, start_only], ids=["no hint", "public hint"])
def test_a_pasted_token_with_the_proposed_name_stays_alive_and_its_id_is_learned(work, hint):
    bench = a_bench(hint=hint, guided=True)
    run, token = begin(bench, work)
    assert finished(run())
    made = served(bench, token())
    assert bench.world.living() == [made]
    assert bench.document(token()).record.provider_id == made.id
    bench.engine.retire(token())  # by the id
    assert bench.world.living() == []


@pytest.mark.parametrize("work", ["issue", "rotate"])
@pytest.mark.parametrize("hint", [bare, start_only], ids=["no hint", "public hint"])
def test_a_token_that_is_listed_with_another_id_than_at_its_creation_stays_alive(work, hint):
    bench = a_bench(hint=hint)
    run, token = begin(bench, work)
    bench.world.listed_as = "x-"
    if work == "rotate":
        edit_id(bench, token(), "x-id1")
    assert finished(run())
    made = served(bench, token())
    assert bench.world.living() == [made]
    assert bench.document(token()).record.provider_id == f"x-{made.id}"
    assert finished(bench.engine.rotate(token()))
    assert bench.world.living() == [served(bench, token())]


def edit_id(bench: Bench, token, provider_id: str) -> None:
    snapshot = bench.store.load(token)
    document = replace(snapshot.document, record=replace(snapshot.document.record, provider_id=provider_id))
    bench.store.commit(snapshot.id, snapshot.version, document, [])


@pytest.mark.parametrize("guided", [True, False], ids=["pasted", "listed with another id"])
@pytest.mark.parametrize("work", ["issue", "rotate"])
@pytest.mark.parametrize("fits_both", [False, True], ids=["no hint", "a hint that fits both"])
def test_of_two_tokens_with_the_name_none_is_revoked_as_long_as_none_is_known_to_be_in_use(work, guided, fits_both):
    bench = a_bench(hint=bare, guided=guided)
    run, token = begin(bench, work)
    if fits_both:
        shown = World.hint
        bench.world.hint = lambda _: shown(list(bench.world.made.values())[-1].value)
    bench.world.listed_as = "" if guided else "x-"
    if work == "rotate" and not guided:
        edit_id(bench, token(), "x-id1")
    twins = doubled(bench, guided=guided)
    error = failed(run)
    assert error.exit_code == ExitCode.UNREACHABLE
    assert f"tokenguard rotate {bench.document(token()).record.name} --resume" in error.hint
    assert bench.world.alive(served(bench, token()))
    assert bench.world.alive(twins[0])
    assert not bench.journal(token()).stage.ended
    bench.world.revoke(twins[0].id)  # a person does what the hint says
    assert finished(bench.engine.resume(token()))
    assert bench.world.living() == [served(bench, token())]


def doubled(bench: Bench, *, guided: bool):
    """Have each creation make a twin of the same name beforehand."""
    twins = []
    if guided:

        def paste() -> str:
            label = bench.operator.asked[-1][1].steps[0].split()[1]
            twins.append(bench.world.create(label))
            return bench.world.create(label).value

        bench.operator.answers.append(paste)
        return twins
    create = bench.issuer.create

    def created(wanted):
        twins.append(bench.world.create(wanted.label))
        return create(wanted)

    bench.issuer.create = created
    return twins


@pytest.mark.parametrize("guided", [True, False], ids=["pasted", "created by API"])
@pytest.mark.parametrize("work", ["issue", "rotate"])
def test_a_duplicate_of_an_identified_token_is_revoked(work, guided):
    bench = Bench(capabilities={"mint": Method.PERSON} if guided else {})  # whose list shows a hint
    run, token = begin(bench, work)
    twins = doubled(bench, guided=guided)
    assert finished(run())
    assert twins
    assert bench.world.living() == [served(bench, token())]


@pytest.mark.parametrize("gap", ["", "it says that there are more"])
@pytest.mark.parametrize("work", ["issue", "rotate"])
def test_a_pasted_token_with_another_name_than_the_proposed_one_stays_alive(work, gap):
    """The list is then no reason to stop: no request of ours can have been repeated."""
    bench = a_bench(hint=bare, guided=True)
    run, token = begin(bench, work)
    bench.operator.answers.append(lambda: bench.world.create("typed otherwise").value)
    bench.world.list_gap = gap
    assert finished(run())
    assert bench.world.living() == [served(bench, token())]
    assert bench.document(token()).record.provider_id == ""


def test_no_id_is_learned_from_a_list_that_may_lack_rows():
    bench = a_bench(hint=bare, guided=True)
    run, token = begin(bench, "issue")
    bench.world.list_gap = "it says that there are more"
    assert finished(run())
    assert bench.world.living() == [served(bench, token())]
    assert bench.document(token()).record.provider_id == ""


def test_a_single_row_is_not_taken_for_the_token_in_use_if_its_hint_is_of_another_value():
    bench = Bench()
    run, token = begin(bench, "issue")
    twins = doubled(bench, guided=False)
    create = bench.issuer.create

    def hidden(wanted):
        created = create(wanted)
        bench.world.unlisted.add(created.provider_id)
        return created

    bench.issuer.create = hidden
    assert failed(run).exit_code == ExitCode.UNREACHABLE
    assert bench.document(token()).record.provider_id != twins[0].id
    bench.world.unlisted.clear()
    assert finished(bench.engine.resume(token()))
    assert bench.world.living() == [served(bench, token())]


def test_a_duplicate_that_is_listed_earlier_than_the_token_in_use_is_not_taken_for_it(monkeypatch):
    bench = Bench(capabilities={"list_lag": timedelta(seconds=20)})
    bench.world.hint = bare
    run, token = begin(bench, "issue")
    doubled(bench, guided=False)
    listed = bench.issuer.listed

    def late():
        found = listed()
        made = bench.world.of_value(bench.live_value(token()))
        young = bench.clock.now() - made.created_at < timedelta(seconds=15)
        return replace(found, rows=tuple(row for row in found.rows if row.provider_id != made.id or not young))

    monkeypatch.setattr(bench.issuer, "listed", late)
    assert finished(run())
    assert bench.world.living() == [served(bench, token())]


def test_a_token_that_was_named_like_a_discarded_attempt_is_not_revoked_as_one():
    bench = a_bench(hint=bare, guided=True)
    run, token = begin(bench, "rotate")

    def same_name_again() -> str:
        return bench.world.create(bench.journal(token()).attempts[0].label).value

    bench.operator = bench.engine._context.operator
    assert isinstance(bench.operator, ScriptedOperator)
    bench.operator.answers.extend([canary, same_name_again])  # the first paste was never a token
    error = failed(run)
    assert error.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}
    assert bench.world.alive(served(bench, token()))


@pytest.mark.parametrize("work", ["issue", "rotate"])
def test_an_operation_that_revoked_the_token_in_use_as_its_duplicate_never_ends_with_exit_0(work, monkeypatch):
    """A provider that revokes by name, whatever id is asked for."""
    bench = Bench()
    run, token = begin(bench, work)
    doubled(bench, guided=False)
    revoke = bench.issuer.revoke

    def by_name(provider_id):
        revoke(provider_id)
        bench.world.revoke_label(bench.world.made[provider_id].label)

    monkeypatch.setattr(bench.issuer, "revoke", by_name)
    error = failed(run)
    assert error.exit_code == ExitCode.UNREACHABLE
    assert bench.document(token()).record.seen.verdict is Verdict.DEAD
    assert "tokenguard rotate" in error.hint
    monkeypatch.undo()
    bench.issuer = bench.vendors.issuer
    assert bench.journal(token()).stage is Stage.DONE


def test_an_operation_that_revoked_no_duplicate_does_not_depend_on_another_probe(monkeypatch):
    """The new token was verified before it was published."""
    bench = Bench()
    run, token = begin(bench, "issue")
    with monkeypatch.context() as patch:
        patch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
        failed(run)
    bench.world.half_outage = True
    assert finished(bench.engine.resume(token()))


def test_no_clear_answer_about_the_token_in_use_after_a_duplicate_was_revoked_keeps_the_operation_open(monkeypatch):
    bench = Bench()
    run, token = begin(bench, "issue")
    doubled(bench, guided=False)
    revoke = bench.issuer.revoke

    def silent(value, expected):
        return Observation(verdict=Verdict.UNKNOWN, at=bench.clock.now(), reason="http-503")

    with monkeypatch.context() as patch:

        def then_silent(provider_id):
            revoke(provider_id)
            patch.setattr(bench.provider, "probe", silent)

        patch.setattr(bench.issuer, "revoke", then_silent)
        assert failed(run).exit_code == ExitCode.UNREACHABLE
        assert failed(lambda: bench.engine.resume(token())).exit_code == ExitCode.UNREACHABLE, "also another runner"
    assert finished(bench.engine.resume(token()))
    assert bench.world.living() == [served(bench, token())]


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("acme_...", False), ("acme_ab...", False), ("acme_abcd...", False), ("acme_...wxyz", True),
        ("...wxyz", True), ("...xyz", False), ("acme_…wxyz", True), ("acme_...abcd", False), ("acme_abcd", False),
        ("", False), ("...", False),
    ],
)  # fmt: skip
def test_a_hint_identifies_a_value_only_by_characters_of_its_secret_part(hint, shown):
    assert fits(hint, "acme_abcdefghijklmnopqrstuvwxyz") is shown


def test_the_only_listed_token_is_not_revoked_for_a_hint_that_all_tokens_share():
    """The record has no id, and the list holds somebody else's token and not ours."""
    bench = a_bench(hint=start_only)
    token, made = bench.add()
    edit_id(bench, token, "")
    bench.world.unlisted.add(made.id)
    strangers = bench.world.create("somebody-elses")
    bench.operator.answers.append("")  # a person is asked, and leaves it for later
    assert failed(lambda: bench.engine.retire(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert bench.world.alive(strangers)
    assert Value.of(made.value) == bench.store.read_live(token).value
