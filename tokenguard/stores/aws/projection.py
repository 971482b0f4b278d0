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
_COUNTS = frozenset(map(str, range(_MOST_CHUNKS + 1)))
_SEALED = 3
"""Parts of a state before its seal; those of versions before 2026-12 end there."""
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
    state, packed = _copy_in(tags)
    version, _, at = state.rpartition(":")[0].partition(":")
    try:
        if not packed or DOCUMENT not in listed.get("SecretVersionsToStages", {}).get(at, ()):
            return None
        if not _is_sealed(tags, listed["Name"], key):
            return None
        document = decode(decompress_limited(base64.b64decode(packed, validate=True), _MAX_DOCUMENT))
        return Snapshot(id=TokenId(tags[TOKEN]), version=int(version), document=document)
    except (ValueError, zlib.error, Tampered):
        return None


def are_altered(tags: Mapping[str, str], store_id: str, token: TokenId, place: tuple[str, str], key: bytes) -> bool:
    """Whether the tags of a secret are not those that were written with the state at a place (secret and version).

    Those of another version are of a state that did not take effect, or not yet. Those of earlier versions of
    tokenguard have no seal.
    """
    if latest_in(tags)[1] != place[1]:
        return False
    ours = tags.get(STORE, store_id) == store_id and tags.get(TOKEN, token) == token
    return not ours or (tags[STATE].count(":") == _SEALED and not _is_sealed(tags, place[0], key))


def _copy_in(tags: Mapping[str, str]) -> tuple[str, str]:
    """The state that tags name, without its seal, and the chunks of the document; empty if they are not all there."""
    state = ":".join(tags.get(STATE, "").split(":")[:_SEALED])
    count = state.rpartition(":")[2]
    names = [f"{_CHUNK}{number:02}" for number in range(int(count) if count in _COUNTS else 0)]
    return state, "".join(tags[name] for name in names) if all(name in tags for name in names) else ""


def _is_sealed(tags: Mapping[str, str], primary: str, key: bytes) -> bool:
    state, packed = _copy_in(tags)
    wanted = _seal(key, tags.get(STORE, ""), tags.get(TOKEN, ""), primary, state, packed)
    return hmac.compare_digest(tags.get(STATE, "").removeprefix(f"{state}:").encode(), wanted.encode())


def latest_in(tags: Mapping[str, str]) -> tuple[int, str]:
    """Return the number and the secret version of the latest state that a token's tags know of; 0 for none."""
    version, _, rest = tags.get(STATE, "").partition(":")
    return (int(version), rest.partition(":")[0]) if version.isdecimal() else (0, "")


def _seal(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\n".join(("tokenguard tags", *parts)).encode(), hashlib.sha256).hexdigest()[:32]


def _plain(word: str) -> str:
    return _NOT_IN_TAGS.sub("_", word)[:_CHUNK_LENGTH]
