"""Encodes entries as one JSON text with a random stamp each, so that a writer recognises its own write.

A text instead of an object, because OpenBao refuses requests with more than a thousand strings, and a document with its
events can have that many.
"""

import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from tokenguard.clients.vault.kv import KvEntry
from tokenguard.domain import document as documents
from tokenguard.domain.document import Document
from tokenguard.domain.event import ChainedEvent
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError, Tampered
from tokenguard.frozen import Frozen
from tokenguard.ports.store import Live, Tombstone

FORMAT = 1
_OURS = "tokenguard"
"""The reserved key beside a live value's own fields."""
_ID = "token"
"""In a document's entry: the token it was written for."""
_VERSION = "version"
"""In a document's entry: the version it was written as."""
_FOREIGN = "an entry of the store has content that tokenguard never writes"
_Kind = TypeVar("_Kind")


class Envelope(Frozen, frozen=True, kw_only=True):
    """A document with the events that are not archived in blocks yet."""

    document: Document
    entries: tuple[ChainedEvent, ...]
    alias: str
    """The path of the live value below `live/`: the name under which the token was created."""


class StoreDescription(Frozen, frozen=True, kw_only=True):
    """The store's description."""

    store_id: str
    detailed: bool
    """Whether the server lists versions (OpenBao), which lets readers verify the index."""
    sandbox: bool
    """Whether providers on loopback addresses are allowed."""
    entries: tuple[ChainedEvent, ...]
    move: Move | None = None
    format: int = FORMAT


def stamp() -> dict[str, str]:
    """Return a random stamp that makes an entry unique."""
    return {"nonce": secrets.token_hex(8)}


def pack(content: object) -> dict[str, Any]:
    """Encode a structure as an entry's data, with a stamp."""
    return {"content": _text(content), **stamp()}


def unpack(data: Mapping[str, Any], kind: type[_Kind]) -> _Kind:
    """Decode the output of `pack`; Tampered for anything else (never quoting it)."""
    return _read(data.get("content"), kind)


def pack_bound(content: object, version: int) -> dict[str, Any]:
    """Encode a structure as an entry's data, bound to the version it is written as, with a stamp."""
    return {**pack(content), _VERSION: version}


def unpack_bound(entry: KvEntry, kind: type[_Kind], mount: str, path: str) -> _Kind:
    """Decode the output of `pack_bound`; Tampered for an older copy that was put back, and for anything else."""
    if entry.data.get(_VERSION, entry.version) != entry.version:  # until 2026-12 entries did not say their version
        raise _put_back(entry, mount, path)
    return unpack(entry.data, kind)


def pack_envelope(envelope: Envelope, token: TokenId, version: int) -> dict[str, Any]:
    """Encode a document's entry, bound to its token and to the version it is written as, with a stamp."""
    document = documents.encode(envelope.document).decode()
    packed = {"document": document, "entries": _text(envelope.entries), "home": envelope.alias}
    return {**packed, _ID: token, _VERSION: version, **stamp()}


def unpack_envelope(entry: KvEntry, mount: str, path: str) -> Envelope | None:
    """Decode a document's entry; None for a tombstone.

    Raises:
        Tampered: tokenguard did not write it, or wrote it as another version or for another token.
    """
    token = path.rpartition("/")[2]
    if entry.data.get(_ID, token) != token:  # until 2026-12 entries did not say their token
        raise _put_back(entry, mount, path, "the content of another token's document")
    written = entry.data.get(_VERSION, entry.version)  # until 2026-11 entries did not say their version
    if written != entry.version or (is_tombstone(entry.data) and entry.version != 1):
        raise _put_back(entry, mount, path)
    try:
        return _envelope(entry.data)
    except Tampered:
        raise damaged_at(mount, path) from None


def fenced(entry: KvEntry) -> dict[str, Any]:
    """Return a document's entry unchanged as its next version, which makes every other writer of that version lose."""
    bound = {_VERSION: entry.version + 1} if _VERSION in entry.data else {}
    return {**entry.data, **bound, **stamp()}


def _envelope(data: Mapping[str, Any]) -> Envelope | None:
    if is_tombstone(data):
        return None
    alias = data.get("home")
    if not isinstance(alias, str):
        raise damaged(_FOREIGN)
    return Envelope(
        document=documents.decode(document_bytes(data)),
        entries=_read(data.get("entries"), tuple[ChainedEvent, ...]),
        alias=alias,
    )


def is_foreign(entry: KvEntry) -> bool:
    """Whether an entry was not written by tokenguard; only a first version can be, because older ones are kept."""
    return entry.version == 1 and not {"document", "never"} & set(entry.data)


def document_bytes(data: Mapping[str, Any]) -> bytes:
    """Return the document in an envelope's data, as `domain.document.decode` expects it."""
    text = data.get("document")
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def tombstone_document() -> dict[str, Any]:
    """Return the entry that prevents a document from ever being created, which fences the runner that claimed it."""
    return {"never": True, **stamp()}


def is_tombstone(data: Mapping[str, Any]) -> bool:
    """Whether an entry is the output of `tombstone_document`."""
    return data.get("never") is True


def pack_slot(content: Value | Tombstone) -> dict[str, Any]:
    """Encode a candidate's entry."""
    if isinstance(content, Tombstone):
        digest = content.digest.hex() if content.digest is not None else None
        return {"tombstone": {"reason": content.reason, "digest": digest}, **stamp()}
    return {"value": _fields(content), **stamp()}


def unpack_slot(data: Mapping[str, Any]) -> Value | Tombstone:
    """Decode the output of `pack_slot`."""
    stored = data.get("tombstone")
    if isinstance(stored, dict):
        try:
            found = msgspec.convert(stored, _StoredTombstone)
            return Tombstone(reason=found.reason, digest=None if found.digest is None else bytes.fromhex(found.digest))
        except (msgspec.ValidationError, ValueError):
            raise damaged("a tombstone of the store is not readable") from None
    return _value(data.get("value"))


def pack_live(label: Label | None, value: Value | None) -> dict[str, Any]:
    """Encode the live value: its own fields as consumers read them, and the metadata under a reserved key."""
    return {**(_fields(value) if value else {}), _OURS: {"label": label or "", **stamp()}}


def unpack_live(data: Mapping[str, Any]) -> tuple[Label, Value] | None:
    """Decode the output of `pack_live`; None if nothing is live."""
    ours = data.get(_OURS)
    label = ours.get("label") if isinstance(ours, dict) else None
    if not isinstance(label, str):
        raise damaged("a live entry was not written by tokenguard")
    if not label:
        return None
    return Label(label), _value({name: text for name, text in data.items() if name != _OURS})


def damaged_at(mount: str, path: str) -> Tampered:
    """Return the error for a foreign entry at a path of a mount."""
    return Tampered(
        f"{_FOREIGN}: {mount}/{path}",
        hint=f"compare with its older versions, `bao kv get -version=N -mount={mount} {path}`; keep them as evidence",
    )


def _put_back(
    entry: KvEntry, mount: str, path: str, what: str = "the content of an older version: later changes are missing"
) -> Tampered:
    next_one = f'{{"{_VERSION}": {entry.version + 1}}}'
    return Tampered(
        f"version {entry.version} of {mount}/{path} has {what}",
        hint="find its writer in the server's audit log and the version N that was right, then restore it: "
        f"`bao kv get -version=N -format=json -mount={mount} {path} | jq '.data.data + {next_one}' | "
        f"bao kv put -cas={entry.version} -mount={mount} {path} -`",
    )


def another_value(mount: str, live: str, slot: str, entry: Live) -> Tampered:
    """Return the error for a live entry with a value that was never the token's."""
    return Tampered(
        f"the value served at {mount}/{live} is not the token's value",
        hint=how_to_restore(mount, live, slot, entry.version),
    )


def how_to_restore(mount: str, live: str, slot: str | None, version: int) -> str:
    """Return how to serve the value of a token again whose live entry is gone or has another value.

    Args:
        mount: the mount's path.
        live: the path of the live entry.
        slot: the path of the slot with the token's value; empty if there is none; None if the token is retired.
        version: the entry's current version, which may be deleted; 0: it was removed with its metadata.
    """
    if slot is None:
        return (
            f"find its writer in the server's audit log, and remove it: `bao kv metadata delete -mount={mount} {live}`"
        )
    if not slot:
        return "its value is in no slot: restore the entry from a snapshot"
    anew = "" if version else f"`bao kv metadata put -max-versions=1 -mount={mount} {live}`, "
    ours = f'{{"{_OURS}": {{"label": "{slot.rpartition("/")[2]}"}}}}'
    return (
        f"find its writer in the server's audit log, then restore it from its slot: {anew}"
        f"`bao kv get -format=json -mount={mount} {slot} | jq '.data.data.value + {ours}' | "
        f"bao kv put -cas={version} -mount={mount} {live} -`"
    )


def damaged(what: str) -> Tampered:
    """Return the error for stored content that tokenguard did not write."""
    return Tampered(what, hint="compare with the entry's older versions in the vault; keep them as evidence")


class _StoredTombstone(Frozen, frozen=True):
    reason: str
    digest: str | None = None


def _text(content: object) -> str:
    return msgspec.json.encode(content, order="deterministic").decode()


def _read(text: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(text if isinstance(text, str) else b"", type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise damaged(_FOREIGN) from None


def _fields(value: Value) -> dict[str, str]:
    fields = {name: value.field(name).reveal() for name in value.names}
    if _OURS in fields:
        raise InputError(f"a field cannot be called {_OURS!r} in a Vault", hint="choose another name for the field")
    if any("\ud800" <= char <= "\udfff" for text in fields.values() for char in text):
        raise InputError("a value that is not text cannot be kept in a Vault", hint="check how the value was read")
    return fields


def _value(fields: Any) -> Value:
    if not isinstance(fields, dict) or not fields or not all(isinstance(text, str) for text in fields.values()):
        raise damaged("a value of the store is not readable")
    return Value({name: Secret(text) for name, text in fields.items()})
