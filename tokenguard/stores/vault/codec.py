"""What the entries hold: a JSON text each, and a stamp of its own, so that one's own writing is known again.

A text and not an object: OpenBao refuses a request of more than a thousand strings, and a document with its events has
that many.
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
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError, Tampered
from tokenguard.frozen import Frozen
from tokenguard.ports.store import Tombstone

FORMAT = 1
_OURS = "tokenguard"
"""The one key beside a live value's own fields."""
_FOREIGN = "an entry of the store holds what tokenguard does not write"
_Kind = TypeVar("_Kind")


class Envelope(Frozen, frozen=True, kw_only=True):
    """A document with the events that are not sealed in blocks yet."""

    document: Document
    entries: tuple[ChainedEvent, ...]
    alias: str
    """Where the live value is below `live/`: the name the token was made under, whatever it is called since."""


class StoreDescription(Frozen, frozen=True, kw_only=True):
    """What a store is."""

    store_id: str
    detailed: bool
    """Whether the server lists versions (OpenBao), so that readers of the index can check it."""
    sandbox: bool
    """Whether providers on this machine are let in."""
    entries: tuple[ChainedEvent, ...]
    move: Move | None = None
    format: int = FORMAT


def stamp() -> dict[str, str]:
    """Something never written before."""
    return {"nonce": secrets.token_hex(8)}


def pack(content: object) -> dict[str, Any]:
    """Any of our structures as an entry's data, stamped."""
    return {"content": _text(content), **stamp()}


def unpack(data: Mapping[str, Any], kind: type[_Kind]) -> _Kind:
    """Read what `pack` wrote; Tampered for anything else (never quoting it)."""
    return _read(data.get("content"), kind)


def pack_envelope(envelope: Envelope) -> dict[str, Any]:
    """A document's entry, stamped."""
    document = documents.encode(envelope.document).decode()
    return {"document": document, "entries": _text(envelope.entries), "home": envelope.alias, **stamp()}


def unpack_envelope(data: Mapping[str, Any]) -> Envelope | None:
    """Read a document's entry; None for the mark that a document of this id must never come."""
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
    """Whether a document's place holds what was never one: only a first version can be, since ours are kept."""
    return entry.version == 1 and not {"document", "never"} & set(entry.data)


def document_bytes(data: Mapping[str, Any]) -> bytes:
    """The document inside an envelope's data, as `domain.document.decode` reads it."""
    text = data.get("document")
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def tombstone_document() -> dict[str, Any]:
    """Stands where a document must never come: whoever claimed a name for it is fenced."""
    return {"never": True, **stamp()}


def is_tombstone(data: Mapping[str, Any]) -> bool:
    """Whether it is that mark."""
    return data.get("never") is True


def pack_slot(content: Value | Tombstone) -> dict[str, Any]:
    """A candidate's entry."""
    if isinstance(content, Tombstone):
        digest = content.digest.hex() if content.digest is not None else None
        return {"tombstone": {"reason": content.reason, "digest": digest}, **stamp()}
    return {"value": _fields(content), **stamp()}


def unpack_slot(data: Mapping[str, Any]) -> Value | Tombstone:
    """Read what `pack_slot` wrote."""
    stored = data.get("tombstone")
    if isinstance(stored, dict):
        try:
            found = msgspec.convert(stored, _StoredTombstone)
            return Tombstone(reason=found.reason, digest=None if found.digest is None else bytes.fromhex(found.digest))
        except (msgspec.ValidationError, ValueError):
            raise damaged("a tombstone of the store is not readable") from None
    return _value(data.get("value"))


def pack_live(label: Label | None, value: Value | None) -> dict[str, Any]:
    """What consumers read: the value's own fields, and one object of ours."""
    return {**(_fields(value) if value else {}), _OURS: {"label": label or "", **stamp()}}


def unpack_live(data: Mapping[str, Any]) -> tuple[Label, Value] | None:
    """Read what `pack_live` wrote; None if nothing is live."""
    ours = data.get(_OURS)
    label = ours.get("label") if isinstance(ours, dict) else None
    if not isinstance(label, str):
        raise damaged("a live entry was not written by tokenguard")
    if not label:
        return None
    return Label(label), _value({name: text for name, text in data.items() if name != _OURS})


def damaged_at(mount: str, path: str) -> Tampered:
    """The entry at a path of a mount is not what we wrote."""
    return Tampered(
        f"{_FOREIGN}: {mount}/{path}",
        hint=f"compare with its older versions, `bao kv get -version=N -mount={mount} {path}`; keep them as evidence",
    )


def damaged(what: str) -> Tampered:
    """Stored content that is not what we wrote."""
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
