"""What a provider may answer to a revoke: only its own answer says that it agreed, and nothing else is called revoked."""

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.secret import Value
from tokenguard.ports.provider import Ambiguous
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

VALUE = Value.of("tgcanary-revoke-answers")
PROVIDERS = ["acme", "autoposting"]
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
}


def revoke(name, folder, answer):
    with ScriptedServer(answer) as server:
        settings = (
            ProviderSettings(file=provider_file(folder, server.url, SANDBOX_FILE))
            if name == "acme"
            else ProviderSettings(base_url=server.url)
        )
        issuer(build(name, settings, FakeClock()), VALUE).revoke("key_1")
    return server


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", AGREED)
def test_an_answer_that_a_provider_may_give_is_taken(case, name, tmp_path):
    assert len(revoke(name, tmp_path, AGREED[case]).requests) == 1


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", UNCLEAR)
def test_an_answer_that_is_not_the_providers_own_is_ambiguous(case, name, tmp_path):
    with pytest.raises(Ambiguous) as caught:
        revoke(name, tmp_path, UNCLEAR[case])
    assert "tgcanary" not in caught.value.message + caught.value.hint
