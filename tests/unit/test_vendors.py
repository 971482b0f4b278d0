"""Which provider and which admin credential an operation gets; and that neither changes unseen."""

from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import canary
from tokenguard.domain.document import Document
from tokenguard.domain.names import Label, new_token_id, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.providers import provider_registry
from tokenguard.settings import ProviderConfig, Settings
from tokenguard.shell.vendors import ConfiguredVendors

ADDRESS = "http://127.0.0.1:9/api-proxy"
TOKEN = Record(name=token_name("a/token"), provider="autoposting", scope=Scope("org", "one"), base_url=ADDRESS)


@pytest.fixture
def world(monkeypatch):
    """Vendors over a store in memory; `given` collects the credential that each issuer was bound to."""
    clock = FakeClock()
    store, given = MemoryStore(clock), []
    monkeypatch.setattr(
        provider_registry, "issuer", lambda _provider, admin, _scope: given.append(admin and admin.token.reveal())
    )

    def vendors(environ=None, **provider):
        config = ProviderConfig(base_url=ADDRESS, death_floor=timedelta(seconds=1), **provider)
        return ConfiguredVendors(Settings(providers={"autoposting": config}), environ or {}, clock, lambda: store)

    return store, vendors, given


def _admin(store, name="a/admin", **changes):
    value, token = canary(), new_token_id()
    record = replace(
        TOKEN, name=token_name(name), kind=CredentialKind.PROVIDER_ADMIN, state=RecordState.ACTIVE,
        fingerprint=store.fingerprint(Value.of(value)), **changes,
    )  # fmt: skip
    store.commit(token, 0, Document(record=record), [])
    store.put_candidate(token, Label("admin-abcdefgh-1"), Value.of(value))
    store.publish(token, Label("admin-abcdefgh-1"), 0)
    return value


def test_another_address_than_the_pinned_one_is_refused_with_the_command_that_confirms_it(world, words):
    _, vendors, _ = world
    with pytest.raises(InputError) as caught:
        vendors().of(replace(TOKEN, base_url="http://127.0.0.1:8/api-proxy"))
    words(caught.value)
    assert caught.value.hint.endswith(f"tokenguard edit a/token --base-url {ADDRESS}")


def test_an_unknown_provider_is_refused(world):
    with pytest.raises(InputError):
        world[1]().of(replace(TOKEN, provider="nobody"))


def test_without_a_credential_there_is_no_api(world):
    _, vendors, given = world
    vendors().of(TOKEN)
    assert given == [None]


def test_a_provider_that_people_serve_gets_none_looked_for(world):
    store, vendors, given = world
    _admin(store)
    assert vendors().of(replace(TOKEN, provider="manual", base_url="")).issuer is None
    assert given == []


@pytest.mark.parametrize("setting", ["env:MY_ADMIN", "MY_ADMIN"])
def test_a_configured_variable(world, setting):
    _, vendors, given = world
    value = canary()
    vendors({"MY_ADMIN": value, "TOKENGUARD_ADMIN_AUTOPOSTING": canary()}, admin=setting).of(TOKEN)
    assert given == [value]


def test_a_configured_variable_that_is_not_set_means_none(world):
    store, vendors, given = world
    _admin(store)
    vendors(admin="env:MY_ADMIN").of(TOKEN)
    assert given == [None]


def test_the_variable_of_one_run_wins_over_the_store(world):
    store, vendors, given = world
    _admin(store)
    value = canary()
    vendors({"TOKENGUARD_ADMIN_AUTOPOSTING": value}).of(TOKEN)
    assert given == [value]


def test_the_only_admin_record_of_the_provider(world):
    store, vendors, given = world
    value = _admin(store, scope=None)
    vendors().of(TOKEN)
    assert given == [value]


def test_of_several_the_one_of_the_same_scope(world):
    store, vendors, given = world
    _admin(store, "b/admin", scope=Scope("org", "two"))
    value = _admin(store)
    vendors().of(TOKEN)
    vendors().of(replace(TOKEN, scope=Scope("org", "three")))
    assert given == [value, None], "between two that fit equally badly nobody chooses"


def test_it_is_looked_for_once_and_looked_at_again_before_every_use(world, monkeypatch):
    store, vendors, given = world
    first = _admin(store)
    scans, real = [], MemoryStore.scan
    monkeypatch.setattr(MemoryStore, "scan", lambda each: scans.append(1) or real(each))
    known = vendors()
    for _ in range(3):
        known.of(TOKEN)
    assert (len(scans), given) == (1, [first] * 3)
    admin = next(iter(real(store)))
    rotated = Value.of("tgcanary-rotated")
    store.put_candidate(admin.id, Label("admin-abcdefgh-2"), rotated)
    store.publish(admin.id, Label("admin-abcdefgh-2"), 1)
    after = replace(admin.document.record, fingerprint=store.fingerprint(rotated))
    admin = store.commit(admin.id, admin.version, replace(admin.document, record=after), [])
    known.of(TOKEN)
    assert given[-1] == "tgcanary-rotated"
    retired = replace(admin.document.record, state=RecordState.RETIRED)
    store.commit(admin.id, admin.version, replace(admin.document, record=retired), [])
    known.of(TOKEN)
    assert given[-1] is None


def test_one_that_serves_another_scope_gives_way_to_one_that_comes_later(world):
    store, vendors, given = world
    general = _admin(store, scope=None)
    known = vendors()
    known.of(TOKEN)
    own = _admin(store, "b/admin")
    known.of(TOKEN)
    assert given == [general, own]


def test_a_retired_one_is_none(world):
    store, vendors, given = world
    _admin(store)
    snapshot = store.find("a/admin")
    record = replace(snapshot.document.record, state=RecordState.RETIRED)
    store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])
    vendors().of(TOKEN)
    assert given == [None]


def test_a_configured_record(world):
    store, vendors, given = world
    _admin(store, "b/admin")
    value = _admin(store)
    vendors(admin="a/admin").of(TOKEN)
    assert given == [value]


def test_a_configured_record_of_another_kind_is_refused(world, words):
    store, vendors, _ = world
    store.commit(new_token_id(), 0, Document(record=replace(TOKEN, name=token_name("a/plain"))), [])
    with pytest.raises(InputError) as caught:
        vendors(admin="a/plain").of(TOKEN)
    words(caught.value)


def test_a_credential_never_mints_its_own_successor(world):
    store, vendors, given = world
    _admin(store)
    record = store.find("a/admin").document.record
    vendors().of(record)
    vendors(admin="a/admin").of(record)
    assert given == [None, None]


def test_a_value_that_cannot_be_one_is_refused_without_being_quoted(world):
    _, vendors, _ = world
    with pytest.raises(InputError) as caught:
        vendors({"TOKENGUARD_ADMIN_AUTOPOSTING": "tgcanary with spaces"}).of(TOKEN)
    assert "tgcanary" not in caught.value.message + caught.value.hint
