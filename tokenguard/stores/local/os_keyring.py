"""The operating system's keyring as a keeper of keys: only backends that keep secrets, never for long."""

import base64
import binascii
import secrets
import sys
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from tokenguard.errors import Unreachable, WrongKey
from tokenguard.waiting import DeadlineExceeded, run_with_deadline

SERVICE = "tokenguard"
KEY_BYTES = 32
PATIENCE = 10.0
"""Seconds; without a desktop session a keyring waits for an invisible prompt."""
_KEEPERS = frozenset(
    {
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
    }
)
_STARTS_PROGRAMS = "keyring.backends.macOS.api"
"""It asks the C compiler and the linker, wherever PATH leads, for libraries that only macOS has."""
_CHAINER = "keyring.backends.chainer.ChainerBackend"
_HINT = "set TOKENGUARD_KEY_FILE or TOKENGUARD_PASSPHRASE_FILE, or unlock the desktop's keyring"

_Answer = TypeVar("_Answer")


class Backend(Protocol):
    """The calls we use of a keyring backend."""

    def get_password(self, service: str, username: str) -> str | None:
        """The entry, or None."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the entry."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Remove the entry."""
        ...


def find_keyring(patience: float = PATIENCE, *, proven: bool = True) -> "OsKeyring | None":
    """The keyring, if there is one that keeps secrets and gives back what was put in; None otherwise.

    Args:
        patience: seconds for each question.
        proven: first write something and read it back; not needed by who only reads.
    """
    try:
        import keyring  # an extra, and slow to load
    except ImportError:
        return None
    if sys.platform != "darwin":  # keyring imports the backends of all platforms
        sys.modules.setdefault(_STARTS_PROGRAMS, None)  # type: ignore[arg-type]  # its import then fails, as it would
    try:
        found = OsKeyring(_with_deadline(keyring.get_keyring, patience), patience)
    except Unreachable:
        return None
    return found if found.trusted and (not proven or found.works()) else None


class OsKeyring:
    """One backend, every call under a time limit, no word of its errors passed on."""

    def __init__(self, backend: Any, patience: float) -> None:
        self._backend: Backend = backend
        self._patience = patience

    @property
    def trusted(self) -> bool:
        """Whether every backend behind it is one that keeps secrets: not null, fail, plain text, or unknown."""
        if _name(self._backend) == _CHAINER:
            members = list(getattr(self._backend, "backends", ()))
            return bool(members) and all(_name(member) in _KEEPERS for member in members)
        return _name(self._backend) in _KEEPERS

    def works(self) -> bool:
        """Whether a canary written can be read back and removed."""
        account, canary = f"canary-{secrets.token_hex(4)}", secrets.token_hex(8)
        try:
            self._call(lambda: self._backend.set_password(SERVICE, account, canary))
            read = self._call(lambda: self._backend.get_password(SERVICE, account))
            self._call(lambda: self._backend.delete_password(SERVICE, account))
        except Unreachable:
            return False
        return read == canary

    def put(self, account: str, key: bytes) -> None:
        """Keep `key` under `account`; Unreachable if it cannot be read back."""
        text = base64.b64encode(key).decode()
        self._call(lambda: self._backend.set_password(SERVICE, account, text))
        if self.get(account, len(key)) != key:
            raise Unreachable("the value in the keyring differs from the stored one", hint=_HINT)

    def get(self, account: str, length: int = KEY_BYTES) -> bytes:
        """The key of that many bytes kept under `account`; WrongKey if there is none."""
        text = self._call(lambda: self._backend.get_password(SERVICE, account))
        try:
            key = base64.b64decode(text or "", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != length:
            raise WrongKey("the keyring holds no such key", hint=_HINT)
        return key

    def forget(self, account: str) -> None:
        """Remove the entry."""
        self._call(lambda: self._backend.delete_password(SERVICE, account))

    def _call(self, ask: Callable[[], _Answer]) -> _Answer:
        return _with_deadline(ask, self._patience)


def _with_deadline(ask: Callable[[], _Answer], patience: float) -> _Answer:
    try:
        return run_with_deadline(ask, patience)  # nothing else can end a call that waits for a desktop
    except DeadlineExceeded:
        raise Unreachable("the keyring does not answer", hint=_HINT) from None
    except Exception:  # noqa: BLE001 - a backend raises anything, and its text may quote the entry
        raise Unreachable("the keyring refused", hint=_HINT) from None


def _name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
