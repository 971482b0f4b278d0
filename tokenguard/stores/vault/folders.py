"""Lists the store's folders and detects foreign entries, which are skipped and reported.

Anyone with write permission below the prefix can create an entry there. A foreign entry is never a token, so scheduled
rotations continue with the others.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.parallel import in_parallel
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.names import TokenId, is_token_id
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray
from tokenguard.stores.vault.layout import OWN_FOLDER, SHARDS, VaultAddress, shard_of

_Meaning = TypeVar("_Meaning")
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MARK = re.compile(r"([0-9a-f]{32})\.(\d{1,18})\.[0-9a-f]{8}", re.ASCII)
_SHARD = re.compile(r"[0-9a-f]{2}", re.ASCII)
_BLOCK = re.compile(r"\d{6,}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,126}", re.ASCII)
_HOME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(?:~[0-9a-f]{8})?", re.ASCII)
_MAX_ALIAS_DEPTH = 6
_REMOVED = "if it was deleted, find out from the server's audit log who removed it, and restore it from a snapshot"
_Rule = Callable[[str], object]


def _matching(pattern: re.Pattern[str]) -> _Rule:
    return pattern.fullmatch


def _one_of(*names: str) -> _Rule:
    return lambda name: name in names or None


def document_in(name: str) -> TokenId | None:
    """Return the token whose document a name in `doc/` is."""
    return TokenId(name) if is_token_id(name) else None


def mark_in(name: str) -> tuple[TokenId, int] | None:
    """Return the token and version of a mark in `dirty/`."""
    found = _MARK.fullmatch(name)
    return (TokenId(found[1]), int(found[2])) if found else None


def shard_in(name: str) -> int | None:
    """Return the number of a shard in `idx/`."""
    number = int(name, 16) if _SHARD.fullmatch(name) else SHARDS
    return number if number < SHARDS else None


class Folders:
    """Lists folders of one store, and records the foreign entries in them."""

    def __init__(self, kv: KvMount, place: VaultAddress) -> None:
        self._kv = kv
        self._place = place
        self._strays: dict[str, Stray] = {}
        self.listed: dict[str, Sequence[str]] = {}
        """The names in the folders of tokens, values and items, as the last survey found them."""

    @property
    def strays(self) -> Sequence[Stray]:
        """The foreign entries skipped so far, ordered by path."""
        return [self._strays[path] for path in sorted(self._strays)]

    def ours(self, folder: str, meaning: Callable[[str], _Meaning | None]) -> list[tuple[str, _Meaning]]:
        """Return the valid names in a folder with their meaning; the others are recorded as foreign."""
        found = []
        for name in self._kv.names(folder):
            what = meaning(name)
            if what is None:
                self.note(f"{folder}/{name}")
            else:
                found.append((name, what))
        return found

    def note(self, path: str) -> None:
        """Record the entry at a path of the mount as foreign."""
        place = f"-mount={self._kv.mount} {path.rstrip('/')}"
        look = f"`bao kv list {place}`" if path.endswith("/") else f"`bao kv get {place}`"
        self._strays[path] = Stray(
            where=f"{self._kv.mount}/{path}",
            what="tokenguard did not write this",
            hint=f"find its writer with {look} and the server's audit log; "
            f"if it is a mistake, remove it: `bao kv metadata delete -mount={self._kv.mount} {path.rstrip('/')}`",
        )

    def note_gone(self, token: TokenId, name: str) -> None:
        """Record a token that is on the index and whose document was removed: no list shows it.

        Its row stays in the index, so that this is told until the document is back or the index is made anew.
        """
        path, mount = self._place.document(token), self._kv.mount
        anew = f"`bao kv metadata delete -mount={mount} {self._place.shard(shard_of(token))}`"
        self._strays[path] = Stray(
            where=f"{mount}/{path}",
            what=f"the document of {name} was removed",
            hint=f"{_REMOVED}; if the token is gone for good, {anew} removes this part of the index, which is then "
            "rebuilt without the token",
            omits=True,
        )

    def note_altered(self, shard: str, name: str) -> None:
        """Record a part of the index that says something else of a token than its document: lists show that."""
        self._strays[shard] = Stray(
            where=f"{self._kv.mount}/{shard}",
            what=f"the index differs from the document of {name}: lists show what is not so",
            hint="find its writer in the server's audit log, then remove this part of the index, which is rebuilt from "
            f"the documents: `bao kv metadata delete -mount={self._kv.mount} {shard}`",
        )

    def note_lost(self, where: str, what: str, hint: str) -> None:
        """Record an entry of a token that leads nowhere, or to another token."""
        self._strays[where] = Stray(where=f"{self._kv.mount}/{where}", what=what, hint=hint)

    def survey(self) -> Sequence[Stray]:
        """Return every foreign entry in the store's folders that the login may list."""
        names: dict[str, list[str]] = {}
        for below, outer, inner in _NESTED:
            top = self._place.at(below)
            names[below] = self._look(top, outer)
            inside = [f"{top}/{name.rstrip('/')}" for name in names[below]]
            self.listed |= in_parallel(partial(self._look, rule=inner), inside)
        for below, rule in _FOLDERS.items():
            names[below] = self._look(self._place.at(below), rule)
        self._note_without_document(names)
        self._look_at_aliases(self._place.at("live"), 1)
        return self.strays

    def _note_without_document(self, names: Mapping[str, Sequence[str]]) -> None:
        """Record the values and trails of tokens without a document, which an interrupted creation never leaves.

        A token's document is written first and listed last, so a token created meanwhile has one.
        """
        documents = {*names["doc"]}
        for below in ("cand", "log"):
            for name in names[below]:
                token = name.rstrip("/")
                path = f"{self._place.at(below)}/{name}"
                if token not in documents and not any(stray.startswith(path) for stray in self._strays):
                    self._strays[path] = Stray(
                        where=f"{self._kv.mount}/{path}",
                        what=f"its token has no document at {self._kv.mount}/{self._place.at('doc')}/{token}",
                        hint=f"{_REMOVED}; the values below {self._kv.mount}/{path} may be alive",
                    )

    def _look(self, folder: str, rule: _Rule) -> list[str]:
        """Return the names in a folder that match its rule; empty if the login may not list it."""
        try:
            return [name for name, _ in self.ours(folder, rule)]
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            return []

    def _look_at_aliases(self, folder: str, depth: int) -> None:
        """Check the folders of aliases: one level per segment of a token name."""
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
    "shared": _one_of(*(item for item in Item if item not in OWN_FOLDER), *(f"{item}/" for item in OWN_FOLDER), "log/"),
} | {f"shared/{folder}": _one_of(name, "log/") for folder, name in OWN_FOLDER.values()}
"""The rule for names in each folder."""
_NESTED: Sequence[tuple[str, _Rule, _Rule]] = (
    ("fp", _folder_of(_ID), _matching(_ID)),
    ("log", _folder_of(_ID), _matching(_BLOCK)),
    ("cand", _folder_of(_ID), _matching(_LABEL)),
    ("shared/log", _one_of(*(f"{item}/" for item in Item if item not in OWN_FOLDER)), _matching(_BLOCK)),
    *((f"shared/{item}/log", _one_of(f"{item}/"), _matching(_BLOCK)) for item in OWN_FOLDER),
)
"""The rules for folders with one subfolder per token, value or item."""
