"""The sections of a provider file, one function each; every one raises InputError for what it cannot take."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from tokenguard.documents import Tree
from tokenguard.domain.shape import MAX_LENGTH
from tokenguard.errors import InputError
from tokenguard.ports.provider import Guide
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import CHARACTERS, Auth, Create, Probe, Revoke, Rows, Shape, Status
from tokenguard.providers.generic.mapping_reader import Fields
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import Paging, PagingKind
from tokenguard.providers.route import Route

_HEADER = re.compile(r"header ([A-Za-z][A-Za-z0-9-]{0,63})", re.ASCII)
_STATUS = re.compile(r"[2-4][0-9]{2}", re.ASCII)
# what the client writes itself, and what would change how a request is framed or where it goes
_OWN_HEADERS = frozenset({"accept", "connection", "cookie", "expect", "host", "keep-alive", "te", "trailer", "upgrade"})
_OWN_FAMILIES = ("accept-", "content-", "proxy-", "transfer-", "user-agent")
_MAY_BE_DEAD = frozenset({400, 401, 403, 404, 410})
_NEVER_ALIVE = frozenset({401, 407, 408, 425, 429})
_PAGING_KEYS: Mapping[PagingKind, tuple[str, ...]] = {
    PagingKind.NONE: (),
    PagingKind.CURSOR: ("cursor", "limit"),
    PagingKind.OFFSET: ("offset", "limit"),
    PagingKind.PAGE: ("page", "limit"),
    PagingKind.LINK: ("limit",),
}
_PAGE_SIZE = 100
_CREATE_FIELDS = ("label", "scope", "permissions")
_REVOKE_FIELDS = ("id",)
_GUIDE_CREATE = ("label", "scope", "scope_name", "permissions")
_GUIDE_REVOKE = ("label", "hint", "scope", "scope_name")


def auth(top: Fields) -> Auth:
    """`bearer`, or `header NAME`."""
    text = top.text("auth", "bearer")
    if text == "bearer":
        return Auth()
    match = _HEADER.fullmatch(text)
    if match is None or match[1].lower() in _OWN_HEADERS or match[1].lower().startswith(_OWN_FAMILIES):
        top.refuse("this must be `bearer` or `header NAME`, and no header that requests need themselves", "auth")
    return Auth(header=match[1], prefix="")


def probe(top: Fields) -> Probe | None:
    """How a token is looked at: a GET without placeholders."""
    fields = top.within("probe")
    if fields is None:
        return None
    made = Probe(
        route=_route(fields, "request", ()),
        query=_query(fields),
        alive=_statuses(fields, "alive") or frozenset({int(HTTPStatus.OK)}),
        dead=_statuses(fields, "dead") or frozenset({int(HTTPStatus.UNAUTHORIZED)}),
        scope=_maybe_pointer(fields, "scope"),
        scope_name=_maybe_pointer(fields, "scope_name"),
    )
    if made.route.method != "GET":
        fields.refuse("a probe only reads: this must be a GET", "request")
    if made.alive & made.dead or made.alive & _NEVER_ALIVE or any(300 <= code < 400 for code in made.alive):  # noqa: PLR2004 - 3xx
        fields.refuse("a redirect, a 401, a 429 or a status of `dead` never proves that a token is alive", "alive")
    if not made.dead <= _MAY_BE_DEAD:
        fields.refuse("only 400, 401, 403, 404 and 410 can be made to mean that a token is dead", "dead")
    fields.close()
    return made


def create(top: Fields) -> Create | None:
    """How a token is made."""
    fields = top.within("create")
    if fields is None:
        return None
    made = Create(
        route=_route(fields, "request", ("label", "scope")),
        body=_body(fields, _CREATE_FIELDS),
        value=_pointer(fields, "value"),
        id=_pointer(fields, "id"),
        hint=_maybe_pointer(fields, "hint"),
    )
    used = request_template.names(made.body) | request_template.names(list(made.route.segments))
    if made.route.method == "GET" or "label" not in used:
        fields.refuse("this must be no GET, and must give the token the name {label}", "request")
    fields.close()
    return made


def rows(top: Fields) -> Rows | None:
    """How tokens are listed."""
    fields = top.within("list")
    if fields is None:
        return None
    made = Rows(
        route=_route(fields, "request", ()),
        query=_query(fields),
        items=_pointer(fields, "items"),
        id=_pointer(fields, "id"),
        label=_pointer(fields, "label"),
        more={
            key: found
            for key in ("hint", "created", "last_used", "expires")
            if (found := _maybe_pointer(fields, key)) is not None
        },
        paging=paging(fields),
        following=_maybe_pointer(fields, "next"),
        total=_maybe_pointer(fields, "total"),
        status=_status(fields),
    )
    if made.route.method != "GET":
        fields.refuse("a listing only reads: this must be a GET", "request")
    _check_next(fields, made)
    fields.close()
    return made


def paging(fields: Fields) -> Paging:
    """How the list goes on after its first answer; there is no default, since a wrong one would lose tokens."""
    text = fields.text("paging", "")
    if text not in set(PagingKind):
        fields.refuse(
            f"state how the list continues: one of {', '.join(PagingKind)}",
            "paging" if text else "",
            hint="`paging: none` where one answer holds every token; docs/providers.md shows the others",
        )
    kind = PagingKind(text)
    names = {key: fields.text(key) for key in _PAGING_KEYS[kind] if key in fields}
    size = fields.number("size") if "limit" in names else None
    first = fields.number("first") if kind is PagingKind.PAGE else None
    if size == 0:
        fields.refuse("a page has at least one row", "size")
    return Paging(kind=kind, **names, first=1 if first is None else first, size=size or _PAGE_SIZE)


def _status(rows: Fields) -> Status | None:
    """Where a row says whether its token is alive; None if only tokens that are alive are listed."""
    fields = rows.within("status")
    if fields is None:
        return None
    made = Status(
        field=_pointer(fields, "field"),
        alive=frozenset(fields.texts("alive")),
        ended=frozenset(fields.texts("ended")),
    )
    for key, values in (("alive", made.alive), ("ended", made.ended)):
        if not values:
            fields.refuse("this must list the values that mean so", key)
    if made.alive & made.ended:
        fields.refuse("a value means one or the other", "ended")
    fields.close()
    return made


def _check_next(fields: Fields, made: Rows) -> None:
    kind = made.paging.kind
    if kind is PagingKind.CURSOR and made.following is None:
        fields.refuse("this must say where the next cursor is", "next")
    if made.following is not None and kind not in {PagingKind.CURSOR, PagingKind.LINK}:
        fields.refuse("only a list with `paging: cursor` or `paging: link` has it", "next")


def revoke(top: Fields) -> Revoke | None:
    """How a token is ended."""
    fields = top.within("revoke")
    if fields is None:
        return None
    made = Revoke(route=_route(fields, "request", _REVOKE_FIELDS), body=_body(fields, _REVOKE_FIELDS))
    used = request_template.names(made.body) | request_template.names(list(made.route.segments))
    if made.route.method == "GET" or "id" not in used:
        fields.refuse("this must be no GET, and must name the token by {id}", "request")
    fields.close()
    return made


def guide(top: Fields, *, words_for_create: bool, words_for_revoke: bool) -> Guide:
    """The words for a person; needed for what has no request."""
    fields = top.within("guide") or top.empty("guide")
    made = Guide(
        fields.text("where", "" if not (words_for_create or words_for_revoke) else None),
        create=_words(fields, "create", _GUIDE_CREATE, needed=words_for_create),
        revoke=_words(fields, "revoke", _GUIDE_REVOKE, needed=words_for_revoke),
    )
    fields.close()
    return made


def shape(top: Fields) -> Shape | None:
    """What a value looks like."""
    fields = top.within("shape")
    if fields is None:
        return None
    made = Shape(
        prefix=fields.text("prefix", ""),
        characters=fields.choice("characters", tuple(CHARACTERS), "alnum"),
        shortest=fields.number("min") or 1,
        longest=fields.number("max") or MAX_LENGTH,
    )
    if made.shortest > made.longest or made.longest > MAX_LENGTH:
        fields.refuse(f"this must be at least `min` and at most {MAX_LENGTH}", "max")
    fields.close()
    return made


def _words(fields: Fields, key: str, allowed: tuple[str, ...], *, needed: bool) -> tuple[str, ...]:
    words = fields.texts(key)
    if needed and not words:
        fields.refuse("a person does this, so the steps must be here", key)
    if problem := request_template.problem(list(words), allowed):
        fields.refuse(problem, key)
    return words


def _route(fields: Fields, key: str, allowed: tuple[str, ...]) -> Route:
    text = fields.text(key)
    try:
        return Route.parse(text, fields=allowed)
    except InputError as error:
        return fields.refuse(error.message, key)


def _body(fields: Fields, allowed: tuple[str, ...]) -> Tree:
    body = fields.tree("body")
    if body is not None and not isinstance(body, dict):
        fields.refuse("this must be a mapping", "body")
    if problem := request_template.problem(body, allowed):
        fields.refuse(problem, "body")
    return body


def _query(fields: Fields) -> tuple[tuple[str, str], ...]:
    tree = fields.tree("query") or {}
    if not isinstance(tree, dict):
        fields.refuse("this must be a mapping", "query")
    if request_template.problem(tree, ()):
        fields.refuse("there are no placeholders here", "query")
    return tuple(
        (name, value if isinstance(value, str) else fields.refuse("this must be text", "query"))
        for name, value in tree.items()
    )


def _statuses(fields: Fields, key: str) -> frozenset[int]:
    texts = fields.texts(key)
    if not all(_STATUS.fullmatch(text) for text in texts):
        fields.refuse("this must be a list of statuses from 200 to 499", key)
    return frozenset(int(text) for text in texts)


def _pointer(fields: Fields, key: str) -> JsonPointer:
    return JsonPointer.parse(fields.text(key)) or fields.refuse("this must be a JSON pointer such as /data/id", key)


def _maybe_pointer(fields: Fields, key: str) -> JsonPointer | None:
    text = fields.text(key, "")
    return (
        JsonPointer.parse(text) or fields.refuse("this must be a JSON pointer such as /data/id", key) if text else None
    )
