"""What versions of secrets hold: documents, pointers, ledgers (deflated JSON), slots and live values (JSON)."""

import json
import os
import zlib
from typing import Any, TypeVar

import msgspec

from tokenguard.domain.document import FORMAT, Document
from tokenguard.domain.event import ChainedEvent
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, Hidden, field
from tokenguard.ports.store import Tombstone
from tokenguard.stores.decompress import decompress_limited

_MAX_DECOMPRESSED = 8 << 20
_OURS = "_tokenguard"
_Body = TypeVar("_Body")


def damaged(what: str) -> Tampered:
    """Something is stored that tokenguard does not write."""
    return Tampered(what, hint="see who wrote it (CloudTrail), then restore it; run `tokenguard doctor`")


def nonce() -> str:
    """Makes a body unlike every other, so that AWS never takes two writers' bodies for one writer's repetition."""
    return os.urandom(8).hex()


class StoreBody(Hidden, frozen=True, kw_only=True, tag="store"):
    """What makes a prefix a store."""

    store_id: str
    fingerprint_key: bytes
    entries: tuple[ChainedEvent, ...] = ()
    kms_key: str = ""
    """With which key the store's secrets are encrypted; empty: AWS's own for Secrets Manager."""
    sandbox: bool = False
    move: Move | None = None
    format: int = FORMAT


class TokenBody(Frozen, frozen=True, kw_only=True, tag="token"):
    """One state of one token, with its events: what a move of the document's label makes true."""

    id: TokenId
    version: int
    document: Document
    entries: tuple[ChainedEvent, ...] = ()
    """The latest entries of the chain; earlier ones are in the blocks."""
    blocks: tuple[str, ...] = ()
    """Where full blocks of entries are (`trail.Block`), oldest first."""
    nonce: str = field(default_factory=nonce)


class BlockBody(Frozen, frozen=True, kw_only=True, tag="block"):
    """Audit entries that no longer fit beside their document."""

    entries: tuple[ChainedEvent, ...]


class PointerBody(Frozen, frozen=True, kw_only=True, tag="pointer"):
    """Whose name it is, where that is not the token that lives in the secret itself."""

    holder: TokenId
    primary: str = field(name="home")
    nonce: str = field(default_factory=nonce)


class NeverCreated(Frozen, frozen=True, kw_only=True, tag="void"):
    """Nobody lives here, and nobody will: fences a token whose making was interrupted."""

    nonce: str = field(default_factory=nonce)


class LedgerBody(Hidden, frozen=True, kw_only=True, tag="graves"):
    """The tombstones of a token, kept when AWS has long removed the versions; and candidates without a label."""

    tombstones: dict[Label, Tombstone] = field(name="stones", default_factory=dict)
    archived_slots: dict[str, bytes] = field(name="attic", default_factory=dict)
    """Slots by their version id: a secret has room for 20 labels, and values in quarantine may be more."""
    nonce: str = field(default_factory=nonce)


class SlotBody(Hidden, frozen=True, kw_only=True, tag="slot"):
    """A candidate. Bytes, not text: a value may hold what UTF-8 cannot."""

    fields: dict[str, bytes] | None = None
    tombstone: Tombstone | None = None
    nonce: str = field(default_factory=nonce)


class LivePart(Frozen, frozen=True, kw_only=True):
    """What we keep beside the fields that consumers read."""

    version: int
    label: Label | None = None


def pack(body: msgspec.Struct) -> bytes:
    """Deflated JSON."""
    return zlib.compress(msgspec.json.encode(body, order="deterministic"), 9)


def unpack(data: bytes, kind: type[_Body]) -> _Body:
    """Read what `pack` wrote; Tampered for anything else, also for what would inflate without end."""
    try:
        return msgspec.json.decode(decompress_limited(data, _MAX_DECOMPRESSED), type=kind)
    except (zlib.error, msgspec.DecodeError, ValueError, RecursionError):
        raise damaged("a version of a secret holds what tokenguard does not write") from None


def slot(content: Value | Tombstone) -> bytes:
    """A candidate slot's content."""
    if isinstance(content, Tombstone):
        return pack(SlotBody(tombstone=content))
    fields = {name: content.field(name).reveal().encode("utf-8", "surrogatepass") for name in content.names}
    return pack(SlotBody(fields=fields))


def read_slot(data: bytes) -> Value | Tombstone:
    """Read what `slot` wrote."""
    body = unpack(data, SlotBody)
    if body.tombstone is not None:
        return body.tombstone
    if not body.fields:
        raise damaged("a value of the store is empty")
    return Value({name: Secret(raw.decode("utf-8", "surrogatepass")) for name, raw in body.fields.items()})


def live(value: Value | None, part: LivePart) -> str:
    """What consumers read: the fields of the value, and our own part under a name of its own."""
    fields: dict[str, Any] = {} if value is None else {name: value.field(name).reveal() for name in value.names}
    return json.dumps(fields | {_OURS: msgspec.to_builtins(part)})


def read_live(text: str) -> tuple[Value | None, LivePart] | None:
    """Read what `live` wrote; None for what somebody else put there."""
    try:
        tree = json.loads(text)
        part = msgspec.convert(tree.pop(_OURS), LivePart)
        fields = {str(name): Secret(text) for name, text in tree.items() if isinstance(text, str)}
    except (ValueError, AttributeError, KeyError, msgspec.ValidationError, RecursionError):
        return None
    return (Value(fields) if fields else None), part
