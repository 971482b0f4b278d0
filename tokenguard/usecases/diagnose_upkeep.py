"""Checks of what runs unattended: what the last upkeep found, and how long this runner's login lasts."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from tokenguard.domain.diagnosis import Diagnosis, passed_check, warned_check
from tokenguard.domain.document import Snapshot
from tokenguard.notifications.conditions import LOGIN_ENDS_SOON, UPKEEP_WITHIN, login_ends_text
from tokenguard.text import pluralize
from tokenguard.usecases.last_upkeep import last_upkeep
from tokenguard.usecases.login_end import login_end
from tokenguard.usecases.parts import HasClock, HasSettings, HasStore

_LISTED = 20


class DiagnoseUpkeepParts(HasClock, HasSettings, HasStore, Protocol):
    """What this use case takes."""


def upkeep(parts: DiagnoseUpkeepParts, _inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Everything that the last upkeep found, and whether one ended lately; nothing where none was recorded."""
    last = last_upkeep(parts)
    if last is None:
        return
    ended, config = f"it last ended on {last.at:%Y-%m-%d at %H:%M} UTC", parts.settings.notify
    if parts.clock.now() - last.at > (UPKEEP_WITHIN if config is None else config.upkeep_within):
        yield warned_check("upkeep", f"{ended}; due tokens are not rotated", "tokenguard upkeep")
    for each in last.findings[:_LISTED]:
        text = f"{each.name}: {each.says}" if each.name else each.says
        yield warned_check("upkeep", text, f"tokenguard {each.command}" if each.command else "")
    if (left := len(last.findings) - _LISTED) > 0:
        yield warned_check("upkeep", f"it found {pluralize(left, 'more problem')}", "tokenguard upkeep")
    if not last.findings:
        yield passed_check("upkeep", f"{ended}, and found nothing")


def login(parts: DiagnoseUpkeepParts, _inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """A login that a person has to replace soon."""
    ends = login_end(parts)
    if ends is not None and ends <= parts.clock.now() + LOGIN_ENDS_SOON:
        hint = "log in again at the store's server, and give this runner the new login"
        yield warned_check("login", login_ends_text(ends, parts.store.actor()), hint)
