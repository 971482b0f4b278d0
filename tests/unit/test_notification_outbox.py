"""The outbox as a value: at its limits it fits every store, nothing urgent goes first, and nothing in it is read wrongly."""

import base64
import json
import re
import secrets
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.errors import Tampered
from tokenguard.frozen import replace
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.notification import Notification, NotificationKind, by_urgency
from tokenguard.notifications.outbox import (
    MOST_BYTES,
    LastUpkeep,
    Outbox,
    OwedMessage,
    SendResult,
    UpkeepFinding,
    allowance,
    batches,
    claimed,
    decode_outbox,
    encode_outbox,
    settled,
    shortened_outbox,
    with_conditions,
)
from tokenguard.notifications.wanted import NotificationSource, wanted_by_route

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
KINDS = [each for each in NotificationKind if each is not NotificationKind.TEST]


def notification(kind=NotificationKind.OVERDUE, name="", says=""):
    name = name or f"team/{secrets.token_hex(8)}/prod/{secrets.token_hex(8)}"
    return Notification(
        id=secrets.token_hex(8), kind=kind, name=name, owner="team", says=says or secrets.token_hex(40), at=NOW,
        command=f"tokenguard --store vault://kv/team rotate {name}",
    )  # fmt: skip


def test_a_full_outbox_fits_every_store_and_keeps_what_is_urgent():
    urgent = [notification(NotificationKind.LEAK) for _ in range(5)]
    owed = [
        OwedMessage(each, ("ops",)) for each in (*(notification(NotificationKind.DUE) for _ in range(900)), *urgent)
    ]
    finding = UpkeepFinding(
        kind=NotificationKind.FAILED, duty="verify", says=secrets.token_hex(100), command="upkeep", since=NOW
    )
    full = Outbox(
        owed=tuple(owed),
        told={route: {secrets.token_hex(5): 1 for _ in range(6_000)} for route in ("ops", "chat")},
        upkeep=LastUpkeep(at=NOW, code=4, findings=(finding,) * 400),
    )
    found = shortened_outbox(full)
    assert len(zlib.compress(encode_outbox(found), 9)) <= MOST_BYTES
    assert {each.id for each in urgent} <= {each.notification.id for each in found.owed}
    assert decode_outbox(encode_outbox(found)) == found
    small = Outbox(owed=tuple(owed[:5]))
    assert shortened_outbox(small) == small


@given(count=st.integers(0, 60), most=st.integers(0, 30), grouped=st.booleans(), size=st.integers(1, 50))
def test_batches_hold_each_once_in_order_and_never_more_than_allowed(count, most, grouped, size):
    owed = [notification(says=str(number)) for number in range(count)]
    made = batches(owed, most, grouped=grouped, size=size)
    flat = [each for batch in made for each in batch]
    assert flat == owed[: len(flat)]
    assert len(made) <= most
    assert all(0 < len(batch) <= size for batch in made)
    if most and count <= size:
        assert flat == owed


@given(
    st.lists(st.tuples(st.sampled_from(["send", "fail", "kill", "wait", "end", "new"]), st.integers(0, 3)), max_size=40)
)
def test_whatever_happens_what_is_taken_in_is_sent_once_it_can_be(steps):
    """Random runs with failures, kills and ends of conditions: at the end each id was received, with no gap."""
    outbox, now, received, ever, holding = Outbox(), NOW, set(), set(), []

    def run(outcome):
        nonlocal outbox
        outbox = with_conditions(outbox, {"ops": holding}, now)
        ever.update(each.id for each in holding)
        may = allowance(outbox, "ops", 5, now)
        made = batches(outbox.owed_to("ops"), may, grouped=False, size=3)
        if not made:
            return
        outbox = claimed(outbox, ["ops"], "host/1/run", now)
        if outcome == "send":
            received.update(each.id for batch in made for each in batch)
        if outcome != "kill":
            results = [
                SendResult(ids=tuple(each.id for each in batch), reason="" if outcome == "send" else "http-500")
                for batch in made
            ]
            outbox = settled(outbox, {"ops": results}, now)

    for step, number in steps:
        match step:
            case "new":
                holding = [*holding, notification(KINDS[number])]
            case "end":
                run("fail")
                holding = holding[number:]
            case "wait":
                now += timedelta(minutes=10**number)
            case _:
                run(step)
        outbox = decode_outbox(encode_outbox(outbox))
    for _ in range(60):
        now += timedelta(hours=7)
        run("send")
    assert received == ever
    assert outbox.owed == ()


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dictionaries(st.integers(0, (1 << 40) - 1), st.integers(0, 9)))
)
def test_what_was_told_is_kept_as_it_is(drawn):
    told = {route: {f"{number:010x}": day for number, day in ids.items()} for route, ids in drawn.items() if ids}
    assert decode_outbox(encode_outbox(Outbox(told=told))).told == told


def test_what_an_earlier_version_has_told_is_not_told_again():
    found = notification()
    earlier = {"format": 1, "told": {"ops": {found.id: NOW.toordinal()}}}
    outbox = decode_outbox(json.dumps(earlier).encode())
    assert with_conditions(outbox, {"ops": [found]}, NOW).owed == ()


@pytest.mark.parametrize("kept", ["AAA", "gA==", "\u00e9"])
def test_remembered_ids_that_were_not_written_are_not_read(kept):
    with pytest.raises(Tampered):
        decode_outbox(json.dumps({"format": 2, "packed": [[["ops"], 1, kept]]}).encode())


def test_however_many_hold_each_is_told_once_and_the_rest_as_a_number(monkeypatch):
    """Three routes, one of them of one team; more hold than are remembered, and each week there is a reminder of the rest."""
    monkeypatch.setattr("tokenguard.notifications.outbox.MOST_TOLD", 30)
    monkeypatch.setattr("tokenguard.notifications.outbox.MOST_OWED", 7)
    found = [notification(NotificationKind.DUE if number % 2 else NotificationKind.OVERDUE) for number in range(50)]
    routes = [
        SimpleNamespace(name=name, takes=takes)
        for name, takes in (("ops", bool), ("chat", bool), ("odd", lambda each: each.kind is NotificationKind.DUE))
    ]
    outbox, now, got = Outbox(), NOW, {each.name: Counter() for each in routes}
    for _ in range(400):
        now += timedelta(hours=1)
        wanted = wanted_by_route(routes, found, NotificationSource("0" * 32, "vault://kv/team", now), 30)
        outbox = decode_outbox(encode_outbox(with_conditions(outbox, wanted, now)))
        results = {}
        for name, seen in got.items():
            sent = outbox.owed_to(name)
            seen.update(each.says if "more events" in each.says else each.id for each in sent)
            results[name] = [SendResult(ids=(each.id,)) for each in sent]
        outbox = settled(outbox, results, now)
    urgent = {each.id for each in by_urgency(found)[:30]}
    weeks = len({f"{NOW + timedelta(hours=hour + 1):%G-%V}" for hour in range(400)})
    for name, seen in got.items():
        rest = {each: count for each, count in seen.items() if each not in urgent}
        assert {each for each in seen if each in urgent} == {
            each.id for each in found if each.id in urgent and (name != "odd" or each.kind is NotificationKind.DUE)
        }
        assert all(count == 1 for each, count in seen.items() if each in urgent)
        assert rest == {"20 more events not sent one by one, because more than 30 hold at the same time": weeks}


def test_what_holds_is_not_forgotten_for_what_has_ended(monkeypatch):
    monkeypatch.setattr("tokenguard.notifications.outbox.MOST_TOLD", 3)
    held, ended, new = ([notification() for _ in range(2)] for _ in range(3))
    outbox = with_conditions(Outbox(), {"ops": [*held, *ended]}, NOW)
    outbox = settled(outbox, {"ops": [SendResult(ids=(each.id,)) for each in (*held, *ended)]}, NOW)
    outbox = with_conditions(outbox, {"ops": [*held, *new]}, NOW + timedelta(days=1))
    assert {each.notification.id for each in outbox.owed} == {each.id for each in new}
    assert all(outbox.was_told("ops", each) for each in held)
    assert not any(outbox.was_told("ops", each) for each in ended)


def test_many_routes_together_are_not_behind_with_more_than_the_outbox_holds():
    wanted = {f"r{number}": [notification() for _ in range(100)] for number in range(30)}
    outbox = with_conditions(Outbox(), wanted, NOW)
    assert len(outbox.owed) == 390
    assert all(outbox.owed_to(each) for each in wanted)
    assert shortened_outbox(outbox) == outbox


def test_a_message_is_one_screen_and_begins_with_the_command():
    for count in (1, 2, 5, 200):
        found = tuple(notification(says="tgcanary " * 60) for _ in range(count))
        message = NotificationMessage("vault://kv/team", "0" * 32, found)
        lines = message.text.splitlines()
        assert lines[0] == found[0].command
        assert len(lines) <= 24
        assert all(len(line) <= 120 for line in lines)
        assert "\n" not in message.subject
        assert len(message.subject) <= 100


@pytest.mark.parametrize("count", [6, 9, 14, 200])
def test_what_a_screen_has_no_room_for_is_named_and_the_rest_counted(count):
    found = tuple(notification(name=f"video/app/prod/t{number}") for number in range(count))
    text = NotificationMessage("vault://kv/team", "0" * 32, found).text
    named = [each for each in found if re.search(rf"{each.name}\b", text)]
    counted = [int(number) for number in re.findall(r"(\d+) other", text)]
    assert len(named) >= min(count, 14)
    assert len(named) + sum(counted) == count


def test_a_reason_is_shown_whole_where_the_screen_has_room():
    says = f"run with --break-glass ({'published, and nobody answers; ' * 6}); it is not reviewed"
    for count in (1, 2):
        text = NotificationMessage("vault://kv/team", "0" * 32, (notification(says=says),) * count).text
        assert " ".join(text.split()).count(says) == count


def test_text_from_outside_cannot_act_on_a_terminal_or_a_header():
    found = notification(name="a/b", says="x\r\nBcc: all@example.org\x1b[2J\u202e")
    message = NotificationMessage("vault://kv/team", "0" * 32, (found,))
    assert all(each.isprintable() for each in message.text.splitlines())
    assert not {"\r", "\x1b", "\u202e"} & set(message.text + message.subject)
    assert not any(line.startswith("Bcc") for line in message.text.splitlines())


FORGED = (
    "curl http://127.0.0.1/a | sh",
    "tokenguard --store vault://kv/team list; sh a",
    "tokenguard --store vault://kv/team show a\nsh a",
    "tokenguard --store vault://kv/team show $(sh a)",
    "tokenguard --store vault://kv/team exec -- sh a",
    "tokenguard --config a.toml --store vault://kv/team list",
    "tokenguard 'show",
    "",
)


@pytest.mark.parametrize("command", FORGED)
@pytest.mark.parametrize("place", ["owed", "announced"])
def test_a_command_that_tokenguard_never_writes_is_not_sent(command, place):
    found = replace(notification(), command=command)
    held = {"owed": Outbox(owed=(OwedMessage(found, ("ops",)),)), "announced": Outbox(announced=(found,))}
    with pytest.raises(Tampered):
        decode_outbox(encode_outbox(held[place]))


def test_a_command_of_upkeep_that_tokenguard_never_writes_is_not_sent():
    finding = UpkeepFinding(
        kind=NotificationKind.FAILED, duty="verify", says="it failed", command="exec -- sh a", since=NOW
    )
    with pytest.raises(Tampered):
        decode_outbox(encode_outbox(Outbox(upkeep=LastUpkeep(at=NOW, code=4, findings=(finding,)))))


@pytest.mark.parametrize(
    ("ids", "routes"),
    [(b"\xff" * 2_000_000, 1), (b"\x01" * 2_000_000, 1), (b"\x01" * 10_000, 10_000)],
    ids=["a number without an end", "ids", "routes"],
)
def test_remembered_ids_that_would_fill_the_memory_are_refused(ids, routes):
    row = {"routes": [f"r{number}" for number in range(routes)], "day": 1, "ids": base64.b64encode(ids).decode()}
    with pytest.raises(Tampered):
        decode_outbox(json.dumps({"format": 2, "packed": [row]}).encode())
