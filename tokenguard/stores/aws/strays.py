"""Secrets in the places of a store that are not tokenguard's: passed over, and told."""

import re
from collections.abc import Sequence

from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.layout import AwsPlace

_ITEMS = "|".join(map(re.escape, Item))
_OWN = re.compile(rf"@store|@shared-(?:{_ITEMS})(?:/\d+)?|@log/[0-9a-f]{{32}}/\d+", re.ASCII)
"""What may lie below `PREFIX/@`: no token's name begins with that, so everything there is the store's."""


class Strays:
    """What was found of one store."""

    def __init__(self, place: AwsPlace) -> None:
        self._place = place
        self._names: set[str] = set()

    @property
    def found(self) -> Sequence[Stray]:
        """In the order of their names."""
        return [self._stray(name) for name in sorted(self._names)]

    def note(self, secret: str) -> None:
        """Pass over a secret."""
        self._names.add(secret)

    def look(self, secret: str) -> None:
        """Note a secret below the store's own names, unless it is one that the store makes."""
        if not _OWN.fullmatch(secret.removeprefix(f"{self._place.prefix}/")):
            self.note(secret)

    def _stray(self, name: str) -> Stray:
        look = f"aws secretsmanager describe-secret --region {self._place.region} --secret-id '{name}'"
        return Stray(
            where=name,
            what="tokenguard did not write this",
            hint=f"see `{look}` and CloudTrail for who did; if it is a mistake, take its tg: tags off, or delete it",
        )
