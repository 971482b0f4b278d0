"""Copies of an embedded store. A copy is sealed as the store is, and opens with the same keys."""

import os
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import create_private, fsync_dir, not_written, shown
from tokenguard.stores.local.beside import check_beside
from tokenguard.stores.local.lock import locked
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.sqlite_errors import translated


def back_up(session: StoreSession, to: Path) -> None:
    """Copy a proven store into the new file `to` (0600), durable when it returns; gone again if nothing came of it."""
    with session.reading():
        pass  # proves root and anchor: a damaged store must not replace a good backup
    if os.path.lexists(to):
        raise not_written(to, FileExistsError())
    if not to.parent.is_dir():
        raise InputError(f"there is no directory {shown(to.parent)}", hint="create it, or name a file elsewhere")
    _check_name(to)
    with locked(session.place.lock, session.clock, shared=True), translated():
        check_beside(to)
        try:
            create_private(to, b"")
        except OSError as error:
            raise not_written(to, error) from None
        try:
            session.database.copy_to(to)
            fsync_dir(to.parent)
        except BaseException:
            to.unlink(missing_ok=True)
            raise


def _check_name(to: Path) -> None:
    """Refuse a name that leaves no room for that of SQLite's journal beside the file; InputError."""
    try:
        os.lstat(f"{to}-journal")
    except FileNotFoundError:
        return
    except OSError:
        raise InputError(f"the name of {shown(to)} is too long", hint="name a file with a shorter name") from None
