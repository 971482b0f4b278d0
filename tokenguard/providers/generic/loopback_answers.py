"""What the service on loopback holds and receives, and the bodies of its answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokenguard.documents import Tree
from tokenguard.domain.secret import Value
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import Condition, Create, Probe, Replace, RevokeValue, Rows
from tokenguard.providers.paging import PagingKind

PAGE = 3
"""Rows of a page, for any size that is asked for."""
_MOMENTS = {
    "created": "2026-10-01T08:00:00Z",
    "last_used": "2026-10-20T08:00:00Z",
    "expires": "2027-10-01T08:00:00Z",
}


@dataclass(kw_only=True)
class LoopbackToken:
    """A token of the service."""

    id: str
    label: str
    value: Value
    alive: bool = True
    listed: bool = True
    accepted: int = 0
    """How often it is accepted after its end."""
    permissions: tuple[str, ...] = ("read",)
    steps: int = 0
    """How many steps of its revocation were done; after the first of several it is inactive."""

    @property
    def hint(self) -> str:
        """What the service shows of its value."""
        return f"ending in {self.value.token.reveal()[-4:]}"


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int = 0
    answer: Any = None


def page_of(rows: Rows, held: list[LoopbackToken], query: Mapping[str, str]) -> tuple[list[LoopbackToken], str | None]:
    """The tokens of one answer, and after which one the next goes on."""
    paging = rows.paging
    match paging.kind:
        case PagingKind.NONE:
            return held, None
        case PagingKind.OFFSET:
            start = int(query.get(paging.offset, 0))
        case PagingKind.PAGE:
            start = (int(query.get(paging.page, paging.first)) - paging.first) * PAGE
        case _:
            after = query.get(paging.cursor) or query.get("after")
            start = next((number + 1 for number, each in enumerate(held) if each.id == after), 0)
    page = held[start : start + PAGE]
    return page, page[-1].id if page and start + PAGE < len(held) else None


def told(said: Create | Replace, token: LoopbackToken) -> Any:
    """The answer that holds a new value, but for the id."""
    tree: Any = {}
    for name, pointer in said.value.items():
        tree = put(tree, pointer.keys, token.value.field(name).reveal())
    return tree if said.hint is None else put(tree, said.hint.keys, token.hint)


def row_of(rows: Rows, token: LoopbackToken, *, as_text: bool) -> Any:
    """One row of a list; permissions stand there as a text if they are sent as one."""
    tree = put(put({}, rows.id.keys, token.id), rows.label.keys, token.label)
    for name, pointer in rows.more.items():
        tree = put(tree, pointer.keys, token.hint if name == "hint" else _MOMENTS[name])
    if rows.permissions is not None:
        granted = list(token.permissions)
        tree = put(tree, rows.permissions.keys, " ".join(granted) if as_text else granted)
    if rows.status is not None:
        text = min(rows.status.alive if token.alive else rows.status.ended)
        tree = put(tree, rows.status.field.keys, _constant(text))
    return tree


def is_request_of(said: Probe | Rows | RevokeValue, asked: ReceivedRequest, fields: Mapping[str, str]) -> bool:
    """Whether it is the request of a section, with its fixed parameters; paging may replace them."""
    route, paged = said.route, said.paging.start if isinstance(said, Rows) else ()
    query = () if isinstance(said, RevokeValue) else said.query
    fixed = {name: request_template.filled(text, fields) for name, text in query}
    return (
        route.method == asked.method
        and asked.path == "/" + "/".join(route.fill(fields))
        and all(asked.query.get(name) == text for name, text in fixed.items() if name not in dict(paged))
    )


def stated(condition: Condition) -> Any:
    """The body that fulfils a condition."""
    return {} if condition.at is None else put({}, condition.at.keys, _constant(min(condition.texts)))


def _constant(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text, text)


def put(tree: Any, keys: tuple[str, ...], value: Any) -> Any:
    """`tree` with a value at the place to which the keys lead; a number stands for the first of an array."""
    if not keys:
        return value
    if keys[0].isdecimal():
        return [put(tree[0] if tree else None, keys[1:], value)]
    tree = {} if tree is None else tree
    tree[keys[0]] = put(tree.get(keys[0]), keys[1:], value)
    return tree


def sent_as(template: Tree, name: str, body: Any) -> str:
    """What a body holds where the template has a placeholder; empty if that is nothing."""
    return next((text for text in _placed(template, f"{{{name}}}", body) if text), "")


def permissions_sent(template: Tree, body: Any) -> tuple[str, ...]:
    """The permissions that a body holds where the template has placeholders for them."""
    return tuple(sorted(set(_granted(template, body))))


def _granted(template: Tree, body: Any) -> Iterator[str]:
    if template == "{permissions}" and isinstance(body, list):
        yield from map(str, body)
    elif template == "{permission}" and isinstance(body, str):
        yield from body.split()
    elif isinstance(template, dict) and isinstance(body, dict):
        for key, part in template.items():
            yield from _granted(part, body.get(key))
    elif isinstance(template, list) and isinstance(body, list):
        for part, found in zip(template, body, strict=False):
            yield from _granted(part, found)
        for part in template:
            yield from (text for each in body if (text := sent_as(part, "each_permission", each)))


def _placed(template: Tree, placeholder: str, body: Any) -> Iterator[str]:
    if template == placeholder and isinstance(body, str | int):
        yield str(body)
    elif isinstance(template, dict) and isinstance(body, dict):
        for key, part in template.items():
            yield from _placed(part, placeholder, body.get(key))
    elif isinstance(template, list) and isinstance(body, list):
        for part, found in zip(template, body, strict=False):
            yield from _placed(part, placeholder, found)
