"""Detects foreign secrets below a store's prefix, which are skipped and reported."""

import re
from collections.abc import Sequence

from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.layout import AwsPlace

_ITEMS = "|".join(map(re.escape, Item))
_OWN = re.compile(rf"@store|@shared-(?:{_ITEMS})(?:/\d+)?|@log/[0-9a-f]{{32}}/\d+", re.ASCII)
"""The reserved names below `PREFIX/@`; no token's name starts with `@`."""


class Strays:
    """The foreign secrets found in one store."""

    def __init__(self, place: AwsPlace) -> None:
        self._place = place
        self._names: set[str] = set()

    @property
    def found(self) -> Sequence[Stray]:
        """The foreign secrets, ordered by name."""
        return [self._stray(name) for name in sorted(self._names)]

    def note(self, secret: str) -> None:
        """Record a secret as foreign."""
        self._names.add(secret)

    def look(self, secret: str) -> None:
        """Record a secret below the reserved names, unless the store creates it."""
        if not _OWN.fullmatch(secret.removeprefix(f"{self._place.prefix}/")):
            self.note(secret)

    def _stray(self, name: str) -> Stray:
        look = f"aws secretsmanager describe-secret --region {self._place.region} --secret-id '{name}'"
        return Stray(
            where=name,
            what="tokenguard did not write this",
            hint=f"find its writer with `{look}` and CloudTrail; if it is a mistake, delete it or remove its tg: tags",
        )
