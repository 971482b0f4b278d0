"""Encodes secret versions: compressed JSON for documents, pointers, ledgers and slots; plain JSON for live values."""

import json
import os
import zlib
from typing import Any, TypeVar

import msgspec

from tokenguard.domain.document import FORMAT, Document, DocumentHeader
from tokenguard.domain.event import ChainedEvent
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import NewerFormat, Tampered
from tokenguard.frozen import Frozen, Hidden, field, replace
from tokenguard.ports.store import Tombstone
from tokenguard.stores.decompress import decompress_limited

_MAX_DECOMPRESSED = 8 << 20
_OURS = "_tokenguard"
_Body = TypeVar("_Body")


def damaged(what: str) -> Tampered:
    """Return the error for stored content that tokenguard did not write."""
    return Tampered(what, hint="find the writer in CloudTrail, restore the content, then run `tokenguard doctor`")


def nonce() -> str:
    """Return a random string that makes each body unique, so AWS never treats two writers' bodies as a retry of one."""
    return os.urandom(8).hex()


class StoreBody(Hidden, frozen=True, kw_only=True, tag="store"):
    """The store's description; its presence makes a prefix a store."""

    store_id: str
    fingerprint_key: bytes
    entries: tuple[ChainedEvent, ...] = ()
    kms_key: str = ""
    """The KMS key that encrypts the store's secrets; empty for the AWS managed key."""
    sandbox: bool = False
    move: Move | None = None
    format: int = FORMAT


class TokenBody(Frozen, frozen=True, kw_only=True, tag="token"):
    """One state of one token with its events; it takes effect when the document's label moves to it."""

    id: TokenId
    version: int
    document: Document
    entries: tuple[ChainedEvent, ...] = ()
    """The latest audit entries; earlier ones are in the blocks."""
    blocks: tuple[str, ...] = ()
    """The locations of full blocks of entries (`event_archive.Block`), oldest first."""
    primary: str = ""
    """The secret that it is in; empty in states of earlier versions."""
    nonce: str = field(default_factory=nonce)


class _StateHeader(Frozen, frozen=True, kw_only=True):
    """The part of a token's state, or of the store's description, that says how to read the rest."""

    document: DocumentHeader = field(default_factory=DocumentHeader)
    format: int = FORMAT


class BlockBody(Frozen, frozen=True, kw_only=True, tag="block"):
    """Audit entries moved out of a token's state."""

    entries: tuple[ChainedEvent, ...]


class PointerBody(Frozen, frozen=True, kw_only=True, tag="pointer"):
    """Points a name to its token, if that is not the token stored in the secret itself."""

    holder: TokenId
    primary: str = field(name="home")
    nonce: str = field(default_factory=nonce)


class NeverCreated(Frozen, frozen=True, kw_only=True, tag="void"):
    """Marks a name whose creation was interrupted, so it can never be completed."""

    nonce: str = field(default_factory=nonce)


class LedgerBody(Hidden, frozen=True, kw_only=True, tag="graves"):
    """A token's tombstones, kept after AWS has removed the versions, and the contents of unlabelled candidates."""

    tombstones: dict[Label, Tombstone] = field(name="stones", default_factory=dict)
    archived_slots: dict[str, bytes] = field(name="attic", default_factory=dict)
    """Slot contents by version id: a secret can have 20 labels, and more values may be in quarantine."""
    nonce: str = field(default_factory=nonce)


class SlotBody(Hidden, frozen=True, kw_only=True, tag="slot"):
    """A candidate value. Bytes, because a value may contain text that UTF-8 cannot encode."""

    fields: dict[str, bytes] | None = None
    tombstone: Tombstone | None = None
    nonce: str = field(default_factory=nonce)


class LivePart(Frozen, frozen=True, kw_only=True):
    """Metadata stored beside the fields that consumers read."""

    version: int
    label: Label | None = None


def pack(body: msgspec.Struct) -> bytes:
    """Return the body as compressed JSON."""
    return zlib.compress(msgspec.json.encode(body, order="deterministic"), 9)


def unpack(data: bytes, kind: type[_Body]) -> _Body:
    """Decode the output of `pack`; Tampered for anything else, including data above the size limit."""
    try:
        return msgspec.json.decode(decompress_limited(data, _MAX_DECOMPRESSED), type=kind)
    except (zlib.error, msgspec.DecodeError, ValueError, RecursionError):
        raise damaged("a version of a secret has content that tokenguard never writes") from None


def unpack_state(data: bytes) -> TokenBody | NeverCreated:
    """Decode a token's state; raises as `unpack`, and NewerFormat if a newer version wrote it."""
    header = unpack(data, _StateHeader)
    header.document.check()
    body = unpack(data, TokenBody | NeverCreated)  # type: ignore[arg-type]  # a union is not a type to mypy
    if isinstance(body, NeverCreated):
        return body
    return replace(body, document=header.document.as_read(body.document))


def unpack_store(data: bytes) -> StoreBody:
    """Decode the store's description; raises as `unpack`, and NewerFormat if a newer version wrote it."""
    NewerFormat.check("the store", unpack(data, _StateHeader).format, FORMAT)
    return unpack(data, StoreBody)


def slot(content: Value | Tombstone) -> bytes:
    """Encode the content of a candidate slot."""
    if isinstance(content, Tombstone):
        return pack(SlotBody(tombstone=content))
    return pack(SlotBody(fields=content.encoded()))


def read_slot(data: bytes) -> Value | Tombstone:
    """Decode the output of `slot`."""
    body = unpack(data, SlotBody)
    if body.tombstone is not None:
        return body.tombstone
    if not body.fields:
        raise damaged("a value of the store is empty")
    return Value.decoded(body.fields)


def live(value: Value | None, part: LivePart) -> str:
    """Encode the live value: its fields as consumers read them, and the metadata under a reserved name."""
    fields: dict[str, Any] = {} if value is None else {name: value.field(name).reveal() for name in value.names}
    return json.dumps(fields | {_OURS: msgspec.to_builtins(part)})


def read_live(text: str) -> tuple[Value | None, LivePart] | None:
    """Decode the output of `live`; None for foreign content."""
    try:
        tree = json.loads(text)
        part = msgspec.convert(tree.pop(_OURS), LivePart)
        fields = {str(name): Secret(text) for name, text in tree.items() if isinstance(text, str)}
    except (ValueError, AttributeError, KeyError, msgspec.ValidationError, RecursionError):
        return None
    return (Value(fields) if fields else None), part
