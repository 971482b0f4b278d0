"""One key of a Kubernetes Secret, by server-side apply: other keys and their owners are left alone.

Each key has a field manager of its own: the server takes away what a manager applied before and no longer names, so
two tokens of one Secret under one manager would delete each other.
Source: Kubernetes' documentation, "Server-Side Apply" and the API of Secret v1.
"""

import base64
import json
from http import HTTPStatus

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.targets import RemoteTarget, parse_target
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import Conflict
from tokenguard.http.client import Request
from tokenguard.ports.delivery import ConsumerVerdict

_APPLY = "application/apply-patch+yaml"
"""YAML, says the server; JSON is YAML."""


class KubernetesDelivery:
    """Implements `ports.delivery.Delivery` for `k8s://HOST[:PORT]/NAMESPACE/SECRET#KEY`."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def check(self, consumer: Consumer) -> None:
        """Have the server try an apply without keeping it, so that a missing permission or another owner shows now."""
        host, target = self._place(consumer)
        placeholder = Secret("-" * 8)
        self._apply(host, target, placeholder, consumer, dry=True)

    def push(self, consumer: Consumer, value: Value) -> None:
        """Apply the one key. Conflict if another field manager owns it: ownership is not forced."""
        text = Secret(one_text(value))
        host, target = self._place(consumer)
        self._apply(host, target, text, consumer, dry=False)

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read the Secret back."""
        host, target = self._place(consumer)
        answer = host.ask(Request(path=_path(target)), expected=(HTTPStatus.OK, HTTPStatus.NOT_FOUND))
        if answer.status == HTTPStatus.NOT_FOUND:
            return ConsumerVerdict.DIFFERENT
        data = (answer.json_object() or {}).get("data")
        held = data.get(target.parts["name"]) if isinstance(data, dict) else None
        if not isinstance(held, str):
            return ConsumerVerdict.DIFFERENT
        return ConsumerVerdict.EXPECTED if Secret(held) == Secret(_encoded(value.token)) else ConsumerVerdict.DIFFERENT

    def _place(self, consumer: Consumer) -> tuple[Host, RemoteTarget]:
        target = parse_target(consumer)
        return self._hosts.at(target.host, subject=consumer), target

    @staticmethod
    def _apply(host: Host, target: RemoteTarget, text: Secret, consumer: Consumer, *, dry: bool) -> None:
        parts = target.parts
        wanted = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": parts["secret"], "namespace": parts["namespace"]},
            "data": {parts["name"]: _encoded(text)},
        }
        request = Request(
            method="PATCH",
            path=_path(target),
            query=(("fieldManager", f"tokenguard/{parts['name']}"), *((("dryRun", "All"),) if dry else ())),
            content=json.dumps(wanted).encode(),
            content_type=_APPLY,
        )
        answer = host.ask(request, expected=(HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT))
        if answer.status == HTTPStatus.CONFLICT:
            raise Conflict(
                f"another field manager owns {consumer}; its value was not changed",
                hint="`kubectl get secret -o yaml --show-managed-fields` shows it; release the key there, then resume",
            )


def _path(target: RemoteTarget) -> tuple[str, ...]:
    return ("api", "v1", "namespaces", target.parts["namespace"], "secrets", target.parts["secret"])


def _encoded(text: Secret) -> str:
    return base64.b64encode(text.reveal().encode()).decode()
