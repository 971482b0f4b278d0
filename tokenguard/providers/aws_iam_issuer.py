"""Makes, lists and deletes access keys of one IAM user.

Access keys have no names. AWS's console keeps a description in a tag of the user whose key is the access key's id; so
does this. Before a key is made, another tag says its label and which keys there are already: if the answer to the
request is lost, the key that is not among them has that label.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from tokenguard.clients.aws.access_keys import KEY_ID, AccessKeyOwner
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD
from tokenguard.errors import Unreachable
from tokenguard.ports.provider import Ambiguous, CreatedToken, CreateRefused, ProviderToken, TokenList, TokenRequest
from tokenguard.providers.token_listing import check_id
from tokenguard.providers.write_result import new_value, not_understood

SCOPE_KIND = "iam-user"
"""`iam-user:ACCOUNT.NAME`."""
PENDING = "tokenguard-pending"
"""The tag that says which key is being made: its label, then the ids of the keys that there are already."""
_MOST = 2
_GAP = "its answer does not say whether there are more access keys"
_NOT_DONE = frozenset(
    {
        AwsFailure.ABSENT,
        AwsFailure.DENIED,
        AwsFailure.CREDENTIALS,
        AwsFailure.NO_CREDENTIALS,
        AwsFailure.NO_PROFILE,
        AwsFailure.SETUP,
        AwsFailure.UNKNOWN_KEY,
        AwsFailure.EXPIRED,
        AwsFailure.CLOCK,
        AwsFailure.LIMIT,
        AwsFailure.THROTTLED,
        AwsFailure.REFUSED,
        AwsFailure.CONNECT,
        AwsFailure.TLS,
    }
)
"""Failures of a request that certainly had no effect."""


class AccessKeyIssuer:
    """Access keys of the scope's user.

    Args:
        admin: asks with the admin's access key.
        scope: the user.
    """

    def __init__(self, admin: AccessKeyOwner, scope: Scope | None) -> None:
        self._admin = admin
        self._scope = scope
        self._account = ""
        """That of the admin, once AWS has said it."""

    def create(self, wanted: TokenRequest) -> CreatedToken:
        """Make one key, whose label is in a tag before."""
        what, user = "creating the access key", self._user()
        before = self._key_ids(user)
        if len(before) >= _MOST:
            raise CreateRefused(
                f"{what}: the user already has {len(before)} access keys, the maximum at AWS",
                hint="retire one of them, or use --compromised, which deletes the old one first",
            )
        self._name_pending(user, before)
        self._write(what, "tag_user", UserName=user, Tags=[_tag(PENDING, " ".join([wanted.label, *before]))])
        answer = self._write(what, "create_access_key", UserName=user).get("AccessKey", {})
        found = {KEY_ID: answer.get("AccessKeyId"), TOKEN_FIELD: answer.get("SecretAccessKey")}
        value = new_value(found, self._admin.key, what)
        key_id = value.field(KEY_ID).reveal()
        with suppress(AwsError):  # otherwise the pending tag says it
            self._admin.keys("tag_user", UserName=user, Tags=[_tag(key_id, wanted.label)])
        return CreatedToken(value=value, provider_id=key_id)

    def listed(self) -> TokenList:
        """The user's keys, also inactive ones: these can be activated, and count as keys."""
        user = self._user()
        keys, gap = self._keys(user)
        tags, gap_of_tags = self._tags(user)
        labels = _labels([key["AccessKeyId"] for key in keys], tags)
        return TokenList(rows=tuple(self._row(key, labels) for key in keys), gap=gap or gap_of_tags)

    def revoke(self, provider_id: str) -> None:
        """Deactivate the key, then delete it with its label; one that is not there was deleted before."""
        what, user = "revoking the access key", self._user()
        check_id(provider_id, what)
        try:
            self._write(what, "update_access_key", UserName=user, AccessKeyId=provider_id, Status="Inactive")
            self._write(what, "delete_access_key", UserName=user, AccessKeyId=provider_id)
        except _Absent:
            if provider_id not in self._key_ids(user):  # and not the user is missing
                return
            raise not_understood(what) from None
        with suppress(AwsError):  # a label without a key names nothing
            self._admin.keys("untag_user", UserName=user, TagKeys=[provider_id])

    def _user(self) -> str:
        if self._scope is None or not self._scope.id.partition(".")[2]:
            raise CreateRefused(
                "the IAM user is not known", hint=f"give the record a scope: --scope {SCOPE_KIND}:ACCOUNT.NAME"
            )
        account, _, user = self._scope.id.partition(".")
        if self._asked_account() != account:
            raise CreateRefused(
                "the admin credential belongs to another AWS account than the IAM user",
                hint="check the admin credential, AWS_PROFILE, or the scope of the record",
            )
        return user

    def _asked_account(self) -> str:
        """The account of the admin: a user of the same name in another one is another user."""
        if not self._account:
            try:
                self._account = self._admin.arn().split(":")[4]
            except (AwsError, IndexError) as error:
                reason = error.reason if isinstance(error, AwsError) else AwsFailure.MALFORMED
                raise CreateRefused(
                    f"asking for the account of the admin credential: {reason}", hint="check the admin credential"
                ) from None
        return self._account

    def _name_pending(self, user: str, keys: list[str]) -> None:
        """Give a key that an earlier request made its own label, before the tag that says it is replaced."""
        tags, _ = self._tags(user)
        for key_id, label in _labels(keys, tags).items():
            if key_id not in tags and label:
                self._write("naming an access key", "tag_user", UserName=user, Tags=[_tag(key_id, label)])

    def _row(self, key: dict[str, Any], labels: dict[str, str]) -> ProviderToken:
        key_id = key["AccessKeyId"]
        used = self._read("get_access_key_last_used", AccessKeyId=key_id).get("AccessKeyLastUsed", {})
        return ProviderToken(
            provider_id=key_id,
            label=labels[key_id],
            created_at=_moment(key.get("CreateDate")),
            last_used_at=_moment(used.get("LastUsedDate")),
        )

    def _key_ids(self, user: str) -> list[str]:
        return [key["AccessKeyId"] for key in self._keys(user)[0]]

    def _keys(self, user: str) -> tuple[list[dict[str, Any]], str]:
        found, gap = self._pages("list_access_keys", "AccessKeyMetadata", user)
        if not all(isinstance(key, dict) and isinstance(key.get("AccessKeyId"), str) for key in found):
            raise _unreadable()
        return found, gap

    def _tags(self, user: str) -> tuple[dict[str, str], str]:
        found, gap = self._pages("list_user_tags", "Tags", user)
        return {each["Key"]: each["Value"] for each in found if isinstance(each.get("Key"), str)}, gap

    def _pages(self, operation: str, rows: str, user: str) -> tuple[list[Any], str]:
        """All rows, and why they may not be all: AWS says in each answer whether there are more."""
        all_rows, gap, marker, given = list[Any](), "", dict[str, str](), set[str]()
        while True:
            answer = self._read(operation, UserName=user, **marker)
            found, more = answer.get(rows), answer.get("IsTruncated")
            if not isinstance(found, list) or (more and not answer.get("Marker")):
                raise _unreadable()
            gap = gap if isinstance(more, bool) else _GAP
            all_rows += found
            if not more:
                return all_rows, gap
            marker = {"Marker": answer["Marker"]}
            if marker["Marker"] in given:
                raise _unreadable()  # it leads back to a page before it
            given.add(marker["Marker"])

    def _read(self, operation: str, **params: Any) -> dict[str, Any]:
        try:
            return self._admin.keys(operation, **params)
        except AwsError as error:
            raise Unreachable(
                f"listing access keys: {error.reason}", hint="check the admin's permissions and the user's name"
            ) from None

    def _write(self, what: str, operation: str, **params: Any) -> dict[str, Any]:
        try:
            return self._admin.keys(operation, **params)
        except AwsError as error:
            if error.reason is AwsFailure.ABSENT and operation in {"update_access_key", "delete_access_key"}:
                raise _Absent from None
            kind = CreateRefused if error.reason in _NOT_DONE else Ambiguous
            raise kind(f"{what}: {error.reason}", hint="check the admin's permissions and the user's name") from None


class _Absent(Exception):
    """There is no such access key."""


def _labels(keys: list[str], tags: dict[str, str]) -> dict[str, str]:
    """The label of each key: its own tag, or the pending one for the only key that was not there before."""
    label, *before = tags.get(PENDING, "").split(" ")
    new = [key_id for key_id in keys if key_id not in tags and key_id not in before]
    pending = {new[0]: label} if len(new) == 1 else {}
    return {key_id: tags.get(key_id) or pending.get(key_id, "") for key_id in keys}


def _tag(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def _unreadable() -> Unreachable:
    return Unreachable(
        "listing access keys: the answer differs from AWS's documentation", hint="check the configured address"
    )
