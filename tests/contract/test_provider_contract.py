"""What every provider promises, run over all four of them against the sandbox."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.fakes.clock import SwiftClock
from tests.fakes.provider_files import provider_file
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.ports.provider import Ambiguous, CreateRefused, Issuer, Method, Provider, TokenList, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.sandbox.fault_settings import FaultBurst, FaultSettings, ListStyle, Operation, StatusRoute
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.sandbox.world import Issued

LABEL = Label("prod-upload-abcd2345-1")


@dataclass
class Setting:
    sandbox: Sandbox
    provider: Provider
    make: Callable[[], Issued]
    end: Callable[[str], bool]
    expected: Scope
    elsewhere: Scope

    def issuer(self) -> Issuer | None:
        return issuer(self.provider, Value.of(self.sandbox.info.admin_key))


def value_of(issued: Issued) -> Value:
    return Value.of(issued.secret.reveal())


VARIANTS = {
    "documented": FaultSettings,
    "newest-first": lambda: FaultSettings(list_style=ListStyle(newest_first=True)),
    "wrapped-lists": lambda: FaultSettings(list_style=ListStyle(wrapped=True)),
    "lists-without-total": lambda: FaultSettings(list_style=ListStyle(total=False)),
    "revoked-keys-are-listed": lambda: FaultSettings(list_style=ListStyle(statuses=("active", "revoked"))),
    "statusless-descript": lambda: FaultSettings(status_route=StatusRoute.OFF),
    "status-with-drive": lambda: FaultSettings(status_route=StatusRoute.WITH_DRIVE),
}
"""What the vendors' documents leave open, in each way in which it can be (`tokenguard/sandbox/cited_routes.py`)."""
KEYS = tuple(each for each in VARIANTS if "status" not in each)
STATUS = ("documented", "statusless-descript", "status-with-drive")


def over(variants: dict[str, tuple[str, ...]]) -> list[object]:
    """Each provider with each of its variants."""
    pairs = [(name, variant) for name, found in variants.items() for variant in found]
    return [pytest.param((name, how), id=name if how == "documented" else f"{name}-{how}") for name, how in pairs]


@contextmanager
def running(name, folder, variant="documented") -> Iterator[Setting]:
    with Sandbox(knobs=VARIANTS[variant]()) as sandbox:
        info, world, clock = sandbox.info, sandbox.world, SwiftClock()
        org, drive = Scope("org", info.org_id), Scope("drive", info.drives[0][0])
        settings = {
            "descript": ProviderSettings(base_url=info.descript_url),
            "autoposting": ProviderSettings(base_url=info.autoposting_url),
            "acme": ProviderSettings(file=provider_file(folder, info.autoposting_url)),
            "manual": ProviderSettings(),
        }
        provider = build(name, settings[name], clock)
        if name == "descript":
            make = lambda: world.create_token("one", drive.id)  # noqa: E731 - one of two ways to make
            yield Setting(sandbox, provider, make, world.revoke_token, drive, Scope("drive", info.drives[1][0]))
        else:
            make = lambda: world.create_key("one", ["posts:read"])  # noqa: E731 - one of two ways to make
            yield Setting(sandbox, provider, make, world.revoke_key, org, Scope("org", "org_elsewhere"))


@pytest.fixture(params=("descript", "autoposting", "acme", "manual"))
def setting(request, tmp_path):
    """Every provider."""
    with running(request.param, tmp_path) as started:
        yield started


@pytest.fixture(params=over({"descript": STATUS, "autoposting": ("documented",), "acme": ("documented",)}))
def probing(request, tmp_path):
    """Those that can be asked."""
    with running(request.param[0], tmp_path, request.param[1]) as started:
        assert started.provider.capabilities.probe
        yield started


@pytest.fixture(params=over({"autoposting": KEYS, "acme": ("documented", "newest-first", "lists-without-total")}))
def minting(request, tmp_path):
    """Those whose tokens are made by API."""
    with running(request.param[0], tmp_path, request.param[1]) as started:
        assert started.provider.capabilities.mint is Method.API
        yield started


@pytest.fixture(params=("autoposting", "acme"))
def creating(request, tmp_path):
    """The same, where nothing is listed."""
    with running(request.param, tmp_path) as started:
        yield started


def test_a_live_token_in_its_place_is_alive_and_right(probing):
    seen = probing.provider.probe(value_of(probing.make()), probing.expected)
    assert (seen.verdict, seen.scope, seen.scope_verdict) == (Verdict.ALIVE, probing.expected, ScopeVerdict.RIGHT)


def test_a_live_token_in_another_place_is_alive_and_wrong(probing):
    seen = probing.provider.probe(value_of(probing.make()), probing.elsewhere)
    assert (seen.verdict, seen.scope_verdict) == (Verdict.ALIVE, ScopeVerdict.WRONG)


def test_without_an_expectation_the_place_is_told_and_not_judged(probing):
    seen = probing.provider.probe(value_of(probing.make()), None)
    assert (seen.scope, seen.scope_verdict) == (probing.expected, ScopeVerdict.UNVERIFIED)


def test_a_revoked_token_is_dead(probing):
    token = probing.make()
    probing.end(token.id)
    assert probing.provider.probe(value_of(token), probing.expected).verdict is Verdict.DEAD


def test_a_token_still_accepted_after_its_revocation_is_alive(probing):
    token = probing.make()
    probing.sandbox.knobs.revoke_lag = 1000
    probing.end(token.id)
    assert probing.provider.probe(value_of(token), probing.expected).verdict is Verdict.ALIVE


def test_a_provider_that_is_never_asked_knows_nothing(tmp_path):
    with running("manual", tmp_path) as setting:
        seen = setting.provider.probe(value_of(setting.make()), None)
        assert not setting.provider.capabilities.probe
        assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, "no-probe")
        assert not setting.sandbox.world.calls


def test_a_probe_only_ever_reads(probing):
    token = probing.make()
    for _ in range(2):
        probing.provider.probe(value_of(token), probing.expected)
        probing.end(token.id)
    assert probing.sandbox.world.calls
    assert all(route.startswith("GET ") for route in probing.sandbox.world.calls)


STORMS = [400, 404, 405, 408, 409, 410, 418, 422, 429, 451, 500, 501, 502, 503, 504]


@pytest.mark.parametrize("status", STORMS)
def test_a_storm_says_nothing_of_a_token(probing, status):
    token = probing.make()
    probing.sandbox.knobs.status_storm = FaultBurst(status, 9, "7")
    seen = probing.provider.probe(value_of(token), probing.expected)
    assert (seen.verdict, seen.reason, seen.retry_after) == (Verdict.UNKNOWN, f"http-{status}", 7.0)
    assert seen.scope_verdict is ScopeVerdict.UNVERIFIED


def test_a_captive_portal_says_nothing_of_a_token(probing):
    probing.sandbox.knobs.captive_portal = True
    seen = probing.provider.probe(value_of(probing.make()), probing.expected)
    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, "html")


def test_an_outage_says_nothing_of_a_token(probing):
    token = probing.make()
    probing.sandbox.stop()
    seen = probing.provider.probe(value_of(token), probing.expected)
    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, "connect")


def test_a_refusal_that_still_authenticates_is_alive(probing):
    token = probing.make()
    probing.sandbox.knobs.forced[token.id] = 403
    assert probing.provider.probe(value_of(token), None).verdict is Verdict.ALIVE


def test_warnings_and_errors_never_quote_the_value(setting, caplog):
    odd, usual = Value.of("tgcanary-not-a-usual-shape"), value_of(setting.make())
    assert setting.provider.warnings(usual) == ()
    with caplog.at_level(logging.DEBUG):
        shown = f"{setting.provider.warnings(odd)!r} {setting.provider.probe(odd, None)!r} {setting.provider!r} {caplog.text}"
    assert "tgcanary" not in shown


def test_a_guide_can_be_filled(setting):
    guide = setting.provider.guide()
    fields = dict.fromkeys(("label", "scope", "scope_name", "permissions", "hint"), "x")
    filled = [step.format_map(fields) for step in (*guide.create, *guide.revoke)]
    assert not any("{" in step for step in filled)
    if setting.provider.capabilities.mint is Method.PERSON:
        assert guide.where
        assert any("{label}" in step for step in guide.create)
        assert any("{label}" in step for step in guide.revoke)


def test_capabilities_and_issuer_agree(setting):
    can = setting.provider.capabilities
    assert (setting.issuer() is not None) == (can.mint is Method.API) == (can.revoke is Method.API) == can.lists
    assert issuer(setting.provider, None) is None
    if setting.provider.base_url:
        assert can.death_window.length == timedelta(seconds=0.3)
        assert can.confirm_after == timedelta(seconds=3)


def test_what_is_created_is_found_works_and_can_be_ended(minting):
    admin = minting.issuer()
    minted = admin.create(TokenRequest(label=LABEL, scope=minting.expected, permissions=("posts:read", "clips:read")))
    (found,) = admin.listed().named(LABEL)
    assert (found.provider_id, found.label) == (minted.provider_id, LABEL)
    assert found.hint
    assert minting.provider.probe(minted.value, minting.expected).verdict is Verdict.ALIVE
    (key,) = minting.sandbox.world.keys()
    assert key.scopes == ("posts:read", "clips:read")
    admin.revoke(minted.provider_id)
    admin.revoke(minted.provider_id)
    lists_the_revoked = minting.sandbox.knobs.list_style.statuses[1]
    assert (admin.listed() == TokenList()) is not bool(lists_the_revoked), "it is gone only where the list says so"
    assert minting.provider.probe(minted.value, minting.expected).verdict is Verdict.DEAD


def test_a_create_whose_reply_is_lost_is_ambiguous_and_can_be_found(minting):
    minting.sandbox.knobs.drop_reply_after_commit[Operation.KEY_CREATE] = 1
    admin = minting.issuer()
    with pytest.raises(Ambiguous):
        admin.create(TokenRequest(label=LABEL, scope=minting.expected))
    assert minting.sandbox.world.calls["POST /api-proxy/api-keys"] == 1, "never repeated"
    (found,) = admin.listed().named(LABEL)
    admin.revoke(found.provider_id)
    assert minting.sandbox.world.keys() == ()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 425])
def test_a_create_that_may_have_worked_is_ambiguous(creating, status, words):
    creating.sandbox.knobs.status_storm = FaultBurst(status, 1)
    with pytest.raises(Ambiguous) as caught:
        creating.issuer().create(TokenRequest(label=LABEL, scope=creating.expected))
    words(caught.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 422, 429])
def test_a_create_that_was_refused_is_refused(creating, status, words):
    wait = "" if status == 429 else "5"  # one that says how long is waited for (test_provider_limits.py)
    creating.sandbox.knobs.status_storm = FaultBurst(status, 1, wait)
    with pytest.raises(CreateRefused) as caught:
        creating.issuer().create(TokenRequest(label=LABEL, scope=creating.expected))
    words(caught.value)
    assert creating.sandbox.world.keys() == ()


def test_a_create_that_never_left_is_refused(minting):
    admin = minting.issuer()
    minting.sandbox.stop()
    with pytest.raises(CreateRefused, match="not sent"):
        admin.create(TokenRequest(label=LABEL, scope=minting.expected))


def test_a_portal_in_place_of_a_create_is_ambiguous(minting):
    minting.sandbox.knobs.captive_portal = True
    with pytest.raises(Ambiguous):
        minting.issuer().create(TokenRequest(label=LABEL, scope=minting.expected))


def test_a_list_has_every_page_and_labels_match_exactly(minting):
    minting.sandbox.knobs.list_style.most = 7
    for number in range(30):
        minting.sandbox.world.create_key(f"other-{number}", [])
    for name in (LABEL, f"{LABEL}x", LABEL.upper(), LABEL):
        minting.sandbox.world.create_key(name, [])
    admin = minting.issuer()
    found = admin.listed()
    assert len(found.named(LABEL)) == 2
    assert (len(found.rows), found.complete) == (34, True)


def test_a_revocation_whose_reply_is_lost_is_ambiguous_and_can_be_repeated(minting):
    key = minting.make()
    minting.sandbox.knobs.drop_reply_after_commit[Operation.KEY_DELETE] = 1
    admin = minting.issuer()
    with pytest.raises(Ambiguous):
        admin.revoke(key.id)
    admin.revoke(key.id)
    assert not minting.sandbox.world.alive(key.secret.reveal())


@pytest.mark.parametrize("provider_id", ["", "..", "../x", "a/b", "a b", "x" * 200, "a\n"])
def test_an_id_that_could_leave_its_path_is_refused(minting, provider_id):
    with pytest.raises(CreateRefused):
        minting.issuer().revoke(provider_id)
    assert not minting.sandbox.world.calls
