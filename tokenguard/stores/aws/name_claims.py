"""Name ownership: creating the secret `PREFIX/NAME` claims the name, atomically and once.

A secret cannot be renamed, so a renamed token keeps its first secret, and the secret of its new name is a pointer. A
token holds a name only while its own document contains it. Before a name is reassigned, its former holder's state is
advanced, so that a concurrent rename fails.
"""

import base64
from collections.abc import Iterable, Iterator

from tokenguard.clients.aws.secrets import Secrets, Stored, new_version, tags_in
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.errors import Conflict, Tampered
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.codec import NeverCreated, PointerBody, pack, unpack
from tokenguard.stores.aws.projection import SIGNPOST, STORE, TOKEN
from tokenguard.stores.aws.tokens import CachedToken, Tokens
from tokenguard.stores.refusals import name_taken

_NAME = "tg-name"
"""The label of the current pointer."""


class AwsNames:
    """The names of one store."""

    def __init__(self, secrets: Secrets, tokens: Tokens) -> None:
        self._secrets = secrets
        self._tokens = tokens

    def find(self, name: TokenName) -> Snapshot | None:
        """Return the token of that name; one request unless a token was renamed."""
        secret = self._tokens.place.primary_secret(name)
        held = self._tokens.load_primary(secret)
        if held is None or held.body.document.record.name != name:
            pointer = self._pointer(secret)
            held = self._tokens.load_primary(pointer[0].primary) if pointer else None
        if held is None or held.body.document.record.name != name:
            return None
        return held.snapshot

    def misled(self, tokens: Iterable[CachedToken]) -> Iterator[Stray]:
        """Yield the names of renamed tokens that do not lead to them."""
        for held in tokens:
            name = held.body.document.record.name
            secret = self._tokens.place.primary_secret(name)
            if secret != held.primary and not self._leads_to(name, held.body.id):
                what = f"the entry of {name} does not lead to its token"
                yield Stray(where=secret, what=what, hint=self._restoring(secret, held))

    def _leads_to(self, name: TokenName, token: TokenId) -> bool:
        try:
            found = self.find(name)
        except Tampered:
            return False
        return found is not None and found.id == token

    def _restoring(self, secret: str, held: CachedToken) -> str:
        """Return the command that writes the pointer of a name again."""
        pointer = base64.b64encode(pack(PointerBody(holder=held.body.id, primary=held.primary))).decode()
        at = f"--region {self._tokens.place.region} --secret-binary {pointer}"
        tags = f"Key={STORE},Value={self._tokens.store_id} Key={SIGNPOST},Value=1"
        if self._secrets.describe(secret) is None:
            command = f"create-secret {at} --name '{secret}' --tags {tags}"
        else:
            command = f"put-secret-value {at} --secret-id '{secret}' --version-stages AWSCURRENT {_NAME}"
        return f"find who changed it in CloudTrail, then write it again: `aws secretsmanager {command}`"

    def secret_for(self, name: TokenName, token: TokenId) -> str:
        """Return the secret for a new token of that name; claims the name if a renamed token occupies its secret.

        Raises:
            Conflict: the name belongs to another token, or to a secret that is not this store's.
        """
        secret = self._tokens.place.primary_secret(name)
        if self._secrets.describe(secret) is None:
            return secret  # creating this secret claims the name
        spare = self._tokens.place.fallback_secret(name, token)
        self.claim(name, token, spare)
        return spare

    def claim(self, name: TokenName, token: TokenId, primary: str) -> None:
        """Point `name` to `token`; Conflict if it belongs to another token, which stays unchanged."""
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
        """Make sure that the former holder neither has the name nor can still take it."""
        if held is not None and held.body.document.record.name == name:
            raise name_taken()
        if held is not None:
            self._tokens.fence(held)
        elif not self._reserve_forever(primary):
            raise Conflict(
                "the name is being claimed by another token", hint="check `tokenguard list`, then choose another name"
            )

    def _reserve_forever(self, primary: str) -> bool:
        """Reserve a claimed secret that was never created; returns False if it was created after all."""
        if self._secrets.create(primary, new_version(), pack(NeverCreated()), {STORE: self._tokens.store_id}):
            return True
        return TOKEN not in tags_in(self._secrets.describe(primary) or {})

    def _pointer(self, secret: str) -> tuple[PointerBody, str | None] | None:
        """Return the pointer in a secret and the labelled version (None if interrupted before labelling)."""
        stored = self._secrets.read(secret, stage=_NAME)
        if stored is not None:
            return _pointer_of(stored), stored.version
        if SIGNPOST not in tags_in(self._secrets.describe(secret) or {}):
            return None
        stored = self._secrets.read(secret)
        return (_pointer_of(stored), None) if stored is not None else None


def _pointer_of(stored: Stored) -> PointerBody:
    return unpack(stored.data if isinstance(stored.data, bytes) else b"", PointerBody)
