"""What differs between a server and its set-up: pure, from what was read."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum, unique
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.provisioning.server_setup.vault_setup import Resource

Found = Mapping[str, Any] | None
"""What the server has of a resource; None: nothing."""


@unique
class Change(StrEnum):
    """What has to be done."""

    NONE = "none"
    CREATE = "create"
    CHANGE = "change"
    BLOCKED = "blocked"
    """Something else is there under that name, which is not ours to change."""


class Step(Frozen, frozen=True):
    """One resource, held against the server."""

    resource: Resource
    change: Change
    differs: tuple[str, ...] = ()
    """Which of its fields the server has otherwise."""


def steps(resources: Iterable[Resource], read: Callable[[Resource], Found]) -> tuple[Step, ...]:
    """The differences, in order; exceptions of `read` pass through."""
    return tuple(step(each, read(each)) for each in resources)


def step(resource: Resource, found: Found) -> Step:
    """What has to be done for one resource."""
    if found is None:
        return Step(resource, Change.CREATE)
    differs = tuple(name for name, each in resource.wanted.items() if not _same(each, found.get(name)))
    if not differs:
        return Step(resource, Change.NONE)
    return Step(resource, Change.BLOCKED if resource.kind.fixed else Change.CHANGE, differs)


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return False
        # of a role's claims one more or one less is another role; a mount has options that were not asked for
        return all(_same(each, found.get(name)) for name, each in wanted.items()) and not (
            found.keys() - wanted.keys() - _ADDED
        )
    if isinstance(wanted, list):
        given = found if isinstance(found, list) else [found]
        return sorted(map(str, wanted)) == sorted(map(str, given))
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.strip() == found.strip()
    return type(wanted) is type(found) and bool(wanted == found)


_ADDED = frozenset({"mode", "format", "log_raw", "prefix", "hmac_accessor", "elide_list_responses"})
"""Options that a server fills in by itself."""
