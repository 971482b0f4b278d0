"""The store's folders, by name: what is tokenguard's in them, and what is not, which is passed over and told.

Anyone who may write below the prefix may leave an entry there. It can be no token, so it hides none, and a scheduled
rotation goes on with the others.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.parallel import in_parallel
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.names import TokenId, is_token_id
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray
from tokenguard.stores.vault.layout import SHARDS, VaultAddress

_Meaning = TypeVar("_Meaning")
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MARK = re.compile(r"([0-9a-f]{32})\.(\d{1,18})\.[0-9a-f]{8}", re.ASCII)
_SHARD = re.compile(r"[0-9a-f]{2}", re.ASCII)
_BLOCK = re.compile(r"\d{6,}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,126}", re.ASCII)
_HOME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(?:~[0-9a-f]{8})?", re.ASCII)
_MAX_ALIAS_DEPTH = 6
_Rule = Callable[[str], object]


def _matching(pattern: re.Pattern[str]) -> _Rule:
    return pattern.fullmatch


def _one_of(*names: str) -> _Rule:
    return lambda name: name in names or None


def document_in(name: str) -> TokenId | None:
    """Whose document a name in `doc/` is."""
    return TokenId(name) if is_token_id(name) else None


def mark_in(name: str) -> tuple[TokenId, int] | None:
    """Which token a mark in `dirty/` is about, and from which version it moves on."""
    found = _MARK.fullmatch(name)
    return (TokenId(found[1]), int(found[2])) if found else None


def shard_in(name: str) -> int | None:
    """The number of a shard in `idx/`."""
    number = int(name, 16) if _SHARD.fullmatch(name) else SHARDS
    return number if number < SHARDS else None


class Folders:
    """Lists folders of one store, and keeps what was passed over in them."""

    def __init__(self, kv: KvMount, place: VaultAddress) -> None:
        self._kv = kv
        self._place = place
        self._strays: dict[str, Stray] = {}

    @property
    def strays(self) -> Sequence[Stray]:
        """What was passed over so far, in the order of the paths."""
        return [self._strays[path] for path in sorted(self._strays)]

    def ours(self, folder: str, meaning: Callable[[str], _Meaning | None]) -> list[tuple[str, _Meaning]]:
        """The names below a folder that mean something, each with what it means; the others are noted."""
        found = []
        for name in self._kv.names(folder):
            what = meaning(name)
            if what is None:
                self.note(f"{folder}/{name}")
            else:
                found.append((name, what))
        return found

    def note(self, path: str) -> None:
        """Pass over what is at a path of the mount."""
        place = f"-mount={self._kv.mount} {path.rstrip('/')}"
        look = f"`bao kv list {place}`" if path.endswith("/") else f"`bao kv get {place}`"
        self._strays[path] = Stray(
            where=f"{self._kv.mount}/{path}",
            what="tokenguard did not write this",
            hint=f"see {look} and the server's audit log for who did; "
            f"if it is a mistake, remove it: `bao kv metadata delete -mount={self._kv.mount} {path.rstrip('/')}`",
        )

    def survey(self) -> Sequence[Stray]:
        """Everything in the store's folders that is not tokenguard's, as far as the login may list."""
        for below, rule in _FOLDERS.items():
            self._look(self._place.at(below), rule)
        for below, outer, inner in _NESTED:
            top = self._place.at(below)
            folders = [f"{top}/{name.rstrip('/')}" for name in self._look(top, outer)]
            in_parallel(partial(self._look, rule=inner), folders)
        self._look_at_aliases(self._place.at("live"), 1)
        return self.strays

    def _look(self, folder: str, rule: _Rule) -> list[str]:
        """The names in a folder that keep its rule; nothing where the login may not list."""
        try:
            return [name for name, _ in self.ours(folder, rule)]
        except VaultError as trouble:
            if trouble.reason is not VaultFailure.DENIED:
                raise
            return []

    def _look_at_aliases(self, folder: str, depth: int) -> None:
        """Names of tokens, a folder for each segment."""
        found = self._look(folder, lambda name: _HOME.fullmatch(name.removesuffix("/")))
        below = [name for name in found if name.endswith("/")]
        for name in below:
            if depth < _MAX_ALIAS_DEPTH and "~" not in name:
                self._look_at_aliases(f"{folder}/{name.rstrip('/')}", depth + 1)
            else:
                self.note(f"{folder}/{name}")


def _folder_of(pattern: re.Pattern[str]) -> _Rule:
    return lambda name: pattern.fullmatch(name.removesuffix("/")) if name.endswith("/") else None


_FOLDERS: dict[str, _Rule] = {
    "meta": _one_of("store"),
    "key": _one_of("fingerprint"),
    "doc": document_in,
    "dirty": mark_in,
    "idx": lambda name: None if shard_in(name) is None else name,
    "name": _matching(_ID),
    "shared": _one_of(*Item, "log/"),
}
"""What a name in each folder must be."""
_NESTED: Sequence[tuple[str, _Rule, _Rule]] = (
    ("fp", _folder_of(_ID), _matching(_ID)),
    ("log", _folder_of(_ID), _matching(_BLOCK)),
    ("cand", _folder_of(_ID), _matching(_LABEL)),
    ("shared/log", _one_of(*(f"{item}/" for item in Item)), _matching(_BLOCK)),
)
"""The same, of folders that hold a folder for each token, value or item."""
