"""`update` of a provider file: what it may say, what is sent, and what a row's permissions may be."""

import pytest

from tests.fakes.scripted_server import ScriptedServer, reply
from tests.unit.test_provider_language import SCOPE, VALUE, acme, asked
from tokenguard.domain.names import Label
from tokenguard.errors import InputError
from tokenguard.ports.provider import CreateRefused, TokenRequest
from tokenguard.providers.provider_registry import issuer

REVOKE = "{request: 'DELETE /projects/{scope}/tokens/{id}'}"
BOTH = "{request: 'PATCH /tokens/{id}', body: {name: '{label}', scopes: '{permissions}'}}"


def admin_of(folder, url, update, permissions="/scopes", more=""):
    listed = f"  permissions: {permissions}\n" if permissions else ""
    revoke = f"{REVOKE}\nupdate: {update}\n{more}"
    provider = acme(folder, url, REVOKE=revoke, **{"/name": f"/name\n{listed}"})
    return issuer(provider, VALUE, SCOPE)


def wanted(*permissions):
    return TokenRequest(label=Label("prod-post"), scope=SCOPE, permissions=permissions)


REFUSED = {
    "a GET": ("{request: 'GET /tokens/{id}', body: {name: '{label}'}}", "must not be a GET"),
    "no token": ("{request: 'PATCH /tokens', body: {name: '{label}'}}", "must name the token by {id}"),
    "no body": ("{request: 'PATCH /tokens/{id}'}", "this must hold what it changes"),
    "nothing that changes": ("{request: 'PATCH /tokens/{id}', body: {a: b}}", "this must hold what it changes"),
    "another placeholder": ("{request: 'PATCH /tokens/{id}', body: {name: '{label}', at: '{hint}'}}", "placeholder"),
    "another key": ("{request: 'PATCH /tokens/{id}', body: {name: '{label}'}, value: /x}", "unknown key"),
    "permissions that no list shows": (BOTH, "without `permissions` under `list`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_contradiction_is_refused_with_its_place(case, tmp_path):
    update, why = REFUSED[case]
    with pytest.raises(InputError) as refused:
        admin_of(tmp_path, "https://acme.example", update, permissions="")
    assert why in refused.value.message
    assert "acme.yaml:" in refused.value.message


def test_the_request_is_what_the_file_says(tmp_path):
    with ScriptedServer(reply(200, b"{}")) as server:
        admin_of(tmp_path, server.url, BOTH).update("7", wanted("read", "write"))
    line, _, body = asked(server)
    assert (line, body) == ("PATCH /tokens/7", {"name": "prod-post", "scopes": ["read", "write"]})


def test_a_permission_that_the_file_does_not_list_is_not_sent(tmp_path):
    with ScriptedServer(reply(200, b"{}")) as server, pytest.raises(CreateRefused):
        admin_of(tmp_path, server.url, BOTH, more="permissions: {read: reads}").update("7", wanted("read", "admin"))
    assert server.connections == 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_token_that_is_not_there_is_not_a_success(status, tmp_path):
    with ScriptedServer(reply(status, b"{}")) as server, pytest.raises(CreateRefused) as refused:
        admin_of(tmp_path, server.url, BOTH).update("7", wanted("read"))
    assert "has no token with this id" in refused.value.message


LISTED = {
    "a list": (b'["write", "read"]', ("read", "write")),
    "one twice": (b'["read", "read"]', ("read",)),
    "a text": (b'"write read"', ("read", "write")),
    "an empty list": (b"[]", ()),
    "null": (b"null", ()),
    "a list with something else": (b'["read", 7]', ()),
    "a text for people": (b'["read all posts"]', ()),
    "the admin credential": (b'["tgcanary-token"]', ()),
    "too many": (b'["' + b'", "'.join(b"p%d" % number for number in range(1_001)) + b'"]', ()),
}


@pytest.mark.parametrize("case", LISTED)
def test_a_row_says_its_permissions_or_nothing(case, tmp_path):
    said, found = LISTED[case]
    row = b'[{"id": 7, "name": "prod-post", "scopes": %b}]' % said
    with ScriptedServer(reply(200, row)) as server:
        (listed,) = admin_of(tmp_path, server.url, BOTH).listed().rows
    assert listed.permissions == found
