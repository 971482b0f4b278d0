"""The checks of `doctor`: each returns a finding, its severity, and the command that fixes it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from tokenguard.audit.chain import Checked
from tokenguard.domain.diagnosis import Diagnosis, Level, failed_check, passed_check, prevented_check, warned_check
from tokenguard.domain.document import Snapshot
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.ports.clock import is_behind
from tokenguard.ports.shared_item import Item
from tokenguard.usecases import diagnose_machine as machine
from tokenguard.usecases import diagnose_tokens as tokens
from tokenguard.usecases import diagnose_upkeep as unattended
from tokenguard.usecases.agent_install import AgentInstallParts
from tokenguard.usecases.diagnose_agents import coding_agents
from tokenguard.usecases.diagnose_machine import DiagnoseMachineParts
from tokenguard.usecases.diagnose_tokens import DiagnoseTokensParts
from tokenguard.usecases.diagnose_upkeep import DiagnoseUpkeepParts
from tokenguard.usecases.parts import HasBackend, HasStore
from tokenguard.usecases.verify_store import check_whole, fix_for_damage, problems_of, uncompared, watch_of, wrong_time

_NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""A correct clock never shows an earlier time than this release date."""
_RIGHT_HERE = "if this machine's clock is right"
_RIGHT = f"{_RIGHT_HERE}, correct that of the other machine"
_CORRECTED = "tokenguard approve --clock-was-ahead REASON"


class DiagnoseParts(
    AgentInstallParts, DiagnoseTokensParts, DiagnoseMachineParts, DiagnoseUpkeepParts, HasBackend, Protocol
):
    """What this use case takes."""


def examine(parts: DiagnoseParts) -> Iterator[Diagnosis]:
    """Run every check; a check that fails to run is itself a finding. Raises no TokenguardError."""
    for check in (
        machine.settings,
        machine.policy,
        machine.destinations,
        machine.environment_file,
        machine.hook,
        coding_agents,
    ):
        yield from _made(check, parts)
    opened = list(_made(_store, parts))
    yield from opened
    if any(finding.level is Level.FAIL for finding in opened):
        return
    yield from _made(_health, parts)
    try:
        able = parts.backend.abilities()
    except TokenguardError as error:
        yield prevented_check("role", error)
        return
    inventory: list[Snapshot] = []
    checks = list(_made(_whole, parts, inventory) if able.trails else _made(_own_places, parts))
    yield from checks
    if not able.records:
        yield _not_this_role("inventory", "records")
        return
    try:
        if not able.trails or any(each.level is Level.FAIL for each in checks):
            inventory = list(parts.store.scan())  # what was read may be incomplete
    except TokenguardError as error:
        yield prevented_check("inventory", error)
        return
    upcoming = (tokens.next_rotations,) if able.rotates else ()
    of_tokens = (tokens.leaks, tokens.refused_values, tokens.operations, *upcoming, tokens.lists)
    for look in (_clock, _cost, *of_tokens, unattended.upkeep, unattended.login):
        yield from _made(look, parts, inventory)
    if not able.trails:
        yield _not_this_role("audit", "audit trails")


def _not_this_role(check: str, what: str) -> Diagnosis:
    return Diagnosis(check=check, level=Level.OK, text=f"{what} cannot be read with this login's role; not checked")


def _made(check: Callable[..., Iterator[Diagnosis]], *of_what: object) -> Iterator[Diagnosis]:
    try:
        yield from check(*of_what)
    except TokenguardError as error:
        yield prevented_check(check.__name__.strip("_").replace("_", " "), error)


def _store(parts: DiagnoseParts) -> Iterator[Diagnosis]:
    url = parts.store.url
    seen = "" if watch_of(parts.store) is None else ", and is not older than when this machine last used it"
    yield Diagnosis(check="store", level=Level.OK, text=f"{url} opens{seen}")


def _health(parts: HasBackend) -> Iterator[Diagnosis]:
    """Checks that are specific to this kind of store."""
    return parts.backend.health()


def _cost(parts: HasBackend, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """The store's cost, if it has one."""
    if price := parts.backend.monthly_cost(len(inventory)):
        yield passed_check("cost", price)


def _own_places(parts: HasStore) -> Iterator[Diagnosis]:
    """Foreign entries in the store's folders, if the audit trails may not be read."""
    for problem in problems_of(parts.store):
        text = f"{problem.where}: {problem.what}"
        yield Diagnosis(check="integrity", level=Level.FAIL, text=text, hint=problem.hint, exit_code=ExitCode.TAMPERED)


def _whole(parts: DiagnoseParts, inventory: list[Snapshot]) -> Iterator[Diagnosis]:
    """Integrity of all that is stored; the tokens are read on the way."""
    problems: list[tuple[str, str]] = []
    now = parts.clock.now()
    for each in check_whole(parts.store, inventory):
        if not isinstance(each, Checked):
            problems.append((f"{each.where}: {each.what}", each.hint))
        elif each.broken:
            text = f"audit trail of {each.whose}, entry {each.broken.seq}: {each.broken.reason}"
            problems.append((text, fix_for_damage(parts.store)))
        elif said := wrong_time(each, now):
            right = f"{_RIGHT_HERE}: {_CORRECTED}" if each.chain == Item.APPROVALS.chain else _RIGHT
            yield warned_check("clock", said, f"{right}; `audit log` shows the entries")
    for text, hint in problems:
        yield Diagnosis(check="integrity", level=Level.FAIL, text=text, hint=hint, exit_code=ExitCode.TAMPERED)
    if not problems:
        left = uncompared(parts.store)
        yield passed_check("integrity", f"every row and every audit entry is intact{left and f'; {left}'}")


def _clock(parts: DiagnoseParts, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Due dates and proofs of death rely on this clock; a record that another clock dated ahead waits for its time."""
    now = parts.clock.now()
    latest = max((entry.event.at for entry in parts.store.history(None)), default=_NOT_BEFORE)
    ahead = [each.document for each in inventory if is_behind(now, each.document.latest)]
    for document in ahead:
        name = document.record.name
        yield failed_check(
            "clock",
            f"it is behind the latest time in {name}, {document.latest:%Y-%m-%d %H:%M} UTC",
            f"set the clock before rotating anything; if it is right: tokenguard edit {name} --clock-was-ahead REASON",
        )
    if not ahead and (now < _NOT_BEFORE or is_behind(now, latest)):
        yield failed_check(
            "clock", "it is behind the latest time in the store", "set the clock before rotating anything"
        )
    elif not ahead:
        yield passed_check("clock", "not behind the latest time in the store")
