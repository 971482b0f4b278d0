"""Each service with a description: its tokens are made, found, told alive and dead, and ended, in good and bad worlds."""

from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.described_service import DescribedService
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import LABEL_LIMIT, Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Unreachable
from tokenguard.ports.provider import Ambiguous, CreateRefused, TokenRequest
from tokenguard.providers import provider_registry
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loading import load
from tokenguard.providers.provider_settings import ProviderSettings

FOLDER = Path(provider_registry.__file__).parent / "services"
FILES = {name: load(FOLDER / f"{name}.yaml") for name in provider_registry.described_services()}
BY_API = [name for name, said in FILES.items() if said.create is not None]
PROBED = [name for name, said in FILES.items() if said.probe is not None]
NAME = Label("prod-post-abcd1234")


@pytest.fixture
def service(request):
    with DescribedService(FILES[request.param]) as running:
        yield running


def provider_of(service):
    return Generic(service.described, ProviderSettings(base_url=service.url), FakeClock())


def issuer_of(service, admin=None):
    scope = Scope(service.described.scope_kind, service.scope)
    return provider_of(service).issuer(admin or service.admin, scope)


def wanted(service, label=NAME):
    return TokenRequest(label=label, scope=Scope(service.described.scope_kind, service.scope), permissions=("read",))


def probed(service, value):
    return provider_of(service).probe(value, None).verdict


by_api = pytest.mark.parametrize("service", BY_API, indirect=True)
by_probe = pytest.mark.parametrize("service", PROBED, indirect=True)


@by_api
def test_a_token_is_made_found_and_ended(service):
    issuer = issuer_of(service)
    made = issuer.create(wanted(service))
    (row,) = issuer.listed().named(NAME)
    assert (row.provider_id, len(service.tokens)) == (made.provider_id, 1)
    assert probed(service, made.value) is (Verdict.ALIVE if service.described.probe else Verdict.UNKNOWN)
    issuer.revoke(made.provider_id)
    assert not issuer.listed().holds(made.provider_id)
    assert probed(service, made.value) is (Verdict.DEAD if service.described.probe else Verdict.UNKNOWN)
    issuer.revoke(made.provider_id)  # one that is gone already is no error


@by_api
def test_a_list_of_many_is_read_to_its_end(service):
    names = {f"prod-post-{number:08d}" for number in range(11)}
    for name in names:
        service.issue(name)
    listed = issuer_of(service).listed()
    assert ({row.label for row in listed.rows}, listed.gap) == (names, "")


@by_api
def test_a_create_whose_reply_is_lost_is_found_by_its_label(service):
    service.cuts = 1
    issuer = issuer_of(service)
    with pytest.raises(Ambiguous):
        issuer.create(wanted(service))
    assert [row.label for row in issuer.listed().rows] == [NAME]


@by_api
def test_another_admin_credential_does_nothing(service):
    stranger = Value({name: Secret("tgcanary-stranger-0123456789") for name in service.admin.names})
    for act in (lambda each: each.create(wanted(service)), lambda each: each.listed(), lambda each: each.revoke("1")):
        with pytest.raises((CreateRefused, Unreachable)):
            act(issuer_of(service, stranger))
    assert service.tokens == {}


@by_api
def test_the_longest_label_and_an_expiry_arrive_as_they_were_meant(service):
    label = Label("x" * min(service.described.label_limit or LABEL_LIMIT, LABEL_LIMIT))
    issuer_of(service).create(wanted(service, label))
    assert [each.label for each in service.tokens.values()] == [label]


@by_probe
def test_a_token_that_was_ended_is_dead_and_one_that_was_not_is_alive(service):
    made = service.issue("prod-post-abcd1234")
    assert probed(service, made.value) is Verdict.ALIVE
    made.alive = False
    assert probed(service, made.value) is Verdict.DEAD


@by_probe
def test_an_outage_of_the_login_looks_like_death_and_is_told_by_a_control_alone(service):
    """A single refusal is never more than that: the engine asks for a token that is known to be alive."""
    made = service.issue("prod-post-abcd1234")
    service.refuses_all = True
    assert probed(service, made.value) is Verdict.DEAD
    if service.described.create is not None:
        with pytest.raises(Unreachable):
            issuer_of(service).listed()


def test_there_are_services_by_api_and_guided_ones():
    assert len(BY_API) >= 13
    assert len(FILES) - len(BY_API) >= 8
