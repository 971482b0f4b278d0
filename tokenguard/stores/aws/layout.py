"""Where a store is: a region and a prefix, and which secret belongs to what below it."""

import re
from dataclasses import dataclass

from tokenguard.domain.names import TokenId, TokenName
from tokenguard.errors import InputError

_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}){0,4}", re.ASCII)
LONGEST_PREFIX = 90
"""Characters: with the longest token name and an id behind it, a secret's name stays within AWS's 512."""
_HINT = "write aws://REGION/PREFIX, for example aws://eu-central-1/video-team"


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """The address of a store, taken apart."""

    region: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "AwsPlace":
        """Read `aws://REGION/PREFIX`; InputError."""
        region, _, prefix = url.removeprefix("aws://").partition("/")
        prefix = prefix.rstrip("/")
        if not url.startswith("aws://") or not region or len(prefix) > LONGEST_PREFIX or not _PREFIX.fullmatch(prefix):
            raise InputError("not the address of an AWS store", hint=_HINT)
        return cls(region, prefix)

    @property
    def url(self) -> str:
        """How the store is addressed."""
        return f"aws://{self.region}/{self.prefix}"

    @property
    def header(self) -> str:
        """The secret that makes a prefix a store; no token's name starts with `@`."""
        return f"{self.prefix}/@store"

    def shared(self, item: str) -> str:
        """The secret of something that the team shares."""
        return f"{self.prefix}/@shared-{item}"

    def archive(self, token: str, number: int) -> str:
        """One of the secrets that hold a token's older audit entries, counted from 1."""
        return f"{self.prefix}/@log/{token}/{number}"

    def shared_archive(self, item: str, number: int) -> str:
        """The same of a shared item; beside it, so that who may publish may write it."""
        return f"{self.shared(item)}/{number}"

    def primary_secret(self, name: TokenName) -> str:
        """The secret of the token that was first to bear `name`."""
        return f"{self.prefix}/{name}"

    def fallback_secret(self, name: TokenName, token: TokenId) -> str:
        """The secret of a later token of that name: the first one was renamed and keeps its secret."""
        return f"{self.prefix}/{name}@{token}"
