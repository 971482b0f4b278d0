"""Endpoint and identity settings for Secrets Manager, from the configuration only."""

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
    """A role assumed with a job's identity from the CI system or cluster."""

    role: str
    """Its ARN."""
    token: Callable[[], Secret]
    """Returns the job's identity token; called again for every session."""
    session: str = "tokenguard"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """The settings for one region."""

    region: str
    endpoint: Address | None = None
    """A custom endpoint; from the configuration only, never from the environment."""
    ca_bundle: Path | None = None
    proxy: Address | None = None
    connect_timeout: float = 5.0
    """Seconds."""
    deadline: float = 15.0
    """Seconds for one request, from the name lookup to the last byte."""
    total: float = 60.0
    """Seconds for all attempts at one request, and for what botocore sends before it to get credentials."""
    attempts: int = 4
    """The maximum number of attempts per request, with AWS's back-off between them."""
    identity: WebIdentity | None = None
    """The role to assume; None for AWS's default credential chain."""
    keyless: bool = False
    """Whether to refuse credentials that never expire."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise InputError("not an AWS region", hint="write aws://REGION/PREFIX, for example aws://eu-central-1/team")
