"""Copies documents into tags, so that one listing of 100 secrets reads 100 documents.

Tags have no compare-and-set, so a copy names the version it was made from and is used only if the document's label is
on that version. Tags can be written without reading a secret, so a copy is sealed with the store's key. Other tokens
are read individually.
"""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from tokenguard.clients.aws.secrets import tags_in
from tokenguard.domain.document import Snapshot, decode, encode
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId
from tokenguard.errors import Tampered
from tokenguard.stores.decompress import decompress_limited

DOCUMENT = "tg-doc"
"""The label of a token's current state."""
STORE, TOKEN, STATE, MORE = "tg:store", "tg:id", "tg:v", "tg:more"
SIGNPOST = "tg:sign"
_PRINT = "tg:fp:"
_CHUNK = "tg:d"
_CHUNK_LENGTH = 256
_MOST_CHUNKS = 20
_MOST_PRINTS = 12
_MAX_DOCUMENT = 1 << 20
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9 _.:/=+@-]", re.ASCII)


def print_key(fingerprint: Fingerprint) -> str:
    """Return the tag that marks a document as knowing a value."""
    return _PRINT + fingerprint


def print_keys(fingerprints: Iterable[Fingerprint]) -> list[str]:
    """Return the tags of all fingerprints; MORE stands for those beyond the tag limit."""
    known = sorted(fingerprints)
    return [print_key(each) for each in known[:_MOST_PRINTS]] + ([MORE] if len(known) > _MOST_PRINTS else [])


def tags_of(store_id: str, snapshot: Snapshot, place: tuple[str, str], key: bytes) -> dict[str, str]:
    """Return all tags of a secret: filters, fingerprints, and the document itself if it is small enough.

    Args:
        store_id: the store's id.
        snapshot: the token.
        place: the secret and its version that hold it.
        key: the store's key of fingerprints.
    """
    token, document, (primary, at) = snapshot.id, snapshot.document, place
    record = document.record
    words = {
        "tg:name": record.name,
        "tg:provider": record.provider,
        "tg:scope": "" if record.scope is None else str(record.scope),
        "tg:env": record.environment,
        "tg:owner": record.owner,
        "tg:state": record.state,
        "tg:due": "" if record.due_at is None else record.due_at.date().isoformat(),
    }
    tags = {STORE: store_id, TOKEN: token} | {key: _plain(word) for key, word in words.items()}
    tags |= dict.fromkeys(print_keys(document.fingerprints), "")
    packed = base64.b64encode(zlib.compress(encode(document), 9)).decode()
    chunks = [packed[start : start + _CHUNK_LENGTH] for start in range(0, len(packed), _CHUNK_LENGTH)]
    if len(chunks) > _MOST_CHUNKS:
        packed, chunks = "", []
    state = f"{snapshot.version}:{at}:{len(chunks)}"
    tags[STATE] = f"{state}:{_seal(key, store_id, token, primary, state, packed)}"
    return tags | {f"{_CHUNK}{number:02}": chunk for number, chunk in enumerate(chunks)}


def snapshot_in(listed: Mapping[str, Any], key: bytes) -> Snapshot | None:
    """Return the token from an entry of a listing; None if it must be read from the secret."""
    tags = tags_in(listed)
    try:
        state, _, seal = tags[STATE].rpartition(":")  # until 2026-12 without a seal
        version, at, count = state.split(":")
        if DOCUMENT not in listed.get("SecretVersionsToStages", {}).get(at, ()) or count == "0":
            return None
        packed = "".join(tags[f"{_CHUNK}{number:02}"] for number in range(int(count)))
        if not hmac.compare_digest(seal, _seal(key, tags[STORE], tags[TOKEN], listed["Name"], state, packed)):
            return None
        document = decode(decompress_limited(base64.b64decode(packed, validate=True), _MAX_DOCUMENT))
        return Snapshot(id=TokenId(tags[TOKEN]), version=int(version), document=document)
    except (KeyError, ValueError, TypeError, zlib.error, Tampered):
        return None


def are_altered(tags: Mapping[str, str], written: Mapping[str, str]) -> bool:
    """Whether the tags of a secret say something else than was written for the same version of it.

    Those of another version are of a state that did not take effect, or not yet.
    """
    (_, at), (_, state) = latest_in(tags), latest_in(written)
    unsealed = {STATE} if tags.get(STATE, "") == written[STATE].rpartition(":")[0] else set()
    return at == state and any(tags.get(name, each) != each for name, each in written.items() if name not in unsealed)


def latest_in(tags: Mapping[str, str]) -> tuple[int, str]:
    """Return the number and the secret version of the latest state that a token's tags know of; 0 for none."""
    version, _, rest = tags.get(STATE, "").partition(":")
    return (int(version), rest.partition(":")[0]) if version.isdecimal() else (0, "")


def _seal(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\n".join(("tokenguard tags", *parts)).encode(), hashlib.sha256).hexdigest()[:32]


def _plain(word: str) -> str:
    return _NOT_IN_TAGS.sub("_", word)[:_CHUNK_LENGTH]
