"""`audit log` and `audit verify`: what happened, and that nobody changed it since."""

import pytest

from tests.cli.bundles import publishing
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tokenguard.domain.event import Op
from tokenguard.frozen import replace
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.stores.adopted import adopting
from tokenguard.usecases.verify_store import problems_of

NAME = "video/app/prod/upload"


def test_the_log_of_one_token_and_of_all(cli):
    cli.add("a/one")
    cli.add("b/two")
    everything = cli("audit", "log", "--format", "json").document["entries"]
    one = cli("audit", "log", "a/one", "--format", "json").document["entries"]
    assert {entry["name"] for entry in everything} == {None, "a/one", "b/two"}
    assert {entry["name"] for entry in one} == {"a/one"}
    assert [entry["seq"] for entry in one] == list(range(1, len(one) + 1))
    assert cli("audit", "log").out.count("a/one") == len(one)
    assert "a/one" not in cli("audit", "log", "a/one").out, "the name that was asked for takes no room in each row"


def test_the_log_is_filtered_by_time_and_operation(cli):
    cli.add(NAME)
    cli.clock.sleep(3 * 86_400)
    cli("edit", NAME, "--owner", "audio")
    for since in ("2d", "47h", "2026-11-03"):
        entries = cli("audit", "log", "--since", since, "--format", "json").document["entries"]
        assert [entry["op"] for entry in entries] == ["edit"], since
    ops = cli("audit", "log", "--op", "publish", "--op", "edit", "--format", "json").document["entries"]
    assert [entry["op"] for entry in ops] == ["publish", "publish", "edit"]
    cli.clock.sleep(7_200)
    assert cli("audit", "log", "--since", "1h").err.strip() == "! no entries"


def test_an_untouched_trail_holds(cli):
    cli.add(NAME)
    document = cli("audit", "verify", "--format", "json").document
    assert document["ok"]
    assert document["chains"] == 2


def test_a_store_that_can_check_itself_is_asked_to_also_where_adopted_values_are_read_in_place():
    class Damaged(MemoryStore):
        def check(self):
            return ["row 7"]

    store = Damaged(FakeClock())
    assert problems_of(adopting(store, lambda: None)) == problems_of(store) == ["row 7"]
    assert problems_of(adopting(MemoryStore(FakeClock()), lambda: None)) == ()


def test_what_is_shared_through_the_store_is_in_the_log_and_verified(cli, tmp_path, words):
    (tmp_path / "own.yaml").write_text("format: 1\nname: ours\nextends: default\n")
    assert cli("policy", "publish", "own.yaml").code == 0
    cli.clock.sleep(60)
    assert cli("policy", "publish", "own.yaml").code == 0
    (tmp_path / "public.py").write_text("x = 1\n")
    assert cli(*publishing("--to-store", public="public.py")).code == 0
    entries = cli("audit", "log", "--op", "share", "--format", "json").document["entries"]
    told = {(each["detail"]["item"], each["detail"].get("version")) for each in entries}
    assert told == {("policy", 1), ("policy", 2), ("scan-key", None), ("fingerprints", 1)}
    assert {each["actor"] for each in entries} == {"user:tester"}
    assert cli("audit", "log").out.count("(shared policy)") == 2
    assert cli("audit", "verify", "--format", "json").document == {"ok": True, "chains": 4, "entries": 5}
    cli.store._entries["shared/policy"].pop(0)
    words(cli.refused("audit", "verify", code=6))


def test_an_item_without_a_trail_is_told_and_no_tampering(cli, words):
    cli.store._shared[Item.POLICY] = Shared("1", b"{}")
    answer = cli("audit", "verify")
    assert answer.code == 0
    words(answer)


def _change(entries):
    entries[2] = replace(entries[2], event=replace(entries[2].event, op=Op.EDIT))


def _remove(entries):
    del entries[2]


def _swap(entries):
    entries[1], entries[2] = entries[2], entries[1]


def _cut(entries):
    del entries[-1]


@pytest.mark.parametrize(
    ("tamper", "at"), [(_change, "entry 3"), (_remove, "entry 3"), (_swap, "entry 2"), (_cut, "the end of the trail")]
)
def test_a_changed_trail_is_named(cli, tamper, at, words):
    cli.add(NAME)
    tamper(cli.store._entries[cli.store.find(NAME).id])
    error = cli.refused("audit", "verify", code=6)
    words(error)
    assert at in error
