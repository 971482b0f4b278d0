"""ListSecrets and BatchGetSecretValue: filters, sorting, pages."""

import base64
from collections.abc import Callable
from typing import Any

from tests.fakes.secrets_manager import limits
from tests.fakes.secrets_manager.state import Kept, Refused

_SORTS: dict[str, Callable[[Kept], Any]] = {
    "created-date": lambda kept: kept.created,
    "last-changed-date": lambda kept: kept.changed,
    "last-accessed-date": lambda kept: kept.accessed or 0.0,
    "name": lambda kept: kept.name,
}
_KEYS: dict[str, Callable[[Kept], list[str]]] = {
    "name": lambda kept: [kept.name],
    "tag-key": lambda kept: list(kept.tags),
    "tag-value": lambda kept: list(kept.tags.values()),
    "description": lambda kept: [kept.description],
    "primary-region": lambda kept: [],
    "owning-service": lambda kept: [kept.owning_service],
    "all": lambda kept: [kept.name, kept.description, *kept.tags, *kept.tags.values()],
}


def matching(kept: Kept, filters: list[dict[str, Any]]) -> bool:
    """Every filter must match; of a filter's values any. Tag keys and tag values are not correlated."""
    return all(_one(_KEYS[each["Key"]](kept), each["Values"]) for each in filters)


def _one(texts: list[str], wanted: list[str]) -> bool:
    refused = [value[1:] for value in wanted if value.startswith("!")]
    asked = [value for value in wanted if not value.startswith("!")]
    if any(text.startswith(value) for text in texts for value in refused):
        return False
    return not asked or any(text.startswith(value) for text in texts for value in asked)


def checked(filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(filters) > limits.MAX_FILTERS:
        raise Refused("ValidationException", "filters")
    for each in filters:
        if each.get("Key") not in _KEYS:
            raise Refused("InvalidParameterException", "filter key")
        if not 1 <= len(each.get("Values", [])) <= limits.MAX_VALUES:
            raise Refused("ValidationException", "filter values")
    return filters


def ordered(found: list[Kept], params: dict[str, Any]) -> list[Kept]:
    sort, order = params.get("SortBy", "created-date"), params.get("SortOrder", "desc")
    if sort not in _SORTS or order not in {"asc", "desc"}:
        raise Refused("InvalidParameterException", "sorting")
    return sorted(found, key=lambda kept: (_SORTS[sort](kept), kept.name), reverse=order == "desc")


def page(found: list[Kept], params: dict[str, Any], most: int) -> tuple[list[Kept], str | None]:
    """One page and the token of the next; a token that this fake did not give is refused."""
    size = params.get("MaxResults", most)
    if not 1 <= size <= most:
        raise Refused("ValidationException", "MaxResults")
    start = 0
    if token := params.get("NextToken"):
        try:
            start = int(base64.b64decode(token, validate=True).decode().removeprefix("from:"))
        except ValueError:
            raise Refused("InvalidNextTokenException") from None
    end = start + size
    return found[start:end], base64.b64encode(f"from:{end}".encode()).decode() if end < len(found) else None


def listed(kept: Kept) -> dict[str, Any]:
    """An entry of ListSecrets; also most of a DescribeSecret."""
    entry: dict[str, Any] = {
        "ARN": kept.arn,
        "Name": kept.name,
        "CreatedDate": kept.created,
        "LastChangedDate": kept.changed,
        "Tags": [{"Key": key, "Value": value} for key, value in kept.tags.items()],
        "SecretVersionsToStages": kept.stages(),
    }
    optional = {
        "LastAccessedDate": kept.accessed,
        "Description": kept.description,
        "KmsKeyId": kept.kms_key,
        "DeletedDate": kept.deleted,
        "OwningService": kept.owning_service,
        "Type": kept.type,
        "RotationEnabled": kept.rotation_enabled,
    }
    return entry | {key: value for key, value in optional.items() if value}
