"""TLS: the right certificate for the right name from the configured authorities, whatever the environment says."""

import socket
import ssl

import pytest
import trustme

from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, raw, reply
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.http.answer import Answer, Failure, TransportFailure
from tokenguard.http.client import Client, Network, Request

REFUSED = Failure(cause=TransportFailure.TLS, sent=False)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def serving(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def ask(url, **network):
    return Client(Address.parse(url), FakeClock(), Network(**network), deadline=5).send(Request(path=("x",)))


def test_the_configured_authority_is_believed(authority, bundle):
    with ScriptedServer(reply(200, b"{}"), context=serving(authority.issue_cert("127.0.0.1"))) as server:
        assert isinstance(ask(server.url, ca_bundle=bundle), Answer)


@pytest.mark.parametrize("case", ["another name", "unknown authority", "another authority in the environment"])
def test_any_other_certificate_is_refused_before_anything_is_sent(case, authority, bundle, monkeypatch):
    names = "other.example" if case == "another name" else "127.0.0.1"
    chosen = {"ca_bundle": bundle} if case == "another name" else {}
    if case.endswith("environment"):
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(bundle))
    with ScriptedServer(reply(200, b"{}"), context=serving(authority.issue_cert(names))) as server:
        assert ask(server.url, **chosen) == REFUSED
    assert server.requests == []


def test_an_expired_certificate_is_refused(authority, bundle):
    from datetime import UTC, datetime

    expired = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with ScriptedServer(reply(200, b"{}"), context=serving(expired)) as server:
        assert ask(server.url, ca_bundle=bundle) == REFUSED


def test_tls_that_is_too_old_is_refused(authority, bundle):
    context = serving(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with ScriptedServer(reply(200, b"{}"), context=context) as server:
        outcome = ask(server.url, ca_bundle=bundle)
    assert isinstance(outcome, Failure)
    assert not outcome.sent


def test_a_key_log_in_the_environment_stops_every_tls_request(monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.raises(InputError, match="SSLKEYLOGFILE"):
        ask("https://127.0.0.1:1")
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_an_unusable_bundle_is_an_input_error(content, tmp_path):
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match="CA bundle"):
        ask("https://127.0.0.1:1", ca_bundle=path)


def test_a_system_without_authorities_believes_nobody(authority, monkeypatch, tmp_path):
    paths = ssl.get_default_verify_paths()._replace(
        openssl_cafile=str(tmp_path / "a"), openssl_capath=str(tmp_path / "b")
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    with ScriptedServer(reply(200, b"{}"), context=serving(authority.issue_cert("127.0.0.1"))) as server:
        assert ask(server.url) == REFUSED


def test_a_proxy_only_ever_sees_a_tunnel(authority, bundle, monkeypatch):
    """The request for an https address goes through CONNECT and stays unreadable to the proxy."""
    with ScriptedServer(reply(200, b'{"a": 1}'), context=serving(authority.issue_cert("vendor.example"))) as server:

        def tunnel(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", server.port)) as onward:
                _pump(connection, onward)

        with ScriptedServer(tunnel) as proxy:
            outcome = ask("https://vendor.example", ca_bundle=bundle, proxy=Address.parse(proxy.url, plain_http=True))
    assert isinstance(outcome, Answer)
    assert outcome.json() == {"a": 1}
    assert proxy.requests[0].startswith(b"CONNECT vendor.example:443 HTTP/1.")
    assert b"Host: vendor.example" in server.requests[0]


def test_a_proxy_that_refuses_is_certainly_not_sent(bundle):
    with ScriptedServer(raw(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        outcome = ask("https://vendor.example", ca_bundle=bundle, proxy=Address.parse(proxy.url, plain_http=True))
    assert outcome == Failure(cause=TransportFailure.CONNECT, sent=False)


@pytest.mark.parametrize("secured", [False, True])
def test_loopback_never_goes_through_a_proxy(secured, authority, bundle):
    context = serving(authority.issue_cert("127.0.0.1")) if secured else None
    with ScriptedServer(reply(500)) as proxy, ScriptedServer(reply(200, b"{}"), context=context) as server:
        outcome = ask(server.url, ca_bundle=bundle, proxy=Address.parse(proxy.url, plain_http=True))
    assert isinstance(outcome, Answer)
    assert proxy.connections == 0


def _pump(left: socket.socket, right: socket.socket) -> None:
    import selectors

    with selectors.DefaultSelector() as both:
        both.register(left, selectors.EVENT_READ, right)
        both.register(right, selectors.EVENT_READ, left)
        while True:
            for key, _ in both.select(5):
                data = key.fileobj.recv(65536)
                if not data:
                    return
                key.data.sendall(data)
