"""The use case of `init`: a store, and its recovery code in a person's hands, or neither."""

from dataclasses import dataclass

from tokenguard.cli.recovery import Handover
from tokenguard.shell.local import make_local
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.local.slots import SlotKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A store that was just made."""

    url: str
    store_id: str
    recovery: str
    """`file`, `shown` or `none`: what became of the recovery code."""


def found(wiring: Wiring, recovery_file: str | None) -> Founded:
    """Make the local store that is meant.

    Args:
        wiring: the world.
        recovery_file: a new file for the recovery code; None: a terminal shows it, if there is one.

    Raises:
        InputError: a store or the recovery file is there already, or a key source is not acceptable.
        NeedsPerson: there is no key at hand, and nobody may be asked for a passphrase.
    """
    if recovery_file is None and wiring.tty is None:
        return _made(wiring, [], "none")
    with Handover(recovery_file, wiring.tty) as handover:
        made = _made(wiring, [SlotKey.recovery(handover.code)], "file" if recovery_file else "shown")
        handover.give()
    return made


def _made(wiring: Wiring, recovery: list[SlotKey], fate: str) -> Founded:
    store = make_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden, recovery)
    store.close()
    return Founded(url=store.url, store_id=store.store_id, recovery=fate)
