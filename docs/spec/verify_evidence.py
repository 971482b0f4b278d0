"""Verifies evidence that `tokenguard audit bundle` wrote, from docs/spec/evidence.md alone.

    python verify_evidence.py BUNDLE --key KEY [--pin EARLIER]...

KEY is what `audit checkpoint` prints. A pin is an earlier bundle of the same token, or an earlier checkpoint of the
same store, that was kept elsewhere. Exit 0: the evidence holds. Exit 1: it does not, and the reason is printed.
Exit 2: bad input. It imports nothing of tokenguard, and needs the package cryptography for Ed25519.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "tokenguard-evidence/1"
GENESIS = "0" * 64
BUNDLE = {"format", "token", "chain", "entries", "checkpoint", "index", "proof"}
ENTRY = {"seq", "prev", "hash", "event"}
EVENT = {"at", "op", "phase", "actor", "name", "rotation", "detail"}


class Fault(Exception):
    """The evidence does not hold."""


def sha256(data):
    return hashlib.sha256(data).digest()


def read_json(text):
    """A document in which no key occurs twice."""

    def mapping(pairs):
        if len(dict(pairs)) != len(pairs):
            raise Fault("added: a key occurs twice")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=mapping)


def read_key(text):
    """NAME+ID+BASE64(0x01 || key); the id is the first four bytes of SHA-256(NAME || LF || 0x01 || key)."""
    name, key_id, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    if raw[:1] != b"\x01" or len(raw) != 33 or sha256(f"{name}\n".encode() + raw)[:4].hex() != key_id:
        raise ValueError("not a verifier key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def read_checkpoint(note, key):
    """Check the signature of a note and read its lines: number of chains, root hash, number of entries."""
    name, key_id, public = key
    body, _, signatures = note.rpartition("\n\n")
    body += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = [*line.split(" ", 2), "", ""][:3]
        if (dash, signer) != ("\N{EM DASH}", name):
            continue
        blob = base64.b64decode(encoded, validate=True)
        if blob[:4] != key_id:
            continue
        try:
            public.verify(blob[4:], body.encode())
        except InvalidSignature:
            raise Fault("forged: the checkpoint's signature is not by this key") from None
        origin, chains, root, entries = body.splitlines()
        if origin != name:
            raise Fault("foreign: the checkpoint is of another store")
        return int(chains), base64.b64decode(root, validate=True), int(entries.removeprefix("entries "))
    raise Fault("unsigned: the checkpoint has no signature by this key")


def entry_hash(chain, entry):
    """SHA-256 over the canonical JSON of an entry: keys of the outer object and of `detail` sorted, no white space."""
    event = dict(entry["event"])
    event["detail"] = dict(sorted(event["detail"].items()))
    body = {"chain": chain, "event": event, "prev": entry["prev"], "seq": entry["seq"], "v": 1}
    return sha256(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()).hex()


def check_chain(chain, entries):
    """Every entry follows from the one before."""
    previous, seen = GENESIS, set()
    for number, entry in enumerate(entries, 1):
        if set(entry) != ENTRY or not set(entry["event"]) <= EVENT:
            raise Fault(f"added: entry {number} holds what is not hashed")
        if entry["hash"] in seen:
            raise Fault(f"replayed: entry {number} occurs twice")
        seen.add(entry["hash"])
        if entry["seq"] != number:
            raise Fault(f"missing or out of order: entry {number} has the number {entry['seq']}")
        if entry["prev"] != previous:
            raise Fault(f"missing or inserted: entry {number} does not follow from the one before")
        if entry["hash"] != entry_hash(chain, entry):
            raise Fault(f"edited: entry {number} is not what was hashed")
        previous = entry["hash"]
    return previous


def tree_root(leaf, index, size, proof):
    """The root that a leaf and its proof lead to (RFC 9162, section 2.1.3.2)."""
    node, last = sha256(b"\0" + leaf), size - 1
    for part in proof:
        if last == 0:
            raise Fault("misplaced: the proof is too long")
        if index % 2 or index == last:
            node = sha256(b"\1" + part + node)
            while index and not index % 2:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + part)
        index, last = index >> 1, last >> 1
    if last:
        raise Fault("misplaced: the proof is too short")
    return node


def check_bundle(bundle, key):
    """The entries hold, their end is the one that the checkpoint has; returns the checkpoint."""
    if bundle["format"] != FORMAT:
        raise ValueError("another format")
    if set(bundle) != BUNDLE:
        raise Fault("added: the bundle holds what is not hashed")
    chain, entries = bundle["chain"], bundle["entries"]
    head = check_chain(chain, entries)
    checkpoint = read_checkpoint(bundle["checkpoint"], key)
    leaf = f"{chain} {len(entries)} {head}\n".encode()
    proof = [bytes.fromhex(part) for part in bundle["proof"]]
    if not 0 <= bundle["index"] < checkpoint[0]:
        raise Fault("misplaced: the tree has no such leaf")
    if tree_root(leaf, bundle["index"], checkpoint[0], proof) != checkpoint[1]:
        raise Fault("truncated: the last entry is not the one that was signed")
    if bundle["token"] != entries[-1]["event"]["name"]:
        raise Fault("renamed: the token's name is not that of the last entry")
    return checkpoint


def check_pin(bundle, checkpoint, pin, key):
    """What was known before is still there: no entry changed since, and the store has not gone back."""
    if not pin.lstrip().startswith("{"):
        _, root, size = read_checkpoint(pin, key)
        earlier = []
    else:
        other = read_json(pin)
        _, root, size = check_bundle(other, key)
        earlier = other["entries"]
        if other["chain"] != bundle["chain"]:
            raise Fault("foreign: the pin is of another token")
    if checkpoint[2] < size:
        raise Fault(f"rolled back: the store had {size} entries, now it has {checkpoint[2]}")
    if checkpoint[2] == size and checkpoint[1] != root:
        raise Fault("forked: the same number of entries, and others than before")
    for before, now in zip(earlier, bundle["entries"], strict=False):
        if before["hash"] != now["hash"]:
            raise Fault(f"forked: entry {now['seq']} was another one")
    if len(earlier) > len(bundle["entries"]):
        raise Fault(f"rolled back: the token had {len(earlier)} entries, now it has {len(bundle['entries'])}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="what `audit bundle` wrote")
    parser.add_argument("--key", required=True, help="the verifier key, as `audit checkpoint` prints it")
    parser.add_argument("--pin", type=Path, action="append", default=[], help="an earlier bundle or checkpoint")
    given = parser.parse_args(arguments)
    try:
        key, bundle = read_key(given.key), read_json(given.bundle.read_text(encoding="utf-8"))
        checkpoint = check_bundle(bundle, key)
        for pin in given.pin:
            check_pin(bundle, checkpoint, pin.read_text(encoding="utf-8"), key)
    except Fault as fault:
        print(f"does not hold: {fault}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"the key, the bundle or a pin cannot be read: {type(error).__name__}", file=sys.stderr)
        return 2
    print(f"holds: {len(bundle['entries'])} entries of {bundle['token']!a}, in a store with {checkpoint[2]} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
