"""An external secret in Secrets Manager, or one JSON field of it: read in place, replaced by moving AWSCURRENT."""

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.json_field import fields, replaced
from tokenguard.clients.aws.secrets import (
    CURRENT,
    MAX_BYTES,
    STAGED,
    Secrets,
    new_version,
    rotated_by_others,
    rotation_pending,
)
from tokenguard.domain.field_address import AwsField
from tokenguard.domain.secret import Secret
from tokenguard.errors import Conflict, InputError, Unfinished
from tokenguard.ports.external_fields import Absence, FieldValue


class SecretField:
    """Implements `ports.external_fields.ExternalField`.

    A new version is written beside the current one and becomes current by one label move, which AWS refuses if the
    label is no longer where it was read. The former version stays as AWSPREVIOUS, as after any other change.
    """

    def __init__(self, secrets: Secrets, address: AwsField) -> None:
        self._secrets = secrets
        self._address = address

    def read(self) -> FieldValue | None:
        """Return the field's value; None if the secret is missing or scheduled for deletion, or lacks the field."""
        try:
            stored = self._secrets.read(self._address.secret)
        except AwsError as error:
            if error.reason is AwsFailure.DELETED:
                return None
            raise
        if stored is None:
            return None
        text = self._field_of(stored.data)
        return None if text is None else FieldValue(Secret(text), stored.version)

    def absence(self) -> Absence | None:
        """Return that the secret is scheduled for deletion, with the command to cancel it."""
        try:
            self._secrets.read(self._address.secret)
        except AwsError as error:
            if error.reason is AwsFailure.DELETED:
                restore = f"aws secretsmanager restore-secret --region {self._address.region}"
                return Absence(
                    f"the secret at {self._address.url} is scheduled for deletion",
                    f"if it is still needed: `{restore} --secret-id '{self._address.secret}'`; otherwise name another",
                )
        return None

    def replace(self, expected: str, text: Secret) -> None:
        """Replace the field if AWSCURRENT is still on version `expected`.

        Raises:
            Conflict: it is elsewhere.
            Unfinished: AWS or another tool rotates this secret.
        """
        name = self._address.secret
        self._refuse_rotated()
        stored = self._secrets.read(name, version=expected)
        if stored is None or not isinstance(stored.data, str):
            raise Conflict(
                "another writer has changed the secret",
                hint="run the command again; it continues from the current state",
            )
        content = self._with(stored.data, text.reveal())
        version = new_version()
        self._secrets.write(name, version, content)
        self._secrets.move(name, CURRENT, version, expected)
        self._secrets.drop(name, STAGED, version)

    def _field_of(self, data: bytes | str) -> str | None:
        if not isinstance(data, str):
            raise InputError(
                f"the secret at {self._address.url} is binary", hint="only text and fields of JSON objects are adopted"
            )
        if not self._address.field:
            return data
        found = fields(data).get(self._address.field)
        if found is None or found.value is None:
            return None
        if not isinstance(found.value, str):
            raise InputError(
                f"the field at {self._address.url} is not text", hint="name a field that holds only the token"
            )
        return found.value

    def _with(self, data: str, text: str) -> str:
        content = replaced(data, self._address.field, text) if self._address.field else text
        if len(content.encode()) > MAX_BYTES:
            raise InputError(
                f"with the new value {self._address.url} would be larger than AWS allows",
                hint=f"a secret holds at most {MAX_BYTES:,} bytes: move its other fields elsewhere, then resume",
            )
        return content

    def _refuse_rotated(self) -> None:
        described = self._secrets.describe(self._address.secret) or {}
        if rotated_by_others(described):
            raise Unfinished(
                f"AWS itself rotates {self._address.url}",
                hint="disable that (`aws secretsmanager cancel-rotate-secret`), then resume; or let AWS rotate it",
            )
        if rotation_pending(described):
            raise Unfinished(
                f"a rotation by another tool is pending on {self._address.url} (AWSPENDING)",
                hint="finish or cancel it with the tool that began it, then resume",
            )
