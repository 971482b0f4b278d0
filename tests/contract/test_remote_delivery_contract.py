"""What every delivery to a host promises, over strict loopback hosts of each vendor's API."""

import pytest

from tests.contract.remote_deliveries import VARIANTS, VENDORS, consumer_at, deliveries
from tests.fakes.clock import FakeClock
from tests.fakes.secret_hosts.serving import Fault, SecretHost
from tests.fakes.world import canary
from tokenguard.delivery.delivery_registry import DeliveryRegistry
from tokenguard.delivery.hosts import Hosts
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, InputError, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.delivery import ConsumerVerdict


class Bench:
    def __init__(self, vendor, host, tmp_path):
        self.vendor, self.host = vendor, host
        self.clock = FakeClock()
        self.consumer = consumer_at(vendor, host, tmp_path)
        self.delivery = self.another_process()

    def another_process(self):
        return deliveries(self.vendor, self.host, self.clock).of(self.consumer)

    @property
    def seen(self):
        return self.vendor.seen(self.host)

    @property
    def writes(self):
        return [each for each in self.host.asked if each.method != "GET" and each.query.get("dryRun") != "All"]


@pytest.fixture(params=VARIANTS, ids=lambda each: each[0] if each[1] == "documented" else f"{each[0]}-{each[1]}")
def bench(request, tmp_path):
    name, _, settings = request.param
    vendor = VENDORS[name]
    with vendor.make(**settings) as host:
        yield Bench(vendor, host, tmp_path)


def test_what_was_pushed_is_what_the_consumer_sees_and_it_can_be_repeated_and_taken_back(bench):
    old, new = canary(), canary()
    bench.delivery.push(bench.consumer, Value.of(old))
    assert bench.seen == old
    assert bench.delivery.verify(bench.consumer, Value.of(old)) is ConsumerVerdict.EXPECTED
    for _ in range(2):
        bench.delivery.push(bench.consumer, Value.of(new))
        assert bench.seen == new
        assert bench.delivery.verify(bench.consumer, Value.of(new)) is ConsumerVerdict.EXPECTED
        assert bench.delivery.verify(bench.consumer, Value.of(old)) is ConsumerVerdict.DIFFERENT
    bench.delivery.push(bench.consumer, Value.of(old))
    assert bench.seen == old
    assert bench.delivery.verify(bench.consumer, Value.of(old)) is ConsumerVerdict.EXPECTED


def test_nothing_is_held_before_the_first_push(bench):
    assert bench.delivery.verify(bench.consumer, Value.of(canary())) is ConsumerVerdict.DIFFERENT


def test_a_check_writes_nothing(bench):
    before = bench.seen
    bench.delivery.check(bench.consumer)
    assert bench.seen == before
    assert not bench.writes
    assert bench.host.asked


def test_a_check_notices_a_missing_permission(bench):
    bench.host.forbidden = True
    with pytest.raises(Unreachable, match="403"):
        bench.delivery.check(bench.consumer)


def test_a_check_notices_a_place_that_is_not_there(bench):
    """So that it is known before a token is made for it."""
    there, misspelt = bench.vendor.misspelt
    elsewhere = replace(bench.consumer, target=bench.consumer.target.replace(there, misspelt))
    assert elsewhere != bench.consumer
    with pytest.raises((Unreachable, InputError)) as caught:
        bench.delivery.check(elsewhere)
    assert str(elsewhere) in caught.value.message, "of several consumers at one host, this one"
    assert not bench.writes


def test_a_lost_reply_is_made_up_for_by_pushing_again_in_another_process(bench, words):
    value = Value.of(canary())
    bench.delivery.check(bench.consumer)
    bench.host.faults.append(Fault(after=True, method=_writes_with(bench)))
    with pytest.raises(Unreachable) as caught:
        bench.delivery.push(bench.consumer, value)
    words(caught.value)
    assert bench.seen == value.token.reveal()
    again = bench.another_process()
    again.push(bench.consumer, value)
    assert again.verify(bench.consumer, value) is ConsumerVerdict.EXPECTED


def test_a_change_by_a_stranger_is_never_taken_for_ours(bench):
    value = Value.of(canary())
    bench.delivery.push(bench.consumer, value)
    bench.vendor.stranger(bench.host, canary())
    assert bench.delivery.verify(bench.consumer, value) is ConsumerVerdict.DIFFERENT
    assert bench.another_process().verify(bench.consumer, value) is not ConsumerVerdict.EXPECTED


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_is_asked_again_after_the_pause_it_wants(bench, status):
    bench.host.faults.append(Fault(status=status, retry_after="7"))
    value = Value.of(canary())
    bench.delivery.push(bench.consumer, value)
    assert bench.seen == value.token.reveal()
    assert bench.clock.elapsed == 7


def test_a_host_that_stays_busy_is_given_up_without_an_effect(bench):
    before = bench.seen
    bench.host.faults.extend(Fault(status=503) for _ in range(4))
    with pytest.raises(Unreachable, match="503"):
        bench.delivery.push(bench.consumer, Value.of(canary()))
    assert bench.seen == before


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_takes_credential_or_value_to_another_host(bench, status):
    with SecretHost() as second:
        bench.host.faults.append(Fault(status=status, location=f"{second.url}/elsewhere"))
        with pytest.raises(Unreachable, match="redirect"):
            bench.delivery.push(bench.consumer, Value.of(canary()))
        assert second.asked == []


def test_a_credential_that_is_not_accepted_ends_it_at_once(bench, words):
    bench.delivery.check(bench.consumer)
    bench.host.accepted = canary()
    with pytest.raises(Unreachable, match="401") as caught:
        bench.delivery.push(bench.consumer, Value.of(canary()))
    words(caught.value)
    assert bench.clock.elapsed == 0


def test_neither_value_nor_credential_is_in_any_url_or_error(bench):
    first, text = canary(), canary()
    for each in (first, text):  # made, and then replaced
        bench.delivery.push(bench.consumer, Value.of(each))
        bench.delivery.verify(bench.consumer, Value.of(each))
    bench.host.faults.extend(Fault(status=400) for _ in range(9))
    with pytest.raises(Unreachable) as caught:
        bench.delivery.push(bench.consumer, Value.of(text))
    told = [each.target for each in bench.host.asked] + [caught.value.message, caught.value.hint, repr(bench.delivery)]
    assert not [each for each in told for secret in (first, text, bench.host.credential) if secret in each]


@pytest.mark.parametrize("text", ["short", "", "tgcanary\nline", "tgcanary space", "tgcanary\x00", "x" * 5000])
def test_a_value_that_must_never_be_stored_is_never_pushed(bench, text):
    with pytest.raises(InputError):
        bench.delivery.push(bench.consumer, Value.of(text))
    assert not bench.writes


def test_a_host_that_the_configuration_does_not_name_gets_nothing(bench, words):
    nobody = DeliveryRegistry(hosts=lambda: Hosts({"another.example": None}, bench.clock))
    with pytest.raises(InputError) as caught:
        nobody.of(bench.consumer).push(bench.consumer, Value.of(canary()))
    words(caught.value)
    assert bench.host.asked == []


def _writes_with(bench):
    return {"github": "PUT", "gitlab": "POST", "doppler": "POST"}.get(bench.consumer.kind, "PATCH")


def test_a_variable_is_made_masked_protected_and_literal_and_kept_masked(tmp_path):
    with VENDORS["gitlab"].make() as host:
        bench = Bench(VENDORS["gitlab"], host, tmp_path)
        bench.delivery.push(bench.consumer, Value.of(canary()))
        made = host.held["TOKEN", "*"]
        assert (made["masked"], made["protected"], made["raw"]) == (True, True, True)
        host.held["TOKEN", "*"] = {"key": "TOKEN", "value": "seen in logs", "masked": False, "protected": False}
        bench.delivery.push(bench.consumer, Value.of(canary()))
        assert host.held["TOKEN", "*"]["masked"] is True
        assert host.held["TOKEN", "*"]["protected"] is False


def test_a_hidden_variable_is_refused_before_a_rotation(tmp_path):
    with VENDORS["gitlab"].make() as host:
        bench = Bench(VENDORS["gitlab"], host, tmp_path)
        host.held["TOKEN", "*"] = {"key": "TOKEN", "value": "x", "hidden": True}
        with pytest.raises(InputError, match="hidden"):
            bench.delivery.check(bench.consumer)


def test_variables_of_two_environments_are_apart(tmp_path):
    with VENDORS["gitlab"].make() as host:
        bench = Bench(VENDORS["gitlab"], host, tmp_path)
        made = deliveries(bench.vendor, host)
        values = {}
        for scope in ("prod", "review/*"):
            consumer = type(bench.consumer)(bench.consumer.kind, f"//{host.host}/acme/app#TOKEN@{scope}")
            values[scope] = canary()
            made.of(consumer).push(consumer, Value.of(values[scope]))
        assert {scope: each["value"] for (_, scope), each in host.held.items()} == values


def test_two_tokens_of_one_kubernetes_secret_do_not_remove_each_other(tmp_path):
    with VENDORS["k8s"].make() as host:
        bench = Bench(VENDORS["k8s"], host, tmp_path)
        other = type(bench.consumer)(bench.consumer.kind, f"//{host.host}/video/app#OTHER")
        bench.delivery.push(bench.consumer, Value.of(canary()))
        bench.delivery.push(other, Value.of(canary()))
        assert sorted(host.held["app"]) == ["OTHER", "TOKEN"]


def test_a_key_that_another_manager_owns_is_not_taken_from_it(tmp_path, words):
    with VENDORS["k8s"].make() as host:
        bench = Bench(VENDORS["k8s"], host, tmp_path)
        theirs = canary()
        bench.vendor.stranger(host, theirs)
        host.owners["app", "TOKEN"] = "kubectl"
        for act in (
            lambda: bench.delivery.check(bench.consumer),
            lambda: bench.delivery.push(bench.consumer, Value.of(canary())),
        ):
            with pytest.raises(Conflict) as caught:
                act()
            words(caught.value)
        assert bench.seen == theirs


def test_a_github_key_that_was_replaced_in_between_is_asked_for_again(tmp_path):
    with VENDORS["github"].make() as host:
        bench = Bench(VENDORS["github"], host, tmp_path)
        act = host.act

        def replaced_meanwhile(asked):
            if asked.method == "PUT":
                host.act = act
                host.replace_key()
            return act(asked)

        host.act = replaced_meanwhile
        value = Value.of(canary())
        bench.delivery.push(bench.consumer, value)
        assert bench.seen == value.token.reveal()


def test_a_secret_of_an_environment_is_another_than_the_repositorys(tmp_path):
    with VENDORS["github"].make() as host:
        bench = Bench(VENDORS["github"], host, tmp_path)
        consumer = type(bench.consumer)(bench.consumer.kind, f"//{host.host}/acme/app@prod#TOKEN")
        bench.delivery.push(consumer, Value.of(canary()))
        assert [place for place, _ in host.held] == ["repos/acme/app/environments/prod/secrets"]


def test_another_process_cannot_know_what_github_holds(tmp_path):
    with VENDORS["github"].make() as host:
        bench = Bench(VENDORS["github"], host, tmp_path)
        value = Value.of(canary())
        bench.delivery.push(bench.consumer, value)
        assert bench.another_process().verify(bench.consumer, value) is ConsumerVerdict.UNKNOWN


def test_a_value_that_doppler_would_expand_is_not_given_to_it(tmp_path):
    with VENDORS["doppler"].make() as host:
        bench = Bench(VENDORS["doppler"], host, tmp_path)
        with pytest.raises(InputError, match="reference"):
            bench.delivery.push(bench.consumer, Value.of("tgcanary${OTHER}"))
        assert host.held == {}


def test_the_other_fields_of_a_1password_item_stay(tmp_path):
    with VENDORS["onepassword"].make() as host:
        bench = Bench(VENDORS["onepassword"], host, tmp_path)
        bench.delivery.push(bench.consumer, Value.of(canary()))
        assert host.fields[0]["value"] == "somebody"
        twice = type(bench.consumer)(bench.consumer.kind, bench.consumer.target.replace("#token", "#missing"))
        with pytest.raises(InputError, match="no field"):
            bench.delivery.check(twice)
