"""Where Secrets Manager is and as whom it is asked; from the configuration only."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.http.address import Address

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """A role that is taken with the identity which CI or a cluster gives a job."""

    role: str
    """Its ARN."""
    token: Callable[[], Secret]
    """Gets the job's identity; asked again whenever a session ends."""
    session: str = "tokenguard"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """One region, as one configuration sees it."""

    region: str
    endpoint: Address | None = None
    """Another place that speaks AWS's protocol; from the configuration only, never from the environment."""
    ca_bundle: Path | None = None
    proxy: Address | None = None
    connect_timeout: float = 5.0
    """Seconds."""
    read_timeout: float = 15.0
    """Seconds."""
    attempts: int = 4
    """How often a request is made at most; AWS's own back-off lies between."""
    identity: WebIdentity | None = None
    """Whom to be; None: what AWS's default chain finds."""
    keyless: bool = False
    """Whether credentials that never expire are refused."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise InputError("not an AWS region", hint="write aws://REGION/PREFIX, for example aws://eu-central-1/team")
