"""The address of a store (region and prefix) and the names of its secrets."""

import re
from dataclasses import dataclass

from tokenguard.domain.names import TokenId, TokenName
from tokenguard.errors import InputError

_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}){0,4}", re.ASCII)
LONGEST_PREFIX = 90
"""Characters; with the longest token name and an id appended, a secret's name fits AWS's limit of 512."""
_HINT = "write aws://REGION/PREFIX, for example aws://eu-central-1/video-team"


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """The parsed address of a store."""

    region: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "AwsPlace":
        """Parse `aws://REGION/PREFIX`; InputError for anything else."""
        region, _, prefix = url.removeprefix("aws://").partition("/")
        prefix = prefix.rstrip("/")
        if not url.startswith("aws://") or not region or len(prefix) > LONGEST_PREFIX or not _PREFIX.fullmatch(prefix):
            raise InputError("not the address of an AWS store", hint=_HINT)
        return cls(region, prefix)

    @property
    def url(self) -> str:
        """The store's address."""
        return f"aws://{self.region}/{self.prefix}"

    @property
    def header(self) -> str:
        """The secret with the store's description; no token's name starts with `@`."""
        return f"{self.prefix}/@store"

    def shared(self, item: str) -> str:
        """Return the secret of a shared item."""
        return f"{self.prefix}/@shared-{item}"

    def archive(self, token: str, number: int) -> str:
        """Return an archive secret for a token's older audit entries, counted from 1."""
        return f"{self.prefix}/@log/{token}/{number}"

    def shared_archive(self, item: str, number: int) -> str:
        """Return an archive secret of a shared item, below the item so that its publishers may write it."""
        return f"{self.shared(item)}/{number}"

    def primary_secret(self, name: TokenName) -> str:
        """Return the secret of the first token that had `name`."""
        return f"{self.prefix}/{name}"

    def fallback_secret(self, name: TokenName, token: TokenId) -> str:
        """Return the secret of a later token of that name, if the first one was renamed and keeps its secret."""
        return f"{self.prefix}/{name}@{token}"
