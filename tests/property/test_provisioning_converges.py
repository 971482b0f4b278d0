"""Plan, apply, and the plan is empty: for any manifests and edits, after any kill, with any second runner in between."""

import contextlib
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.provisioning_world import Killed, Shop, killed_at
from tokenguard.frozen import replace

NAMES = ["a/admin", "a/one", "a/two", "b/three", "b/four"]
_texts = st.sampled_from(["x", "uploads", "posts"])
_token = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["fake", "fake", "manual"]),
        "scope": st.just("drive:d1"),
        "environment": st.sampled_from(["prod", "dev"]),
        "owner": st.sampled_from(["video", "audio"]),
        "purpose": _texts,
    },
    optional={
        "issue": st.sampled_from(["true", "guided", "false"]),
        "permissions": st.lists(st.sampled_from(["r", "w"]), unique=True),
        "deputy": st.sampled_from(["", "grace"]),
        "notes": _texts,
        "scope_name": st.sampled_from(["", "Main"]),
        "kind": st.sampled_from(["api_token", "api_key", "oauth_grant"]),
        "state": st.sampled_from(["active", "active", "retired"]),
        "due": st.sampled_from(["2026-01-01", "2026-03-01", "2031-01-01"]),
        "value_within": st.sampled_from(["1", "30"]),
    },
)
_consumers = st.lists(st.sampled_from([0, 1, 2]), unique=True)


@st.composite
def _manifests(draw):
    """A manifest, and then edits of it."""
    found = []
    for _ in range(draw(st.integers(2, 4))):
        tokens = {}
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5)):
            fields = dict(draw(_token))
            if fields.get("kind") != "oauth_grant" and draw(st.booleans()):
                fields["consumers"] = [f"command:{name.replace('/', '-')}-{number}" for number in draw(_consumers)]
            tokens[name] = fields
        found.append((tokens, draw(st.sampled_from([0, 3600, 100 * 86_400]))))
    return found


def _settle(manifests) -> None:
    with tempfile.TemporaryDirectory() as directory:
        shop = Shop(Path(directory))
        for tokens, later in manifests:
            shop.declare(tokens)
            before = shop.everything()
            plan = shop.plan()
            assert shop.everything() == before, "a plan wrote something"
            code, _ = shop("apply", "--digest", plan["digest"], "--allow-retire")
            if plan["blocked"]:
                assert (code, shop.everything()) == (2, before), shop.said
                continue
            assert code == 0, shop.said
            shop.check()
            assert shop("apply")[0] == 0
            shop.clock.sleep(later)
        for made in shop.world.made.values():
            assert made.value not in shop.said


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(_manifests())
def test_plan_then_apply_then_the_plan_is_empty(manifests):
    _settle(manifests)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(_manifests())
def test_plan_then_apply_then_the_plan_is_empty_for_200(manifests):
    _settle(manifests)


_API = {
    "provider": "fake",
    "scope": "drive:d1",
    "environment": "prod",
    "owner": "video",
    "purpose": "x",
    "issue": "true",
}
_FIRST = {
    "a/changes": {**_API, "consumers": ["command:one"]},
    "a/ends": {**_API, "consumers": []},
    "a/rotates": {**_API, "consumers": ["command:two"], "due": "2031-01-01"},
    "a/waits": {**_API, "issue": "guided"},
    "a/dropped": {**_API, "issue": "guided"},
}
_SECOND = {
    "a/changes": {**_API, "purpose": "y", "consumers": ["command:one", "command:more"]},
    "a/ends": {"state": "retired"},
    "a/rotates": {**_API, "consumers": ["command:two"], "due": "2026-11-02"},
    "a/waits": {**_API, "issue": "true", "consumers": ["command:three"]},
    "a/dropped": {"state": "retired"},
    "a/new": {**_API, "consumers": ["command:four"]},
    "a/later": {**_API, "provider": "manual", "issue": "guided"},
}
"""Every verb at once: change, deliver, retire, rotate, issue, declare, close."""


def _before(directory: str) -> tuple[Shop, str]:
    shop = Shop(Path(directory))
    shop.declare(_FIRST)
    assert shop("apply")[0] == 0, shop.said
    shop.clock.sleep(86_400)
    shop.declare(_SECOND)
    return shop, shop.plan()["digest"]


def _verbs(plan) -> set[str]:
    return {verb for action in plan["actions"] for verb in action["verbs"]}


def _points() -> int:
    with tempfile.TemporaryDirectory() as directory:
        shop, digest = _before(directory)
        assert _verbs(shop.plan()) >= {"change", "deliver", "retire", "rotate", "issue", "declare", "close"}
        assert shop("apply", "--digest", digest, "--allow-retire")[0] == 0
        return shop.reached


def _kill_and_go_on(numbers) -> None:
    with tempfile.TemporaryDirectory() as directory:
        shop, digest = _before(directory)
        for number in numbers:
            with contextlib.suppress(Killed):  # a later one may find little left to do
                shop("apply", "--digest", digest, "--allow-retire", at=killed_at(number))
        code, _ = shop("apply", "--digest", digest, "--allow-retire")
        assert code == 0, (numbers, shop.said)
        shop.check()


def test_killed_at_any_write_a_second_apply_of_the_reviewed_plan_converges():
    for number in range(1, _points() + 1, 2):
        _kill_and_go_on([number])


@pytest.mark.slow
def test_killed_at_any_write_and_again_while_resuming():
    for number in range(1, _points() + 1):
        for again in (1, 3, 5):
            _kill_and_go_on([number, again] if number > again else [number])


def test_two_applies_at_once_converge_wherever_the_second_comes_in():
    for number in range(1, _points() + 1, 4):
        with tempfile.TemporaryDirectory() as directory:
            shop, digest = _before(directory)
            codes = []

            def other(reached, number=number, shop=shop, digest=digest, codes=codes):
                if reached == number:
                    codes.append(shop("apply", "--digest", digest, "--allow-retire")[0])

            codes.append(shop("apply", "--digest", digest, "--allow-retire", at=other)[0])
            assert set(codes) <= {0, 4, 5}, (number, codes, shop.said)
            shop.check()


def test_nothing_is_done_that_the_plan_did_not_tell(tmp_path):
    """While an owner is changed, the token comes to be due: that is for the next plan."""
    shop = Shop(tmp_path)
    shop.declare({"a/one": {**_API, "consumers": []}})
    assert shop("apply")[0] == 0
    shop.declare({"a/one": {**_API, "owner": "audio", "consumers": []}})

    def age(reached):
        if reached == 2:
            (found,) = shop.store.scan()
            long_ago = shop.clock.now() - timedelta(days=400)
            record = replace(found.document.record, rotated_at=long_ago, created_at=long_ago)
            shop.store.commit(found.id, found.version, replace(found.document, record=record), [])

    code, outcome = shop("apply", at=age)
    assert (code, outcome["left"], len(shop.world.made)) == (0, 1, 1)
    assert shop("apply")[0] == 0
    assert len(shop.world.made) == 2
