"""Where this machine's scan key is: in the environment, or in the OS keyring where `fingerprints pull` left it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.errors import InputError, TokenguardError
from tokenguard.file_replacement import replace_file
from tokenguard.files import check_private_file, make_private_dir, read_limited
from tokenguard.places import state_dir
from tokenguard.scanning.bundle import ScanKey, scan_key_of
from tokenguard.scanning.known_token_note import KEYRING_MARKER

if TYPE_CHECKING:
    from tokenguard.stores.local.os_keyring import OsKeyring

_PATIENCE = 3.0
"""Seconds that a commit waits for a keyring."""
_LONGEST_ACCOUNT = 64


def _keyring() -> "OsKeyring | None":
    from tokenguard.stores.local.os_keyring import find_keyring  # only where it may hold the key

    return find_keyring(_PATIENCE, proven=False)


def find_scan_key(environ: Mapping[str, str], keyring: "Callable[[], OsKeyring | None]" = _keyring) -> ScanKey | None:
    """The scan key: TOKENGUARD_SCAN_KEY, else what the keyring holds since the last pull.

    The keyring is only asked where a pull has left a key in it, so that no commit elsewhere pays for the question.

    Raises:
        InputError: the variable holds no scan key.
    """
    given = scan_key_of(environ)
    account = "" if given is not None else _account()
    if not account:
        return given
    with suppress(TokenguardError):  # locked, gone, or not what was put in: the run says that there is no key
        ring = keyring()
        return None if ring is None else ScanKey.of(ring.get(account, ScanKey.BYTES))
    return None


def remember_scan_key(key: ScanKey, keyring: "Callable[[], OsKeyring | None] | None" = None) -> bool:
    """Leave the key in the OS keyring for later scans; False if this machine has none that keeps it."""
    from tokenguard.stores.local.os_keyring import find_keyring  # only a pull does this

    ring = (keyring or find_keyring)()
    if ring is None:
        return False
    account = f"scan-{key.digest[:16]}"
    try:
        ring.put(account, key.tags + key.publisher)
    except TokenguardError:
        return False
    make_private_dir(_marker().parent)
    replace_file(_marker(), account.encode() + b"\n")
    return True


def _marker() -> Path:
    return state_dir().joinpath(*KEYRING_MARKER)


def _account() -> str:
    try:
        check_private_file(_marker())
        return read_limited(_marker(), _LONGEST_ACCOUNT).decode("ascii").strip()
    except (OSError, InputError, UnicodeDecodeError):
        return ""
