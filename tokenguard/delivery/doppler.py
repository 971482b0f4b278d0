"""A secret in one config of a Doppler project, read back both as it was written and as Doppler serves it.

Source: Doppler's API reference, "Secrets" (`/v3/configs/config/secret`, `…/secrets` and `…/secrets/names`).
"""

from http import HTTPStatus

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.targets import RemoteTarget, parse_target
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError
from tokenguard.http.client import Request
from tokenguard.ports.delivery import ConsumerVerdict

_CONFIG = ("v3", "configs", "config")


class DopplerDelivery:
    """Implements `ports.delivery.Delivery` for `doppler:PROJECT/CONFIG#NAME`."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def check(self, consumer: Consumer) -> None:
        """Look at the secret, or that the config is there to make it in: whether the credential leads to it."""
        host, target = self._place(consumer)
        if self._held(host, target) is None:
            host.ask(Request(path=(*_CONFIG, "secrets", "names"), query=_config(target)))

    def push(self, consumer: Consumer, value: Value) -> None:
        """Set the one secret; no other of the config is named."""
        text = one_text(value)
        if "${" in text:
            raise InputError(
                f"Doppler would expand a part of the value for {consumer} as a reference to another secret",
                hint="rotate again to get a value without `${`, or deliver with a command",
            )
        host, target = self._place(consumer)
        parts = target.parts
        body = {"project": parts["project"], "config": parts["config"], "secrets": {parts["name"]: text}}
        host.ask(Request(method="POST", path=(*_CONFIG, "secrets"), body=body))

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read it back."""
        held = self._held(*self._place(consumer))
        return (
            ConsumerVerdict.EXPECTED
            if held is not None and all(each == value.token for each in held)
            else ConsumerVerdict.DIFFERENT
        )

    def _place(self, consumer: Consumer) -> tuple[Host, RemoteTarget]:
        target = parse_target(consumer)
        return self._hosts.at(target.host, subject=consumer), target

    @staticmethod
    def _held(host: Host, target: RemoteTarget) -> tuple[Secret, Secret] | None:
        """The value as it was written and as it is served; None if there is none."""
        query = (*_config(target), ("name", target.parts["name"]))
        answer = host.ask(
            Request(path=(*_CONFIG, "secret"), query=query), expected=(HTTPStatus.OK, HTTPStatus.NOT_FOUND)
        )
        value = (answer.json_object() or {}).get("value") if answer.status == HTTPStatus.OK else None
        if not isinstance(value, dict):
            return None
        raw, computed = value.get("raw"), value.get("computed")
        return (Secret(raw), Secret(computed)) if isinstance(raw, str) and isinstance(computed, str) else None


def _config(target: RemoteTarget) -> tuple[tuple[str, str], ...]:
    return tuple((name, target.parts[name]) for name in ("project", "config"))
