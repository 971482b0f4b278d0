"""What a provider may answer to a revoke: only its own answer says that it agreed, and nothing else is called revoked."""

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.ports.provider import Ambiguous, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

VALUE = Value.of("tgcanary-revoke-answers")
PROVIDERS = ["acme", "autoposting"]
LABEL, SCOPE = Label("upload-abcd2345-1"), Scope("org", "o1")
HTML = "text/html; charset=utf-8"
TEXT = "text/plain"

AGREED = {
    "204": reply(204),
    "an empty 200": reply(200),
    "blanks": reply(200, b" \n"),
    "an empty object": reply(200, b"{}"),
    "success": reply(200, b'{"success": true, "error": null}'),
    "the token as it was": reply(200, b'{"data": {"id": "key_1"}, "errors": []}'),
    "deleted": reply(200, b'{"id": "key_1", "deleted": true}'),
    "null": reply(200, b"null"),
    "a word": reply(200, b"OK", kind=TEXT),
    "202": reply(202, b'{"status": "queued"}'),
}
UNCLEAR = {
    "a portal": reply(200, b"<html>login</html>", kind=HTML),
    "a portal that says nothing of itself": reply(200, b"  <!doctype html><p>login", kind=TEXT),
    "an empty page": reply(200, b"", kind=HTML),
    "a page that calls itself JSON": reply(200, b"<html>"),
    "no success": reply(200, b'{"success": false}'),
    "not ok": reply(200, b'{"ok": false}'),
    "not deleted": reply(200, b'{"deleted": false}'),
    "not revoked": reply(200, b'{"revoked": false}'),
    "an error": reply(200, b'{"error": "not_found"}'),
    "an error of several parts": reply(200, b'{"error": {"code": 7}}'),
    "errors": reply(200, b'{"errors": [{"code": 7}]}'),
    "half an answer": reply(200, b'{"success": tr'),
    "a redirect": reply(302, b"", "Location: /login"),
    "a portal that knows no such page": reply(404, b"<html>not found</html>", kind=HTML),
    "a page that knows no such page": reply(404, b"<!doctype html>", kind=TEXT),
    "a portal that had such a page": reply(410, b"<html>gone</html>", kind=HTML),
    "a gateway without a route": reply(404, b"404 page not found", kind=TEXT),
    "a gateway without a backend": reply(404, b"default backend - 404", kind=TEXT),
    "half an answer that there is none": reply(404, b'{"error": "not_f'),
    "a firewall": reply(403, b"<html>blocked</html>", kind=HTML),
}
GONE = {
    "the provider's own error": reply(404, b'{"success": false, "error": "not_found"}'),
    "an empty object": reply(404, b"{}"),
    "nothing to read": reply(404),
    "gone": reply(410, b'{"error": "gone"}'),
}


def revoke(name, folder, answer):
    return ask(name, folder, answer, lambda api: api.revoke("key_1"))


def ask(name, folder, answer, work):
    with ScriptedServer(answer) as server:
        settings = (
            ProviderSettings(file=provider_file(folder, server.url, SANDBOX_FILE))
            if name == "acme"
            else ProviderSettings(base_url=server.url)
        )
        work(issuer(build(name, settings, FakeClock()), VALUE))
    return server


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", AGREED)
def test_an_answer_that_a_provider_may_give_is_taken(case, name, tmp_path):
    assert len(revoke(name, tmp_path, AGREED[case]).requests) == 1


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", GONE)
def test_the_providers_own_word_that_there_is_no_such_token_is_no_error(case, name, tmp_path):
    revoke(name, tmp_path, GONE[case])


def test_where_a_page_answers_for_the_route_the_expiry_is_tried_and_decides():
    page, done = reply(405, b"<html>method not allowed</html>", kind=HTML), reply(200, b'{"success": true}')
    with ScriptedServer(page, done) as server:
        issuer(build("autoposting", ProviderSettings(base_url=server.url), FakeClock()), VALUE).revoke("key_1")
    assert server.requests[1].startswith(b"PATCH ")
    with ScriptedServer(page, page) as server, pytest.raises(Ambiguous):
        issuer(build("autoposting", ProviderSettings(base_url=server.url), FakeClock()), VALUE).revoke("key_1")


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", ["a portal that knows no such page", "a gateway without a route", "a firewall"])
def test_a_create_that_a_page_refuses_may_have_taken_effect(case, name, tmp_path):
    with pytest.raises(Ambiguous):
        ask(name, tmp_path, UNCLEAR[case], lambda api: api.create(TokenRequest(label=LABEL, scope=SCOPE)))


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", UNCLEAR)
def test_an_answer_that_is_not_the_providers_own_is_ambiguous(case, name, tmp_path):
    with pytest.raises(Ambiguous) as caught:
        revoke(name, tmp_path, UNCLEAR[case])
    assert "tgcanary" not in caught.value.message + caught.value.hint
