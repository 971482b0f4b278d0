"""Renders schedules of `upkeep` and `notify`: systemd units, cron lines, Kubernetes CronJobs. Pure."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.windows import open_at

_USUAL = datetime(2026, 1, 5, 4, 17, tzinfo=UTC)
"""A Monday; the minute is not a round one, at which every other schedule starts."""
_EVERY_DAY = "*-*-*"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_IN_TMP = re.compile(r"(?:^|://)(?:/var)?/tmp/")
"""A path that a unit with a `/tmp` of its own would not have."""
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,200}@sha256:[0-9a-f]{64}", re.ASCII)
_EXAMPLE = {
    "store": "vault://kv/video",
    "address": "https://vault.example.org:8200",
    "role": "tg-kv-video-rotator",
    "image": f"images.example.org/tokenguard@sha256:{'0' * 64}",
}
"""What the template of the CronJob has in the place of a team's own facts."""


@unique
class Scheduler(StrEnum):
    """What starts the commands."""

    SYSTEMD = "systemd"
    CRON = "cron"
    KUBERNETES = "kubernetes"


class ScheduledRun(Frozen, frozen=True, kw_only=True):
    """What is started on a machine, and with which environment."""

    program: str
    """The absolute path of tokenguard."""
    store: str
    user: str
    environ: Mapping[str, str]
    """Variables that name files; no credential."""
    manifest: str = ""
    """An absolute path; empty: none."""
    windows: Sequence[str] = ()
    """When the policy lets an unattended rotation begin."""
    notifies: bool = True
    """Whether a receiver is configured; `notify` fails without one, so it is not scheduled then."""

    @property
    def upkeep(self) -> tuple[str, ...]:
        """The words of the daily command."""
        return (*self._begin, "upkeep", *([self.manifest] if self.manifest else []), "--no-input")

    @property
    def notify(self) -> tuple[str, ...]:
        """The words of the frequent command."""
        return (*self._begin, "notify", "--no-input")

    @property
    def _begin(self) -> tuple[str, ...]:
        return (self.program, "--store", self.store)


class StartTime(Frozen, frozen=True):
    """When upkeep starts, in UTC: a time of day on some days of the week."""

    hour: int
    minute: int
    days: tuple[int, ...] = ()
    """Monday is 0; none: every day."""


def start_time(windows: Sequence[str]) -> StartTime:
    """The usual time, or the first one after it at which the policy's windows let rotations begin."""
    for later in range(0, 24 * 60, 15):
        at = _USUAL + timedelta(minutes=later)
        days = [day for day in range(7) if open_at(windows, _same_time(at, day))]
        if days:
            return StartTime(at.hour, at.minute, () if len(days) == len(_DAYS) else tuple(days))
    raise InputError(
        "no window of the policy is 15 minutes or longer", hint="`tokenguard policy show` lists the windows"
    )


def _same_time(at: datetime, day: int) -> datetime:
    return _USUAL.replace(hour=at.hour, minute=at.minute) + timedelta(days=day)


def systemd_units(run: ScheduledRun) -> dict[str, str]:
    """The text of each unit, by its file name."""
    at = start_time(run.windows)
    days = f"{','.join(_DAYS[day] for day in at.days)} " if at.days else ""
    daily = f"OnCalendar={days}{_EVERY_DAY} {at.hour:02}:{at.minute:02}:00 UTC\nPersistent=true"
    units = {
        "tokenguard-upkeep.service": _service("resume, rotate, verify and detect drift", run, run.upkeep, "2h"),
        "tokenguard-upkeep.timer": _timer("upkeep of tokenguard once a day", daily),
    }
    if not run.notifies:
        return units
    often = "OnBootSec=5min\nOnUnitInactiveSec=10min"
    return {
        **units,
        "tokenguard-notify.service": _service("send notifications", run, run.notify, "15min"),
        "tokenguard-notify.timer": _timer("notifications of tokenguard every 10 minutes", often),
    }


def _service(says: str, run: ScheduledRun, words: Sequence[str], limit: str) -> str:
    environ = "".join(f"Environment={_unit_word(f'{name}={text}')}\n" for name, text in sorted(run.environ.items()))
    shares_tmp = any(map(_IN_TMP.search, (*words, *run.environ.values())))
    private_tmp = "" if shares_tmp else "PrivateTmp=true\n"
    return (
        f"[Unit]\nDescription=tokenguard: {says}\nWants=network-online.target\nAfter=network-online.target\n\n"
        f"[Service]\nType=oneshot\nUser={run.user}\n{environ}"
        "# credentials that the configuration takes from variables\n"
        "EnvironmentFile=-/etc/tokenguard/environment\n"
        f"ExecStart={' '.join(map(_unit_word, words))}\nTimeoutStartSec={limit}\n"
        f"UMask=0077\nNoNewPrivileges=true\n{private_tmp}"
    )


def _timer(says: str, when: str) -> str:
    return f"[Unit]\nDescription={says}\n\n[Timer]\n{when}\n\n[Install]\nWantedBy=timers.target\n"


def _unit_word(text: str) -> str:
    """One word of a unit, as systemd.syntax and systemd.service describe quotes and specifiers."""
    _check_plain(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;]", text) else escaped


def cron_lines(run: ScheduledRun) -> dict[str, str]:
    """A crontab; its times are those of the machine, so it says which ones they are in UTC."""
    at = start_time(run.windows)
    days = ",".join(str(day + 1) for day in at.days) or "*"
    begin = " ".join(f"{name}={shlex.quote(text)}" for name, text in sorted(run.environ.items()))
    lines = [
        "# times are UTC: in another time zone shift the hour, or set CRON_TZ where cron has it",
        f"{at.minute} {at.hour} * * {days} {_cron_command(begin, run.upkeep)}",
        *([f"*/10 * * * * {_cron_command(begin, run.notify)}"] if run.notifies else []),
    ]
    return {"tokenguard.crontab": "\n".join(lines) + "\n"}


def _cron_command(begin: str, words: Sequence[str]) -> str:
    text = f"{begin} {shlex.join(words)}".strip()
    _check_plain(text)
    return text.replace("%", "\\%")  # which cron takes for a line break


def _check_plain(text: str) -> None:
    if not text.isprintable():
        raise InputError("a path or address for the schedule is not plain text", hint="use paths without line breaks")


def cron_jobs(
    template: str, *, store: str, address: str, role: str, image: str, windows: Sequence[str]
) -> dict[str, str]:
    """The manifest of the CronJobs for a store on Vault.

    The configuration in it names no receiver, so `notify` is suspended until a person has added one.

    Args:
        template: the text of `pipelines/cronjob.yaml`.
        store: its address.
        address: of the server.
        role: the rotator's role there.
        image: NAME@sha256:DIGEST; empty: a placeholder.
        windows: when the policy lets an unattended rotation begin.
    """
    if image and not _IMAGE.fullmatch(image):
        raise InputError("the image is not given by digest", hint="--image NAME@sha256:DIGEST")
    at = start_time(windows)
    given = {"store": store, "address": address, "role": role, "image": image or _EXAMPLE["image"]}
    for name, text in given.items():
        if not re.fullmatch(r"[A-Za-z0-9 ._:/@%-]+", text):
            raise InputError(f"the {name} cannot be written in the manifest", hint="use plain text without quotes")
        template = template.replace(_EXAMPLE[name], text)
    days = ",".join(str(day + 1) for day in at.days) or "*"
    template = template.replace(
        'schedule: "17 4 * * *"', f'schedule: "{at.minute} {at.hour} * * {days}"\n  timeZone: Etc/UTC'
    )
    head, _, job = template.rpartition("---\n")
    often = re.sub(
        r'schedule: "[^"]*"', 'suspend: true # until [notify.routes.NAME] is above\n  schedule: "*/10 * * * *"', job
    )
    often = often.replace("\n  name: tokenguard\n", "\n  name: tokenguard-notify\n").replace(
        "upkeep, --no-input", "notify, --no-input"
    )
    job = job.replace("\n  name: tokenguard\n", "\n  name: tokenguard-upkeep\n")
    return {"tokenguard-cronjobs.yaml": f"{head}---\n{job}---\n{often}"}
