"""Lists the secrets of a region with their current values; read-only."""

from collections.abc import Iterator, Mapping
from typing import Any

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.json_field import fields
from tokenguard.clients.aws.secrets import Secrets, rotated_by_others, tags_in
from tokenguard.domain.field_address import AwsField, AwsFolder
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.ports.secret_listing import ListedSecret, SkippedEntry

MAX_ENTRIES = 20_000
_OURS = "tg:"
"""The prefix of the tags of tokenguard's own secrets."""
_OF_ONE_SECRET = {
    AwsFailure.DENIED: "denied",
    AwsFailure.KMS: "its KMS key denies access",
    AwsFailure.DELETED: "deleted",
}


class SecretsSurvey:
    """Implements `ports.secret_listing.SecretListing`.

    Args:
        secrets: one region.
        folder: what names begin with.
        wanted: tags that a secret must have; none: every secret.
    """

    def __init__(self, secrets: Secrets, folder: AwsFolder, wanted: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._folder = folder
        self._wanted = wanted

    def entries(self) -> Iterator[ListedSecret | SkippedEntry]:
        """Yield every secret below the prefix."""
        for listed in sorted(self._listed(), key=lambda each: str(each["Name"])):
            name, tags = listed["Name"], tags_in(listed)
            if any(tags.get(key) != text for key, text in self._wanted.items()):
                continue
            if any(key.startswith(_OURS) for key in tags):
                yield SkippedEntry(address=self._address(name), reason="a secret of tokenguard's own", readable=True)
            elif rotated_by_others(listed):
                yield SkippedEntry(address=self._address(name), reason="AWS or a partner rotates it", readable=True)
            else:
                yield from self._entry(name, tags)

    def _listed(self) -> list[dict[str, Any]]:
        prefix = self._folder.prefix.rstrip("/")
        narrowed = {"Filters": [{"Key": "name", "Values": [prefix]}]} if prefix else {}
        found: list[dict[str, Any]] = []
        for page in self._secrets.pages(**narrowed):
            found += [each for each in page if not prefix or f"{each['Name']}/".startswith(f"{prefix}/")]
            if len(found) > MAX_ENTRIES:
                raise InputError(
                    f"there are more than {MAX_ENTRIES:,} secrets", hint="give a prefix with fewer secrets"
                )
        return found

    def _entry(self, name: str, tags: Mapping[str, str]) -> Iterator[ListedSecret | SkippedEntry]:
        try:
            stored = self._secrets.read(name)
        except AwsError as error:
            if error.reason not in _OF_ONE_SECRET:
                raise
            yield SkippedEntry(address=self._address(name), reason=_OF_ONE_SECRET[error.reason], readable=False)
            return
        texts = _texts(stored.data) if stored is not None and isinstance(stored.data, str) else {}
        if texts:
            region = self._folder.region
            address = {field: AwsField(region=region, secret=name, field=field).url for field in texts}
            yield ListedSecret(path=name, texts=texts, addresses=address, labels=tags)

    def _address(self, name: str) -> str:
        return f"aws://{self._folder.region}/{name}"


def _texts(data: str) -> dict[str, Secret]:
    if not data.lstrip().startswith("{"):
        return {"": Secret(data)}
    try:
        found = fields(data)
    except InputError:
        return {"": Secret(data)}
    return {name: Secret(span.value) for name, span in found.items() if isinstance(span.value, str) and name}
