"""Each route of each imitated service names the document that describes it, and no other route is answered."""

import inspect
import re
from http import HTTPStatus
from http.client import HTTPConnection

import pytest

from tests.fakes.ci_issuer import Issuer
from tests.fakes.secret_hosts import vendors
from tests.fakes.secret_hosts.serving import Asked, SecretHost
from tests.fakes.secrets_manager import access_keys, security_tokens, service
from tests.fakes.secrets_manager.server import KEY_ID, FakeAws
from tokenguard.sandbox.autoposting_api import AutopostingApi
from tokenguard.sandbox.cited_routes import AUTOPOSTING, DESCRIPT, SETTINGS, CitedRoute
from tokenguard.sandbox.descript_api import DescriptApi
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.settings_page import PATH
from tokenguard.sandbox.wire import Call
from tokenguard.sandbox.world import World
from tokenguard.shell.clock import SystemClock

HOSTS = [each for _, each in inspect.getmembers(vendors, inspect.isclass) if SecretHost in each.__bases__]
SERVICES = {
    "Autoposting": AUTOPOSTING,
    "Descript": DESCRIPT,
    "Descript's settings": SETTINGS,
    "Secrets Manager": tuple(service.OPERATIONS.values()),
    "IAM": tuple(access_keys.OPERATIONS.values()),
    "STS": tuple(security_tokens.OPERATIONS.values()),
    "identities of jobs": Issuer.routes,
    **{each.__name__: each.routes for each in HOSTS},
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROUTES = [(name, each) for name, routes in SERVICES.items() for each in routes]


@pytest.mark.parametrize("service_name", SERVICES)
def test_each_service_has_routes(service_name):
    assert SERVICES[service_name]


@pytest.mark.parametrize(("service_name", "cited"), ROUTES, ids=lambda each: getattr(each, "route", each))
def test_a_citation_is_a_route_a_document_and_its_day(service_name, cited: CitedRoute):
    assert re.fullmatch(rf"({'|'.join(METHODS)}) /[\w{{}}./%-]+", cited.route), service_name
    assert re.fullmatch(r"https://[a-z0-9.-]+/\S+", cited.document)
    assert re.fullmatch(r"2026-\d\d(-\d\d)?", cited.read)


def test_each_operation_of_secrets_manager_is_cited():
    methods = {name for name, _ in inspect.getmembers(service.SecretsManager, inspect.isfunction) if name[0].isupper()}
    assert methods == service.OPERATIONS.keys()


def test_each_operation_of_access_keys_is_cited():
    methods = {
        name for name, _ in inspect.getmembers(access_keys.FakeIam, inspect.isfunction) if name[:2].strip("_").isupper()
    }
    assert {each.strip("_") for each in methods} == access_keys.OPERATIONS.keys()


def test_the_settings_page_is_where_its_citation_says():
    assert {each.route.partition(" ")[2] for each in SETTINGS} == {f"/{'/'.join(PATH)}"}


@pytest.fixture
def world() -> World:
    return World(FaultSettings(), SystemClock())


def answered(world: World, name: str, method: str, path: tuple[str, ...]) -> int:
    token = world.create_token("bench", world.drives[0].id) if name == "Descript" else world.admin
    api = {"Descript": DescriptApi, "Autoposting": AutopostingApi}[name](world)
    call = Call(method=method, path=path, headers={"authorization": f"Bearer {token.secret.reveal()}"}, body=b"{}")
    answer = api.answer(call)
    assert answer is not None
    return answer.status


@pytest.mark.parametrize("name", ["Autoposting", "Descript"])
def test_a_cited_route_is_answered(world, name):
    """None is cited that the imitation does not have: an id that does not exist is told apart from no such route."""
    world.knobs.delete_route = world.knobs.logout_route = True
    for each in SERVICES[name]:
        method, _, way = each.route.partition(" ")
        status = answered(world, name, method, tuple(way[1:].replace("{id}", "unknown").split("/")))
        assert status != HTTPStatus.METHOD_NOT_ALLOWED, each.route
        assert (status == HTTPStatus.NOT_FOUND) <= ("{id}" in way or "silent" in repr(each)), each.route


@pytest.mark.parametrize("name", ["Autoposting", "Descript"])
def test_a_route_without_a_document_is_not_answered(world, name, monkeypatch):
    for module in ("autoposting_api.AUTOPOSTING", "descript_api.DESCRIPT"):
        monkeypatch.setattr(f"tokenguard.sandbox.{module}", ())
    for each in SERVICES[name]:
        method, _, way = each.route.partition(" ")
        status = answered(world, name, method, tuple(way[1:].replace("{id}", "unknown").split("/")))
        assert status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNAUTHORIZED}, each.route


@pytest.mark.parametrize("kind", HOSTS, ids=lambda each: each.__name__)
def test_a_host_answers_nothing_that_is_not_cited(kind: type[SecretHost], monkeypatch):
    host = kind()
    monkeypatch.setattr(kind, "act", lambda *_: (200, {}))
    paths = {tuple(each.route.partition(" ")[2].strip("/").split("/")) for each in kind.routes}
    for path in paths | {("v9", "other")}:
        for method in METHODS:
            asked = Asked(method, list(path), {}, None, "", "")
            status, _ = host.answer(asked, f"Bearer {host.credential}")
            assert (status == 200) is any(each.matches(method, path) for each in kind.routes), (method, path)


def test_the_issuer_of_jobs_answers_nothing_that_is_not_cited(monkeypatch):
    paths = [each.route.partition(" ")[2].format(run="1", job="2") for each in Issuer.routes]
    with Issuer() as issuer:
        assert [issuer.answer(path, "")[0] for path in (*paths, "/keys/more", "/")] == [200, 200, 401, 404, 404]
        monkeypatch.setattr(Issuer, "routes", ())
        assert {issuer.answer(path, "")[0] for path in paths} == {404}


@pytest.mark.parametrize("cited", [True, False])
def test_sts_answers_nothing_that_is_not_cited(cited, monkeypatch):
    if not cited:
        monkeypatch.setattr(security_tokens, "OPERATIONS", {})
    signed = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20261129/eu-central-1/sts/aws4_request, "
    signed += f"SignedHeaders=host, Signature={'0' * 64}"
    asked = {
        "Action=GetCallerIdentity": {"Authorization": signed, "X-Amz-Date": "20261129T000000Z"},
        "Action=AssumeRoleWithWebIdentity&RoleArn=x&RoleSessionName=x&WebIdentityToken=x": {},
    }
    with FakeAws() as aws:
        aws.trusts = lambda *_: True
        for body, headers in asked.items():
            connection = HTTPConnection(aws.host)
            connection.request("POST", "/", body, headers)
            assert (connection.getresponse().status == HTTPStatus.OK) is cited
            connection.close()
