"""The HTTP client against servers that lie, stall, bomb and redirect: always an outcome, never an exception."""

import logging
import secrets
import socket
import threading

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.hostile_answers import HOSTILE
from tests.fakes.scripted_server import ScriptedServer, raw, reply
from tokenguard.domain.secret import Secret
from tokenguard.http.address import Address
from tokenguard.http.answer import MAX_BODY, Answer, Failure, TransportFailure
from tokenguard.http.client import Client, Credential, Network, Request
from tokenguard.http.connections import new_connection
from tokenguard.http.exchange import Exchange


def client(url: str, deadline: float = 5.0) -> Client:
    return Client(Address.parse(url), FakeClock(), deadline=deadline)


def ask(url: str, deadline: float = 5.0, **request):
    return client(url, deadline).send(Request(**{"path": ("thing",)} | request))


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_is_a_failure_that_may_have_had_an_effect(case):
    script, cause = HOSTILE[case]
    with ScriptedServer(script) as server:
        outcome = ask(server.url, deadline=0.4 if cause is TransportFailure.TIMEOUT else 5.0)
    assert outcome == Failure(cause=cause, sent=True)
    assert server.connections == 1, "never asked twice"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_is_never_followed(status, method):
    with (
        ScriptedServer(reply(200, b"{}")) as other,
        ScriptedServer(reply(status, b"", f"Location: {other.url}/")) as server,
    ):
        outcome = ask(server.url, method=method, credential=Credential(secret=Secret("tgcanary-redirect")))
    assert outcome == Failure(cause=TransportFailure.REDIRECT, sent=True)
    assert other.connections == 0


@pytest.mark.parametrize("extra", [0, 1])
def test_an_answer_may_have_one_mebibyte(extra):
    with ScriptedServer(reply(200, b" " * (MAX_BODY + extra))) as server:
        outcome = ask(server.url)
    assert isinstance(outcome, Failure if extra else Answer)


def test_nobody_listening_is_certainly_not_sent():
    with ScriptedServer(reply(200)) as server:
        url = server.url
    assert ask(url) == Failure(cause=TransportFailure.CONNECT, sent=False)


def test_what_was_given_up_before_it_was_sent_is_never_sent_later():
    """The deadline passes while a slow proxy makes the tunnel; the request must not follow once it is there."""
    opened = threading.Event()

    def slow_tunnel(connection: socket.socket) -> None:
        opened.wait(5)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.recv(1)

    with ScriptedServer(slow_tunnel) as proxy:
        network = Network(proxy=Address.parse(proxy.url, plain_http=True))
        slow = Client(Address.parse("https://vendor.example"), FakeClock(), network, deadline=0.2)
        assert slow.send(Request(method="POST", path=("x",))) == Failure(cause=TransportFailure.TIMEOUT, sent=False)
        opened.set()
    with ScriptedServer(reply(200)) as server:
        base = Address.parse(server.url)
        exchange = Exchange(base, new_connection(base, None), timeout=5, now=FakeClock().now())
        exchange.abandon()
        assert exchange.run("POST", "/x", {}, None) == Failure(cause=TransportFailure.TIMEOUT, sent=False)
    assert [request for request in server.requests if request] == []


def test_a_name_of_this_machine_that_leads_elsewhere_is_not_spoken_to(monkeypatch):
    monkeypatch.setattr("tokenguard.http.exchange.is_loopback", lambda _: False)
    with ScriptedServer(reply(200, b"{}")) as server:
        outcome = ask(f"http://localhost:{server.port}", credential=Credential(secret=Secret("tgcanary-loopback")))
    assert outcome == Failure(cause=TransportFailure.CONNECT, sent=False)
    assert [request for request in server.requests if request] == []


def test_a_silent_peer_is_a_timeout_of_the_connection_too():
    with ScriptedServer(lambda connection: connection.recv(1)) as server:
        base = Address.parse(server.url)
        exchange = Exchange(base, new_connection(base, None), timeout=0.1, now=FakeClock().now())
        assert exchange.run("GET", "/", {}, None) == Failure(cause=TransportFailure.TIMEOUT, sent=True)


def test_a_bug_in_the_second_thread_is_raised_in_the_first(monkeypatch):
    def broken(*_):
        raise KeyError("bug")

    monkeypatch.setattr(Exchange, "run", broken)
    with pytest.raises(KeyError):
        ask("http://127.0.0.1:1")


def test_plain_http_behind_an_https_address_is_no_handshake_and_not_sent():
    with ScriptedServer(raw(b"HTTP/1.1 400 Bad\r\n\r\n")) as server:
        outcome = ask(server.url.replace("http:", "https:"))
    assert outcome == Failure(cause=TransportFailure.HANDSHAKE, sent=False)


def test_a_gzip_bomb_stays_packed():
    body = b"\x1f\x8b" + b"\0" * 1000
    with ScriptedServer(reply(200, body, "Content-Encoding: gzip")) as server:
        outcome = ask(server.url)
    assert isinstance(outcome, Answer)
    assert outcome.body == body
    assert outcome.json() is None
    assert b"Accept-Encoding: identity" in server.requests[0]


@pytest.mark.parametrize("value", ["tgcanary\r\nX-Evil: 1", "tgcanary-ł-token", "tgcanary\0", "tgcanary-é"])
def test_a_credential_that_no_header_can_carry_is_not_sent(value):
    with ScriptedServer(reply(200, b"{}")) as server:
        outcome = ask(server.url, credential=Credential(secret=Secret(value)))
    assert outcome == Failure(cause=TransportFailure.UNSENDABLE, sent=False)
    assert server.connections == 0


def test_the_environment_changes_nothing(monkeypatch, tmp_path):
    """No proxy variable and no netrc file is looked at."""
    with ScriptedServer(reply(200, b"{}")) as proxy, ScriptedServer(reply(200, b'{"a": 1}')) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login tgcanary password tgcanary\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        outcome = ask(server.url)
    assert isinstance(outcome, Answer)
    assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()


def test_every_segment_stays_in_its_place():
    with ScriptedServer(reply(200, b"{}")) as server:
        ask(server.url + "/v1", path=("keys", "../../x?y#z\r\nä/%2e"), query=(("a b", "c&d=e"),))
    line = server.requests[0].splitlines()[0]
    assert line == b"GET /v1/keys/..%2F..%2Fx%3Fy%23z%0D%0A%C3%A4%2F%252e?a%20b=c%26d%3De HTTP/1.1"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_climb_is_refused(segment):
    with pytest.raises(ValueError, match="path segment"):
        client("http://127.0.0.1:1").send(Request(path=("keys", segment)))


def test_no_repr_log_or_outcome_shows_the_credential_or_the_body(caplog):
    value = f"tgcanary-{secrets.token_hex(8)}"
    request = Request(path=("x",), credential=Credential(secret=Secret(value)), body={"echo": value})
    with caplog.at_level(logging.DEBUG), ScriptedServer(reply(401, value.encode(), f"X-Echo: {value}")) as server:
        outcome = client(server.url).send(request)
    assert value.encode() in server.requests[0]
    for text in (repr(request), repr(outcome), caplog.text):
        assert value not in text


def test_a_body_is_sent_as_json():
    with ScriptedServer(reply(200, b"{}")) as server:
        ask(server.url, method="POST", body={"a": ["é"]})
    assert server.requests[0].startswith(b"POST /thing HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in server.requests[0]


BODIES = {
    b'{"a": 1}': {"a": 1},
    b'{"a": 1, "a": 2}': None,
    b"[" * 5000: None,
    b"NaN": None,
    b"": None,
    b"\xff\xfe": None,
    b"<html>": None,
    b'{"a": 1} x': None,
}


@pytest.mark.parametrize("body", BODIES)
def test_only_plain_json_is_json(body):
    assert Answer(status=200, headers={}, body=body).json() == BODIES[body]


def test_html_is_known_by_its_type_and_by_its_look():
    assert Answer(status=200, headers={"content-type": "Text/HTML; charset=x"}, body=b"{}").html
    assert Answer(status=200, headers={}, body=b"\n <!doctype html>").html
    assert not Answer(status=200, headers={"content-type": "application/json"}, body=b"{}").html
