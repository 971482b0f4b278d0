"""How a provider file says that a token is looked at, and which answers mean that it is alive or dead."""

import re
from collections.abc import Sequence
from http import HTTPStatus

from tokenguard.documents import Tree
from tokenguard.domain.secret import TOKEN_FIELD
from tokenguard.mapping_reader import MappingReader
from tokenguard.providers.generic.description import Condition, Probe
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.generic.provider_sections import MAX_ROWS, maybe_pointer, plain_pairs, pointer, query, route

_STATUS = re.compile(r"[2-4][0-9]{2}", re.ASCII)
_MAY_BE_DEAD = frozenset({400, 401, 403, 404, 410})
_NEVER_ALIVE = frozenset({401, 407, 408, 425, 429})
_BY_STATUS = (Condition(status=HTTPStatus.OK),), (Condition(status=HTTPStatus.UNAUTHORIZED),)
_INTROSPECTED = (
    (Condition(status=HTTPStatus.OK, at=JsonPointer(("active",)), texts=frozenset({"true"})),),
    (Condition(status=HTTPStatus.OK, at=JsonPointer(("active",)), texts=frozenset({"false"})),),
)
_KEYS = ("request", "query", "introspect", "alive", "dead", "scope", "scope_name")
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)


def probe(top: MappingReader) -> Probe | None:
    """A GET without placeholders, or an introspection (RFC 7662): a POST of the token as a form."""
    fields = top.within("probe", _KEYS)
    if fields is None:
        return None
    body = _introspection(fields)
    alive, dead = _INTROSPECTED if body is not None else _BY_STATUS
    made = Probe(
        route=route(fields, "request", ()),
        query=query(fields),
        body=body,
        alive=_conditions(fields, "alive") or alive,
        dead=_conditions(fields, "dead") or dead,
        scope=maybe_pointer(fields, "scope"),
        scope_name=maybe_pointer(fields, "scope_name"),
    )
    if made.route.method != ("GET" if body is None else "POST"):
        fields.refuse("a probe only reads: this must be a GET, or a POST with `introspect`", "request")
    _check(fields, made)
    fields.close()
    return made


def _introspection(fields: MappingReader) -> Tree:
    """The form of an introspection: `token`, which holds the token, and fixed parameters; None if it is none."""
    found = dict(plain_pairs(fields, "introspect", (TOKEN_FIELD,)))
    if not found:
        return None
    if [name for name, text in found.items() if text == f"{{{TOKEN_FIELD}}}"] != ["token"]:
        fields.refuse("this must have a parameter `token` with {token}, as RFC 7662 has it", "introspect")
    return {**found}


def _conditions(fields: MappingReader, key: str) -> tuple[Condition, ...]:
    """Statuses, or mappings of `status`, `at` and `is`; empty if the key is missing."""
    tree = fields.peek(key)
    if isinstance(tree, list) and any(isinstance(row, dict) for row in tree):
        rows = enumerate(fields.items(key, least=1, most=MAX_ROWS))
        mixed = [row if isinstance(row, str) else fields.below(row, key, number) for number, row in rows]
        return tuple(
            Condition(status=_status(fields, key, row)) if isinstance(row, str) else _condition(row) for row in mixed
        )
    return tuple(Condition(status=_status(fields, key, text)) for text in fields.texts(key))


def _condition(row: MappingReader) -> Condition:
    row.expect(("status", "at", "is"))
    made = Condition(
        status=_status(row, "status", row.text("status")), at=pointer(row, "at"), texts=frozenset(row.texts("is"))
    )
    if not made.texts:
        row.refuse("this must list the values to compare with", "is")
    row.close()
    return made


def _status(fields: MappingReader, key: str, text: str) -> int:
    if not _STATUS.fullmatch(text):
        fields.refuse("this must be a status from 200 to 499", key)
    return int(text)


def _check(fields: MappingReader, made: Probe) -> None:
    plain_alive, plain_dead = _plain(made.alive), _plain(made.dead)
    alive = {each.status for each in made.alive}
    if alive & _NEVER_ALIVE or plain_alive & plain_dead or any(code in _REDIRECTS for code in alive):
        fields.refuse("a redirect, a 401, a 429 or a status of `dead` never proves that a token is alive", "alive")
    if not plain_dead <= _MAY_BE_DEAD:
        fields.refuse(
            "without a condition on the body, only 400, 401, 403, 404 and 410 can mean that a token is dead", "dead"
        )
    by_body = {each.status for each in made.dead} - plain_dead
    if not by_body <= _MAY_BE_DEAD | {HTTPStatus.OK}:
        fields.refuse("only 200, 400, 401, 403, 404 and 410 can say in their body that a token is dead", "dead")
    if by_body & plain_alive & {HTTPStatus.OK}:
        fields.refuse("if the body of a 200 can mean dead, another one must mean alive, with `at` and `is`", "alive")


def _plain(conditions: Sequence[Condition]) -> set[int]:
    return {each.status for each in conditions if each.at is None}
