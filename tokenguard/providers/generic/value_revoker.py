"""Revokes tokens by their value, with the request under `revoke_value` of a provider file."""

from urllib.parse import urlencode

from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.http.client import Credential, Request
from tokenguard.ports.provider import CreateRefused
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import FORM, Description, RevokerLogin, RevokeValue
from tokenguard.providers.generic.revoke_value_section import ADMIN_PREFIX, admin_names
from tokenguard.providers.paced import PacedClient
from tokenguard.providers.write_result import acknowledged

_WHAT = "revoking the token by its value"


class DescribedValueRevoker:
    """Sends a value to the address of the file and nowhere else.

    Args:
        description: the file.
        said: its section.
        client: sends.
        admin: the admin credential, where the section needs it.
    """

    def __init__(self, description: Description, said: RevokeValue, client: PacedClient, admin: Value | None) -> None:
        self._description = description
        self._said = said
        self._client = client
        self._admin = admin

    def revoke_value(self, value: Value) -> None:
        """One request. That it is acknowledged proves nothing, for services say so of unknown values too."""
        fields = {TOKEN_FIELD: value.token.reveal(), **self._of_admin()}
        if not request_template.names(self._said.body) <= fields.keys():
            raise self._incomplete()
        filled = None if self._said.body is None else request_template.fill(self._said.body, fields)
        content = urlencode(filled).encode() if self._form and filled is not None else None
        request = Request(
            method=self._said.route.method,
            path=self._said.route.fill({}),
            further=self._credentials(value),
            headers=self._description.headers,
            body=filled if content is None else None,
            content=content,
            content_type=self._description.media_type if content is None else FORM,
            secrets=(value.token, *((self._admin.token,) if self._admin else ())),
        )
        acknowledged(self._client.send(request), _WHAT)

    @property
    def _form(self) -> bool:
        return self._said.form or self._description.form

    def _of_admin(self) -> dict[str, str]:
        admin = self._admin if self._said.login is RevokerLogin.BODY else None
        if admin is None:
            return {}
        fields = {name: admin.field(name).reveal() for name in admin.names} | {TOKEN_FIELD: admin.token.reveal()}
        return {ADMIN_PREFIX + name: text for name, text in fields.items()}

    def _credentials(self, value: Value) -> tuple[Credential, ...]:
        if self._said.login is RevokerLogin.ITSELF:
            found = self._description.auth.credentials(value)
        elif self._said.login is RevokerLogin.ADMIN and self._admin is not None:
            found = self._description.admin_auth.credentials(self._admin)
        else:
            found = ()
        if found is None:
            raise self._incomplete()
        return found

    def _incomplete(self) -> CreateRefused:
        return CreateRefused(
            f"{_WHAT}: a credential lacks a field that {self._description.name} asks for",
            hint="store all its fields in one record; `tokenguard provider show` names them",
        )


def admin_fields(said: Description) -> frozenset[str]:
    """The names of the fields of the admin credential that requests use."""
    by_value = said.revoke_value
    return said.admin_auth.fields | (admin_names(by_value.body) if by_value is not None else frozenset())
