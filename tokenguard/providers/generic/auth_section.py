"""How a provider file says that requests carry a credential: `bearer`, `basic`, `header NAME`, or a mapping."""

import re
from collections.abc import Iterator

from tokenguard.mapping_reader import MappingReader
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import Auth, CredentialPart
from tokenguard.providers.generic.provider_sections import plain_pairs

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
# what the client writes itself, and what would change how a request is framed or where it goes
_OWN_HEADERS = frozenset({"accept", "connection", "cookie", "expect", "host", "keep-alive", "te", "trailer", "upgrade"})
_OWN_FAMILIES = ("accept-", "content-", "proxy-", "transfer-", "user-agent")
_SHORT = "write bearer, basic, header NAME, or a mapping of `headers`, `query` or `basic`"


def auth(top: MappingReader, key: str) -> Auth:
    """One of the two sections `auth` and `admin_auth`; `bearer` where the key is missing."""
    if isinstance(top.peek(key), dict):
        fields = top.below(top.tree(key), key).expect(("headers", "query", "basic"))
        parts = tuple(_parts(fields))
        fields.close()
        if not parts:
            top.refuse("this must say where the credential is sent", key, hint=_SHORT)
        return Auth(parts=parts)
    text = top.text(key, "bearer")
    if text == "bearer":
        return Auth()
    if text == "basic":
        return Auth(parts=(_basic("{token}:"),))
    name = text.removeprefix("header ")
    if name == text or not _is_free(name):
        top.refuse("not a way to send a credential, or a header that tokenguard sets itself", key, hint=_SHORT)
    return Auth(parts=(CredentialPart(header=name),))


def headers(top: MappingReader) -> tuple[tuple[str, str], ...]:
    """Headers that are the same in every request, such as the version of the API."""
    found = plain_pairs(top, "headers")
    for name, text in found:
        if not _is_free(name) or name.lower() == "authorization" or not text.isascii() or not text.isprintable():
            top.refuse("this has a header that tokenguard sets itself, or an invalid header name", "headers")
    return found


def _parts(fields: MappingReader) -> Iterator[CredentialPart]:
    for key, pattern in (("headers", _NAME), ("query", _PARAMETER)):
        within = fields.within(key)
        for name in within.names if within is not None else ():
            text = within.text(name) if within is not None else ""
            if not pattern.fullmatch(name) or (key == "headers" and not _is_free(name)):
                fields.refuse("this has a header that tokenguard sets itself, or an invalid name", key)
            _check(fields, key, text)
            yield (
                CredentialPart(header=name, text=text)
                if key == "headers"
                else CredentialPart(parameter=name, text=text)
            )
    if "basic" in fields:
        text = fields.text("basic")
        _check(fields, "basic", text)
        if ":" not in text:
            fields.refuse("this must be USER:PASSWORD with a placeholder, such as {token}:", "basic")
        yield _basic(text)


def _basic(text: str) -> CredentialPart:
    return CredentialPart(header="Authorization", prefix="Basic ", text=text, base64=True)


def _check(fields: MappingReader, key: str, text: str) -> None:
    """A text holds the names of fields of a value, and at least one."""
    used = request_template.names(text)
    if not used or request_template.problem(text, tuple(used)) or not all(map(_FIELD.fullmatch, used)):
        fields.refuse("this must hold fields of the value in braces, such as {token}", key)


def _is_free(name: str) -> bool:
    lower = name.lower()
    return bool(_NAME.fullmatch(name)) and lower not in _OWN_HEADERS and not lower.startswith(_OWN_FAMILIES)
