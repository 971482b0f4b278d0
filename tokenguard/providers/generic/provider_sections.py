"""The sections of a provider file, one function each; every one raises InputError for what it cannot take."""

import re
from collections.abc import Mapping

from tokenguard.documents import Tree
from tokenguard.domain.names import LABEL_PUNCTUATION
from tokenguard.domain.secret import TOKEN_FIELD
from tokenguard.domain.shape import MAX_LENGTH
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.ports.provider import Guide
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import (
    CHARACTERS,
    PERMISSION_PLACEHOLDERS,
    Create,
    Pairs,
    Replace,
    Revoke,
    Rows,
    Shape,
    Status,
    Update,
    placeholders,
)
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paced import Rate
from tokenguard.providers.paging import Paging, PagingKind
from tokenguard.providers.route import Route

FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
MAX_ROWS = 50
_PERMISSION = re.compile(r"[^\s{}]{1,128}")
_MARKS = frozenset(
    {
        "after",
        "before",
        "cursor",
        "limit",
        "maxresults",
        "offset",
        "page",
        "pagenumber",
        "pagesize",
        "perpage",
        "size",
        "start",
    }
)
"""Parameters that only a list with pages has, without punctuation."""
_PAGING_KEYS: Mapping[PagingKind, tuple[str, ...]] = {
    PagingKind.NONE: (),
    PagingKind.CURSOR: ("cursor", "limit"),
    PagingKind.OFFSET: ("offset", "limit"),
    PagingKind.PAGE: ("page", "limit"),
    PagingKind.LINK: ("limit",),
}
_PAGE_SIZE = 100
_NO_OWN_ID = "name the token's own id; if it has none, remove `create`, `list` and `revoke`, and write `guide`"
_REQUEST_KEYS = ("request", "query", "body")
_CREATE_KEYS = (*_REQUEST_KEYS, "value", "id", "hint")
_ROW_KEYS = ("hint", "created", "last_used", "expires")
_LIST_KEYS = (
    "request", "query", "items", "id", "label", *_ROW_KEYS, "permissions", "status", "paging", "next", "total",
    "cursor", "offset", "page", "limit", "size", "first",
)  # fmt: skip
_EXPIRY_FIELDS = ("expires_date", "expires_time", "expires_unix", "expires_seconds")
_MEDIA_TYPE = re.compile(r"application/[a-z0-9][a-z0-9.-]{0,100}\+json", re.ASCII)
_CREATE_FIELDS = ("label", "scope", *PERMISSION_PLACEHOLDERS)
_REVOKE_FIELDS = ("id", "scope")
_GUIDE_CREATE = ("label", "scope", "scope_name", "permissions")
_GUIDE_REVOKE = ("label", "hint", "scope", "scope_name")


def create(top: MappingReader, *, expires: bool) -> Create | None:
    """How a token is made; `expires`: whether the file gives tokens a lifetime."""
    fields = top.within("create", _CREATE_KEYS)
    if fields is None:
        return None
    made = Create(
        route=route(fields, "request", ("label", "scope")),
        query=query(fields, ("label", "scope", "permission")),
        body=_body(fields, (*_CREATE_FIELDS, *(_EXPIRY_FIELDS if expires else ()))),
        value=_value(fields),
        id=pointer(fields, "id"),
        hint=maybe_pointer(fields, "hint"),
    )
    if made.route.method == "GET" or "label" not in placeholders(made):
        fields.refuse("this must not be a GET, and must give the token the name {label}", "request")
    _check_secret_alone(fields, made)
    fields.close()
    return made


def replacing(top: MappingReader, *, expires: bool) -> Replace | None:
    """How a token is given a new value in place; `expires`: whether the file gives tokens a lifetime."""
    fields = top.within("replace", _CREATE_KEYS)
    if fields is None:
        return None
    made = Replace(
        route=route(fields, "request", _REVOKE_FIELDS),
        query=query(fields, _REVOKE_FIELDS),
        body=_body(fields, (*_REVOKE_FIELDS, *(_EXPIRY_FIELDS if expires else ()))),
        value=_value(fields),
        id=maybe_pointer(fields, "id"),
        hint=maybe_pointer(fields, "hint"),
    )
    _check_names_token(fields, made)
    _check_secret_alone(fields, made)
    fields.close()
    return made


def updating(top: MappingReader) -> Update | None:
    """How a token's label or permissions are changed."""
    fields = top.within("update", _REQUEST_KEYS)
    if fields is None:
        return None
    made = Update(
        route=route(fields, "request", _REVOKE_FIELDS),
        query=query(fields, _REVOKE_FIELDS),
        body=_body(fields, (*_REVOKE_FIELDS, "label", *PERMISSION_PLACEHOLDERS), listed=True),
    )
    _check_names_token(fields, made)
    if not made.fields:
        fields.refuse("this must hold what it changes: {label}, {permissions} or both", "body")
    fields.close()
    return made


def rows(top: MappingReader) -> Rows | None:
    """How tokens are listed."""
    fields = top.within("list", _LIST_KEYS)
    if fields is None:
        return None
    made = Rows(
        route=route(fields, "request", ("scope",)),
        query=query(fields, ("scope",)),
        items=pointer(fields, "items"),
        id=pointer(fields, "id"),
        label=pointer(fields, "label"),
        more={key: found for key in _ROW_KEYS if (found := maybe_pointer(fields, key)) is not None},
        paging=paging(fields),
        following=maybe_pointer(fields, "next"),
        total=maybe_pointer(fields, "total"),
        status=_status(fields),
        permissions=maybe_pointer(fields, "permissions"),
    )
    if made.route.method != "GET":
        fields.refuse("a listing only reads: this must be a GET", "request")
    _check_next(fields, made)
    _check_whole(fields, made)
    fields.close()
    return made


def paging(fields: MappingReader) -> Paging:
    """How the list goes on after its first answer; there is no default, since a wrong one would lose tokens."""
    text = fields.text("paging", "")
    if text not in set(PagingKind):
        fields.refuse(
            f"state how the list continues: one of {', '.join(PagingKind)}",
            "paging" if text else "",
            hint="use `paging: none` if one answer holds every token; docs/providers.md shows the other rules",
        )
    kind = PagingKind(text)
    names = {key: fields.text(key) for key in _PAGING_KEYS[kind] if key in fields}
    size = fields.number("size") if "limit" in names else None
    first = fields.number("first") if kind is PagingKind.PAGE else None
    if size == 0:
        fields.refuse("a page has at least one row", "size")
    return Paging(kind=kind, **names, first=1 if first is None else first, size=size or _PAGE_SIZE)


def _status(rows: MappingReader) -> Status | None:
    """Where a row says whether its token is alive; None if only tokens that are alive are listed."""
    fields = rows.within("status", ("field", "alive", "ended"))
    if fields is None:
        return None
    made = Status(
        field=pointer(fields, "field"),
        alive=frozenset(fields.texts("alive")),
        ended=frozenset(fields.texts("ended")),
    )
    for key, values in (("alive", made.alive), ("ended", made.ended)):
        if not values:
            fields.refuse(f"this must list the values that mean {key}", key)
    if made.alive & made.ended:
        fields.refuse("a value cannot be both alive and ended", "ended")
    fields.close()
    return made


def _check_next(fields: MappingReader, made: Rows) -> None:
    kind = made.paging.kind
    if kind is PagingKind.CURSOR and made.following is None:
        fields.refuse("this must say where the next cursor is", "next")
    if made.following is not None and kind not in {PagingKind.CURSOR, PagingKind.LINK}:
        fields.refuse("this key is for `paging: cursor` and `paging: link` only", "next")


def _check_whole(fields: MappingReader, made: Rows) -> None:
    """A list that is said to have no pages must not be asked for one."""
    names = {name.lower().translate({ord(each): None for each in "-_.[]"}) for name, _ in made.query}
    if made.paging.kind is PagingKind.NONE and names & _MARKS:
        fields.refuse("`paging: none` excludes a page parameter: describe how the list continues", "query")


def revoke(top: MappingReader) -> tuple[Revoke, ...]:
    """How a token is ended: by one request, or by several in their order."""
    if not isinstance(top.peek("revoke"), list):
        step = top.within("revoke")
        return () if step is None else (_revoke_step(step),)
    steps = top.items("revoke", least=1, most=MAX_ROWS)
    if any(isinstance(each, str) for each in steps):
        top.refuse("this must be a list of mappings", "revoke")
    return tuple(map(_revoke_step, [top.below(each, "revoke", number) for number, each in enumerate(steps)]))


def _revoke_step(fields: MappingReader) -> Revoke:
    fields.expect(_REQUEST_KEYS)
    made = Revoke(
        route=route(fields, "request", _REVOKE_FIELDS),
        query=query(fields, _REVOKE_FIELDS),
        body=_body(fields, _REVOKE_FIELDS),
    )
    _check_names_token(fields, made)
    fields.close()
    return made


def _check_names_token(fields: MappingReader, made: Revoke | Replace | Update) -> None:
    if made.route.method == "GET" or "id" not in placeholders(made):
        fields.refuse("this must not be a GET, and must name the token by {id}", "request")


def _check_secret_alone(fields: MappingReader, made: Create | Replace) -> None:
    """Ids and hints are recorded and shown in plain text, and ids are part of addresses."""
    for key, found in (("id", made.id), ("hint", made.hint)):
        if found == made.value[TOKEN_FIELD]:
            fields.refuse(
                "this is the place of the secret, and ids and hints are shown in plain text",
                key,
                hint=_NO_OWN_ID if key == "id" else "remove it, or name the place of the part that the service shows",
            )


def _value(fields: MappingReader) -> dict[str, JsonPointer]:
    """Where the answer holds the new value: one pointer, or one for each of its fields."""
    if not isinstance(fields.peek("value"), dict):
        return {TOKEN_FIELD: pointer(fields, "value")}
    within = fields.below(fields.tree("value"), "value")
    made = {name: pointer(within, name) for name in within.names}
    if TOKEN_FIELD not in made or not all(FIELD.fullmatch(name) for name in made):
        fields.refuse(f"this must have a field called {TOKEN_FIELD}, and names such as key_id", "value")
    return made


def guide(top: MappingReader, *, words_for_create: bool, words_for_revoke: bool) -> Guide:
    """The words for a person; needed for what has no request."""
    by_person = " or ".join(["create"] * words_for_create + ["revoke"] * words_for_revoke)
    why = f"the file has no request for {by_person}, so a person does it: `guide` must say where and how"
    if by_person and "guide" not in top:
        top.refuse(f"this is missing: {why}", "guide")
    fields = top.within("guide", ("where", "create", "revoke")) or top.below({}, "guide")
    if by_person and "where" not in fields:
        fields.refuse(f"this is missing: {why}", "where")
    made = Guide(
        fields.text("where", ""),
        create=_words(fields, "create", _GUIDE_CREATE, needed=words_for_create),
        revoke=_words(fields, "revoke", _GUIDE_REVOKE, needed=words_for_revoke),
    )
    fields.close()
    return made


def shape(top: MappingReader) -> Shape | None:
    """What a value looks like."""
    fields = top.within("shape", ("prefix", "characters", "min", "max"))
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


def label_punctuation(top: MappingReader) -> str:
    """What a label may have besides letters and digits; a text such as `-_`, or empty."""
    text = top.text("label_punctuation", LABEL_PUNCTUATION, empty=True)
    if not set(text) <= set(LABEL_PUNCTUATION):
        top.refuse(f"this must be some of the characters {LABEL_PUNCTUATION}", "label_punctuation")
    return text


def rate(top: MappingReader) -> Rate | None:
    """How many requests may be sent in what time."""
    fields = top.within("rate", ("requests", "per"))
    if fields is None:
        return None
    requests, per = fields.number("requests"), fields.duration("per")
    if not requests or not per:
        fields.refuse("this must be a number of `requests` and a duration `per`", "requests" if not requests else "per")
    fields.close()
    return Rate(requests=requests, per=per.total_seconds())


def meanings(top: MappingReader, key: str) -> dict[str, str]:
    """A table of permissions: what each allows, or what it is needed for."""
    fields = top.within(key)
    if fields is None:
        return {}
    made = {name: fields.text(name) for name in fields.names}
    if not all(_PERMISSION.fullmatch(name) for name in made):
        top.refuse("this must be a mapping of permissions to what they allow", key)
    return made


def _words(fields: MappingReader, key: str, allowed: tuple[str, ...], *, needed: bool) -> tuple[str, ...]:
    words = fields.texts(key) if key in fields else ()
    if needed and not words:
        fields.refuse(
            f"this is missing: the file has no request for {key}, so the steps for a person must be here", key
        )
    if problem := request_template.problem(list(words), allowed):
        fields.refuse(problem, key)
    return words


def route(fields: MappingReader, key: str, allowed: tuple[str, ...]) -> Route:
    """A request that may use some placeholders."""
    text = fields.text(key)
    try:
        return Route.parse(text, fields=allowed)
    except InputError as error:
        return fields.refuse(error.message, key, hint=error.hint)


def _body(fields: MappingReader, allowed: tuple[str, ...], *, listed: bool = False) -> Tree:
    """What a request holds; `listed`: or a list, as JSON Patch (RFC 6902) has it."""
    steps = listed and isinstance(fields.peek("body"), list)
    body = None if fields.lacks("body") else fields.tree("body") if steps else fields.table("body")
    if problem := request_template.problem(body, allowed):
        fields.refuse(problem, "body")
    return body


def encoding(top: MappingReader) -> str:
    """How bodies are sent: `json`, `form`, or a media type of JSON."""
    text = top.text("encoding", "json")
    if text not in {"json", "form"} and not _MEDIA_TYPE.fullmatch(text):
        top.refuse("this must be json, form, or a media type such as application/vnd.api+json", "encoding")
    return text


def query(fields: MappingReader, allowed: tuple[str, ...] = ()) -> Pairs:
    """The fixed parameters of a request, which may use some placeholders."""
    return plain_pairs(fields, "query", allowed)


def plain_pairs(fields: MappingReader, key: str, allowed: tuple[str, ...] = ()) -> Pairs:
    """A mapping of texts, which may use some placeholders."""
    tree = fields.table(key)
    if problem := request_template.problem(tree, allowed):
        fields.refuse(problem, key)
    return tuple(
        (name, value if isinstance(value, str) else fields.refuse("this must be text", key))
        for name, value in tree.items()
    )


def pointer(fields: MappingReader, key: str) -> JsonPointer:
    """A JSON pointer that must be there; the empty one is the whole answer."""
    return JsonPointer.parse(fields.text(key, empty=True)) or fields.refuse(
        "this must be a JSON pointer such as /data/id", key
    )


def maybe_pointer(fields: MappingReader, key: str) -> JsonPointer | None:
    """A JSON pointer; None if it is missing."""
    return pointer(fields, key) if key in fields else None
