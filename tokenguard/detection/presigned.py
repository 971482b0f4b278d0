"""URLs that carry their own access, and how long they do: S3, CloudFront, Google Cloud Storage, Azure."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from tokenguard.detection.match import TextMatch
from tokenguard.detection.text_positions import TextPositions
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen

_URL = re.compile(r"https?://[^\s\"'<>`\\^{|}?#]{1,2048}\?(?P<query>[^\s\"'<>`\\^{|}#]{10,8192})")
_AMPERSANDS = re.compile(r"\\u0026|&amp;")
_STAND_IN = re.compile(r"(?i)\.\.\.|example-?signature|your|%3c|redacted|\*{3}|x{8}")
_SHORTEST_SIGNATURE = 16

Query = Mapping[str, str]
"""The parameters, names in lower case: they are compared without regard to case in the wild."""


class Period(Frozen, frozen=True, kw_only=True):
    """How long a URL gives access, as far as it says so itself."""

    length: timedelta | None = None
    ends_at: datetime | None = None
    upper_bound: bool = False
    """It may end earlier, with the session that signed it."""

    def __str__(self) -> str:
        if self.ends_at is None:
            return "unknown"
        until = f"until {self.ends_at:%Y-%m-%d %H:%M}"
        if self.length is None:
            return until
        return f"{self.length / timedelta(hours=1):g} h{' at most' if self.upper_bound else ''}, {until}"


class PresignedUrl(Frozen, frozen=True, kw_only=True):
    """One pre-signed URL in a text."""

    kind: str
    line: int
    column: int
    signature: Secret
    period: Period
    grants: str
    """`read`, `more`, or empty where the URL does not say."""


def presigned_urls(text: str) -> Iterator[TextMatch]:
    """Find pre-signed URLs in `text`, also where `&` is written as in JSON or HTML."""
    for url in read_presigned(text):
        yield TextMatch(
            kind=FindingKind.EXTRA,
            type=f"Pre-signed URL ({url.kind})",
            line=url.line,
            column=url.column,
            value=url.signature,
            whole=url.signature,
            facts={"lifetime": str(url.period)},
        )


def read_presigned(text: str) -> Iterator[PresignedUrl]:
    """The same with everything that the URLs say of themselves."""
    plain = _AMPERSANDS.sub(lambda found: "&".ljust(len(found.group()), "&"), text)  # same length: columns stay true
    places = TextPositions(plain, "\n")
    for found in _URL.finditer(plain):
        query = {name.lower(): value for name, value in parse_qsl(found.group("query"), max_num_fields=200)}
        for name, needed, signature, period in _KINDS:
            if all(parameter in query for parameter in needed):
                if len(query[signature]) >= _SHORTEST_SIGNATURE and not _STAND_IN.search(query[signature]):
                    line, column = places.of(found.start())
                    yield PresignedUrl(
                        kind=name,
                        line=line,
                        column=column,
                        signature=Secret(query[signature]),
                        period=period(query),
                        grants=_grants(query),
                    )
                break


def _grants(query: Query) -> str:
    """A method is part of what is signed and not of the URL; only some say it all the same."""
    if "sp" in query:
        return "read" if query["sp"] == "r" else "more"
    if {"uploadid", "partnumber"} & query.keys():
        return "more"
    if "x-id" in query:
        return "read" if query["x-id"] in {"GetObject", "HeadObject"} else "more"
    return "read" if any(name.startswith("response-content-") for name in query) else ""


def _from_date(prefix: str) -> Callable[[Query], Period]:
    def period(query: Query) -> Period:
        try:
            start = datetime.strptime(query[f"{prefix}-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            length = timedelta(seconds=int(query[f"{prefix}-expires"]))
            end = start + length
        except (KeyError, ValueError, OverflowError):
            return Period()
        return Period(length=length, ends_at=end, upper_bound=f"{prefix}-security-token" in query)

    return period


def _until_epoch(query: Query) -> Period:
    try:
        return Period(ends_at=datetime.fromtimestamp(int(query["expires"]), UTC))
    except (KeyError, ValueError, OverflowError, OSError):
        return Period()


def _until_iso(query: Query) -> Period:
    start, end = _iso(query.get("st", "")), _iso(query.get("se", ""))
    if end is None:
        return Period()
    return Period(length=end - start if start is not None else None, ends_at=end)


def _iso(text: str) -> datetime | None:
    """A moment; one without a zone is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


# Kind, parameters that make it one, the one that grants access, and how to read its lifetime. The first that fits.
_KINDS: tuple[tuple[str, tuple[str, ...], str, Callable[[Query], Period]], ...] = (
    ("S3", ("x-amz-signature", "x-amz-expires"), "x-amz-signature", _from_date("x-amz")),
    ("GCS", ("x-goog-signature", "x-goog-expires"), "x-goog-signature", _from_date("x-goog")),
    ("CloudFront", ("key-pair-id", "signature"), "signature", _until_epoch),
    ("S3 v2", ("awsaccesskeyid", "signature", "expires"), "signature", _until_epoch),
    ("GCS v2", ("googleaccessid", "signature", "expires"), "signature", _until_epoch),
    ("Azure SAS", ("sig", "sv"), "sig", _until_iso),
)
