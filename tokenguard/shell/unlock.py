"""Where the key of an embedded store comes from: key file, passphrase file, OS keyring, or a person, in this order."""

import base64
import binascii
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, NeedsPerson, WrongKey
from tokenguard.files import check_private_file, read_limited, shown, unreadable
from tokenguard.frozen import Frozen
from tokenguard.stores.local.key_slots import SlotInfo, SlotKey, SlotKind

if TYPE_CHECKING:
    from tokenguard.stores.local.os_keyring import OsKeyring

KEY_FILE_VARIABLE = "TOKENGUARD_KEY_FILE"
PASSPHRASE_FILE_VARIABLE = "TOKENGUARD_PASSPHRASE_FILE"  # noqa: S105 - a variable's name
_TRIES = 3
_SHORTEST_PASSPHRASE = 12
_OF_KEY_FILE = "name a key file that you own, with --key-file or TOKENGUARD_KEY_FILE"
_OF_WORDS_FILE = "name a file that you own, with --passphrase-file or TOKENGUARD_PASSPHRASE_FILE"
_LARGEST_KEY_FILE = 256
_LARGEST_PASSPHRASE_FILE = 4096
_HINT = f"set {KEY_FILE_VARIABLE} (base64 of 32 bytes) or {PASSPHRASE_FILE_VARIABLE} to a private file"

Ask = Callable[[str], Secret]
"""Shows a prompt, takes a line that is not echoed."""


def _find_keyring() -> "OsKeyring | None":
    from tokenguard.stores.local.os_keyring import find_keyring  # only where no file has the key

    return find_keyring()


class KeySources(Frozen, frozen=True, kw_only=True):
    """Everything that may open a store on this machine, now.

    Args:
        env: the process's environment.
        ask: None without a terminal or under `--no-input`.
        keyring: finds the OS keyring; called only when it is needed.
    """

    env: Mapping[str, str]
    ask: Ask | None = None
    keyring: "Callable[[], OsKeyring | None]" = _find_keyring

    def unlock(self, slots: Sequence[SlotInfo]) -> SlotKey:
        """The first source that the store has a slot for; an `Unlock`.

        Raises:
            WrongKey: no source fits.
            NeedsPerson: a passphrase or recovery code would, and there is no terminal.
            InputError: the file a variable names is invalid.
        """
        kinds = {slot.kind for slot in slots}
        if SlotKind.KEY_FILE in kinds and (path := self.env.get(KEY_FILE_VARIABLE)):
            return SlotKey.key_file(read_key_file(Path(path)))
        if SlotKind.PASSPHRASE in kinds and (path := self.env.get(PASSPHRASE_FILE_VARIABLE)):
            return SlotKey.passphrase(read_passphrase_file(Path(path)))
        askable = kinds & {SlotKind.PASSPHRASE, SlotKind.RECOVERY}
        if SlotKind.KEYRING in kinds and (key := self._from_keyring(slots, fallback=bool(askable))) is not None:
            return key
        if not askable:
            raise WrongKey("no key for this store was found", hint=_HINT)
        return self._from_person(askable)

    def new_key(self) -> SlotKey:
        """Choose what a new store is locked with: the first source there is.

        Raises:
            NeedsPerson: there is no key, and no terminal to ask for a passphrase.
            InputError: the file a variable names, or the passphrase, is invalid.
        """
        if path := self.env.get(KEY_FILE_VARIABLE):
            return SlotKey.key_file(read_key_file(Path(path)))
        if path := self.env.get(PASSPHRASE_FILE_VARIABLE):
            return SlotKey.passphrase(strong(read_passphrase_file(Path(path))))
        if (ring := self.keyring()) is not None:
            account, key = f"store-{os.urandom(8).hex()}", os.urandom(32)
            ring.put(account, key)
            return SlotKey.keyring(key, account)
        if self.ask is None:
            raise NeedsPerson("a new store needs a key", hint=_HINT)
        return SlotKey.passphrase(new_passphrase(self.ask))

    def _from_keyring(self, slots: Sequence[SlotInfo], *, fallback: bool) -> SlotKey | None:
        """The key that the keyring holds for one of the slots; None if another source may be tried."""
        ring = self.keyring()
        accounts = [slot.params.account for slot in slots if slot.kind is SlotKind.KEYRING]
        for account in accounts:
            if ring is None:
                break
            with suppress(WrongKey):  # another slot may be this machine's
                return SlotKey.keyring(ring.get(account), account)
        if fallback:
            return None
        raise WrongKey("the OS keyring does not hold the key of this store", hint=_HINT)

    def _from_person(self, askable: set[SlotKind]) -> SlotKey:
        prompt = " or ".join(words for kind, words in _PROMPTS if kind in askable)
        if self.ask is None:
            raise NeedsPerson(f"the store opens with a {prompt}, and there is no terminal to ask for it", hint=_HINT)
        words = self.ask(f"{prompt} of the store")
        if SlotKind.RECOVERY in askable:
            try:
                return SlotKey.recovery(words)
            except InputError:
                if askable == {SlotKind.RECOVERY}:
                    raise
        return SlotKey.passphrase(words)


_PROMPTS = ((SlotKind.PASSPHRASE, "passphrase"), (SlotKind.RECOVERY, "recovery code"))


def read_key_file(path: Path) -> bytes:
    """The 32 bytes of a key file; InputError (never quoting it) if it is anything but base64 of 32 bytes."""
    text = _read_private(path, _LARGEST_KEY_FILE, "the key file", _OF_KEY_FILE).strip(b"\r\n")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:  # noqa: PLR2004 - the length of a key
        raise InputError(
            f"not a key file: {shown(path)}", hint="it must hold base64 of 32 bytes: openssl rand -base64 32"
        )
    return key


def read_passphrase_file(path: Path) -> Secret:
    """The first and only line of a passphrase file."""
    data = _read_private(path, _LARGEST_PASSPHRASE_FILE, "the passphrase file", _OF_WORDS_FILE)
    try:
        words = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        words = ""
    if not words or "\n" in words:
        raise InputError(f"not a passphrase file: {shown(path)}", hint="it must hold one line of UTF-8 text")
    return Secret(words)


def new_passphrase(ask: Ask) -> Secret:
    """Ask for a new passphrase, twice; InputError if it is too short or mistyped three times."""
    prompt = "new passphrase for the store"
    for _ in range(_TRIES - 1):
        try:
            return _typed_twice(ask, prompt)
        except InputError as error:
            prompt = f"{error.message}; new passphrase for the store"
    return _typed_twice(ask, prompt)


def _typed_twice(ask: Ask, prompt: str) -> Secret:
    words = strong(ask(prompt))
    if ask("the same passphrase again") != words:
        raise InputError("the two passphrases differ", hint="type the same one twice")
    return words


def strong(words: Secret) -> Secret:
    """The passphrase itself; InputError if it is too short for a new one."""
    if len(words) < _SHORTEST_PASSPHRASE:
        raise InputError(
            f"a passphrase needs at least {_SHORTEST_PASSPHRASE} characters", hint="use four or more random words"
        )
    return words


def _read_private(path: Path, limit: int, what: str, hint: str) -> bytes:
    try:
        check_private_file(path)
        return read_limited(path, limit)
    except OSError as error:
        raise unreadable(path, error, hint=hint, instead=what) from None
