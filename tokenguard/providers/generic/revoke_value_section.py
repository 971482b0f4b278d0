"""How a provider file says that a token is revoked by its value, as RFC 7009 or a service for leaked tokens has it."""

from tokenguard.documents import Tree
from tokenguard.domain.secret import TOKEN_FIELD
from tokenguard.mapping_reader import MappingReader
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import RevokerLogin, RevokeValue
from tokenguard.providers.generic.provider_sections import FIELD, route

ADMIN_PREFIX = "admin_"
"""Before the name of a field of the admin credential, in placeholders of the body."""


def revoke_value(top: MappingReader) -> RevokeValue | None:
    """The request that ends a token by its value: never a GET, and never with the value in its address."""
    fields = top.within("revoke_value", ("request", "body", "form", "auth", "leaked_only"))
    if fields is None:
        return None
    as_form = "form" in fields
    login = fields.choice("auth", RevokerLogin, RevokerLogin.ADMIN)
    made = RevokeValue(
        route=route(fields, "request", ()),
        body=_content(fields, "form" if as_form else "body"),
        form=as_form,
        login=login,
        leaked_only=fields.choice("leaked_only", ("true", "false"), "false") == "true",
    )
    if made.route.method == "GET":
        fields.refuse("this must not be a GET", "request")
    _check(fields, made)
    fields.close()
    return made


def _content(fields: MappingReader, key: str) -> Tree:
    body = None if fields.lacks(key) else fields.table(key)
    of_admin = [ADMIN_PREFIX + name for name in admin_names(body) if FIELD.fullmatch(name)]
    if problem := request_template.problem(body, (TOKEN_FIELD, *of_admin)):
        fields.refuse(f"{problem}, and fields of the admin credential such as {{{ADMIN_PREFIX}client_id}}", key)
    if key == "form" and any(not isinstance(text, str) for text in (body or {}).values()):
        fields.refuse("the values of a form must be texts", key)
    return body


def admin_names(body: Tree) -> frozenset[str]:
    """The fields of the admin credential that a body has placeholders for."""
    used = request_template.names(body)
    return frozenset(name.removeprefix(ADMIN_PREFIX) for name in used if name.startswith(ADMIN_PREFIX))


def _check(fields: MappingReader, made: RevokeValue) -> None:
    used, key = request_template.names(made.body), "form" if made.form else "body"
    if (TOKEN_FIELD in used) is (made.login is RevokerLogin.ITSELF):
        fields.refuse("this must hold the value, {token}, unless the token itself authenticates (`auth: token`)", key)
    if bool(admin_names(made.body)) is not (made.login is RevokerLogin.BODY):
        fields.refuse("`auth: body` requires placeholders such as {admin_token}, and they require `auth: body`", "auth")
