"""Every way out of the program, whatever library is behind it, has the same limits: time, size, TLS, this machine."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import trustme

from tests.fakes.clock import FakeClock
from tests.fakes.hostile_answers import HOSTILE
from tests.fakes.scripted_server import ScriptedServer, reply, stream
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.vault_stores import settings as vault_settings
from tokenguard.clients.aws import transport
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.aws_settings import AwsSettings, WebIdentity
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.clients.vault import http_session
from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost, VaultError
from tokenguard.domain.secret import Secret
from tokenguard.errors import ExitCode, InputError, TokenguardError, Unreachable
from tokenguard.http import callback
from tokenguard.http.address import Address
from tokenguard.http.answer import Failure, TransportFailure
from tokenguard.http.client import Client, Credential, Network, Request

TOKEN = "tgcanary-on-the-way"
REGION = "eu-central-1"
BROKEN = reply(500, b"", "Connection: close")


@dataclass(frozen=True)
class Way:
    """How a door is used."""

    url: str
    deadline: float = 5.0
    ca_bundle: Path | None = None
    proxy: Address | None = None


def provider(way: Way) -> None:
    network = Network(proxy=way.proxy, ca_bundle=way.ca_bundle)
    _raised(Client(Address.parse(way.url), FakeClock(), network, deadline=way.deadline).send(_request()))


def webhook(way: Way) -> None:
    """What a callback URL is called with, once its addresses were validated."""
    checked = callback.validate_callback_url(
        f"{way.url}/hook",
        allow_loopback=True,
        ports=frozenset(range(1, 65536)),
        resolve=lambda _host, _port: ["127.0.0.1"],
    )
    _raised(
        checked.client(FakeClock(), Network(proxy=way.proxy, ca_bundle=way.ca_bundle), deadline=way.deadline).send(
            _request()
        )
    )


def vault(way: Way) -> None:
    connection = VaultConnection(
        vault_settings(way.url, TOKEN, deadline=way.deadline, ca_bundle=way.ca_bundle, proxy=way.proxy), FakeClock()
    )
    connection._client.adapter.credential = Secret(TOKEN)
    connection._client.adapter.request("get", "/v1/secret/data/x")


def secrets_manager(way: Way) -> None:
    _aws(way).secrets("put_secret_value", SecretId="x", SecretString=TOKEN)


def sts(way: Way) -> None:
    _aws(way).identity()


def web_identity(way: Way) -> None:
    """A role that a job's identity takes: the request that is not signed."""
    _aws(way, WebIdentity(role="arn:aws:iam::000000000000:role/r", token=lambda: Secret(TOKEN))).identity()


DOORS: dict[str, Callable[[Way], None]] = {
    each.__name__: each for each in (provider, webhook, vault, secrets_manager, sts, web_identity)
}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


def _request() -> Request:
    return Request(path=("x",), credential=Credential(secret=Secret(TOKEN)))


def _raised(outcome: object) -> None:
    if isinstance(outcome, Failure):
        raise Unreachable(outcome.cause.value, hint="the callers have words of their own")


def _aws(way: Way, identity: WebIdentity | None = None) -> AwsClient:
    return AwsClient(
        AwsSettings(
            region=REGION, endpoint=Address.parse(way.url), deadline=way.deadline, ca_bundle=way.ca_bundle,
            attempts=1, proxy=way.proxy, identity=identity,
        )
    )  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(http_session, "MAX_BODY", 1 << 20)
    monkeypatch.setattr(transport, "MAX_BODY", 1 << 20)


def refused(door, way: Way) -> TokenguardError:
    with pytest.raises(TokenguardError) as caught:
        door(way)
    assert caught.value.hint
    assert TOKEN not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


LIMITS = ("body without end", "one byte at a time", "headers one byte at a time")
CASES = [
    pytest.param(door, case, id=f"{name}-{case}")
    for name, door in DOORS.items()
    for case in (HOSTILE if door in {vault, secrets_manager} else LIMITS)
]
"""Every case for each library; `test_http_client.py` has them for the client of providers and webhooks."""


@pytest.mark.parametrize(("door", "case"), CASES)
def test_a_hostile_answer_ends_in_time_and_is_an_error_of_ours(door, case):
    script, cause = HOSTILE[case]
    deadline = 0.4 if cause is TransportFailure.TIMEOUT else 5.0
    with ScriptedServer(script) as server:
        error = refused(door, Way(server.url, deadline))
        assert error.exit_code is ExitCode.UNREACHABLE
        assert server.connections == 1, "sent once"
    if isinstance(error, (AwsError, VaultError)):
        expected = "malformed" if cause is TransportFailure.TOO_LARGE else cause.value
        assert error.reason == expected
        assert error.undecided, "it may have had an effect"
    else:
        assert error.message == cause.value


OTHER_TYPES = {
    "a list": b"[]", "null": b"null", "a text": b'"x"', "deep": b"[" * 200_000, "deep within": b'{"SecretList":' + b"[" * 200_000,
    "no number": b'{"CreatedDate":NaN,"SecretList":NaN}', "a date far away": b'{"CreatedDate":1e308}', "a date of digits": b'{"CreatedDate":' + b"9" * 5000 + b"}",
    "texts": b'{"SecretString":5,"SecretBinary":5,"VersionIdsToStages":[1],"SecretList":"x","Versions":{"a":1},"ARN":[]}',
    "lists": b'{"SecretString":["x"],"VersionIdsToStages":"x","SecretList":[1,null,"x"],"Versions":"abc","Name":{}}',
    "in lists": b'{"SecretString":{},"VersionIdsToStages":{"a":[1]},"SecretList":[{"Name":5}],"Versions":[{"VersionId":1}],"Name":1}',
    "an error of other types": b'{"__type":5,"message":[],"Error":"x","SecretString":1,"VersionIdsToStages":1,"SecretList":1,"Name":[]}',
}  # fmt: skip
OPERATIONS = {
    "get_secret_value": {"SecretId": "x"}, "describe_secret": {"SecretId": "x"}, "list_secrets": {},
    "put_secret_value": {"SecretId": "x", "SecretString": TOKEN},
}  # fmt: skip


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_of_aws_with_other_types_is_an_error_of_ours(operation, status):
    for case, body in OTHER_TYPES.items():
        kind = "application/x-amz-json-1.1"
        with ScriptedServer(reply(status, body, "x-amzn-requestid: 1", kind=kind)) as server:
            try:
                found = _aws(Way(server.url)).secrets(operation, **OPERATIONS[operation])
            except AwsError as error:
                found = error
        if isinstance(found, AwsError):
            assert status != 200 or found.undecided, case
        else:
            assert status == 200, case
            assert not set(found) & {"SecretString", "SecretBinary", "VersionIdsToStages", "SecretList", "Name"}, case


ODD = (None, True, -1, 1e308, "x", [], [1], {}, {"a": 1}, {"a": None})
OF_A_VAULT = (
    lambda kv: kv.read("x"), lambda kv: kv.names("x"), lambda kv: kv.labels("x"), lambda kv: kv.versions("x"),
    lambda kv: kv.write("x", {"a": "b"}, 0), lambda kv: kv.merge("x", {"a": "b"}, 0),
)  # fmt: skip


def _raised_by(ask: Callable[[], object]) -> Exception | None:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - its type is asserted
        return error
    return None


@pytest.mark.parametrize(
    "within",
    ["", "data", "data.data", "data.metadata", "data.keys", "data.key_info", "data.custom_metadata", "data.version"],
)
def test_an_answer_of_a_vault_with_other_types_is_an_error_of_ours(within):
    names = within.split(".") if within else []
    for part in ODD:
        body: object = part
        for name in reversed(names):
            body = {name: body}
        with ScriptedServer(reply(200, json.dumps(body).encode())) as server:
            connection = VaultConnection(vault_settings(server.url, TOKEN, deadline=5.0), FakeClock())
            connection._client.adapter.credential = Secret(TOKEN)
            raised = [_raised_by(partial(ask, KvMount(connection, "secret"))) for ask in OF_A_VAULT]
            assert {type(each) for each in raised} <= {type(None), VaultError, CasLost}, body


@every_door
def test_a_redirect_is_followed_through_no_door(door):
    with ScriptedServer(reply(200, b"{}")) as other:
        for status in (301, 302, 303, 307, 308):
            with ScriptedServer(reply(status, b"", f"Location: {other.url}/")) as server:
                assert refused(door, Way(server.url)).exit_code is ExitCode.UNREACHABLE
    assert other.connections == 0


@every_door
def test_a_name_of_this_machine_that_leads_elsewhere_is_sent_nothing(door, monkeypatch):
    monkeypatch.setattr("tokenguard.http.exchange.is_loopback", lambda _: False)
    with ScriptedServer(reply(200, b"{}")) as server:
        host = "127.0.0.1" if door is webhook else "localhost"
        assert refused(door, Way(f"http://{host}:{server.port}")).exit_code is ExitCode.UNREACHABLE
    assert [request for request in server.requests if request] == []


@pytest.mark.parametrize("door", [provider, vault, secrets_manager, sts, web_identity], ids=lambda each: each.__name__)
def test_a_configured_proxy_sees_a_tunnel_and_no_request(door):
    with ScriptedServer(reply(407, b"", "Connection: close")) as server:
        proxy = Address.parse(server.url, plain_http=True)
        error = refused(door, Way("https://elsewhere.example", proxy=proxy))
    assert error.exit_code is ExitCode.UNREACHABLE
    assert server.requests[0].startswith(b"CONNECT elsewhere.example:443 HTTP/1.")
    assert not [request for request in server.requests if TOKEN.encode() in request]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
@every_door
def test_a_proxy_of_the_environment_is_asked_through_no_door(door, name, monkeypatch):
    with ScriptedServer(BROKEN) as proxy, ScriptedServer(BROKEN) as server:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        if door in {provider, webhook}:
            door(Way(server.url))
        else:
            refused(door, Way(server.url))
    assert proxy.connections == 0
    assert server.connections == 1


@pytest.mark.parametrize("door", [provider, vault, secrets_manager, sts, web_identity], ids=lambda each: each.__name__)
def test_no_tunnel_goes_through_a_proxy_of_the_environment(door, monkeypatch):
    """Libraries take the variable for plain http and the one for https apart."""
    lookup = socket.getaddrinfo

    def nowhere(host, *arguments, **options):
        if host == "elsewhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "not found")
        return lookup(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with ScriptedServer(BROKEN) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        assert refused(door, Way("https://elsewhere.example")).exit_code is ExitCode.UNREACHABLE
    assert proxy.connections == 0


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def _serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@every_door
def test_the_configured_authority_is_believed(door, authority, bundle):
    with ScriptedServer(BROKEN, context=_serving(authority, "127.0.0.1")) as server:
        way = Way(server.url, ca_bundle=bundle)
        if door in {provider, webhook}:
            door(way)
        else:
            refused(door, way)
    assert len(server.requests) == 1
    assert TOKEN.encode() in server.requests[0] or door is sts


@every_door
def test_loopback_is_asked_without_the_configured_proxy(door, authority, bundle):
    context = _serving(authority, "127.0.0.1")
    with ScriptedServer(BROKEN, context=context) as server, ScriptedServer(BROKEN) as other:
        way = Way(server.url, ca_bundle=bundle, proxy=Address.parse(other.url, plain_http=True))
        if door in {provider, webhook}:
            door(way)
        else:
            refused(door, way)
    assert (server.connections, other.connections) == (1, 0)


@every_door
@pytest.mark.parametrize("flaw", ["another name", "unknown authority", "an authority of the environment"])
def test_any_other_certificate_is_sent_nothing(door, flaw, authority, bundle, monkeypatch):
    if flaw == "an authority of the environment":
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "VAULT_CACERT"):
            monkeypatch.setenv(name, str(bundle))
    names = "other.example" if flaw == "another name" else "127.0.0.1"
    with ScriptedServer(BROKEN, context=_serving(authority, names)) as server:
        refused(door, Way(server.url, ca_bundle=bundle if flaw == "another name" else None))
    assert server.requests == []


@every_door
def test_tls_that_is_too_old_is_sent_nothing(door, authority, bundle, monkeypatch):
    floors = []
    wrap = ssl.SSLContext.wrap_socket

    def watched(context, sock, server_side=False, **options):
        if not server_side:
            floors.append(context.minimum_version)
        return wrap(context, sock, server_side=server_side, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", watched)
    context = _serving(authority, "127.0.0.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with ScriptedServer(BROKEN, context=context) as server:
        refused(door, Way(server.url, ca_bundle=bundle))
    assert server.requests == []
    assert floors == [ssl.TLSVersion.TLSv1_2], "OpenSSL's own level may refuse the same, where a machine is set up so"


@every_door
def test_a_log_of_tls_keys_is_written_through_no_door(door, authority, bundle, monkeypatch, tmp_path):
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    with ScriptedServer(BROKEN, context=_serving(authority, "127.0.0.1")) as server:
        assert isinstance(refused(door, Way(server.url, ca_bundle=bundle)), InputError)
    assert server.connections == 0
    assert not log.exists()


# ---- AWS, which asks more than once and looks for credentials

DRIP = stream(b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: a\r\nContent-Length: 100000\r\n\r\n", b" ", 0.02)
_KEYS = {"AccessKeyId": "ASIATGCANARY00000000", "SecretAccessKey": "tgcanary-key", "Token": TOKEN}
FOUND = json.dumps({**_KEYS, "Code": "Success", "Expiration": "2999-01-01T00:00:00Z"}).encode()


def test_all_attempts_at_one_request_share_one_deadline():
    with ScriptedServer(DRIP) as server:
        client = AwsClient(
            AwsSettings(region=REGION, endpoint=Address.parse(server.url), deadline=0.1, total=1.6, attempts=9)
        )
        with pytest.raises(AwsError) as caught:
            client.secrets("put_secret_value", SecretId="x", SecretString=TOKEN)
        assert caught.value.reason is AwsFailure.TIMEOUT
        assert caught.value.undecided
        assert 1 < server.connections < 9


def test_a_request_is_repeated_as_long_as_there_is_time():
    """The SDK's own judgement of what may be repeated holds over our connections."""
    answer = reply(200, b'{"ARN": "a", "Name": "x"}', "x-amzn-RequestId: a", "Connection: close")
    for first in (HOSTILE["nothing at all"][0], HOSTILE["half an answer"][0], reply(503), DRIP):
        with ScriptedServer(first, answer) as server:
            client = AwsClient(AwsSettings(region=REGION, endpoint=Address.parse(server.url), deadline=0.4, attempts=2))
            assert client.secrets("describe_secret", SecretId="x")["Name"] == "x"
            assert server.connections == 2


def _credentials(connection, asked: list[bytes]) -> None:
    """Answer as the service of a machine (a session, a role, its keys) or of a container (keys)."""
    listed = b"/security-credentials/ HTTP" in asked[-1]
    reply(200, b"role" if listed else FOUND, "Connection: close")(connection)


def _container(server, monkeypatch):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/credentials")


def _machine(server, monkeypatch):
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)


@pytest.fixture(params=[_container, _machine])
def searched(request, monkeypatch):
    """Have credentials looked for at a server."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    return lambda server: request.param(server, monkeypatch)


def test_botocore_itself_sends_nothing(searched, monkeypatch):
    """Neither a service's clients nor the search for credentials: a new version may not bring a door of its own."""
    from botocore.httpsession import URLLib3Session

    def send(*_):
        raise AssertionError("botocore has sent a request itself")

    monkeypatch.setattr(URLLib3Session, "send", send)
    answer = reply(200, b'{"ARN": "a", "Name": "x"}', "x-amzn-RequestId: a", "Connection: close")
    asked: list[bytes] = []
    with ScriptedServer(lambda connection: _credentials(connection, asked)) as there, ScriptedServer(answer) as server:
        there.requests = asked
        searched(there)
        assert _aws(Way(server.url)).secrets("describe_secret", SecretId="x")["Name"] == "x"
        assert there.connections
        assert TOKEN.encode() in server.requests[0]


@pytest.mark.parametrize(
    "case", ["body without end", "one byte at a time", "headers one byte at a time", "nothing at all"]
)
def test_a_hostile_service_of_credentials_ends_in_time(searched, case, monkeypatch):
    from botocore.utils import ContainerMetadataFetcher

    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    monkeypatch.setattr(transport, "_METADATA", 0.2)
    with ScriptedServer(HOSTILE[case][0]) as there, ScriptedServer(BROKEN) as server:
        searched(there)
        error = refused(secrets_manager, Way(server.url))
    assert isinstance(error, AwsError)
    assert error.reason in {AwsFailure.NO_CREDENTIALS, AwsFailure.SETUP, AwsFailure.MALFORMED}
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_METADATA_SERVICE_TIMEOUT", "soon"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "-1"),
        ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "x"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "not a url"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "file:///etc/passwd"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv9"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1"),
        ("AWS_PROFILE", "no-such-profile"),
    ],
)
def test_bad_settings_of_the_search_for_credentials_are_an_error_of_ours(name, value, monkeypatch):
    for each in (*CREDENTIALS, name):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true" if "CONTAINER" in name else "false")
    if name != "AWS_EC2_METADATA_SERVICE_ENDPOINT":
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    with ScriptedServer(BROKEN) as server:
        assert refused(secrets_manager, Way(server.url)).exit_code in {ExitCode.UNREACHABLE, ExitCode.USAGE}
    assert server.connections == 0


# ---- the others


def test_an_address_of_a_callback_that_is_never_found_is_given_up(monkeypatch):
    monkeypatch.setattr(callback, "DEADLINE", 0.1)
    never = threading.Event()
    with pytest.raises(Unreachable):
        callback.validate_callback_url(
            "https://callback.tokenguard.com/x", resolve=lambda _host, _port: ["8.8.8.8"][never.wait(5) :]
        )
    never.set()


@pytest.mark.parametrize("door", ["vault", "secrets manager"])
def test_a_connection_is_used_again(door):
    def answering(connection) -> None:
        """Answer every request that comes on this connection."""
        asked = b"first"
        while asked:
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: a\r\nContent-Length: 2\r\n\r\n{}")
            asked = connection.recv(65536)
            while asked and b"SecretId" not in asked and b"/v1/x" not in asked:
                asked += connection.recv(65536)  # its head and its body may come apart

    with ScriptedServer(answering) as server:
        if door == "vault":
            connection = VaultConnection(vault_settings(server.url, TOKEN), FakeClock())
            ask = partial(connection._client.adapter.request, "get", "/v1/x")
        else:
            client = _aws(Way(server.url))
            ask = partial(client.secrets, "describe_secret", SecretId="x")
        for _ in range(3):
            ask()
        assert server.connections == 1
