"""The rotation campaign on a token that was adopted in place: every fault at every call, also at those to the place."""

import random

import pytest

from tests.fakes.world import Made
from tests.faults import test_rotation_simulation as simulation
from tests.faults.rotation_faults import PLACES, SEED, Faults, Plan, Port, possible
from tests.faults.rotation_promises import Broken
from tests.faults.rotation_scenario import Scenario, one_fault_plans
from tests.unit.adopted_bench import OTHERS, URL, AdoptedBench
from tokenguard.domain.token import Location
from tokenguard.stores.adopted import adopting

ACTIONS = ("planned", "compromised", "retire", "add", "abort", "abort-early")
every_action = pytest.mark.parametrize("action", ACTIONS)
both_providers = pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])


class GatedPlaces:
    """Places whose calls pass the gate."""

    def __init__(self, bench: AdoptedBench, faults: Faults) -> None:
        self._places = bench.places
        self._faults = faults

    def of(self, location: Location) -> object:
        return Port("place", self._places.of(location), self._faults)


class AdoptedScenario(Scenario):
    """The gate stands before the home store and before the place; what joins them is the code under test."""

    bench_kind = AdoptedBench
    bench: AdoptedBench

    def _gated(self, name: str, inner: object) -> object:
        if name != "store":
            return super()._gated(name, inner)
        home = Port("store", self.bench.home, self.faults)
        return adopting(home, lambda: GatedPlaces(self.bench, self.faults))

    def _given(self) -> Made:
        made = super()._given()
        if not self.bench.places.entries:
            self.bench.places.put(URL, **OTHERS, token=made.value)
        return made

    def run(self) -> "AdoptedScenario":
        super().run()
        there = dict(self.bench.places.fields(URL))
        there.pop("token")
        if there != OTHERS:
            raise Broken("another field was touched")
        return self


def keeps_its_promises(action: str, plan: Plan, *, guided: bool) -> Scenario:
    return simulation.keeps_its_promises(action, plan, guided=guided, kind=AdoptedScenario)


@both_providers
@every_action
def test_one_fault_around_the_place(action: str, guided: bool):
    """Everything else of an operation is as for any token, where the campaign next door breaks it at every call."""
    calls = AdoptedScenario(action, {}, guided=guided).run().faults.calls
    near = {at for at, call in enumerate(calls) if call in PLACES | {"store.publish", "store.withdraw"}}
    near |= {at + step for at in near for step in (-1, 1)}
    for at in sorted(near & set(range(len(calls)))):
        for fault in possible(calls[at]):
            keeps_its_promises(action, {at: fault}, guided=guided)


@pytest.mark.slow
@both_providers
@every_action
def test_one_fault_anywhere(action: str, guided: bool):
    for plan in one_fault_plans(action, guided=guided, kind=AdoptedScenario):
        keeps_its_promises(action, plan, guided=guided)


@every_action
def test_two_faults_sampled(action: str):
    print(f"ROTATION_SEED={SEED}")
    chance = random.Random(SEED)
    for plan in chance.sample(list(one_fault_plans(action, guided=False, kind=AdoptedScenario)), 6):
        _one_more(action, plan, chance)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_action
def test_two_faults_at_random(action: str):
    print(f"ROTATION_SEED={SEED}")
    chance = random.Random(SEED)
    first = list(one_fault_plans(action, guided=False, kind=AdoptedScenario))
    for _ in range(1500):
        _one_more(action, chance.choice(first), chance)


def test_the_campaign_reaches_the_place():
    calls = {call for action in ACTIONS for call in AdoptedScenario(action, {}, guided=False).run().faults.calls}
    assert calls >= PLACES


def _one_more(action: str, plan: Plan, chance: random.Random) -> None:
    calls = keeps_its_promises(action, plan, guided=False).faults.calls
    places = range(max(plan) + 1, len(calls))
    if places:
        place = chance.choice(places)
        keeps_its_promises(action, {**plan, place: chance.choice(possible(calls[place]))}, guided=False)
