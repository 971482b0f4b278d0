"""The index from fingerprints to tokens, kept in the same transaction as the documents it follows."""

from collections.abc import Iterable

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId
from tokenguard.stores.local.codec import decode, encode
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import RowKind


def holders(rows: SealedRows, fingerprint: Fingerprint) -> tuple[TokenId, ...]:
    """The tokens that know a value of that fingerprint, in the order of their ids."""
    row = rows.get(RowKind.HOLDERS, fingerprint)
    return () if row is None else decode(row.data, tuple[TokenId, ...])


def follow(rows: SealedRows, token: TokenId, before: Iterable[Fingerprint], after: Iterable[Fingerprint]) -> None:
    """Update the index to the fingerprints of the token's document."""
    was, now = frozenset(before), frozenset(after)
    for fingerprint in sorted(was ^ now):
        others = set(holders(rows, fingerprint)) - {token}
        _put(rows, fingerprint, others | {token} if fingerprint in now else others)


def _put(rows: SealedRows, fingerprint: Fingerprint, tokens: set[TokenId]) -> None:
    if tokens:
        rows.put(RowKind.HOLDERS, fingerprint, encode(sorted(tokens)))
    else:
        rows.delete(RowKind.HOLDERS, fingerprint)
