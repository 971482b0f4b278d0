"""Signed deliveries: forged, changed, old, repeated, doubled: none is handled; a genuine one exactly once."""

import gzip
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from email.message import Message

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unreachable
from tokenguard.webhooks import AutopostingDeliveries, Reason, Refused, Replays

KEY, FORMER = f"tgcanary_{secrets.token_hex(16)}", f"tgcanary_{secrets.token_hex(16)}"
BODY = json.dumps({"id": "evt_1", "event": "post.published", "orgId": "org_1", "data": {"postId": "p ö"}}).encode()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def deliveries(clock):
    return AutopostingDeliveries([Secret(KEY), Secret(FORMER)], organisation="org_1", clock=clock)


def signed(clock, body=BODY, key=KEY, age=0.0, timestamp=None):
    text = timestamp or str(int(clock.now().timestamp() - age))
    mac = hmac.new(key.encode(), text.encode() + b"." + body, hashlib.sha256).hexdigest()
    return [
        ("Host", "x"),
        ("X-Autoposting-Event", "post.published"),
        ("X-Autoposting-Delivery", "dlv_1"),
        ("X-Autoposting-Timestamp", text),
        ("X-Autoposting-Signature", mac),
    ]


def changed(headers, name, value):
    return [(key, value if key.endswith(name) else old) for key, old in headers]


def reason(deliveries, headers, body=BODY):
    with pytest.raises(Refused) as refused, deliveries.receive(headers, body):
        raise AssertionError("it was handled")
    assert KEY not in str(refused.value)
    assert refused.value.status == refused.value.reason.status
    return refused.value.reason


def test_a_genuine_delivery_is_given_once(deliveries, clock):
    with deliveries.receive(signed(clock), BODY) as delivery:
        assert (delivery.id, delivery.event, delivery.organisation) == ("evt_1", "post.published", "org_1")
        assert delivery.data == {"postId": "p ö"}
        assert "postId" not in repr(delivery)
    assert reason(deliveries, signed(clock)) is Reason.REPLAY
    clock.sleep(3600)  # the vendor tries again under a new signature: still the same event
    assert reason(deliveries, signed(clock)) is Reason.REPLAY


def test_what_could_not_be_handled_may_come_again(deliveries, clock):
    with pytest.raises(KeyError), deliveries.receive(signed(clock), BODY):
        raise KeyError
    with deliveries.receive(signed(clock), BODY) as delivery:
        assert delivery.id == "evt_1"


@pytest.mark.parametrize(
    "how", [{"key": FORMER}, {"age": 300}, {"age": -30}, {"timestamp": "iso"}, {"timestamp": "ms"}]
)  # fmt: skip
def test_the_edges_of_what_is_genuine(deliveries, clock, how):
    forms = {"iso": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"), "ms": str(int(clock.now().timestamp() * 1000))}
    how = {**how, **({"timestamp": forms[how["timestamp"]]} if "timestamp" in how else {})}
    with deliveries.receive(dict(signed(clock, **how)), BODY) as delivery:
        assert delivery.id == "evt_1"


def test_headers_may_be_those_that_the_standard_library_read(deliveries, clock):
    message = Message()
    for name, value in signed(clock):
        message[name] = value
    with deliveries.receive(message, BODY) as delivery:
        assert delivery.id == "evt_1"
    message["X-Autoposting-Signature"] = "x"
    assert reason(deliveries, message) is Reason.HEADERS


def test_a_signature_may_say_how_it_was_made_and_be_in_capitals(deliveries, clock):
    headers = signed(clock)
    prefixed = changed(headers, "Signature", "sha256=" + headers[-1][1].upper())
    with deliveries.receive(prefixed, BODY) as delivery:
        assert delivery.id == "evt_1"


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (lambda c: (signed(c, age=300.5 + 1), BODY), Reason.STALE),
        (lambda c: (signed(c, age=86_400), BODY), Reason.STALE),
        (lambda c: (signed(c, age=-32), BODY), Reason.FUTURE),
        (lambda c: (signed(c, key="another"), BODY), Reason.SIGNATURE),
        (lambda c: (signed(c, key=""), BODY), Reason.SIGNATURE),
        (lambda c: (signed(c), BODY[:-1]), Reason.SIGNATURE),
        (lambda c: (signed(c), BODY + b"\n"), Reason.SIGNATURE),
        (lambda c: (signed(c), b""), Reason.SIGNATURE),
        (lambda c: (signed(c), BODY.replace(b" ", b"")), Reason.SIGNATURE),
        (lambda c: (signed(c), json.dumps(json.loads(BODY), ensure_ascii=False).encode()), Reason.SIGNATURE),
        (lambda c: (signed(c), BODY.decode().encode("utf-16")), Reason.SIGNATURE),
        (lambda c: (signed(c), gzip.compress(BODY)), Reason.SIGNATURE),
        (lambda c: (changed(signed(c), "Timestamp", str(int(c.now().timestamp()) - 1)), BODY), Reason.SIGNATURE),
        (lambda c: (changed(signed(c), "Signature", "0" * 64), BODY), Reason.SIGNATURE),
        (lambda c: (changed(signed(c), "Signature", signed(c)[-1][1][:-2]), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Signature", signed(c)[-1][1] + "00"), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Signature", ""), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Signature", f"{'0' * 64}, {signed(c)[-1][1]}"), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Signature", "ö" * 64), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", ""), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", "1e9"), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", "-1700000000"), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", "\u0661" + "7" * 9), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", "2026-13-01T00:00:00Z"), BODY), Reason.HEADERS),
        (lambda c: (changed(signed(c), "Timestamp", "9" * 40), BODY), Reason.HEADERS),
        (lambda c: (signed(c)[:-1], BODY), Reason.HEADERS),
        (lambda c: (signed(c)[:-2], BODY), Reason.HEADERS),
        (lambda c: ([], BODY), Reason.HEADERS),
        (lambda c: ([*signed(c), ("x-autoposting-signature", "0" * 64)], BODY), Reason.HEADERS),
        (lambda c: ([*signed(c), ("X-AUTOPOSTING-TIMESTAMP", "1700000000")], BODY), Reason.HEADERS),
        (lambda c: ([*signed(c), signed(c)[-1]], BODY), Reason.HEADERS),
        (lambda c: (signed(c), b"x" * ((1 << 20) + 1)), Reason.TOO_LARGE),
    ],
)  # fmt: skip
def test_an_attack_is_refused(deliveries, clock, attack, expected):
    assert reason(deliveries, *attack(clock)) is expected
    with deliveries.receive(signed(clock), BODY) as delivery:  # and nothing of it was remembered
        assert delivery.id == "evt_1"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id":"a","id":"b","event":"x"}', b'{"id":"a/b","event":"x"}', b'{"id":1,"event":"x"}',
             b'{"id":"a","event":"X Y"}', b'{"id":"a","event":"x","data":[]}', b"{" * 5000, b"\xff",
             b'{"id":"a","event":"x","orgId":1}'],
)  # fmt: skip
def test_what_is_signed_must_still_make_sense(deliveries, clock, body):
    assert reason(deliveries, signed(clock, body), body) is Reason.MALFORMED


def test_a_delivery_for_another_organisation_is_refused(deliveries, clock):
    body = BODY.replace(b"org_1", b"org_2")
    assert reason(deliveries, signed(clock, body), body) is Reason.NOT_CONFIRMED


def test_event_and_id_are_those_that_were_signed_not_those_of_the_headers(deliveries, clock):
    headers = changed(changed(signed(clock), "Delivery", "dlv_2"), "Event", "post.failed")
    with deliveries.receive(headers, BODY) as delivery:
        assert delivery.event == "post.published"
    assert reason(deliveries, changed(headers, "Delivery", "dlv_3")) is Reason.REPLAY


@pytest.mark.parametrize("keys", [[], [Secret("")]])
def test_a_receiver_without_a_key_is_none(keys):
    with pytest.raises(InputError):
        AutopostingDeliveries(keys)


def test_memory_is_bounded_and_never_forgets_too_early():
    memory = Replays(most=3)
    assert [memory.take(key, 0, 10) for key in "abc"] == [True, True, True]
    with pytest.raises(Unreachable):
        memory.take("d", 5, 15)
    assert not memory.take("a", 9, 99)
    assert memory.take("d", 10, 20)
    assert len(memory) == 1
    assert memory.take("a", 11, 21)
    memory.release("a")
    assert memory.take("a", 12, 22)


def test_keys_that_end_out_of_order_are_dropped_where_there_is_no_room():
    memory = Replays(most=2)
    assert memory.take("long", 0, 100)
    assert memory.take("short", 0, 1)
    assert memory.take("next", 2, 50)
    assert not memory.take("long", 3, 100)


def test_the_window_is_the_receivers_to_narrow(clock):
    strict = AutopostingDeliveries([Secret(KEY)], window=timedelta(seconds=10), clock=clock)
    assert reason(strict, signed(clock, age=11)) is Reason.STALE
