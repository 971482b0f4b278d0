"""Secrets below a store's prefix that are skipped and reported: foreign ones, and those that listings do not show."""

import re
from collections.abc import Sequence
from enum import Enum, unique

from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.projection import STORE, TOKEN

_ITEMS = "|".join(map(re.escape, Item))
_OWN = re.compile(rf"@store|@shared-(?:{_ITEMS})(?:/\d+)?|@log/[0-9a-f]{{32}}/\d+", re.ASCII)
"""The reserved names below `PREFIX/@`; no token's name starts with `@`."""


@unique
class Kind(Enum):
    """Why a secret is skipped."""

    FOREIGN = "tokenguard did not write this"
    DOOMED = "it is scheduled for deletion, and contains data of the store"
    UNTAGGED = "this token's secret lacks the store's tags"
    ALTERED = "the tags of this token's secret are not what tokenguard wrote"
    NAMELESS = (
        "this secret holds a token, but it lacks the store's tags, and the store has no entry for the token's name"
    )


_OMITTED = frozenset({Kind.DOOMED, Kind.NAMELESS})
"""What no list shows, and may be a token."""


class Strays:
    """The skipped secrets of one store."""

    def __init__(self, place: AwsPlace, store_id: str) -> None:
        self._place = place
        self._store_id = store_id
        self._kinds: dict[str, tuple[Kind, str]] = {}

    @property
    def found(self) -> Sequence[Stray]:
        """The skipped secrets, ordered by name."""
        return [self._stray(name, *self._kinds[name]) for name in sorted(self._kinds)]

    def note(self, secret: str, kind: Kind = Kind.FOREIGN, token: str = "") -> None:
        """Record a secret as skipped; `token` names the token in it, where that is known."""
        self._kinds[secret] = (kind, token)

    def is_own(self, secret: str) -> bool:
        """Whether the store itself keeps something in a secret of that name."""
        return bool(_OWN.fullmatch(self._below(secret)))

    def look(self, secret: str) -> None:
        """Record a secret below the reserved names, unless the store creates it."""
        if self._below(secret).startswith("@") and not self.is_own(secret):
            self.note(secret)

    def _below(self, secret: str) -> str:
        return secret.removeprefix(f"{self._place.prefix}/")

    def _stray(self, name: str, kind: Kind, token: str) -> Stray:
        aws, at = "aws secretsmanager", f"--region {self._place.region} --secret-id '{name}'"
        hints = {
            Kind.FOREIGN: f"find its writer with `{aws} describe-secret {at}` and CloudTrail; if it is a mistake, "
            "delete it or remove its tg: tags",
            Kind.DOOMED: f"restore it within its recovery window: `{aws} restore-secret {at}`",
            Kind.NAMELESS: "CloudTrail shows what removed the tags; write them again: "
            f"`{aws} tag-resource {at} --tags Key={STORE},Value={self._store_id} Key={TOKEN},Value={token}`",
            Kind.ALTERED: f"`tokenguard verify {token}` writes them again; CloudTrail shows what changed them",
            Kind.UNTAGGED: f"`tokenguard verify {token}` writes them again; CloudTrail shows what removed them",
        }
        return Stray(where=name, what=kind.value, hint=hints[kind], omits=kind in _OMITTED and not self.is_own(name))
