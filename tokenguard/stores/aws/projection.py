"""Copies documents into tags, so that one listing of 100 secrets reads 100 documents.

Tags have no compare-and-set, so a copy names the version it was made from and is used only if the document's label is
on that version; other tokens are read individually.
"""

import base64
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from tokenguard.clients.aws.secrets import tags_in
from tokenguard.domain.document import Document, Snapshot, decode, encode
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


def tags_of(store_id: str, token: TokenId, version: int, at: str, document: Document) -> dict[str, str]:
    """Return all tags of a secret: filters, fingerprints, and the document itself if it is small enough."""
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
        chunks = []
    tags[STATE] = f"{version}:{at}:{len(chunks)}"
    return tags | {f"{_CHUNK}{number:02}": chunk for number, chunk in enumerate(chunks)}


def snapshot_in(listed: Mapping[str, Any]) -> Snapshot | None:
    """Return the token from an entry of a listing; None if it must be read from the secret."""
    tags = tags_in(listed)
    try:
        version, at, count = tags[STATE].split(":")
        if DOCUMENT not in listed.get("SecretVersionsToStages", {}).get(at, ()) or count == "0":
            return None
        packed = "".join(tags[f"{_CHUNK}{number:02}"] for number in range(int(count)))
        document = decode(decompress_limited(base64.b64decode(packed, validate=True), _MAX_DOCUMENT))
        return Snapshot(id=TokenId(tags[TOKEN]), version=int(version), document=document)
    except (KeyError, ValueError, zlib.error, Tampered):
        return None


def latest_in(tags: Mapping[str, str]) -> tuple[int, str]:
    """Return the number and the secret version of the latest state that a token's tags know of; 0 for none."""
    version, _, rest = tags.get(STATE, "").partition(":")
    return (int(version), rest.partition(":")[0]) if version.isdecimal() else (0, "")


def _plain(word: str) -> str:
    return _NOT_IN_TAGS.sub("_", word)[:_CHUNK_LENGTH]
