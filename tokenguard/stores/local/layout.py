"""Where an embedded store's files are, and the checks that they are still the ones we opened."""

import os
import stat
from pathlib import Path

from tokenguard.errors import InputError, Tampered, Unreachable
from tokenguard.files import check_private_dir, check_private_file, make_private_dir, shown
from tokenguard.frozen import Frozen
from tokenguard.places import state_dir
from tokenguard.stores.local.network_disk import refuse_network_disk
from tokenguard.stores.refusals import NoStore

STATE_DIR_VARIABLE = "TOKENGUARD_STATE_DIR"


class Identity(Frozen, frozen=True):
    """Which file a name led to."""

    device: int
    inode: int


class StoreDirectory(Frozen, frozen=True):
    """The directory of one store."""

    directory: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.directory / "store.db"

    @property
    def unfinished(self) -> Path:
        """The SQLite file while the store is being made."""
        return self.directory / "store.db.new"

    @property
    def lock(self) -> Path:
        """The lock file; never deleted."""
        return self.directory / "lock"

    @property
    def url(self) -> str:
        """How the store is addressed."""
        from urllib.parse import quote  # only where an address is shown

        return f"local://{quote(os.fsencode(self.directory))}"

    def prepare(self) -> None:
        """Make the directory, private; InputError if others could reach into it, or it is on a network disk."""
        make_private_dir(self.directory)
        refuse_network_disk(self.directory)

    @property
    def companions(self) -> tuple[Path, ...]:
        """What SQLite would take for a part of the database."""
        return tuple(self.database.with_name(self.database.name + suffix) for suffix in ("-journal", "-wal", "-shm"))

    def check_free(self) -> None:
        """InputError if there is a store already, or what SQLite would take for a part of one."""
        if os.path.lexists(self.database):
            raise InputError(
                f"there is a store at {shown(self.directory)} already", hint="use it, or name another place"
            )
        for left in self.companions:
            if os.path.lexists(left):
                raise InputError(f"there is a part of another store: {shown(left)}", hint="move it away, or remove it")

    def check(self) -> None:
        """Refuse a place that is not a store, or that others could reach into."""
        if not self.directory.is_dir() or not os.path.lexists(self.database):
            raise NoStore(
                self.url,
                shown(self.directory),
                "mount its disk, or restore a backup (`tokenguard store restore FILE`)",
                hint=f"create it with `tokenguard --store {self.url} init`, or name another with --store",
            )
        check_private_dir(self.directory)
        refuse_network_disk(self.directory)
        check_private_file(self.database)

    def identity(self) -> Identity:
        """Which file the database's name leads to now; never follows a link."""
        try:
            info = os.lstat(self.database)
        except FileNotFoundError:
            raise Unreachable(
                f"the store at {shown(self.directory)} is gone",
                hint="it was removed while it was in use; restore a backup",
            ) from None
        if not stat.S_ISREG(info.st_mode):
            raise Tampered(
                "the store's file was replaced by something else", hint="check the directory before you continue"
            )
        return Identity(info.st_dev, info.st_ino)


def anchor_directory() -> Path:
    """Where the anchors are: outside every store, under the platform's state directory."""
    base = os.environ.get(STATE_DIR_VARIABLE)
    return (Path(base).absolute() if base else state_dir()) / "anchors"
