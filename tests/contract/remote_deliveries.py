"""Every delivery to a host, with the loopback host it talks to and how to see what a consumer there would see."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.clock import FakeClock
from tests.fakes.secret_hosts.serving import SecretHost
from tests.fakes.secret_hosts.vendors import ITEM_ID, VAULT_ID, Connect, Doppler, Github, Gitlab, Kubernetes
from tokenguard.delivery.delivery_registry import DeliveryRegistry, parse_consumer
from tokenguard.delivery.hosts import Hosts, HostSettings
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Consumer
from tokenguard.http.address import Address


@dataclass(frozen=True)
class Vendor:
    make: type[SecretHost]
    target: str
    """With {host}."""
    api: str
    seen: Callable[[SecretHost], str | None]
    stranger: Callable[[SecretHost, str], None]
    misspelt: tuple[str, str] = ("/app#", "/apq#")
    """A part of the target, and how it leads nowhere."""


def _github_stranger(host, text):
    host.put("repos/acme/app/actions/secrets", "TOKEN", text)


def _gitlab_stranger(host, text):
    host.held["TOKEN", "*"] = {"key": "TOKEN", "value": text, "masked": False}


def _kubernetes_seen(host):
    found = host.held.get("app", {}).get("TOKEN")
    return None if found is None else base64.b64decode(found).decode()


def _kubernetes_stranger(host, text):
    host.held.setdefault("app", {})["TOKEN"] = base64.b64encode(text.encode()).decode()


VENDORS = {
    "github": Vendor(
        Github,
        "github://{host}/acme/app#TOKEN",
        "",
        lambda host: host.held.get(("repos/acme/app/actions/secrets", "TOKEN")),
        _github_stranger,
    ),
    "gitlab": Vendor(
        Gitlab,
        "gitlab://{host}/acme/app#TOKEN",
        "/api/v4",
        lambda host: host.held.get(("TOKEN", "*"), {}).get("value"),
        _gitlab_stranger,
    ),
    "k8s": Vendor(
        Kubernetes,
        "k8s://{host}/video/app#TOKEN",
        "",
        _kubernetes_seen,
        _kubernetes_stranger,
        ("/video/", "/vidoe/"),
    ),
    "doppler": Vendor(
        Doppler,
        "doppler://{host}/app/prd#TOKEN",
        "",
        lambda host: host.held.get("TOKEN"),
        lambda host, text: host.held.update(TOKEN=text),
        ("/prd#", "/prod#"),
    ),
    "onepassword": Vendor(
        Connect,
        f"onepassword://{{host}}/{VAULT_ID}/{ITEM_ID}#token",
        "",
        lambda host: host.fields[1]["value"],
        lambda host, text: host.fields[1].update(value=text),
        (f"/{ITEM_ID}", f"/{ITEM_ID[:-1]}j"),
    ),
}


VARIANTS: tuple[tuple[str, str, dict[str, object]], ...] = (
    *((name, "documented", {}) for name in VENDORS),
    ("github", "stale-key-400", {"stale_key": 400}),
    ("gitlab", "exists-409", {"exists": 409}),
    ("doppler", "notes-are-kept", {"keeps_notes": True}),
    ("onepassword", "changes-answered-with-nothing", {"tells_change": False}),
)
"""Each host as its documents describe it, and in each way that they leave open."""


def consumer_at(vendor: Vendor, host: SecretHost, tmp_path) -> Consumer:
    return parse_consumer(vendor.target.format(host=host.host), base=tmp_path)


def deliveries(vendor: Vendor, host: SecretHost, clock: FakeClock | None = None) -> DeliveryRegistry:
    """As another process would make them anew."""
    settings = HostSettings(
        credential=lambda: Secret(host.credential), base=Address.parse(f"{host.url}{vendor.api}", what="test host")
    )
    return DeliveryRegistry(hosts=lambda: Hosts({host.host: settings}, clock or FakeClock()))
