"""The session to a Vault against servers and surroundings that mean harm, and the logins as their API has them."""

import json
import logging
import socket
import ssl
import threading
from dataclasses import replace

import pytest
import trustme

from tests.fakes import scripted_server, vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, raw, stream
from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.http_session import CONNECTIONS
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.preflight import problems
from tokenguard.clients.vault.vault_errors import CasLost, VaultError, VaultFailure, reason_of
from tokenguard.clients.vault.vault_settings import Login, LoginMethod
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address

TOKEN = "tgcanary-vault-login"


def reply(status: int, body: bytes = b"", *headers: str, kind: str = "application/json"):
    """The scripted server ends each connection, and says so: otherwise the next request would race with the end."""
    return scripted_server.reply(status, body, "Connection: close", *headers, kind=kind)


SELF = reply(200, json.dumps({"data": {"ttl": 0, "display_name": "token", "entity_id": ""}}).encode())


def asking(server: ScriptedServer, **changes: object) -> KvMount:
    return KvMount(vault_stores.connection(server.url, TOKEN, **changes), "kv")


def reason(work, *arguments) -> VaultFailure:
    with pytest.raises(VaultError) as caught:
        work(*arguments)
    assert caught.value.hint
    assert TOKEN not in f"{caught.value} {caught.value.hint} {caught.value!r}"
    return caught.value.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("ask", ["read", "names", "write", "versions"])
def test_a_redirect_is_never_followed_and_the_other_host_hears_nothing(status: int, ask: str):
    with (
        ScriptedServer(SELF) as other,
        ScriptedServer(SELF, reply(status, b"", f"Location: {other.url}/v1/kv")) as server,
    ):
        kv = asking(server)
        arguments = ("x", {"a": 1}, 0) if ask == "write" else ("x",)
        assert reason(getattr(kv, ask), *arguments) is VaultFailure.REDIRECT
        assert other.connections == 0


def test_a_redirected_login_sends_nothing_on():
    with ScriptedServer(SELF) as other, ScriptedServer(reply(307, b"", f"Location: {other.url}/")) as server:
        login = Login(method=LoginMethod.APPROLE, credential=Secret(TOKEN), role="role")
        assert reason(lambda: vault_stores.connection(server.url, "", login=login).lease) is VaultFailure.REDIRECT
        assert other.connections == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, b"<html>sign in</html>", kind="text/html"), VaultFailure.MALFORMED),
        (reply(200, b"[]"), VaultFailure.MALFORMED),
        (reply(200, b"{}"), VaultFailure.MALFORMED),
        (reply(200, b'{"data": null}'), VaultFailure.MALFORMED),
        (reply(200, b'{"data": {"data": {"a": "b"}}}'), VaultFailure.MALFORMED),
        (reply(200, b'{"data": {"data": {}, "metadata": {"version": "1"}}}'), VaultFailure.MALFORMED),
        (reply(200, b'{"errors": ["no"], "data": {"data": {}, "metadata": {"version": 1}}}'), VaultFailure.MALFORMED),
        (reply(200, b"{" * 100_000), VaultFailure.MALFORMED),
        (reply(200, b""), VaultFailure.MALFORMED),
        (reply(418, b"{}"), VaultFailure.MALFORMED),
        (reply(400, b'{"errors": ["bad"]}'), VaultFailure.REFUSED),
        (reply(403, b'{"errors": ["permission denied", "invalid token"]}'), VaultFailure.EXPIRED),
        (reply(404, b'{"data": {"data": null, "metadata": {"version": 3}}}'), VaultFailure.DELETED),
        (reply(404, b"<html>no such page</html>", kind="text/html"), VaultFailure.MALFORMED),
        (reply(404, b"404 page not found", kind="text/plain"), VaultFailure.MALFORMED),
        (reply(404, b""), VaultFailure.MALFORMED),
        (reply(403, b"<html>forbidden</html>", kind="text/html"), VaultFailure.MALFORMED),
        (reply(403, b""), VaultFailure.MALFORMED),
        (reply(400, b"Client sent an HTTP request to an HTTPS server.", kind="text/plain"), VaultFailure.MALFORMED),
        (reply(400, b'{"errors": ["path disabled in replication DR secondary mode"]}'), VaultFailure.RECOVERY),
        (reply(502, b"<html>bad gateway</html>", kind="text/html"), VaultFailure.GATEWAY),
        (reply(503, b"<html>no backend</html>", kind="text/html"), VaultFailure.GATEWAY),
        (reply(503, b""), VaultFailure.GATEWAY),
        (reply(405, b"{}"), VaultFailure.UNSUPPORTED),
        (reply(412, b"{}"), VaultFailure.BEHIND),
        (reply(413, b"{}"), VaultFailure.TOO_LARGE),
        (reply(429, b"{}"), VaultFailure.THROTTLED),
        (reply(472, b"{}"), VaultFailure.STANDBY),
        (reply(500, b"{}"), VaultFailure.SERVER),
        (reply(501, b"{}"), VaultFailure.UNINITIALISED),
        (reply(503, b'{"errors": ["Vault is sealed"]}'), VaultFailure.SEALED),
        (raw(b"SSH-2.0-OpenSSH_9\r\n"), VaultFailure.RESET),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), VaultFailure.RESET),
        (raw(b""), VaultFailure.RESET),
    ],
)  # fmt: skip
def test_what_is_no_good_answer_is_an_error_of_ours(answer, expected: VaultFailure):
    with ScriptedServer(SELF, answer) as server:
        assert reason(asking(server).read, "x") is expected


def test_a_denied_request_is_told_from_a_login_that_ended():
    """OpenBao says the same of both; so it is asked whether it still knows the login."""
    denied = reply(403, b'{"errors": ["permission denied"]}')
    with ScriptedServer(SELF, denied, SELF) as server:
        assert reason(asking(server).read, "x") is VaultFailure.DENIED
    with ScriptedServer(SELF, denied, denied) as server:
        assert reason(asking(server).read, "x") is VaultFailure.EXPIRED


def test_nothing_the_server_says_is_quoted():
    body = json.dumps({"errors": ["tgcanary-echo of your request"]}).encode()
    for status in (400, 403, 404, 412, 429, 500, 503):
        with ScriptedServer(SELF, reply(status, body)) as server, pytest.raises(Unreachable) as caught:
            asking(server).write("x", {"value": "tgcanary-sent"}, 0)
        assert "tgcanary" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 412, 429, 500, 503, 302, 999])
def test_every_status_means_something(status: int):
    assert (reason_of(status, "") is None) is (status in {200, 204})


def test_a_slow_server_is_given_up_at_the_deadline():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with ScriptedServer(SELF, stream(head, b" ", pause=0.05)) as server:
        settings = {"deadline": 0.3}
        connection = vault_stores.connection(server.url, TOKEN, **settings)
        assert (
            reason(lambda: connection.once(lambda client: client.adapter.request("get", "/v1/x")))
            is VaultFailure.TIMEOUT
        )


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tokenguard.clients.vault.http_session.MAX_BODY", 1 << 20)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with ScriptedServer(SELF, stream(head, b"x" * 65536)) as server:
        assert reason(asking(server).read, "x") is VaultFailure.MALFORMED


def test_connections_that_ended_badly_are_no_loss(monkeypatch: pytest.MonkeyPatch):
    """However an answer ends, its place among the connections is free again."""
    monkeypatch.setattr("tokenguard.clients.vault.http_session.MAX_BODY", 1 << 10)
    broken = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    for bad in (broken, reply(200, b" " * 2048), reply(302, b"", "Location: /")):
        with ScriptedServer(SELF, *[bad] * (CONNECTIONS + 2), reply(404, b"{}")) as server:
            connection = vault_stores.connection(server.url, TOKEN)
            for _ in range(CONNECTIONS + 2):
                reason(connection.once, lambda client: client.adapter.request("get", "/v1/x"))
            assert KvMount(connection, "kv").read("x") is None


def test_a_closed_port_is_unreachable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        connection = vault_stores.connection(address, TOKEN)
        with pytest.raises(VaultError) as caught:
            assert connection.lease
        assert caught.value.reason is VaultFailure.CONNECT
        assert address in caught.value.message


# ---- surroundings


def test_the_environment_and_the_home_directory_decide_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """A planted address, token, proxy, CA, netrc: none is looked at."""
    with ScriptedServer(SELF) as trap, ScriptedServer(SELF) as server:
        (tmp_path / ".vault-token").write_text("tgcanary-planted")
        (tmp_path / ".netrc").write_text("default login tgcanary-planted password tgcanary-planted")
        (tmp_path / ".netrc").chmod(0o600)
        for name, value in {
            "HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"), "VAULT_ADDR": trap.url, "VAULT_TOKEN": "tgcanary-planted",
            "HTTP_PROXY": trap.url, "http_proxy": trap.url, "ALL_PROXY": trap.url, "VAULT_NAMESPACE": "planted",
            "REQUESTS_CA_BUNDLE": "/nowhere", "VAULT_CACERT": "/nowhere", "VAULT_SKIP_VERIFY": "1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        assert vault_stores.connection(server.url, TOKEN).lease.identity == "token:token"
        (asked,) = server.requests
        assert trap.connections == 0
        assert f"X-Vault-Token: {TOKEN}".encode() in asked
        assert b"planted" not in asked
        assert b"Authorization" not in asked


def test_a_proxy_that_is_configured_sees_where_to_and_no_more():
    proxied = {"address": Address.parse("https://vault.example.org:8200")}
    with ScriptedServer(reply(407, b"")) as proxy:
        settings = vault_stores.settings("https://localhost", TOKEN)
        settings = replace(settings, proxy=Address.parse(proxy.url, plain_http=True), **proxied)
        assert reason(lambda: VaultConnection(settings, FakeClock()).lease) is VaultFailure.CONNECT
        assert proxy.requests[0].startswith(b"CONNECT vault.example.org:8200 ")
        assert not any(TOKEN.encode() in asked for asked in proxy.requests)


def test_a_namespace_is_said_when_it_is_configured():
    with ScriptedServer(SELF) as server:
        assert vault_stores.connection(server.url, TOKEN, namespace="teams/video").lease
        assert b"X-Vault-Namespace: teams/video" in server.requests[0]


def test_plain_http_is_for_this_machine_only():
    with pytest.raises(InputError):
        vault_stores.connection("http://vault.example.org:8200", TOKEN)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, *names: str, **options: object) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **options).configure_cert(context)
    return context


@pytest.mark.parametrize("flaw", ["", "expired", "wrong name", "unknown authority", "no bundle"])
def test_a_certificate_counts_only_if_everything_about_it_is_right(authority: trustme.CA, tmp_path, flaw: str):
    from datetime import UTC, datetime, timedelta

    options = {"not_after": datetime.now(UTC) - timedelta(days=1)} if flaw == "expired" else {}
    issuer = trustme.CA() if flaw == "unknown authority" else authority
    context = secured(issuer, "localhost" if flaw == "wrong name" else "127.0.0.1", **options)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with ScriptedServer(SELF, context=context) as server:
        connection = vault_stores.connection(server.url, TOKEN, ca_bundle=None if flaw == "no bundle" else bundle)
        if flaw:
            assert reason(lambda: connection.lease) is VaultFailure.TLS
            assert server.requests == [] or not any(TOKEN.encode() in asked for asked in server.requests)
        else:
            assert connection.lease.identity == "token:token"


def test_a_server_of_plain_http_is_not_taken_for_one_with_a_wrong_certificate():
    """As `https://127.0.0.1:8200`, the default of other clients, before a development server."""
    with ScriptedServer(raw(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request")) as server:
        connection = vault_stores.connection(server.url.replace("http:", "https:"), TOKEN)
        assert reason(lambda: connection.lease) is VaultFailure.HANDSHAKE


def test_keys_are_never_logged(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.raises(InputError):
        vault_stores.connection("https://127.0.0.1:1", TOKEN)


def test_nothing_is_logged_of_what_is_sent(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG), ScriptedServer(SELF) as server:
        assert vault_stores.connection(server.url, TOKEN).lease
    assert TOKEN not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith(("urllib3", "requests", "hvac"))]


# ---- writes


def written(version: int) -> bytes:
    return json.dumps({"data": {"version": version}}).encode()


def test_an_answer_that_names_another_version_is_not_believed():
    """A server without compare-and-set (KV version 1, a cache) would answer like this."""
    for body in (written(7), b'{"data": {}}', b"{}"):
        with ScriptedServer(SELF, reply(200, body)) as server:
            assert reason(asking(server).write, "x", {"nonce": "1"}, 0) is VaultFailure.MALFORMED


def test_a_lost_race_is_told_apart_from_ones_own_lost_answer():
    lost = reply(400, b'{"errors": ["check-and-set parameter did not match the current version"]}')
    theirs = reply(200, b'{"data": {"data": {"nonce": "theirs"}, "metadata": {"version": 1}}}')
    ours = reply(200, b'{"data": {"data": {"nonce": "ours"}, "metadata": {"version": 1}}}')
    with ScriptedServer(SELF, lost) as server, pytest.raises(CasLost):
        asking(server).write("x", {"nonce": "ours"}, 0)
    with ScriptedServer(SELF, raw(b""), lost, theirs) as server, pytest.raises(CasLost):
        asking(server).write("x", {"nonce": "ours"}, 0)
    with ScriptedServer(SELF, raw(b""), lost, ours) as server:
        assert asking(server).write("x", {"nonce": "ours"}, 0) == 1


def test_retry_after_is_honoured_up_to_a_minute():
    clock = FakeClock()
    slow = reply(429, b"{}", "Retry-After: 17")
    with ScriptedServer(SELF, slow, reply(404, b"{}")) as server:
        started = clock.monotonic()
        connection = VaultConnection(vault_stores.settings(server.url, TOKEN), clock)
        assert KvMount(connection, "kv").read("x") is None
        assert clock.monotonic() - started == pytest.approx(17)


# ---- logins


def auth(token: str = "tgcanary-issued") -> bytes:
    return json.dumps({"auth": {"client_token": token, "lease_duration": 60, "renewable": True}}).encode()


@pytest.mark.parametrize(
    ("login", "path", "sent"),
    [
        (Login(method=LoginMethod.APPROLE, credential=Secret("tgcanary-sid"), role="r1"), "auth/approle/login", {"role_id": "r1", "secret_id": "tgcanary-sid"}),
        (Login(method=LoginMethod.JWT, credential=Secret("tgcanary-jwt"), role="ci", mount="github"), "auth/github/login", {"role": "ci", "jwt": "tgcanary-jwt"}),
        (Login(method=LoginMethod.KUBERNETES, credential=Secret("tgcanary-sa"), role="pod"), "auth/kubernetes/login", {"role": "pod", "jwt": "tgcanary-sa"}),
    ],
    ids=lambda value: value.method.value if isinstance(value, Login) else "",
)  # fmt: skip
def test_a_login_sends_its_credential_once_and_uses_what_it_gets(login: Login, path: str, sent: dict[str, str]):
    with ScriptedServer(reply(200, auth()), SELF) as server:
        assert vault_stores.connection(server.url, "", login=login).lease.repeatable
        first, second = server.requests
        head, _, body = first.partition(b"\r\n\r\n")
        assert head.startswith(f"POST /v1/{path} ".encode())
        assert b"X-Vault-Token" not in head
        assert json.loads(body) == sent
        assert b"X-Vault-Token: tgcanary-issued" in second


def test_a_wrapped_secret_id_is_unwrapped_once():
    login = Login(method=LoginMethod.APPROLE, credential=Secret("tgcanary-wrap"), role="r1", wrapped=True)
    inner = reply(200, json.dumps({"data": {"secret_id": "tgcanary-sid"}}).encode())
    with ScriptedServer(inner, reply(200, auth()), SELF) as server:
        assert not vault_stores.connection(server.url, "", login=login).lease.repeatable
        assert b"X-Vault-Token: tgcanary-wrap" in server.requests[0]
        assert b"tgcanary-sid" in server.requests[1]
        assert b"tgcanary-wrap" not in server.requests[1]


INVALID = reply(403, b'{"errors": ["permission denied", "invalid token"]}')
DENIED = reply(403, b'{"errors": ["permission denied"]}')


@pytest.mark.parametrize("answer", [reply(400, b"{}"), reply(403, b"{}"), reply(404, b"{}")], ids=["400", "403", "404"])
@pytest.mark.parametrize("method", [method for method in LoginMethod if method is not LoginMethod.TOKEN])
def test_a_login_that_is_not_accepted_is_not_called_expired(method: LoginMethod, answer):
    login = Login(method=method, credential=Secret(TOKEN), role="r")
    with ScriptedServer(answer) as server:
        assert reason(lambda: vault_stores.connection(server.url, "", login=login).lease) is VaultFailure.LOGIN


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([DENIED, DENIED], VaultFailure.EXPIRED),
        ([INVALID], VaultFailure.EXPIRED),
        ([DENIED, reply(200, b"{}")], VaultFailure.UNSEEN),
        ([DENIED, reply(500, b"{}")], VaultFailure.UNSEEN),
        ([reply(400, b"{}")], VaultFailure.NO_ROUTE),
        ([reply(404, b"{}")], VaultFailure.NO_ROUTE),
        ([reply(404, b'{"errors": ["namespace not found"]}')], VaultFailure.NAMESPACE),
        ([reply(404, b'{"errors": ["no handler for route x"]}')], VaultFailure.NO_ROUTE),
    ],
)
def test_a_token_that_may_not_look_itself_up_is_told_from_one_that_ended(answers, expected):
    with ScriptedServer(*answers) as server:
        assert reason(lambda: vault_stores.connection(server.url, TOKEN).lease) is expected


def looked_up(ttl: int, *, renewable: bool) -> bytes:
    return json.dumps({"data": {"ttl": ttl, "renewable": renewable, "display_name": "x", "entity_id": "e1"}}).encode()


def test_a_login_is_renewed_before_it_ends():
    clock = FakeClock()
    there = reply(404, b"{}")
    with ScriptedServer(reply(200, looked_up(100, renewable=True)), there, reply(200, auth()), there) as server:
        connection = VaultConnection(vault_stores.settings(server.url, TOKEN), clock)
        kv = KvMount(connection, "kv")
        assert kv.read("x") is None
        clock.sleep(60)
        assert kv.read("x") is None
        assert b"POST /v1/auth/token/renew-self" in server.requests[2]
        assert connection.lease.identity == "entity:e1"


@pytest.mark.parametrize("ttl", ["an hour", "60", [], {}])
def test_a_lease_of_no_number_of_seconds_is_no_vault_and_no_bug(ttl: object):
    data = {"ttl": ttl, "lease_duration": ttl, "renewable": True, "display_name": "x", "entity_id": ""}
    with ScriptedServer(reply(200, json.dumps({"data": data, "auth": data}).encode())) as server:
        connection = vault_stores.connection(server.url, TOKEN)
        assert reason(lambda: connection.lease) is VaultFailure.MALFORMED


@pytest.mark.parametrize("ended", [(INVALID,), (DENIED, DENIED)], ids=["vault", "openbao"])
def test_a_login_that_ended_is_made_again_where_that_is_possible(ended):
    login = Login(method=LoginMethod.JWT, credential=Secret("tgcanary-jwt"), role="ci")
    again = (reply(200, auth("tgcanary-second")), SELF, reply(404, b"{}"))
    with ScriptedServer(reply(200, auth()), SELF, *ended, *again) as server:
        assert KvMount(vault_stores.connection(server.url, "", login=login), "kv").read("x") is None
        assert b"X-Vault-Token: tgcanary-second" in server.requests[-1]
    with ScriptedServer(SELF, *ended) as server:
        assert reason(asking(server).read, "x") is VaultFailure.EXPIRED


def test_many_threads_share_one_login():
    with ScriptedServer(SELF, reply(404, b"{}")) as server:
        kv = asking(server)
        threads = [threading.Thread(target=kv.read, args=("x",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(b"lookup-self" in asked for asked in server.requests) == 1


@pytest.mark.parametrize("status", [429, 472, 473])
def test_a_standby_is_found_out_before_anything_is_written(status: int):
    """Measured on three nodes of OpenBao 2.7: a standby answers reads itself, and had not seen our last write."""
    with ScriptedServer(SELF, reply(status, b"{}"), reply(403, b"{}")) as server:
        first = next(problems(vault_stores.connection(server.url, TOKEN), "kv", {}, 0.0))
    assert "standby" in first.message
    assert "/v1/sys/health" in first.hint
