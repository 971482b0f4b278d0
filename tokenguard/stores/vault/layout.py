"""Where everything of a store lies below MOUNT and PREFIX (docs/operations/vault.md draws the picture)."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.errors import InputError

MAX_PACKED = 900_000
"""Characters of one entry; that of a Raft store holds a megabyte."""
SHARDS = 128
"""Of the index; each holds the documents of every 128th token."""
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,126}", re.ASCII)
_MAX_SEGMENTS = 8
OWN_FOLDER = {
    "approvals": ("approvals", "plans"),
    "requests": ("requests", "list"),
    "outbox": ("outbox", "queue"),
}
"""What not everybody may write who may publish: a path of its own, for a policy of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultAddress:
    """A store's address, checked: `vault://MOUNT/PREFIX`, a mount of several segments written with %2F."""

    mount: str
    prefix: str
    """Empty, or plain segments without a slash at either end."""

    @classmethod
    def parse(cls, url: str) -> "VaultAddress":
        """Read an address; InputError says what is wrong with it."""
        scheme, separator, rest = url.partition("://")
        first, _, prefix = rest.partition("/")
        mount, prefix = unquote(first), prefix.rstrip("/")
        segments = [*mount.split("/"), *(prefix.split("/") if prefix else [])]
        plain = len(segments) <= _MAX_SEGMENTS and all(_SEGMENT.fullmatch(segment) for segment in segments)
        if scheme != "vault" or not separator or not plain:
            raise InputError(
                "not the address of a Vault store",
                hint="write vault://MOUNT/PREFIX with segments of A-Z, a-z, 0-9, '.', '_', '-'; "
                "set the server's address in the configuration ([vault] address)",
            )
        return cls(mount=mount, prefix=prefix)

    @property
    def url(self) -> str:
        """The address."""
        return f"vault://{quote(self.mount, safe='')}" + (f"/{self.prefix}" if self.prefix else "")

    def at(self, *segments: str) -> str:
        """A path of the mount, below the prefix."""
        return "/".join([*([self.prefix] if self.prefix else []), *segments])

    @property
    def store(self) -> str:
        """What the store is, and its own audit chain."""
        return self.at("meta", "store")

    @property
    def key(self) -> str:
        """The key of fingerprints."""
        return self.at("key", "fingerprint")

    @property
    def documents(self) -> str:
        """The folder of documents."""
        return self.at("doc")

    @property
    def marks(self) -> str:
        """The folder of marks: tokens that the index may be behind of."""
        return self.at("dirty")

    @property
    def shards(self) -> str:
        """The folder of the index."""
        return self.at("idx")

    @property
    def trails(self) -> str:
        """The folder of the tokens' older events."""
        return self.at("log")

    def document(self, token: TokenId) -> str:
        """One token's document and its latest events."""
        return self.at("doc", token)

    @property
    def names(self) -> str:
        """The folder of names' claims."""
        return self.at("name")

    def name(self, name: TokenName) -> str:
        """Return the path of a name's claim; hashed, so that all paths have the same length and depth."""
        return self.at("name", hashlib.sha256(name.encode()).hexdigest()[:32])

    def holders(self, fingerprint: Fingerprint) -> str:
        """The folder of the tokens that know a value."""
        return self.at("fp", fingerprint)

    def holder(self, fingerprint: Fingerprint, token: TokenId) -> str:
        """One of them."""
        return self.at("fp", fingerprint, token)

    def candidate(self, token: TokenId, label: Label) -> str:
        """A value's slot."""
        if not _LABEL.fullmatch(label):
            raise InputError("a label cannot be part of a path", hint="use only labels that tokenguard created")
        return self.at("cand", token, label)

    def live(self, alias: str) -> str:
        """What consumers read."""
        return self.at("live", *alias.split("/"))

    def shard(self, number: int) -> str:
        """One shard of the index."""
        return self.at("idx", f"{number:02x}")

    def shared(self, item: str) -> str:
        """What the team shares."""
        return self.at("shared", *OWN_FOLDER.get(item, (item,)))

    def shared_trails(self, item: str) -> str:
        """The folder of a shared item's older events; beside it, so that who may write the item may write them."""
        return self.at("shared", *OWN_FOLDER.get(item, (item,))[:-1], "log")

    def mark(self, token: TokenId, expected: int) -> str:
        """A fresh mark: the document may move on from version `expected`."""
        return self.at("dirty", f"{token}.{expected}.{secrets.token_hex(4)}")


def shard_of(token: TokenId) -> int:
    """Which shard of the index a token belongs to."""
    return int(token[:2], 16) % SHARDS
