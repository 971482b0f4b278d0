"""The notifications of `upkeep`: what held before it goes into the outbox first, what it found is added and sent."""

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.notifications.notification import NotificationKind
from tokenguard.notifications.outbox import LastUpkeep, UpkeepFinding
from tokenguard.rotation.batch import most_severe_code
from tokenguard.text import pluralize, safe_text
from tokenguard.usecases.send_notifications import Notifier, SendNotificationsParts
from tokenguard.usecases.upkeep_result import Duty, UpkeepLine

_SINGLE = 10
"""Tokens of one owner that are told one by one; more have one cause as a rule."""
_NAMED = 3
_LONGEST = 200
"""Characters."""
_COMMAND = re.compile(r"tokenguard ([^;,:()`]+)")
"""A hint that is a command and nothing else."""


class UpkeepNotices:
    """The notifications of one run of upkeep.

    Args:
        parts: what it takes of the process.
    """

    def __init__(self, parts: SendNotificationsParts) -> None:
        self._parts = parts
        self._notifier = Notifier(parts)

    def before(self) -> Iterator[UpkeepLine]:
        """Take in what holds before the work: a leak that this run ends has to be told too, and at once."""
        try:
            self._notifier.queue()
        except TokenguardError as error:
            yield UpkeepLine.failed(Duty.NOTIFY, "", error)

    def after(self, lines: Sequence[UpkeepLine], manifest: Sequence[str]) -> Iterator[UpkeepLine]:
        """Record the run and send; yields a line for each route, as the other duties do for each token.

        Args:
            lines: what the run did.
            manifest: the words that name its manifest to another command; none if it had none.
        """
        now, owners = self._parts.clock.now(), self._notifier.owners
        findings = tuple(_grouped([each for each in lines if each.code is not ExitCode.OK], manifest, owners, now))
        code = most_severe_code(each.code for each in lines)
        try:
            reports = self._notifier.run(LastUpkeep(at=now, code=int(code), findings=findings))
        except TokenguardError as error:
            yield UpkeepLine.failed(Duty.NOTIFY, "", error)
            return
        for each in reports:
            says = each.reason if each.code is not ExitCode.OK else ""
            sent = f"told {each.route} of {pluralize(len(each.sent), 'event')}" if each.sent else ""
            if says or sent:
                hint = f"tokenguard notify --test --route {each.route}" if says else ""
                yield UpkeepLine(duty=Duty.NOTIFY, name=each.route, code=each.code, says=says or sent, hint=hint)


def _grouped(
    lines: Sequence[UpkeepLine], manifest: Sequence[str], owners: Mapping[str, str], now: datetime
) -> Iterator[UpkeepFinding]:
    groups: dict[tuple[NotificationKind, Duty, str], list[UpkeepLine]] = defaultdict(list)
    for each in lines:
        groups[_kind(each), each.duty, owners.get(each.name, "") if each.name else ""].append(each)
    for (kind, duty, owner), found in groups.items():
        if len(found) <= _SINGLE:
            for each in found:
                yield UpkeepFinding(
                    kind=kind, duty=str(duty), name=each.name, owner=owner, since=now,
                    says=safe_text(f"{duty}: {each.says}", one_line=True, limit=_LONGEST),
                    command=_command(each, kind, manifest),
                )  # fmt: skip
            continue
        named = ", ".join(each.name for each in found[:_NAMED])
        says = f"{duty}: {pluralize(len(found), 'token')}, such as {named}: {found[0].says}"
        commands = {_command(each, kind, manifest) for each in found}
        command = commands.pop() if len(commands) == 1 else "upkeep"
        yield UpkeepFinding(
            kind=kind, duty=str(duty), owner=owner, since=now, command=command,
            says=safe_text(says, one_line=True, limit=_LONGEST),
        )  # fmt: skip


def _kind(line: UpkeepLine) -> NotificationKind:
    if line.rule == "orphan":
        return NotificationKind.ORPHAN
    if line.rule or (line.duty is Duty.CONSUMERS and line.code is ExitCode.FINDINGS):
        return NotificationKind.DRIFT
    kinds = {ExitCode.UNFINISHED: NotificationKind.WAITING, ExitCode.NOT_PROVEN_DEAD: NotificationKind.UNPROVEN}
    return kinds.get(line.code, NotificationKind.FAILED)


def _command(line: UpkeepLine, kind: NotificationKind, manifest: Sequence[str]) -> str:
    if line.duty is Duty.DRIFT:
        return shlex.join(["drift", *manifest, "--ask-providers"])  # as the duty did: orphans are seen there only
    if found := _COMMAND.fullmatch(line.hint):
        return found[1]
    if line.duty is Duty.APPLY:
        return shlex.join(["plan", *manifest])
    ways = {
        NotificationKind.UNPROVEN: f"rotate {line.name} --resume",
        NotificationKind.WAITING: f"rotate {line.name}",
        NotificationKind.DRIFT: f"deliver {line.name}",
    }
    return ways.get(kind, f"show {line.name}") if line.name else "upkeep"
