"""Secrets Manager operations for stores and fields; moving a label by compare-and-set is the only lock."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.errors import Conflict
from tokenguard.frozen import Hidden
from tokenguard.ports.clock import Clock

MAX_BYTES = 65_536
"""AWS's size limit of one version."""
CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
"""Follows `AWSCURRENT` by itself, to the version that it leaves."""
PENDING = "AWSPENDING"
"""The label that AWS's own rotation keeps at the version that is to become the current one."""
STAGED = "tg-staged"
"""The temporary label that keeps a new version until its final label is moved to it."""
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between reads while AWS's replicas lag."""
_Seen = TypeVar("_Seen")


def tags_in(listed: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an entry in a listing or description."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed.get("Tags", ()) if "Key" in tag}


class Stored(Hidden, frozen=True, kw_only=True):
    """One version as it was read."""

    version: str
    stages: frozenset[str]
    data: bytes | str
    """Bytes for internal content, text for live values that consumers read."""


class Secrets:
    """One region's secrets."""

    def __init__(self, client: AwsClient, clock: Clock, *, kms_key: str = "") -> None:
        self.client = client
        self.clock = clock
        self.kms_key = kms_key
        self._written: set[tuple[str, str]] = set()

    def read(self, secret: str, *, stage: str = "", version: str = "") -> Stored | None:
        """Return a version by label or id; None if there is none. Waits until own writes are visible."""
        wanted = {"VersionId": version} if version else {"VersionStage": stage or CURRENT}
        return self.seen(
            lambda: self._read(secret, wanted),
            lambda found: found is not None or (secret, version) not in self._written,
        )

    def seen(self, look: Callable[[], _Seen], enough: Callable[[_Seen], bool]) -> _Seen:
        """Read until `enough` accepts the result, because reads may lag behind writes."""
        found = look()
        for pause in _PAUSES:
            if enough(found):
                break
            self.clock.sleep(pause)
            found = look()
        return found

    def describe(self, secret: str) -> dict[str, Any] | None:
        """Return the secret's labels, tags and rotation settings; None if it does not exist."""
        try:
            return self.client.secrets("describe_secret", SecretId=secret)
        except AwsError as error:
            if error.reason is AwsFailure.ABSENT:
                return None
            raise

    def create(self, secret: str, version: str, data: bytes, tags: Mapping[str, str]) -> bool:
        """Create a secret with its first version in one step; False if the name is taken."""
        extra = {"KmsKeyId": self.kms_key} if self.kms_key else {}
        try:
            self.client.secrets(
                "create_secret",
                Name=secret,
                ClientRequestToken=version,
                SecretBinary=data,
                Description="tokenguard",
                Tags=_tag_list(tags),
                **extra,
            )
        except AwsError as error:
            if error.reason is AwsFailure.EXISTS:
                return False
            raise
        self._written.add((secret, version))
        return True

    def write(self, secret: str, version: str, data: bytes | str, *, stage: str = STAGED) -> None:
        """Add a version; Conflict if the id exists with other content. Idempotent."""
        content = {"SecretString": data} if isinstance(data, str) else {"SecretBinary": data}
        try:
            self.client.secrets(
                "put_secret_value", SecretId=secret, ClientRequestToken=version, VersionStages=[stage], **content
            )
        except AwsError as error:
            if error.reason is AwsFailure.EXISTS:
                raise Conflict(error.message, hint=error.hint) from None
            raise
        self._written.add((secret, version))

    def move(self, secret: str, label: str, to: str, since: str | None) -> None:
        """Move a label from `since` (None: it is attached nowhere) to `to`; Conflict if it is elsewhere.

        If the reply was lost, what the label says decides.
        """
        source = {"RemoveFromVersionId": since} if since else {}
        try:
            self._stage(secret, label, MoveToVersionId=to, **source)
        except AwsError as error:
            if not error.undecided:
                raise
            self._settle(secret, label, to, since, error)

    def drop(self, secret: str, label: str, since: str) -> None:
        """Remove a label from a version, if it is still attached."""
        try:
            self._stage(secret, label, RemoveFromVersionId=since)
        except AwsError as error:
            if error.reason not in {AwsFailure.LABEL, AwsFailure.ABSENT}:
                raise

    def tag(self, secret: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.client.secrets("tag_resource", SecretId=secret, Tags=_tag_list(tags))

    def untag(self, secret: str, keys: list[str]) -> None:
        """Remove tags."""
        self.client.secrets("untag_resource", SecretId=secret, TagKeys=keys)

    def pages(self, **params: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a listing, 100 secrets each.

        Raises:
            AwsError: it does not end: a page leads back to one before it.
        """
        following: dict[str, str] = {}
        given: set[str] = set()
        while True:
            answer = self.client.secrets("list_secrets", MaxResults=100, **params, **following)
            yield answer.get("SecretList", [])
            token = answer.get("NextToken")
            if not token:
                return
            if token in given:
                raise AwsError(AwsFailure.MALFORMED)
            given.add(token)
            following = {"NextToken": token}

    def _read(self, secret: str, wanted: Mapping[str, str]) -> Stored | None:
        try:
            answer = self.client.secrets("get_secret_value", SecretId=secret, **wanted)
        except AwsError as error:
            if error.reason is AwsFailure.ABSENT:
                return None
            raise
        data = answer.get("SecretBinary", answer.get("SecretString", ""))
        if "VersionId" not in answer:
            raise AwsError(AwsFailure.MALFORMED)
        return Stored(version=answer["VersionId"], stages=frozenset(answer.get("VersionStages", ())), data=data)

    def _stage(self, secret: str, label: str, **moves: str) -> None:
        self.client.secrets("update_secret_version_stage", SecretId=secret, VersionStage=label, **moves)

    def _settle(self, secret: str, label: str, to: str, since: str | None, error: AwsError) -> None:
        refused = error.reason is AwsFailure.LABEL
        # a reader that still shows `since` is behind (AWS just said it is elsewhere) or nothing happened: look again
        holder = self.seen(
            lambda: self._holder(secret, label), lambda found: found == to or (refused and found != since)
        )
        if holder == to:
            return
        if refused:
            raise Conflict(error.message, hint=error.hint) from None
        raise error

    def _holder(self, secret: str, label: str) -> str | None:
        stages = (self.describe(secret) or {}).get("VersionIdsToStages", {})
        return next((version for version, labels in stages.items() if label in labels), None)


def rotated_by_others(described: Mapping[str, Any]) -> bool:
    """Whether AWS, one of its services or a partner rotates the secret."""
    return any(described.get(sign) for sign in ("RotationEnabled", "OwningService", "Type"))


def rotation_pending(described: Mapping[str, Any]) -> bool:
    """Whether another tool's rotation is unfinished; a finished one may leave AWSPENDING on the current version."""
    found = described.get("VersionIdsToStages", {}).values()
    return any(PENDING in labels and CURRENT not in labels for labels in found)


def new_version() -> str:
    """Return a random version id."""
    return str(uuid.uuid4())


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
