"""One field of a 1Password item, through a team's own Connect server.

Source: 1Password's Connect server API: an item is read whole, and one field's value replaced by a JSON Patch.
"""

import json

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.targets import RemoteTarget, parse_target
from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError
from tokenguard.http.client import Request
from tokenguard.ports.delivery import ConsumerVerdict


class OnePasswordDelivery:
    """Implements `ports.delivery.Delivery` for `onepassword://HOST[:PORT]/VAULT/ITEM#FIELD`."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def check(self, consumer: Consumer) -> None:
        """Look for the field; the item and its field are made by people."""
        _field(*self._place(consumer))

    def push(self, consumer: Consumer, value: Value) -> None:
        """Replace the field's value, and nothing else of the item."""
        text = one_text(value)
        host, target = self._place(consumer)
        identifier = _field(host, target)["id"]
        patch = [{"op": "replace", "path": f"/fields/{identifier}/value", "value": text}]
        host.ask(Request(method="PATCH", path=_path(target), content=json.dumps(patch).encode()))

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read it back."""
        held = _field(*self._place(consumer)).get("value")
        return (
            ConsumerVerdict.EXPECTED
            if isinstance(held, str) and Secret(held) == value.token
            else ConsumerVerdict.DIFFERENT
        )

    def _place(self, consumer: Consumer) -> tuple[Host, RemoteTarget]:
        target = parse_target(consumer)
        return self._hosts.at(target.host, subject=consumer), target


def _field(host: Host, target: RemoteTarget) -> dict[str, JsonTree]:
    """The field of that id, or of that label if only one has it; InputError otherwise."""
    fields = (host.ask(Request(path=_path(target))).json_object() or {}).get("fields")
    known = [each for each in fields if isinstance(each, dict)] if isinstance(fields, list) else []
    wanted = target.parts["name"]
    found = [each for each in known if each.get("id") == wanted] or [
        each for each in known if each.get("label") == wanted
    ]
    if len(found) != 1 or not _plain(found[0].get("id")):
        raise InputError(
            f"{host.subject} has no field {wanted!r} in that item, or more than one",
            hint="create the field first, or name it by its id",
        )
    return found[0]


def _plain(identifier: JsonTree) -> bool:
    return isinstance(identifier, str) and identifier.isascii() and identifier.replace("_", "").isalnum()


def _path(target: RemoteTarget) -> tuple[str, ...]:
    return ("v1", "vaults", target.parts["vault"], "items", target.parts["item"])
