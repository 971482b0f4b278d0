"""Making and opening a store on AWS with what this runner's configuration says of it."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from tokenguard.clients.aws.aws_settings import AwsSettings, WebIdentity
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.http.address import Address, proxy_at
from tokenguard.ports.clock import Clock
from tokenguard.provisioning.adopted_policies import policy_on_aws
from tokenguard.provisioning.server_setup.aws_setup import AwsRole, roles
from tokenguard.provisioning.server_setup.declared import JobRole, ServerSetup
from tokenguard.settings import Settings
from tokenguard.shell.known_servers import KnownServers
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.policies import AwsStoreRole, policy
from tokenguard.stores.aws.store import AwsStore, create_store, open_store
from tokenguard.stores.refusals import as_of_before

_ROLE = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_KMS_KEY = re.compile(r"[A-Za-z0-9:/_-]{1,2048}", re.ASCII)


def open_aws(
    url: str,
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str] = os.environ,
    *,
    keyless: bool = False,
    told: Callable[[str], None] = lambda _text: None,
) -> AwsStore:
    """Open the store at `url`; `told` hears that AWS is being waited for.

    Raises:
        InputError: there is none, the address is not one, or the endpoint is another one than this machine knows.
        Unreachable: AWS cannot be reached, has no credentials of ours, or denies it.
        Tampered: what is there is not what we wrote.
    """
    place = AwsPlace.parse(url)
    servers = known_servers(url, settings)
    servers.check()
    asked = client(place.region, settings, environ, keyless=keyless, practice=True, told=told)
    with as_of_before() if servers.used else nullcontext():
        store = open_store(place, asked, clock)
    if not store.sandbox:
        _refuse_plain_http(asked.settings.endpoint)
    servers.remember()
    return store


def make_aws(
    url: str,
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str] = os.environ,
    *,
    sandbox: bool,
    anew: bool = False,
) -> AwsStore:
    """Make a store at `url`, encrypted with the configuration's `kms_key`.

    Raises:
        InputError: there is one already; or this machine used one there, and it is not to be made `anew`.
    """
    place = AwsPlace.parse(url)
    key = settings.aws.kms_key
    if key and not _KMS_KEY.fullmatch(key):
        raise InputError("kms_key of [aws] does not name a KMS key", hint="write its ARN, its id, or alias/NAME")
    servers = known_servers(url, settings)
    servers.check()
    asked = client(place.region, settings, environ, practice=sandbox)
    if servers.used and not anew:
        with as_of_before():
            open_store(place, asked, clock)
    store = create_store(place, asked, clock, kms_key=key, sandbox=sandbox)
    servers.remember()
    return store


def known_servers(url: str, settings: Settings) -> KnownServers:
    """What this machine knows of where the store at `url` is."""
    place = AwsPlace.parse(url)
    return KnownServers(place.url, [settings.aws.endpoint or f"AWS in {place.region}"])


def policies(url: str) -> dict[str, str]:
    """The IAM policy of each role for the store at `url`; nothing is asked of AWS."""
    place = AwsPlace.parse(url)
    return {role.value: policy(role, place) for role in AwsStoreRole}


def roles_of(setup: ServerSetup, url: str) -> tuple[AwsRole, ...]:
    """The roles that jobs take, for the store at `url`; nothing is asked of AWS."""
    texts = policies(url)
    texts[JobRole.ROTATOR] = policy_on_aws(texts[JobRole.ROTATOR], setup.fields)
    return tuple(roles(setup, name=role_prefix(url), policies=texts))


def role_prefix(url: str) -> str:
    """What the names of roles for the store at `url` begin with."""
    return "tg-" + AwsPlace.parse(url).prefix.replace("/", "-")


def client(
    region: str,
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    *,
    keyless: bool = False,
    practice: bool = False,
    told: Callable[[str], None] = lambda _text: None,
) -> AwsClient:
    """Asks a region, at the configured endpoint if there is one; InputError if either is not acceptable.

    Args:
        region: the region's name.
        settings: the configuration.
        environ: where `env:VARIABLE` looks.
        keyless: AwsError where credentials that never expire are found.
        practice: allow an endpoint with plain http in a private network, as emulators of AWS have; never for a store
            that was not created with --sandbox.
        told: hears that AWS is being waited for.
    """
    endpoint, identity = _endpoint(settings.aws.endpoint), _identity(settings, environ)
    if not practice or identity is not None:  # a job's identity token is worth a login elsewhere
        _refuse_plain_http(endpoint)
    made = AwsClient(
        AwsSettings(
            region=region,
            endpoint=endpoint,
            ca_bundle=settings.ca_bundle,
            proxy=proxy_at(settings.proxy),
            identity=identity,
            keyless=keyless,
        )
    )
    made.told = told
    return made


def _endpoint(text: str) -> Address | None:
    if not text:
        return None
    address = Address.parse(text, what="endpoint of [aws]", plain_http=True)
    if address.scheme == "http" and not address.private:
        _refuse_plain_http(address)
    return address


def _refuse_plain_http(endpoint: Address | None) -> None:
    """InputError if what is sent there could be read on its way."""
    if endpoint is not None and endpoint.scheme == "http" and not endpoint.loopback:
        raise InputError(
            "the endpoint of [aws] is not https",
            hint="write https://host[:port]; an emulator of AWS in a private network may have http, for a store "
            "created with `tokenguard init --sandbox`",
        )


def _identity(settings: Settings, environ: Mapping[str, str]) -> WebIdentity | None:
    given = settings.aws.role
    if not given:
        return None
    from tokenguard.shell.credentials import text_or_variable  # for those who take a role
    from tokenguard.shell.identities import credential

    role = text_or_variable(given, environ, what="role", table="[aws]")
    if not _ROLE.fullmatch(role):
        raise InputError("role of [aws] is not the ARN of a role", hint="arn:aws:iam::ACCOUNT:role/NAME")
    found = credential(settings.aws.credential, environ, settings, table="[aws]", own=True)
    return WebIdentity(role=role, token=(lambda: found) if isinstance(found, Secret) else found)
