"""Making and opening an embedded store with the keys of this machine."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.ports.clock import Clock
from tokenguard.shell.unlock import KeySources
from tokenguard.stores.local.store import LocalStore, create_store, open_store

Ask = Callable[[str], Secret]


def open_local(directory: Path, environ: Mapping[str, str], clock: Clock, ask: Ask | None) -> LocalStore:
    """Open the store in `directory`.

    Raises:
        InputError: there is none, or a key source is not acceptable.
        WrongKey: no key at hand opens it.
        NeedsPerson: a passphrase would, and nobody may be asked.
        Tampered: it is damaged.
    """
    return open_store(directory, KeySources(env=environ, ask=_prompting(ask)).unlock, clock)


def make_local(
    directory: Path, environ: Mapping[str, str], clock: Clock, ask: Ask | None, *, recovery: bool
) -> tuple[LocalStore, Secret | None]:
    """Make a store in `directory`; with it the recovery code, if one was wanted, which is kept nowhere else.

    Raises:
        InputError: there is one already, or a key source is not acceptable.
        NeedsPerson: there is no key at hand, and nobody may be asked for a passphrase.
    """
    keys = KeySources(env=environ, ask=_prompting(ask)).new_keys(recovery=recovery)
    return create_store(directory, keys.slots, clock), keys.recovery


def _prompting(ask: Ask | None) -> Ask | None:
    return None if ask is None else lambda prompt: ask(f"{prompt}: ")
