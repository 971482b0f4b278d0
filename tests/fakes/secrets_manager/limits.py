"""The limits that Secrets Manager documents, each as one check."""

import base64
import re
import unicodedata
from typing import Any

from tests.fakes.secrets_manager.state import Kept, Refused

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
MAX_BYTES = 65_536
MAX_TAGS = 50
MAX_LABELS = 20
MAX_BATCH = 20
MAX_FILTERS = 10
MAX_VALUES = 10
_TAG_MARKS = set("_.:/=+-@")


def name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise Refused("InvalidParameterException", "name")
    return text


def request_token(text: str | None) -> str:
    if text is None or not 32 <= len(text) <= 64:
        raise Refused("InvalidParameterException", "ClientRequestToken")
    return text


def content(params: dict[str, Any], *, required: bool) -> dict[str, str]:
    """The value of a request, as it is kept."""
    given = {key: params[key] for key in ("SecretString", "SecretBinary") if params.get(key) is not None}
    if len(given) > 1 or (required and not given):
        raise Refused("InvalidParameterException", "exactly one of SecretString and SecretBinary")
    for key, value in given.items():
        size = len(base64.b64decode(value, validate=True)) if key == "SecretBinary" else len(value.encode())
        if not 1 <= size <= MAX_BYTES:
            raise Refused("ValidationException", "length")
    return given


def stages(given: list[str]) -> list[str]:
    if not 1 <= len(given) <= MAX_LABELS or not all(1 <= len(stage) <= 256 for stage in given):
        raise Refused("InvalidParameterException", "VersionStages")
    return given


def labels(kept: Kept, added: set[str]) -> None:
    if len(kept.labels | added) > MAX_LABELS:
        raise Refused("LimitExceededException", "labels")


def tags(given: list[dict[str, str]], present: dict[str, str]) -> dict[str, str]:
    """The tags of a request, if they may be added to those that are there."""
    found = {tag["Key"]: tag.get("Value", "") for tag in given}
    for key, value in found.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise Refused("InvalidParameterException", "tag")
        if not all(_may_be_in_a_tag(char) for char in key + value):
            raise Refused("InvalidParameterException", "tag characters")
    if len(found) != len(given) or len(present | found) > MAX_TAGS:
        raise Refused("InvalidParameterException", "tags")
    return found


def _may_be_in_a_tag(char: str) -> bool:
    return char in _TAG_MARKS or unicodedata.category(char)[0] in "LZN"
