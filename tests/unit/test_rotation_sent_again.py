"""A revoke that was confirmed and did nothing: it is sent again, each time on record, until the old token is dead."""

from contextlib import suppress

import pytest

from tests.unit.rotation_bench import Bench, finished
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, Mode, Stage
from tokenguard.errors import ExitCode, InputError, NotProvenDead, TokenguardError, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Ambiguous, CreateRefused, Method
from tokenguard.rotation.machine import can_abort_if_alive

ACTIONS = {
    "planned": lambda bench, token: bench.engine.rotate(token),
    "compromised": lambda bench, token: bench.engine.rotate(token, compromised=True),
    "retire": lambda bench, token: bench.engine.retire(token),
}
every_action = pytest.mark.parametrize("action", ACTIONS)


class Idle:
    """A bench whose provider confirms `times` revokes of the old token and does nothing; its list does not show it."""

    def __init__(self, times=1, *, listed=False, **options):
        self.bench = Bench(**options)
        self.other = self.bench.add("video/other/prod")[1]
        self.token, self.old = self.bench.add()
        if not listed:
            self.bench.world.unlisted.add(self.old.id)
        self.sent, self.left, self._revoke = [], times, self.bench.issuer.revoke
        self.bench.issuer.revoke = self.revoke

    def revoke(self, provider_id):
        self.sent.append(provider_id)
        if provider_id == self.old.id and self.left:
            self.left -= 1
        else:
            self._revoke(provider_id)

    def recorded(self):
        """How often a revoke of the old token is on record as sent."""
        events = [entry.event for entry in self.bench.store.history(self.token) if entry.event.op is Op.REVOKE]
        first = [each for each in events if each.phase is Phase.INTENT and "result" not in each.detail]
        return len(first) + sum(each.detail.get("result") == "again" for each in events)

    def fails(self, work):
        with pytest.raises(TokenguardError) as caught:
            work()
        assert caught.value.exit_code is ExitCode.NOT_PROVEN_DEAD, caught.value
        assert self.bench.world.alive(self.old)
        return caught.value


@every_action
def test_a_revoke_that_did_nothing_is_sent_again_at_the_next_resume(action):
    idle = Idle(times=3)
    bench = idle.bench
    told = idle.fails(lambda: ACTIONS[action](bench, idle.token))
    assert "--resume" in told.hint
    made = len(bench.world.made)
    for _ in range(2):
        idle.fails(lambda: bench.engine.resume(idle.token))
    assert finished(bench.engine.resume(idle.token))
    assert not bench.world.alive(idle.old)
    assert bench.journal(idle.token).proof.proven
    assert idle.sent.count(idle.old.id) == 4 == idle.recorded()
    assert len(bench.world.made) == made, "the new token that is in use stays"
    assert bench.journal(idle.token).revoked_by == "api"


def test_a_revocation_that_is_open_again_is_sent_again_too():
    bench = Bench()
    token, old = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(25 * 3600)
    bench.world.made[old.id].revoked_at = None
    with pytest.raises(NotProvenDead):
        bench.look_again(token)
    assert bench.journal(token).mode is Mode.REVOKE_AGAIN
    bench.world.unlisted.add(old.id)
    sent, revoke = [], bench.issuer.revoke
    bench.issuer.revoke = sent.append
    with pytest.raises(NotProvenDead) as caught:
        bench.engine.resume(token)
    assert "--abort" not in caught.value.hint
    bench.issuer.revoke = revoke
    assert finished(bench.engine.resume(token))
    assert sent == [old.id]
    assert not bench.world.alive(old)


def test_a_leaked_token_is_revoked_again_before_its_replacement_is_made():
    idle = Idle()
    bench, create = idle.bench, idle.bench.issuer.create

    def refused(_wanted):
        raise CreateRefused("403", hint="-")

    bench.issuer.create = refused
    idle.fails(lambda: bench.engine.rotate(idle.token, compromised=True))

    def alive_at(wanted):
        assert not bench.world.alive(idle.old)
        return create(wanted)

    bench.issuer.create = alive_at
    assert finished(bench.engine.resume(idle.token))
    assert idle.sent.count(idle.old.id) == 2 == idle.recorded()


def test_a_leaked_token_that_is_dead_is_not_revoked_again():
    idle = Idle(times=0)
    bench, create = idle.bench, idle.bench.issuer.create

    def refused(_wanted):
        raise CreateRefused("403", hint="-")

    bench.issuer.create = refused
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(idle.token, compromised=True)
    bench.issuer.create = create
    assert finished(bench.engine.resume(idle.token))
    assert idle.sent == [idle.old.id]


def test_a_journal_that_an_earlier_version_left_at_revoked_is_sent_again():
    idle = Idle(times=1)
    bench = idle.bench
    idle.fails(lambda: bench.engine.retire(idle.token))
    snapshot = bench.store.load(idle.token)
    stuck = replace(snapshot.document.journal, stage=Stage.REVOKED, revoked_by="api", revoked_at=bench.clock.now())
    bench.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, journal=stuck), [])
    idle.fails(lambda: bench.engine.resume(idle.token))
    assert finished(bench.engine.resume(idle.token))
    assert not bench.world.alive(idle.old)


@every_action
def test_an_operation_whose_revoke_did_nothing_can_be_aborted_while_the_old_token_is_listed_and_accepted(action):
    idle = Idle(times=9)
    bench = idle.bench
    idle.fails(lambda: ACTIONS[action](bench, idle.token))
    bench.world.unlisted.clear()  # the admin credential was corrected
    bench.engine.abort(idle.token, reason="it was another one's value")
    assert bench.journal(idle.token).stage is Stage.ABORTED
    assert bench.live_value(idle.token) == idle.old.value
    assert [made.id for made in bench.world.living()] == [idle.other.id, idle.old.id]


@pytest.mark.parametrize("lists", ["with a gap", "of another account"])
def test_a_list_that_cannot_say_does_not_keep_an_operation_from_being_aborted(lists):
    idle = Idle(times=9)
    bench = idle.bench
    idle.fails(lambda: bench.engine.rotate(idle.token))
    bench.world.list_gap = "it says that there are more" if lists == "with a gap" else ""
    bench.world.unlisted |= set(bench.world.made) if lists == "of another account" else set()
    with suppress(Unreachable):  # the new token cannot be discarded yet
        bench.engine.abort(idle.token)
    assert bench.journal(idle.token).stage in {Stage.ABORTING, Stage.ABORTED}
    assert bench.live_value(idle.token) == idle.old.value
    bench.world.unlisted.clear()
    bench.world.list_gap = ""
    assert finished(bench.engine.resume(idle.token))
    assert [made.id for made in bench.world.living()] == [idle.other.id, idle.old.id]


@every_action
@pytest.mark.parametrize("spoil", ["revoked", "unlisted", "outage", "unclear", "a person said so"])
def test_an_operation_whose_revoke_may_have_worked_is_not_aborted(action, spoil):
    idle = Idle(times=9)
    bench = idle.bench
    idle.fails(lambda: ACTIONS[action](bench, idle.token))
    if spoil != "unlisted":
        bench.world.unlisted.clear()
    if spoil == "revoked":
        bench.world.revoke(idle.old.id)
    if spoil == "a person said so":
        snapshot = bench.store.load(idle.token)
        said = replace(snapshot.document.journal, revoked_by="ada")
        bench.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, journal=said), [])
    bench.world.outage = spoil == "outage"
    bench.world.unknown = 10**6 if spoil == "unclear" else 0
    served = bench.store.read_live(idle.token)
    with pytest.raises((InputError, NotProvenDead, Unreachable)):
        bench.engine.abort(idle.token, reason="it was another one's value")
    assert bench.journal(idle.token).stage not in {Stage.ABORTING, Stage.ABORTED}
    assert bench.store.read_live(idle.token) == served


def test_a_compromise_is_aborted_also_while_its_new_token_may_exist():
    idle = Idle(times=9)
    bench, create = idle.bench, idle.bench.issuer.create

    def lost(wanted):
        create(wanted)
        raise Unreachable("no answer", hint="-")

    bench.issuer.create = lost
    idle.fails(lambda: bench.engine.rotate(idle.token, compromised=True))
    assert bench.journal(idle.token).attempt.state is AttemptState.INTENDED
    assert can_abort_if_alive(bench.journal(idle.token))
    bench.world.unlisted.clear()
    bench.engine.abort(idle.token, reason="it was another one's value")
    assert [made.id for made in bench.world.living()] == [idle.other.id, idle.old.id]


@pytest.mark.parametrize("lists", ["unreadable", "with a gap", "without a live token"])
def test_a_revoke_that_the_list_does_not_confirm_is_not_called_revoked(lists):
    bench = Bench()
    token, old = bench.add()
    revoke, listed = bench.issuer.revoke, bench.issuer.listed

    def down():
        raise Unreachable("http status 500", hint="-")

    def then_spoilt(provider_id):
        revoke(provider_id)
        if lists == "unreadable":
            bench.issuer.listed = down
        bench.world.list_gap = "it says that there are more" if lists == "with a gap" else ""
        if lists == "without a live token":
            bench.world.unlisted |= set(bench.world.made)

    bench.issuer.revoke = then_spoilt
    try:
        bench.engine.rotate(token)
    except TokenguardError:
        bench.issuer.listed = listed
    assert not any("revoked according to" in line for line in bench.progress.lines)
    assert any("list" in line and line.startswith("!") for line in bench.progress.lines)
    assert not bench.world.alive(old)


def without_a_probe(*, person):
    return Bench(capabilities={"probe": False, **({"revoke": Method.PERSON} if person else {})})


def test_a_token_that_only_the_list_tells_of_is_revoked_again_while_it_is_listed():
    bench = without_a_probe(person=False)
    bench.add("video/other/prod")
    token, old = bench.add()
    sent, revoke = [], bench.issuer.revoke

    def hidden(provider_id):
        """It is listed again right after the list was read."""
        sent.append(provider_id)
        bench.world.unlisted.add(provider_id)

    bench.issuer.revoke = hidden
    commit = bench.store.commit

    def shown(token_, expected, document, events):
        if document.journal.stage is Stage.REVOKED:
            bench.world.unlisted.discard(old.id)
        return commit(token_, expected, document, events)

    bench.store.commit = shown
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    bench.issuer.revoke = lambda provider_id: (sent.append(provider_id), revoke(provider_id))
    assert finished(bench.engine.resume(token))
    assert sent == [old.id, old.id]
    assert not bench.world.alive(old)


def test_a_person_is_asked_again_while_the_list_still_names_the_token():
    bench = without_a_probe(person=True)
    bench.add("video/other/prod")
    token, old = bench.add()
    bench.operator.answers.extend(["ada"])  # and has not done it; the next time she does
    assert finished(bench.engine.retire(token))
    asked = [retry for kind, _, retry in bench.operator.asked if kind == "done"]
    assert len(asked) == 2
    assert asked[1]
    assert not bench.world.alive(old)
    assert bench.journal(token).proof.proven


def never_clear(bench, error, *, works=True):
    """The provider's answer to a revoke never says that it was done; returns the ids that it was asked to revoke."""
    sent, revoke = [], bench.issuer.revoke

    def answer(provider_id):
        sent.append(provider_id)
        if works:
            revoke(provider_id)
        raise error("the answer is not one this provider gives", hint="-")

    bench.issuer.revoke = answer
    return sent


@every_action
@pytest.mark.parametrize("error", [Ambiguous, CreateRefused])
def test_a_revoke_whose_answer_is_never_clear_ends_once_the_old_token_alone_is_refused(action, error):
    bench = Bench()
    bench.add("video/other/prod")
    token, old = bench.add()
    sent = never_clear(bench, error)
    with pytest.raises(NotProvenDead):
        ACTIONS[action](bench, token)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    assert finished(bench.engine.resume(token))
    assert bench.journal(token).proof.proven
    assert sent == [old.id, old.id]
    assert not any("revoked according to" in line for line in bench.progress.lines)


SPOILT = [(action, spoil) for action in ACTIONS for spoil in ("alive", "outage", "half an outage")]
ALONE = [(action, "nothing to compare") for action in ("compromised", "retire")]


@pytest.mark.parametrize("error", [Ambiguous, CreateRefused])
@pytest.mark.parametrize(("action", "spoil"), [*SPOILT, *ALONE])
def test_a_revoke_whose_answer_is_not_clear_stays_open_while_an_outage_could_explain_the_refusal(action, error, spoil):
    bench = Bench()
    if spoil != "nothing to compare":
        bench.add("video/other/prod")
    token, old = bench.add()
    never_clear(bench, error, works=False)
    if spoil == "nothing to compare":
        bench.world.revoke(old.id)
    revoke = bench.issuer.revoke

    def then_down(provider_id):
        bench.world.outage, bench.world.half_outage = spoil == "outage", spoil == "half an outage"
        revoke(provider_id)

    bench.issuer.revoke = then_down
    with pytest.raises(NotProvenDead):
        ACTIONS[action](bench, token)
    bench.world.outage = bench.world.half_outage = False
    with pytest.raises(NotProvenDead):
        bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    assert bench.journal(token).revoked_by == ""


@pytest.mark.parametrize("action", ["planned", "retire"])
@pytest.mark.parametrize("works", [True, False])
def test_a_revoke_whose_answer_is_not_clear_ends_by_the_list_where_tokens_cannot_be_probed(action, works):
    bench = without_a_probe(person=False)
    bench.add("video/other/prod")
    token, old = bench.add()
    never_clear(bench, Ambiguous, works=works)
    with pytest.raises(NotProvenDead):
        ACTIONS[action](bench, token)
    if works:
        assert finished(bench.engine.resume(token))
        assert bench.journal(token).proof.proven
    else:
        with pytest.raises(NotProvenDead):
            bench.engine.resume(token)
        assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    assert bench.world.alive(old) != works
