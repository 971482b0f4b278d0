"""Callback URLs: every way to write a place inside, a credential, or another place than the one that was checked."""

import secrets
import socket
import ssl

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.callback_url import UrlProblem, read_callback_url
from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.http.answer import Answer, Failure
from tokenguard.http.client import Network, Request
from tokenguard.webhooks import validate_callback_url

PUBLIC = "93.184.215.14"
FINE = [
    "https://hooks.example.com/descript",
    "https://hooks.example.com",
    "https://hooks.example.com:443/a/b?job=8c1f2a",
    "https://hooks.example.com:/x",
    "https://a-b.example.co.uk/?country_code=de&monkey=1",
    "https://xn--bcher-kva.example.org/x",
    f"https://{PUBLIC}/x",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "https://[64:ff9b::5db8:d70e]/",
    "https://hooks.example.com/?id=123e4567-e89b-12d3-a456-426614174000",
]
INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "192.88.99.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:93.184.215.14]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:5db8:d70e::1]", "[2001:0:4136:e378::1]",
    "[2001:db8::1]", "[fe80::1]", "[fd00:ec2::254]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[3fff::1]",
    "[2606:2800::5efe:7f00:1]", "[2606:2800::200:5efe:a00:1]", "[100::1]",
    "localhost", "LOCALHOST", "app.localhost", "printer.local", "metadata.google.internal", "intranet", "db.corp",
    "router.lan", "nas.home.arpa", "x.test", "x.onion",
]  # fmt: skip
STRANGE = [
    "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "127.0.0.01",
    "0.0.0.0x0", "1.2.3.4.5", "256.1.1.1", "example.com.", "example..com", ".example.com", "-a.example.com",
    "a_.-.example.com-", "%31%32%37.0.0.1", "example.com%00.evil.org", "[fe80::1%25eth0]", "[127.0.0.1]", "[::1",
    "exa mple.com", "example.com\\@evil.org", "example.com\t", "ex\u0430mple.com", "127。0。0。1", "①②⑦.0.0.1", "",
    "a" * 64 + ".com", "a." * 130 + "com", "example.0x", "example.123",
]  # fmt: skip
WRONG = {
    "http://hooks.example.com/": UrlProblem.NOT_HTTPS,
    "http://hooks.example.com:443/": UrlProblem.NOT_HTTPS,
    "HTTP://hooks.example.com/": UrlProblem.NOT_HTTPS,
    "ftp://hooks.example.com/": UrlProblem.NOT_HTTPS,
    "file:///etc/passwd": UrlProblem.MALFORMED,
    "gopher://hooks.example.com:70/_": UrlProblem.NOT_HTTPS,
    "javascript:alert(1)": UrlProblem.MALFORMED,
    "//hooks.example.com/": UrlProblem.MALFORMED,
    "https:hooks.example.com": UrlProblem.MALFORMED,
    "https:/hooks.example.com": UrlProblem.MALFORMED,
    "hooks.example.com/x": UrlProblem.MALFORMED,
    "https://ann:pass@hooks.example.com/": UrlProblem.USERINFO,
    "https://ann@hooks.example.com/": UrlProblem.USERINFO,
    "https://@hooks.example.com/": UrlProblem.USERINFO,
    "https://hooks.example.com@10.0.0.1/": UrlProblem.USERINFO,
    "https://hooks.example.com/#x": UrlProblem.FRAGMENT,
    "https://hooks.example.com/#": UrlProblem.FRAGMENT,
    "https://hooks.example.com:80/": UrlProblem.PORT,
    "https://hooks.example.com:22/": UrlProblem.PORT,
    "https://hooks.example.com:8443/": UrlProblem.PORT,
    "https://hooks.example.com:0/": UrlProblem.PORT,
    "https://hooks.example.com:99999/": UrlProblem.MALFORMED,
    "https://hooks.example.com:443a/": UrlProblem.MALFORMED,
    "https://hooks.example.com/" + "a" * 2100: UrlProblem.MALFORMED,
    "https://hooks.example.com/\r\nX: y": UrlProblem.MALFORMED,
    "": UrlProblem.MALFORMED,
}
SECRETS = [
    "token=x", "TOKEN=x", "access_token=x", "jobToken=x", "api_key=x", "apikey=x", "x-api-key=x", "secret=x",
    "client_secret=x", "password=x", "auth=x", "sig=x", "signature=x", "key=x", "a=1&token=x", "a=1;token=x",
    "to%6ben=x", "t=dx_bearer_x", "t=sk-social-x", "t=whsec_x", "t=Bearer%20x", "dx_secret_x",
    "accesstoken=x", "authtoken2=x", "tokens=x", "jwt2=x", "t=eyJhbGciOiJIUzI1NiJ9", "r=" + "a1" * 24, "&".join(f"p{n}=1" for n in range(101)),
]  # fmt: skip


def looked_up(*addresses):
    return lambda host, port: addresses


@pytest.mark.parametrize("url", FINE)
def test_a_public_https_url_is_fine_and_its_addresses_are_kept(url):
    found = validate_callback_url(url, resolve=looked_up(PUBLIC, PUBLIC))
    assert (found.url, found.addresses, found.port) == (url, (PUBLIC,), 443)


@pytest.mark.parametrize("host", INSIDE)
def test_a_place_inside_is_refused_without_a_lookup(host):
    for ending in ("/", ":443/x?a=b"):
        assert read_callback_url(f"https://{host}{ending}").problem is UrlProblem.PRIVATE


@pytest.mark.parametrize("host", STRANGE, ids=range(len(STRANGE)))
def test_a_host_that_somebody_could_read_as_another_is_refused(host):
    problem = read_callback_url(f"https://{host}/").problem
    assert problem in {UrlProblem.HOST, UrlProblem.MALFORMED, UrlProblem.USERINFO}


@pytest.mark.parametrize(("url", "problem"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_with_a_url_is_said_and_it_is_not_quoted(url, problem):
    with pytest.raises(InputError) as refused:
        validate_callback_url(url, resolve=looked_up(PUBLIC))
    assert problem.value in refused.value.message
    assert "hooks.example" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("query", SECRETS)
def test_a_token_in_the_query_is_refused(query):
    assert read_callback_url(f"https://hooks.example.com/?{query}").problem is UrlProblem.SECRET_IN_QUERY


@pytest.mark.parametrize(
    "addresses", [("10.0.0.1",), (PUBLIC, "169.254.169.254"), (PUBLIC, "::1"), ("fe80::1%eth0",), ("nonsense",),
                  tuple(f"93.184.{n}.1" for n in range(65))]
)  # fmt: skip
def test_one_address_inside_is_enough_to_refuse_a_name(addresses, words):
    with pytest.raises(InputError) as caught:
        validate_callback_url("https://hooks.example.com/", resolve=looked_up(*addresses))
    words(caught.value)


def test_a_name_without_addresses_is_unknown_and_not_refused():
    def fails(host, port):
        raise OSError

    for resolve in (looked_up(), fails):
        with pytest.raises(Unreachable):
            validate_callback_url("https://hooks.example.com/", resolve=resolve)


def test_other_ports_are_allowed_by_name_only():
    allowed = validate_callback_url(
        "https://hooks.example.com:8443/", ports=frozenset({8443}), resolve=looked_up(PUBLIC)
    )
    assert allowed.port == 8443


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost:9/", "https://[::1]:1/"])
def test_loopback_is_fine_only_where_it_was_asked_for(url):
    own = {"resolve": looked_up("127.0.0.1")}
    assert validate_callback_url(url, allow_loopback=True, **own).addresses == ("127.0.0.1",)
    with pytest.raises(InputError):
        validate_callback_url(url, **own)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://hooks.example.com/", "http://a:b@127.0.0.1/", "http://127.0.0.1/?token=x",
            "http://[::ffff:127.0.0.1]/", "http://127.1/"]
)  # fmt: skip
def test_allowing_loopback_allows_nothing_else(url):
    with pytest.raises(InputError):
        validate_callback_url(url, allow_loopback=True, resolve=looked_up("127.0.0.1"))


def test_a_loopback_name_that_leads_elsewhere_is_refused():
    with pytest.raises(InputError):
        validate_callback_url("http://localhost/", allow_loopback=True, resolve=looked_up("10.0.0.1"))


def test_a_name_that_answers_differently_later_still_leads_to_the_address_that_was_checked(tmp_path, monkeypatch):
    """DNS rebinding: nothing is looked up again, and the certificate must be the name's all the same."""
    real = socket.getaddrinfo

    def only_literal(host, *args, **kwargs):
        assert host == "127.0.0.1", "a name was looked up again"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", only_literal)
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    outcomes = {}
    for name in ("localhost", "elsewhere.example"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with ScriptedServer(reply(204), context=context) as server:
            url = f"https://localhost:{server.port}/hook"
            target = validate_callback_url(url, allow_loopback=True, resolve=looked_up("127.0.0.1"))
            client = target.client(FakeClock(), Network(ca_bundle=bundle), deadline=5)
            body = secrets.token_hex(4).encode()
            outcomes[name] = client.send(Request(method="POST", path=target.path, content=body))
            if name == "localhost":
                assert f"Host: localhost:{server.port}".encode() in server.requests[0]
                assert server.requests[0].endswith(body)
            else:
                assert server.requests == []
    assert isinstance(outcomes["localhost"], Answer)
    assert isinstance(outcomes["elsewhere.example"], Failure)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="htps:/@.[]%0123456789abcx?&=#_- \t\\Ö", max_size=60))
def test_no_text_passes_by_accident(text):
    for url in (text, f"https://{text}"):
        try:
            found = validate_callback_url(url, resolve=looked_up(PUBLIC))
        except TokenguardError:
            continue
        assert found.url == url
        assert url.startswith("https://")
        assert "@" not in url.split("/")[2]
        assert found.host not in {"", "localhost"}
