"""Making a store, and giving its recovery code to a person: on a terminal, or in a private file, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.files import create_private, replace_file, shown
from tokenguard.ports.clock import Clock
from tokenguard.shell.local import make_local
from tokenguard.shell.tty import Tty


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A store that was just made."""

    url: str
    store_id: str
    recovery: str
    """`file`, `shown` or `none`: what became of the recovery code."""


def found(
    directory: Path, environ: Mapping[str, str], clock: Clock, tty: Tty | None, *, recovery_file: str | None
) -> Founded:
    """Make a store in `directory`.

    Args:
        directory: where; made 0700.
        environ: names the key sources.
        clock: dates the first event.
        tty: where to ask for a passphrase and show the recovery code; None if nobody is there.
        recovery_file: a new file for the recovery code.

    Raises:
        InputError: a store or the recovery file is there already, or a key source is not acceptable.
        NeedsPerson: there is no key at hand, and nobody may be asked for a passphrase.
    """
    place = _reserved(recovery_file)
    wanted = place is not None or tty is not None
    try:
        store, code = make_local(directory, environ, clock, tty.ask_hidden if tty else None, recovery=wanted)
    except BaseException:
        if place is not None:
            place.unlink(missing_ok=True)
        raise
    try:
        return Founded(url=store.url, store_id=store.store_id, recovery=_hand_over(code, place, tty))
    finally:
        store.close()


def _reserved(recovery_file: str | None) -> Path | None:
    """Claim the file before the store exists, so that no store is made whose recovery code cannot be kept."""
    if recovery_file is None:
        return None
    path = Path(recovery_file).expanduser().absolute()
    try:
        create_private(path, b"")
    except FileExistsError:
        raise InputError(f"there is a file at {shown(path)} already", hint="name a new file") from None
    except OSError:
        raise InputError(f"cannot write {shown(path)}", hint="name a new file in a directory of yours") from None
    return path


def _hand_over(code: Secret | None, place: Path | None, tty: Tty | None) -> str:
    if code is None:
        return "none"
    if place is not None:
        replace_file(place, code.reveal().encode() + b"\n")
        return "file"
    if tty is None:
        return "none"
    tty.show()
    tty.show("  The recovery code opens this store if its key is lost. It is shown this once; keep it on paper:")
    tty.show()
    tty.show(f"    {code.reveal()}")
    tty.show()
    tty.ask("  Press Enter when it is written down: ")
    return "shown"
