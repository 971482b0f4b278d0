"""Name ownership. A name is claimed before its document is written, so a crash can leave a stale claim.

A stale claim is resolved by the next runner that wants the name. It first fences the claiming token (with a tombstone
or a new version of its document), so that a slow claimant cannot write any more.
"""

import json
from contextlib import suppress
from dataclasses import dataclass

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.frozen import Frozen, field
from tokenguard.stores.refusals import name_taken
from tokenguard.stores.vault.codec import fenced, is_tombstone, pack, tombstone_document, unpack, unpack_envelope
from tokenguard.stores.vault.layout import VaultAddress


class _Claim(Frozen, frozen=True, kw_only=True):
    token: str
    """Empty: the name is free."""
    alias_owner: str = field(name="home_of")
    """The token whose live value is at `live/NAME`, also after a rename."""


@dataclass(frozen=True, slots=True)
class VaultNames:
    """The index from names to tokens."""

    kv: KvMount
    place: VaultAddress

    def holder(self, name: TokenName) -> TokenId | None:
        """Return the token that claims a name; only its document confirms the claim."""
        entry = self.kv.read(self.place.name(name))
        claim = unpack(entry.data, _Claim) if entry else None
        return TokenId(claim.token) if claim and claim.token else None

    def claim(self, token: TokenId, name: TokenName) -> str:
        """Claim `name` for the token; returns the alias of a token created under it.

        Raises:
            Conflict: the name belongs to another token, or another writer is claiming it.
        """
        path = self.place.name(name)
        with suppress(CasLost):
            self.kv.write(path, pack(_Claim(token=token, alias_owner=token)), 0)
            return name
        entry = self.kv.read(path)
        if entry is None:
            raise name_taken()
        claim = unpack(entry.data, _Claim)
        alias_owner = claim.alias_owner
        if claim.token not in {"", token} and not self._settle(TokenId(claim.token), name):
            alias_owner = token  # the claiming token was never created
        if claim.token != token:
            self._take(path, _Claim(token=token, alias_owner=alias_owner), entry.version)
        return name if alias_owner == token else f"{name}~{token[:8]}"

    def misled(self, token: TokenId, name: TokenName) -> str:
        """Return what is wrong with the entry of a name that a token's document has; empty if it leads there."""
        entry = self.kv.read(self.place.name(name))
        if entry is None:
            return f"the entry of {name} is gone"
        return "" if unpack(entry.data, _Claim).token == token else f"the entry of {name} does not lead to its token"

    def restoring(self, token: TokenId, name: TokenName) -> str:
        """Return the command that writes the entry of a name again."""
        entry = self.kv.read(self.place.name(name))
        version = entry.version if entry else 0
        claim = json.dumps(pack(_Claim(token=token, alias_owner=token)))
        return f"`printf '%s' '{claim}' | bao kv put -cas={version} -mount={self.kv.mount} {self.place.name(name)} -`"

    def free(self, token: TokenId, name: TokenName) -> None:
        """Release a name, unless another token has claimed it."""
        path = self.place.name(name)
        entry = self.kv.read(path)
        claim = unpack(entry.data, _Claim) if entry else None
        if entry is not None and claim is not None and claim.token == token:
            with suppress(CasLost):
                self.kv.write(path, pack(_Claim(token="", alias_owner=claim.alias_owner)), entry.version)

    def _take(self, path: str, claim: _Claim, version: int) -> None:
        try:
            self.kv.write(path, pack(claim), version)
        except CasLost:
            raise name_taken() from None

    def _settle(self, holder: TokenId, name: TokenName) -> bool:
        """Fence a claimant whose document does not contain the name; returns whether that token exists."""
        path = self.place.document(holder)
        entry = self.kv.read(path)
        envelope = unpack_envelope(entry, self.kv.mount, path) if entry else None
        if envelope is not None and envelope.document.record.name == name:
            raise name_taken()
        if entry is not None and is_tombstone(entry.data):
            return False
        try:
            self.kv.write(path, fenced(entry) if entry else tombstone_document(), entry.version if entry else 0)
        except CasLost:
            raise name_taken() from None
        return envelope is not None
