"""The embedded store as a backend: its keys, its recovery code, its anchor."""

import os
import shutil
from collections.abc import Iterator

from tokenguard.domain.diagnosis import Diagnosis, Level, passed_check, warned_check
from tokenguard.errors import ExitCode, InputError
from tokenguard.files import shown
from tokenguard.ports.store import underlying_store
from tokenguard.ports.store_backend import CreatedStore, LoginAbilities
from tokenguard.shell.backend_context import BackendContext
from tokenguard.shell.local_store import LocalStore, SlotKey, SlotKind, check_unknown, make_local, open_local
from tokenguard.shell.recovery_code import RecoveryCodeHandover
from tokenguard.stores.local.layout import anchor_directory

_ROOM = 1 << 20
"""Bytes; with fewer free, `doctor` warns."""


class LocalBackend:
    """Implements `StoreBackend`."""

    most_jobs = 1
    shared = False
    roles_need_account = False

    def __init__(self, context: BackendContext) -> None:
        self._context = context

    def create(self, recovery_file: str | None, *, sandbox: bool, anew: bool) -> CreatedStore:  # noqa: ARG002
        """Create the store and hand over its recovery code, or do neither."""
        context = self._context
        if not anew:
            check_unknown(context.local_directory)
        if recovery_file is None and context.tty is None:
            return self._made([], "none")
        with RecoveryCodeHandover(recovery_file, context.tty, done="the store is created") as handover:
            made = self._made([SlotKey.recovery(handover.code)], "file" if recovery_file else "shown")
            context.unfinished = handover.unfinished
            handover.give()
            context.unfinished = handover.unfinished
        return made

    def monthly_cost(self, tokens: int) -> str:  # noqa: ARG002 - the port's signature
        """It is free."""
        return ""

    def role_policies(self) -> dict[str, str]:
        """There are none."""
        raise InputError(
            "a local store has no access policies: its key opens it",
            hint="give --store vault://MOUNT/PREFIX or aws://REGION/PREFIX",
        )

    def job_roles(self, system: str, account: str) -> tuple[str, str]:  # noqa: ARG002 - the port's signature
        """There are none."""
        raise InputError(
            "a pipeline cannot reach a local store", hint="--store vault://MOUNT/PREFIX or aws://REGION/PREFIX"
        )

    def server_address(self) -> str | None:
        """None: there is no server."""
        return None

    def abilities(self) -> LoginAbilities:
        """Its key opens all of it."""
        return LoginAbilities()

    def health(self) -> Iterator[Diagnosis]:
        """Which keys open it, and since when this machine notices an older copy."""
        kinds = [slot.kind for slot in self.opened().slots()]
        yield passed_check("keys", ", ".join(kind.replace("_", " ") for kind in kinds))
        if SlotKind.RECOVERY not in kinds:
            yield warned_check(
                "recovery",
                "there is no recovery code: if the key is lost, the store is lost",
                "tokenguard store add-slot --recovery",
            )
        if SlotKind.KEYRING in kinds:
            yield _keyring()
        yield self._anchor()
        yield from self._disks()

    def opened(self) -> LocalStore:
        """The store itself, opened if the command has none."""
        store = underlying_store(self._context.store)
        if isinstance(store, LocalStore):
            return store
        context = self._context
        return open_local(context.local_directory, context.environ, context.clock, context.ask_hidden)

    def _disks(self) -> Iterator[Diagnosis]:
        """Where each step of an operation is written: the store, and this machine's anchor of it."""
        for folder in (self._context.local_directory, anchor_directory()):
            if not os.access(folder, os.W_OK):
                yield Diagnosis(
                    check="disk",
                    level=Level.FAIL,
                    text=f"{shown(folder)} cannot be written, so no operation can begin",
                    hint="check who owns it and whether its file system is mounted read-only",
                    exit_code=ExitCode.UNREACHABLE,
                )
            elif shutil.disk_usage(folder).free < _ROOM:
                yield warned_check(
                    "disk", f"the disk of {shown(folder)} is almost full", "free some space before the next rotation"
                )

    def _anchor(self) -> Diagnosis:
        watch = self.opened().watch
        if watch.begun:
            return warned_check(
                "anchor",
                "this machine had no anchor of the store: a rollback to an older copy could not be detected until now",
                "compare `tokenguard audit log` with the last changes you know of",
            )
        since = f" since {watch.since:%Y-%m-%d %H:%M} UTC" if watch.since else ""
        return passed_check("anchor", f"this machine has checked the store for rollbacks{since}")

    def _made(self, recovery: list[SlotKey], fate: str) -> CreatedStore:
        context = self._context
        store = make_local(context.local_directory, context.environ, context.clock, context.ask_hidden, recovery)
        store.close()
        return CreatedStore(url=store.url, store_id=store.store_id, recovery=fate)


def _keyring() -> Diagnosis:
    from tokenguard.stores.local.os_keyring import find_keyring  # slow, and an optional dependency

    if find_keyring() is not None:
        return passed_check("keyring", "the OS keyring is available")
    return warned_check(
        "keyring", "the OS keyring is not available", "set TOKENGUARD_KEY_FILE where no person is logged in"
    )
