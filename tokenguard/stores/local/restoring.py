"""A backup in the place of a store, or a copy that a person put there: checked, and given its own identity.

The identity is what this machine's anchor is named by. With one of its own, neither a copy nor the store that it is a
copy of is taken for an older state of the other.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokenguard.domain.event import STORE_CHAIN, Detail, Event, Op
from tokenguard.errors import InputError, Tampered
from tokenguard.files import fsync_dir, make_private_dir, shown, why_unreadable, write_new
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.clock import Clock
from tokenguard.stores.actor import current_actor
from tokenguard.stores.local import chains
from tokenguard.stores.local.codec import KEYS_ROW, StoreKeys, encode
from tokenguard.stores.local.database import Database
from tokenguard.stores.local.factory import guarded, keys_of, unguarded
from tokenguard.stores.local.integrity_check import check_store
from tokenguard.stores.local.key_slots import Unlock
from tokenguard.stores.local.known_place import KnownPlace
from tokenguard.stores.local.layout import StoreDirectory
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.lock import locked
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.local.sqlite_errors import translated

_STAGE = "restoring"
_ID_BYTES = 16
_KEY_BYTES = 32
_MAGIC = b"SQLite format 3\0"


class Restored(Frozen, frozen=True, kw_only=True):
    """What came of it."""

    session: StoreSession
    keys: StoreKeys
    earlier: str
    """The identity of the store that it is a copy of."""
    kept: Path | None = None
    """Where the files are that were in its place."""


def restore_backup(place: StoreDirectory, backup: Path, unlock: Unlock, clock: Clock) -> Restored:
    """Put the copy `backup` in the place of the store, whole or not at all; what was there is kept beside it.

    Raises:
        InputError: it is not a backup.
        WrongKey: no key at hand opens it.
        Tampered: it is damaged; nothing was changed.
    """
    data = _read(place, backup)
    with _prepared(place), locked(place.lock, clock), _stage(place) as staged:
        with translated():
            write_new(staged.database, data)
        with _of_backup(backup):
            copy = unguarded(staged, unlock, clock)
            earlier = _made_anew(copy, "backup")
        with translated(), _set_aside(place, staged.database, clock) as kept:
            staged.database.rename(place.database)
            fsync_dir(place.directory)
    session, keys = _adopted(StoreSession(place, Database(place), copy.sealer, None, clock, slot=copy.slot))
    return Restored(session=session, keys=keys, earlier=earlier, kept=kept)


def accept_in_place(place: StoreDirectory, unlock: Unlock, clock: Clock) -> Restored:
    """Accept the store that is in place now and forget the state this machine saw before.

    Raises:
        InputError: there is no store.
        WrongKey: no key at hand opens it.
        Tampered: it is damaged; nothing was changed.
    """
    with translated():
        place.check()
    found = unguarded(place, unlock, clock)
    earlier = _made_anew(found, "in place")
    session, keys = _adopted(found)
    return Restored(session=session, keys=keys, earlier=earlier)


def check_backup(place: StoreDirectory, backup: Path) -> None:
    """Refuse a file that cannot be a store's backup, before a person is asked anything.

    Raises:
        InputError: it cannot be read, is the store's own file, or is not a database.
    """
    _read(place, backup)


@contextmanager
def _of_backup(backup: Path) -> Iterator[None]:
    """Say of a damaged copy that it is the backup, and that another one is needed; the store is unchanged."""
    try:
        yield
    except Tampered as error:
        raise Tampered(
            f"the backup {shown(backup)} is damaged: {error.message}; the store was not changed",
            hint="restore another backup: tokenguard store restore FILE",
        ) from None


def _read(place: StoreDirectory, backup: Path) -> bytes:
    hint = "name a file that `tokenguard store backup` wrote"
    try:
        if os.path.lexists(place.database) and backup.samefile(place.database):
            raise InputError("this is the store's own file", hint="name a backup, or accept the file with --in-place")
        with os.fdopen(os.open(backup, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read() if plain else b""
    except OSError as error:
        raise InputError(f"cannot read {shown(backup)}: {why_unreadable(error)}", hint=hint) from None
    if not data.startswith(_MAGIC):
        raise InputError(f"not the backup of a store: {shown(backup)}", hint=hint)
    return data


@contextmanager
def _prepared(place: StoreDirectory) -> Iterator[None]:
    """The store's directory; one that had to be made is gone again if nothing came of it."""
    fresh = not os.path.lexists(place.directory)
    with translated():
        place.prepare()
    try:
        yield
    except BaseException:
        if fresh:
            with suppress(OSError):
                place.lock.unlink()
                place.directory.rmdir()
        raise


@contextmanager
def _stage(place: StoreDirectory) -> Iterator[StoreDirectory]:
    """A store's place of its own, inside the store's directory; gone afterwards."""
    staged = StoreDirectory(place.directory / _STAGE)
    with translated():
        with suppress(FileNotFoundError):
            shutil.rmtree(staged.directory)
        make_private_dir(staged.directory)
    try:
        yield staged
    finally:
        shutil.rmtree(staged.directory, ignore_errors=True)


def _made_anew(session: StoreSession, how: str) -> str:
    """Check all of a copy, then give it an identity and an anchor key of its own, with the event that says so."""
    try:
        keys = keys_of(session)
        for problem in check_store(session):
            raise damaged(f"the copy is damaged ({problem.where}): {problem.what}")
        earlier = (keys.identity or session.store_id).hex()
        fresh = replace(keys, identity=os.urandom(_ID_BYTES), anchor=os.urandom(_KEY_BYTES))
        with session.writing() as work:
            work.rows.put(RowKind.KEYS, KEYS_ROW, encode(fresh))
            detail: Detail = {"result": how, "earlier": earlier}
            event = Event(at=session.clock.now(), op=Op.RESTORE, actor=current_actor(), detail=detail)
            chains.lengthen(work.rows, STORE_CHAIN, [event])
    finally:
        session.database.close()
    return earlier


@contextmanager
def _set_aside(place: StoreDirectory, coming: Path, clock: Clock) -> Iterator[Path | None]:
    """Move what is in the place of the store, links and directories too, to a directory beside it.

    It is back in its place if the file that is `coming` there did not come.
    """
    there = [path for path in (*place.companions, place.database) if os.path.lexists(path)]
    aside = place.directory / f"replaced-{clock.now():%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}" if there else None
    try:
        if aside is not None:
            make_private_dir(aside)
            for path in there:
                path.rename(aside / path.name)
            fsync_dir(aside)
        yield aside
    except BaseException:
        if aside is not None and os.path.lexists(coming):
            _put_back(aside, place)
        raise


def _put_back(aside: Path, place: StoreDirectory) -> None:
    """The database last, as it was taken: until then there is no store here."""
    for path in (*place.companions, place.database):
        if os.path.lexists(aside / path.name):
            (aside / path.name).rename(path)
    with suppress(OSError):
        aside.rmdir()


def _adopted(session: StoreSession) -> tuple[StoreSession, StoreKeys]:
    """Start to monitor the store that is in place now, and forget the state this machine saw before."""
    return guarded(session, KnownPlace(session.place.directory, anew=True))
