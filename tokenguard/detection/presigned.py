"""URLs that carry their own access, and how long they do: S3, CloudFront, Google Cloud Storage, Azure."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from tokenguard.detection.match import Match
from tokenguard.domain.finding import Kind
from tokenguard.domain.secret import Secret

_URL = re.compile(r"https?://[^\s\"'<>`\\^{|}?#]{1,2048}\?(?P<query>[^\s\"'<>`\\^{|}#]{10,8192})")
_AMPERSANDS = re.compile(r"\\u0026|&amp;")
_STAND_IN = re.compile(r"(?i)\.\.\.|example-?signature|your|%3c|redacted|\*{3}|x{8}")
_SHORTEST_SIGNATURE = 16

Query = Mapping[str, str]
"""The parameters, names in lower case: they are compared without regard to case in the wild."""


def presigned_urls(text: str) -> Iterator[Match]:
    """Find pre-signed URLs in `text`, also where `&` is written as in JSON or HTML."""
    plain = _AMPERSANDS.sub(lambda found: "&".ljust(len(found.group()), "&"), text)  # same length: columns stay true
    for found in _URL.finditer(plain):
        query = {name.lower(): value for name, value in parse_qsl(found.group("query"), max_num_fields=200)}
        for name, needed, signature, lifetime in _KINDS:
            if all(parameter in query for parameter in needed):
                if len(query[signature]) >= _SHORTEST_SIGNATURE and not _STAND_IN.search(query[signature]):
                    yield _match(name, plain, found.start(), query[signature], lifetime(query))
                break


def _match(name: str, text: str, start: int, signature: str, lifetime: str) -> Match:
    return Match(
        kind=Kind.EXTRA,
        type=f"Pre-signed URL ({name})",
        line=text.count("\n", 0, start) + 1,
        column=start - text.rfind("\n", 0, start),
        value=Secret(signature),
        whole=Secret(signature),
        facts={"lifetime": lifetime},
    )


def _from_date(prefix: str) -> Callable[[Query], str]:
    def lifetime(query: Query) -> str:
        try:
            start = datetime.strptime(query[f"{prefix}-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            length = timedelta(seconds=int(query[f"{prefix}-expires"]))
            end = start + length
        except (KeyError, ValueError, OverflowError):
            return "unknown"
        upper = " at most" if f"{prefix}-security-token" in query else ""
        return f"{_hours(length)}{upper}, until {_minute(end)}"

    return lifetime


def _until_epoch(query: Query) -> str:
    try:
        return f"until {_minute(datetime.fromtimestamp(int(query['expires']), UTC))}"
    except (KeyError, ValueError, OverflowError, OSError):
        return "unknown"


def _until_iso(query: Query) -> str:
    try:
        end = datetime.fromisoformat(query["se"])
    except (KeyError, ValueError):
        return "unknown"
    start = _iso(query.get("st", ""))
    if start is not None and (start.tzinfo is None) == (end.tzinfo is None):
        return f"{_hours(end - start)}, until {_minute(end)}"
    return f"until {_minute(end)}"


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):g} h"


def _minute(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M")


# Kind, parameters that make it one, the one that grants access, and how to read its lifetime. The first that fits.
_KINDS: tuple[tuple[str, tuple[str, ...], str, Callable[[Query], str]], ...] = (
    ("S3", ("x-amz-signature", "x-amz-expires"), "x-amz-signature", _from_date("x-amz")),
    ("GCS", ("x-goog-signature", "x-goog-expires"), "x-goog-signature", _from_date("x-goog")),
    ("CloudFront", ("key-pair-id", "signature"), "signature", _until_epoch),
    ("S3 v2", ("awsaccesskeyid", "signature", "expires"), "signature", _until_epoch),
    ("GCS v2", ("googleaccessid", "signature", "expires"), "signature", _until_epoch),
    ("Azure SAS", ("sig", "sv"), "sig", _until_iso),
)
