"""Whose a name is. The secret `PREFIX/NAME` is made once, and making it is what gives the name away.

A secret cannot be renamed, so a renamed token keeps its first secret, and the secret of its new name is a pointer. A
name is its holder's only while the holder's own document says so; whoever takes a name that its holder has left moves
that holder's state on first, so that a rename in flight loses.
"""

from tokenguard.clients.aws.secrets import Secrets, Stored, new_version, tags_in
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.errors import Conflict
from tokenguard.stores.aws.codec import NeverCreated, PointerBody, pack, unpack
from tokenguard.stores.aws.projection import SIGNPOST, STORE, TOKEN
from tokenguard.stores.aws.tokens import CachedToken, Tokens
from tokenguard.stores.refusals import name_taken

_NAME = "tg-name"
"""The label of the pointer that counts."""


class AwsNames:
    """The names of one store."""

    def __init__(self, secrets: Secrets, tokens: Tokens) -> None:
        self._secrets = secrets
        self._tokens = tokens

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name; in one request unless a token was renamed."""
        secret = self._tokens.place.primary_secret(name)
        held = self._tokens.load_primary(secret)
        if held is None or held.body.document.record.name != name:
            pointer = self._pointer(secret)
            held = self._tokens.load_primary(pointer[0].primary) if pointer else None
        if held is None or held.body.document.record.name != name:
            return None
        return held.snapshot

    def secret_for(self, name: TokenName, token: TokenId) -> str:
        """Where a new token of that name will live; the name is claimed if its secret is taken by a renamed token.

        Raises:
            Conflict: the name belongs to another token, or to a secret that is not this store's.
        """
        secret = self._tokens.place.primary_secret(name)
        if self._secrets.describe(secret) is None:
            return secret  # whoever makes the secret has the name
        spare = self._tokens.place.fallback_secret(name, token)
        self.claim(name, token, spare)
        return spare

    def claim(self, name: TokenName, token: TokenId, primary: str) -> None:
        """Let `name` lead to `token`; Conflict if it belongs to another one, who is left as it was."""
        secret = self._tokens.place.primary_secret(name)
        pointer = PointerBody(holder=token, primary=primary)
        version = new_version()
        tags = {STORE: self._tokens.store_id, SIGNPOST: "1"}
        if self._secrets.create(secret, version, pack(pointer), tags):
            self._secrets.move(secret, _NAME, version, None)
            return
        found = self._pointer(secret)
        held = self._tokens.load_primary(found[0].primary if found else secret)
        holder = found[0].holder if found else held.body.id if held else None
        if holder is None:
            raise Conflict("a secret that is not this store's has that name", hint="choose another name")
        if holder != token:
            self._evict(name, held, found[0].primary if found else secret)
        self._secrets.write(secret, version, pack(pointer))
        self._secrets.move(secret, _NAME, version, found[1] if found else None)

    def _evict(self, name: TokenName, held: CachedToken | None, primary: str) -> None:
        """Make sure that who held the name neither has it nor is about to take it."""
        if held is not None and held.body.document.record.name == name:
            raise name_taken()
        if held is not None:
            self._tokens.fence(held)
        elif not self._reserve_forever(primary):
            raise Conflict("the name is being given to another token", hint="look again, then choose another name")

    def _reserve_forever(self, primary: str) -> bool:
        """Let nobody ever live in a secret that was claimed and not made; False if it was made after all."""
        if self._secrets.create(primary, new_version(), pack(NeverCreated()), {STORE: self._tokens.store_id}):
            return True
        return TOKEN not in tags_in(self._secrets.describe(primary) or {})

    def _pointer(self, secret: str) -> tuple[PointerBody, str | None] | None:
        """The pointer in a secret, and the version its label is on (None: interrupted before it was attached)."""
        stored = self._secrets.read(secret, stage=_NAME)
        if stored is not None:
            return _pointer_of(stored), stored.version
        if SIGNPOST not in tags_in(self._secrets.describe(secret) or {}):
            return None
        stored = self._secrets.read(secret)
        return (_pointer_of(stored), None) if stored is not None else None


def _pointer_of(stored: Stored) -> PointerBody:
    return unpack(stored.data if isinstance(stored.data, bytes) else b"", PointerBody)
