"""Migration marker stored in a store: outgoing, moved, or incoming."""

import re
from datetime import datetime
from enum import StrEnum, unique

from tokenguard.errors import Moved
from tokenguard.frozen import Frozen

_PLAIN = re.compile(r"(?:local|vault|aws)://[A-Za-z0-9/._~%@:+-]{1,1000}", re.ASCII)


@unique
class MoveStage(StrEnum):
    """A store's role in a migration and its stage."""

    LEAVING = "leaving"
    """Copying has begun: neither store accepts changes."""
    LEFT = "left"
    """Everything is at the target; this store is only a copy."""
    ARRIVING = "arriving"
    """Incoming: the content is not complete yet."""
    ARRIVED = "arrived"
    """An ordinary store that records where its content came from."""


class Move(Frozen, frozen=True, kw_only=True):
    """One migration between two stores, as recorded in one of them."""

    id: str
    """32 hex digits, the same at both ends."""
    stage: MoveStage
    other: str
    """The address of the store at the other end, as it was given. Told to people; nothing ever goes there by itself."""
    other_id: str
    """That store's id."""
    since: datetime
    """When copying began."""


def plain_address(url: str) -> str:
    """Return a store's address for display in a command, or a placeholder if it is not a plain address.

    The address was read from a store, so it could be used to inject a shell command.
    """
    return url if _PLAIN.fullmatch(url) else "(an invalid address)"


def check_may_come(move: Move | None, here: str) -> None:
    """Refuse a new token in a store that is leaving or has left; Moved."""
    if move is not None and move.stage in {MoveStage.LEAVING, MoveStage.LEFT} and (refused := refusal(move, here)):
        raise refused


def refusal(move: Move | None, here: str) -> Moved | None:
    """Why nothing may be read or changed in the store at `here`; None if everything may."""
    if move is None or move.stage is MoveStage.ARRIVED:
        return None
    other = plain_address(move.other)
    if move.stage is MoveStage.LEFT:
        return Moved(
            f"the store at {here} has moved to {other}",
            hint=f"use the new one (--store {other}, or [store] url); destroy the old one, which still has copies",
        )
    if move.stage is MoveStage.LEAVING:
        return Moved(
            f"the migration of the store at {here} to {other} is not finished",
            hint=f"continue: tokenguard --store {here} migrate --to {other}; or abort it with migrate --abort",
        )
    return Moved(
        f"the migration from {other} to the store at {here} is not finished",
        hint=f"continue: tokenguard --store {other} migrate --to {here}; if it was abandoned, destroy this store",
    )
