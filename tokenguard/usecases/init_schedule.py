"""The use case of `init --schedule`: renders what starts `upkeep` and `notify` on a machine or a cluster."""

import getpass
import shutil
import sys
from pathlib import Path
from typing import Protocol

from tokenguard.errors import InputError
from tokenguard.file_replacement import replace_kept
from tokenguard.files import not_written, shown
from tokenguard.provisioning.schedules import (
    ScheduledRun,
    Scheduler,
    cron_jobs,
    cron_lines,
    start_time,
    systemd_units,
)
from tokenguard.text import pluralize
from tokenguard.usecases.init_ci import pipeline_template
from tokenguard.usecases.load_manifest import DEFAULT_FILE
from tokenguard.usecases.parts import (
    HasBackend,
    HasEnvironment,
    HasPolicy,
    HasPrinter,
    HasProgress,
    HasSettings,
    HasStoreUrl,
)

_FILES_OF_KEYS = ("TOKENGUARD_KEY_FILE", "TOKENGUARD_PASSPHRASE_FILE", "TOKENGUARD_STATE_DIR")
"""Variables of a local store that name paths; they are not secrets."""
_READABLE = 0o644
_EXAMPLE_SERVER = "https://vault.example.org:8200"


class InitScheduleParts(
    HasBackend, HasEnvironment, HasPolicy, HasPrinter, HasProgress, HasSettings, HasStoreUrl, Protocol
):
    """What this use case takes."""


def render_schedule(parts: InitScheduleParts, scheduler: Scheduler, *, image: str, into: str) -> None:
    """Print the files, or write new ones into a directory.

    Raises:
        InputError: the store cannot be reached from there, a path cannot be written, or a file exists.
    """
    rule = parts.policy.rule("unattended-rotation")
    windows = rule.words("windows") if rule else ()
    if scheduler is Scheduler.KUBERNETES:
        address = parts.backend.server_address()
        if address is None:
            raise InputError(
                "a CronJob is rendered for a store on Vault only",
                hint="--store vault://MOUNT/PREFIX, or --schedule cron",
            )
        files = cron_jobs(
            pipeline_template("../cronjob.yaml"),
            store=parts.store_url,
            address=address or _EXAMPLE_SERVER,
            role=parts.backend.job_roles("kubernetes", "")[1].replace("-kubernetes-", "-"),
            image=image,
            windows=windows,
        )
    else:
        run = _run(parts, windows)
        files = systemd_units(run) if scheduler is Scheduler.SYSTEMD else cron_lines(run)
    if into:
        _write(Path(into), files)
    _show(parts, files, into)
    at = start_time(windows)
    parts.progress.note(f"upkeep starts at {at.hour:02}:{at.minute:02} UTC" + _window_words(windows))
    if scheduler is Scheduler.KUBERNETES:
        parts.progress.note(
            "tokenguard-notify is suspended: add [notify.routes.NAME] to the ConfigMap, then remove `suspend`"
        )
    else:
        for each in _missing(parts, scheduler):
            parts.progress.note(each)


def _run(parts: InitScheduleParts, windows: tuple[str, ...]) -> ScheduledRun:
    environ = {name: str(Path(parts.environ[name]).absolute()) for name in _FILES_OF_KEYS if parts.environ.get(name)}
    if parts.settings.source is not None:
        environ["TOKENGUARD_CONFIG"] = str(parts.settings.source)
    beside = Path(sys.executable).with_name("tokenguard")
    program = str(beside) if beside.is_file() else shutil.which("tokenguard")
    if program is None:
        raise InputError("tokenguard is not installed as a command here", hint="install it, and run this again")
    manifest = Path(DEFAULT_FILE)
    return ScheduledRun(
        program=program,
        store=parts.store_url,
        user=getpass.getuser(),
        environ=environ,
        manifest=str(manifest.absolute()) if manifest.exists() else "",
        windows=windows,
        notifies=_notifies(parts),
    )


def _notifies(parts: HasSettings) -> bool:
    return parts.settings.notify is not None and bool(parts.settings.notify.routes)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        place = folder / name
        if place.exists() and place.read_text(encoding="utf-8") != text:
            raise InputError(f"{shown(place)} exists with other content", hint="remove it, or give another directory")
    try:
        for name, text in files.items():
            replace_kept(folder / name, text.encode(), fresh=_READABLE)
    except OSError as error:
        hint = "give --into a directory that exists and that you can write to"
        raise not_written(folder / name, error, hint=hint) from None


def _show(parts: HasPrinter, files: dict[str, str], into: str) -> None:
    if parts.screen.as_json:
        parts.screen.document({"files": [{"path": name, "text": text} for name, text in files.items()]})
    elif into:
        parts.screen.line(f"wrote {pluralize(len(files), 'file')} into {shown(Path(into))}: {', '.join(files)}")
    else:
        for name, text in files.items():
            if len(files) > 1:
                parts.screen.line(f"# {name}")
            parts.screen.text(text)


def _window_words(windows: tuple[str, ...]) -> str:
    return f", in the policy's windows ({', '.join(windows)})" if windows else ""


def _missing(parts: HasSettings, scheduler: Scheduler) -> list[str]:
    """What a person has to add: credentials are in no file that this command writes."""
    names = sorted(parts.settings.credential_variables())
    place = "/etc/tokenguard/environment (mode 0600)" if scheduler is Scheduler.SYSTEMD else "the crontab's environment"
    found = [f"put the variables {', '.join(names)} into {place}"] if names else []
    if not _notifies(parts):
        found.append(
            "no route is configured, so `notify` is not scheduled: add [notify.routes.NAME], and run this again"
        )
    return found
