"""Requests and replies as plain values, apart from the server that carries them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, taken apart."""

    method: str
    path: tuple[str, ...]
    """Decoded segments below the vendor's base."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Lower-case names."""
    body: bytes = field(default=b"", repr=False)

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None."""
        try:
            tree = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return tree if isinstance(tree, dict) else None

    def bearer(self) -> str:
        """What the Authorization header carries; empty without one."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Headers = ()
    content_type: str = "application/json"


def reply(status: int, tree: object, headers: Headers = ()) -> Reply:
    """A JSON answer."""
    return Reply(status=status, body=json.dumps(tree).encode(), headers=headers)


def page(html: str, status: int = HTTPStatus.OK, headers: Headers = ()) -> Reply:
    """An HTML answer."""
    return Reply(status=status, body=html.encode(), headers=headers, content_type="text/html; charset=utf-8")
