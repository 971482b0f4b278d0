"""Each route of each imitated service names the document that describes it, and no other route is answered."""

import inspect
import re
from http import HTTPStatus

import pytest

from tests.fakes.secret_hosts import vendors
from tests.fakes.secret_hosts.serving import Asked, SecretHost
from tests.fakes.secrets_manager import service
from tokenguard.sandbox.autoposting_api import AutopostingApi
from tokenguard.sandbox.cited_routes import AUTOPOSTING, DESCRIPT, SETTINGS, CitedRoute
from tokenguard.sandbox.descript_api import DescriptApi
from tokenguard.sandbox.fault_settings import Knobs
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


def test_the_settings_page_is_where_its_citation_says():
    assert {each.route.partition(" ")[2] for each in SETTINGS} == {f"/{'/'.join(PATH)}"}


@pytest.fixture
def world() -> World:
    return World(Knobs(), SystemClock())


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
