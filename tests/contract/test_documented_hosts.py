"""What hosts of secrets print as examples: deliveries and imports understand them, our imitations answer in their shape.

Each is given by field and type, with values of our own, and names its page and the day of the copy that was read.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox

from tests.contract.documented import Example, asked_of, differences, script
from tests.contract.remote_deliveries import VENDORS, consumer_at
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.secret_hosts.serving import SecretHost
from tests.fakes.secret_hosts.vendors import ITEM_ID, VAULT_ID
from tokenguard.delivery.delivery_registry import DeliveryRegistry
from tokenguard.delivery.hosts import Hosts, HostSettings
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Unreachable
from tokenguard.http.address import Address
from tokenguard.ports.delivery import ConsumerVerdict

READ = "2026-11-30"
VALUE, OTHER = "tgcanary-documented-value", "tgcanary-documented-other"

# GitHub

_GITHUB = "https://docs.github.com/en/rest/actions/secrets"
_SECRETS = "/repos/acme/app/actions/secrets"
SEALING = PrivateKey.generate()
PUBLIC_KEY = Example(
    f"GET {_SECRETS}/public-key",
    _GITHUB,
    READ,
    {"key_id": "012345678912345678", "key": base64.b64encode(bytes(SEALING.public_key)).decode()},
)
SECRET = Example(
    f"GET {_SECRETS}/TOKEN",
    _GITHUB,
    READ,
    {"name": "TOKEN", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z"},
)
MADE = Example(f"PUT {_SECRETS}/TOKEN", _GITHUB, READ, {}, 201)
REPLACED = Example(f"PUT {_SECRETS}/TOKEN", _GITHUB, READ, None, 204)
GITHUB_REFUSED = Example(f"GET {_SECRETS}/TOKEN", _GITHUB, READ, {"message": "words"}, 401)

# GitLab

_GITLAB = "https://docs.gitlab.com/api/project_level_variables/"
_VARIABLES = "/projects/acme%2Fapp/variables"
_VARIABLE = {
    "variable_type": "env_var", "key": "TOKEN", "value": VALUE, "protected": False, "masked": True, "hidden": False,
    "raw": False, "environment_scope": "*", "description": None,
}  # fmt: skip
LISTED = Example(f"GET {_VARIABLES}", _GITLAB, READ, [_VARIABLE, _VARIABLE | {"key": "TOKEN_2", "masked": False}])
VARIABLE = Example(f"GET {_VARIABLES}/TOKEN", _GITLAB, READ, _VARIABLE)
NO_VARIABLE = Example(f"GET {_VARIABLES}/ABSENT", _GITLAB, READ, {"message": "words"}, 404)
CREATED = Example(f"POST {_VARIABLES}", _GITLAB, READ, _VARIABLE, 201)
UPDATED = Example(f"PUT {_VARIABLES}/TOKEN", _GITLAB, READ, _VARIABLE)

# Doppler

_DOPPLER = "https://docs.doppler.com/reference/secrets"
_CONFIG = "/v3/configs/config"
_HELD = {"raw": VALUE, "computed": VALUE, "note": ""}
RETRIEVED = Example(
    f"GET {_CONFIG}/secret?project=app&config=prd&name=TOKEN",
    f"{_DOPPLER}-get",
    READ,
    {"name": "TOKEN", "value": _HELD},
)
DOPPLER_LISTED = Example(
    f"GET {_CONFIG}/secrets?project=app&config=prd",
    f"{_DOPPLER}-list",
    READ,
    {"secrets": {"TOKEN": _HELD, "API_TOKEN": _HELD | {"raw": OTHER, "computed": OTHER}}},
)
NAMES = Example(f"GET {_CONFIG}/secrets/names?project=app&config=prd", f"{_DOPPLER}-names", READ, {"names": ["TOKEN"]})
DOPPLER_UPDATED = Example(f"POST {_CONFIG}/secrets", f"{_DOPPLER}-update", READ, {"secrets": {"TOKEN": _HELD}})
NO_SECRET = Example(f"GET {_CONFIG}/secret?project=app&config=prd&name=ABSENT", f"{_DOPPLER}-get", READ, {}, 404)
"""Of an error the page names the status only."""

# 1Password

_CONNECT = "https://developer.1password.com/docs/connect/api-reference"
"""And the description of version 1.7.1 that it links to."""
_ITEMS = f"/v1/vaults/{VAULT_ID}/items"
_ITEM = {"id": ITEM_ID, "title": "Video app", "vault": {"id": VAULT_ID}, "category": "API_CREDENTIAL", "version": 1}
_FIELDS = [
    {"id": "username", "type": "STRING", "label": "username", "value": "alex"},
    {"id": "f1", "type": "CONCEALED", "label": "token", "value": VALUE},
]
ITEMS = Example(f"GET {_ITEMS}", _CONNECT, READ, [_ITEM])
ITEM = Example(f"GET {_ITEMS}/{ITEM_ID}", _CONNECT, READ, _ITEM | {"fields": _FIELDS})
PATCHED = Example(f"PATCH {_ITEMS}/{ITEM_ID}", _CONNECT, READ, _ITEM | {"fields": _FIELDS})
CONNECT_REFUSED = Example(f"GET {_ITEMS}", _CONNECT, READ, {"status": 401, "message": "words"}, 401)


@dataclass(frozen=True)
class Delivered:
    """A delivery by documented answers: those to `check`, `push` and `verify`, and what was sent."""

    vendor: str
    answers: tuple[Example, ...]
    sent: Callable[[Any], bool]
    """Whether the body of the only change is what the page asks for."""


def _opened(body: Any) -> bool:
    sealed = base64.b64decode(body.pop("encrypted_value"), validate=True)
    return body == {"key_id": PUBLIC_KEY.answer["key_id"]} and SealedBox(SEALING).decrypt(sealed) == VALUE.encode()


DELIVERED = {
    "a secret of GitHub is made": Delivered("github", (PUBLIC_KEY, PUBLIC_KEY, MADE, SECRET, SECRET), _opened),
    "a secret of GitHub is replaced": Delivered("github", (PUBLIC_KEY, PUBLIC_KEY, REPLACED, SECRET, SECRET), _opened),
    "a variable of GitLab is made": Delivered(
        "gitlab",
        (NO_VARIABLE, LISTED, NO_VARIABLE, CREATED, VARIABLE),
        lambda body: body == {
            "key": "TOKEN", "value": VALUE, "masked": True, "protected": True, "raw": True, "variable_type": "env_var",
        },
    ),
    "a variable of GitLab is changed": Delivered(
        "gitlab", (VARIABLE, VARIABLE, UPDATED, VARIABLE), lambda body: body == {"value": VALUE, "masked": True}
    ),
    "a secret of Doppler is made": Delivered(
        "doppler",
        (NO_SECRET, NAMES, DOPPLER_UPDATED, RETRIEVED),
        lambda body: body == {"project": "app", "config": "prd", "secrets": {"TOKEN": VALUE}},
    ),
    "a field of 1Password is changed": Delivered(
        "onepassword",
        (ITEM, ITEM, PATCHED, ITEM),
        lambda body: body == [{"op": "replace", "path": "/fields/f1/value", "value": VALUE}],
    ),
}  # fmt: skip


@dataclass
class Named:
    """A server where a host is expected."""

    server: ScriptedServer
    host: str = field(init=False)
    credential: str = "tgcanary-credential"

    def __post_init__(self) -> None:
        self.host = f"127.0.0.1:{self.server.port}"

    def registry(self) -> DeliveryRegistry:
        settings = HostSettings(credential=lambda: Secret(self.credential), base=Address.parse(self.server.url))
        return DeliveryRegistry(hosts=lambda: Hosts({self.host: settings}, FakeClock()))


def _request(data: bytes) -> tuple[str, Any]:
    head, _, body = data.partition(b"\r\n\r\n")
    return " ".join(head.decode().split("\r\n")[0].split(" ")[:2]), json.loads(body) if body else None


@pytest.mark.parametrize("case", DELIVERED)
def test_a_delivery_understands_what_the_host_prints(case, tmp_path):
    delivered = DELIVERED[case]
    with ScriptedServer(*script(*delivered.answers)) as server:
        named = Named(server)
        consumer = consumer_at(VENDORS[delivered.vendor], named, tmp_path)  # type: ignore[arg-type]
        delivery = named.registry().of(consumer)
        delivery.check(consumer)
        delivery.push(consumer, Value.of(VALUE))
        assert delivery.verify(consumer, Value.of(VALUE)) is ConsumerVerdict.EXPECTED
        if delivered.vendor != "github":
            assert delivery.verify(consumer, Value.of(OTHER)) is ConsumerVerdict.DIFFERENT
        asked = [_request(each) for each in server.requests]
    assert len(asked) >= len(delivered.answers)
    [(_, body)] = [each for each in asked if not each[0].startswith("GET ")]
    assert delivered.sent(body), body
    for (route, _), example in zip(asked, delivered.answers, strict=False):
        assert _way(route) == _way(example.route).replace("ABSENT", "TOKEN"), example.page


def _way(route: str) -> str:
    return re.sub(r"\?.*", "", route)


@pytest.mark.parametrize(
    ("vendor", "refused"), [("github", GITHUB_REFUSED), ("onepassword", CONNECT_REFUSED)], ids=["github", "onepassword"]
)
def test_a_documented_refusal_is_no_answer(vendor, refused, tmp_path):
    with ScriptedServer(*script(refused)) as server:
        named = Named(server)
        consumer = consumer_at(VENDORS[vendor], named, tmp_path)  # type: ignore[arg-type]
        with pytest.raises(Unreachable, match="http status 401"):
            named.registry().of(consumer).check(consumer)


WALKED = {
    "gitlab://HOST/acme/app": ((LISTED,), {"TOKEN": VALUE, "TOKEN_2": VALUE}),
    "doppler://HOST/app/prd": ((DOPPLER_LISTED,), {"TOKEN": VALUE, "API_TOKEN": OTHER}),
    f"onepassword://HOST/{VAULT_ID}": ((ITEMS, ITEM), {"username": "alex", "token": VALUE}),
}


@pytest.mark.parametrize("address", WALKED)
def test_an_import_understands_what_the_host_prints(address):
    answers, expected = WALKED[address]
    with ScriptedServer(*script(*answers)) as server:
        named = Named(server)
        entries = list(named.registry().survey(address.replace("HOST", named.host)).entries())
    assert {name: text.reveal() for each in entries for name, text in each.texts.items()} == expected  # type: ignore[union-attr]


def _filled_github(host: Any) -> None:
    host.put("repos/acme/app/actions/secrets", "TOKEN", VALUE)


IMITATED: dict[str, tuple[Callable[[Any], None], tuple[tuple[Example, Any], ...]]] = {
    "github": (_filled_github, ((PUBLIC_KEY, None), (SECRET, None))),
    "gitlab": (
        lambda host: host.held.update({("TOKEN", "*"): {"key": "TOKEN", "value": VALUE}}),
        (
            (Example(f"GET {_VARIABLES}?per_page=50&page=1", _GITLAB, READ, LISTED.answer), None),
            (VARIABLE, None),
            (NO_VARIABLE, None),
            (CREATED, {"key": "OTHER", "value": VALUE}),
            (UPDATED, {"value": VALUE}),
        ),
    ),
    "doppler": (
        lambda host: host.held.update(TOKEN=VALUE, API_TOKEN=OTHER),
        (
            (RETRIEVED, None),
            (DOPPLER_LISTED, None),
            (NAMES, None),
            (NO_SECRET, None),
            (DOPPLER_UPDATED, {"project": "app", "config": "prd", "secrets": {"TOKEN": VALUE}}),
        ),
    ),
    "onepassword": (
        lambda host: None,
        (
            (ITEMS, None),
            (ITEM, None),
            (PATCHED, [{"op": "replace", "path": "/fields/f1/value", "value": VALUE}]),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMITATED)
def test_the_imitation_answers_as_the_host_prints(name):
    fill, several = IMITATED[name]
    with VENDORS[name].make() as host:
        fill(host)
        for example, body in several:
            status, answered = asked_of(host.url + VENDORS[name].api, example.route, host.credential, body)
            assert status == example.status, example.route
            assert differences(example.answer, answered) == [], example.route


def test_the_imitation_of_github_takes_a_sealed_value_as_github_prints():
    with VENDORS["github"].make() as host:
        _, key = asked_of(host.url, PUBLIC_KEY.route, host.credential)
        box = SealedBox(PrivateKey(bytes(host.key)).public_key)
        body = {"encrypted_value": base64.b64encode(box.encrypt(VALUE.encode())).decode(), "key_id": key["key_id"]}
        for example in (MADE, REPLACED):
            assert asked_of(host.url, example.route, host.credential, body) == (example.status, example.answer)


@pytest.mark.parametrize(
    ("name", "refused"), [("github", GITHUB_REFUSED), ("onepassword", CONNECT_REFUSED)], ids=["github", "onepassword"]
)
def test_the_imitation_refuses_as_the_host_prints(name, refused):
    with VENDORS[name].make() as host:
        status, answered = asked_of(host.url, refused.route, "tgcanary-unknown")
    assert status == refused.status
    assert differences(refused.answer, answered) == []


def test_each_host_with_a_page_of_examples_is_tried():
    """Kubernetes applies a manifest: its page prints requests, no answers."""
    tried = {each.vendor for each in DELIVERED.values()}
    assert tried == IMITATED.keys() == VENDORS.keys() - {"k8s"}
    assert all(issubclass(each.make, SecretHost) for each in VENDORS.values())
