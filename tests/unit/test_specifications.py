"""The specifications under docs/spec, held to their own vectors by readers that were written from the pages.

The readers use the standard library and `cryptography` only. What the package writes is read by them, and the vectors
of the pages, which are never regenerated, are read by the package.
"""

import base64
import hashlib
import hmac
import importlib.util
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from docs import record_keys
from tokenguard.domain import document as documents
from tokenguard.domain import journal, leak, liveness, provider_listing, token
from tokenguard.domain.event import ChainHead
from tokenguard.domain.fingerprint import fingerprint_of
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.ports.shared_item import Item
from tokenguard.scanning.baseline_file import parse_baseline
from tokenguard.scanning.bundle import read_scan_key, verified
from tokenguard.scanning.slow_tags import SlowTags
from tokenguard.shell.organisation_policy import read_published
from tokenguard.stores.aws import codec as aws
from tokenguard.stores.shared_item_codec import unpacked
from tokenguard.stores.vault import codec as vault

SPEC = Path(__file__).parents[2] / "docs" / "spec"
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def vectors(page):
    """The vectors of a page by name: the text of the block after `Vector `NAME`:`."""
    text = (SPEC / f"{page}.md").read_text()
    return dict(
        re.findall(r"^Vector `([\w.-]+)`:[^\n]*(?:\n[^\n`]+)*\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )


def example_document():
    """A document in which every key of every object has a value."""
    seen = liveness.Observation(
        verdict="alive", at=AT, reason="http-200", scope=Scope("org", "acme"), scope_name="Acme", scope_verdict="right",
        retry_after=2.5,
    )  # fmt: skip
    proof = liveness.DeathProof(
        grade="confirmed", first_at=AT, last_at=AT, samples=3, control=True, controlled_by="admin", said_by="ada",
        accepted=True,
    )  # fmt: skip
    consumer = token.Consumer("vault", "vault://kv/app#token", "https://vault.example:8200")
    exposure = leak.Exposure(since=AT, reach="pushed", where="app.py:3", by="user:ada", fingerprint="0" * 32)
    row = provider_listing.ListedRow(
        label="upload-1", hint="x7y9", scope="acme", created_at=AT, last_used_at=AT, expires_at=AT
    )
    record = token.Record(
        name="video/app/prod/upload", provider="autoposting", kind="api_key", state="active", scope=Scope("org", "acme"),
        scope_name="Acme", permissions=("posts:write",), environment="prod", purpose="uploads", owner="video",
        made_by="ada", account="ada@acme.example", deputy="grace", consumers=(consumer,),
        location=token.Location("adopted", "vault://kv/app#token", "https://vault.example:8200"),
        base_url="https://api.autoposting.example", created_at=AT, added_at=AT, rotated_at=AT, due_at=AT, ends_at=AT,
        fingerprint="0" * 32, provider_id="id-1", hint="x7y9", label="upload-1", seen=seen, accepted_at=AT,
        leak_waiver=token.LeakWaiver(owner="video", reason="test page", until=AT, fingerprint="0" * 32),
        leaks=(exposure,), notes="none",
    )  # fmt: skip
    old = journal.OldValue(
        label="upload-0", live_version=1, fingerprint="1" * 32, provider_id="id-0", hint="a1b2",
        provider_label="upload-0", created_at=AT, rotated_at=AT, seen=seen, accepted_at=AT,
    )  # fmt: skip
    attempt = journal.Attempt(
        label="upload-1", state="stored", provider_id="id-1", hint="x7y9", fingerprint="0" * 32, begun_at=AT,
        scope=Scope("org", "acme"), scope_name="Acme", accepted=True,
    )  # fmt: skip
    operation = journal.Journal(
        id="2" * 32, mode="planned", stage="revoked", epoch=1, holder="host/1/nonce", opened_at=AT, updated_at=AT,
        reason="due", old=old, vacant_version=0, attempts=(attempt,),
        handovers=(journal.Handover(consumer=consumer, level="confirmed", at=AT, by="ada"),), accept_outage=True,
        revoked_at=AT, revoked_by="api", proof=proof, waiting_for="an answer",
    )  # fmt: skip
    kept = journal.Quarantined(
        label="upload-0", fingerprint="1" * 32, provider_id="id-0", provider_label="upload-0", proof=proof,
        probe_due_at=AT, accepted=True, alive_again=False,
    )  # fmt: skip
    return documents.Document(
        record=record, journal=operation, quarantine=(kept,),
        listing=provider_listing.Listing(
            at=AT, by="user:ada", rows=2, row=row, fingerprint="0" * 32, strangers=(row,), unknown=1
        ),
        chain=ChainHead(1, "3" * 64), moved_to="vault://kv/video",
    )  # fmt: skip


# ---- record


def tables():
    """The objects of the page: key -> type and what an absent one means."""
    found = {}
    for heading, body in re.findall(
        r"^### (\w+)\n(.*?)(?=^##)", (SPEC / "record.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", body, re.MULTILINE)
        found[heading] = {key: (kind.strip(), absent.strip()) for key, kind, absent in rows}
    return found


def read(known, name, tree):
    """An object as the page says: its keys, types and defaults; everything else is an error."""
    assert isinstance(tree, dict), name
    assert not set(tree) - set(known[name]), name
    return {key: read_key(known, tree, key, *about) for key, about in known[name].items()}


def read_key(known, tree, key, kind, absent):
    if key not in tree:
        assert absent != "required", key
        return json.loads(absent.strip("`")) if absent != "optional" else None
    return read_value(known, tree[key], kind)


def read_value(known, value, kind):
    plain, _, nullable = kind.partition(" or null")
    if value is None:
        assert nullable or kind.endswith(" or null"), kind
    elif plain.startswith("list of "):
        return [read_value(known, each, plain.removeprefix("list of ")) for each in value]
    elif plain.startswith("one of "):
        assert f"`{value}`" in plain, (value, plain)
    elif plain == "time":
        assert datetime.fromisoformat(value).utcoffset() is not None
    elif plain.startswith("`"):
        return read(known, plain.strip("`"), value)
    else:
        expected = {"text": str, "number": (int, float), "true or false": bool}[plain]
        assert isinstance(value, expected), (value, plain)
    return value


def test_what_this_version_writes_is_what_the_page_of_records_says():
    tree = json.loads(documents.encode(example_document()))
    read(tables(), "Document", tree)
    assert holds(tree, json.loads(vectors("record")["document"]))


def test_the_vector_of_a_record_is_read_and_written_again_with_nothing_lost():
    vector = vectors("record")["document"].strip()
    read(tables(), "Document", json.loads(vector))
    assert holds(json.loads(documents.encode(documents.decode(vector.encode()))), json.loads(vector))


def holds(tree, part):
    """Whether everything of `part` is in `tree`: later versions add keys."""
    if isinstance(part, dict):
        return isinstance(tree, dict) and all(key in tree and holds(tree[key], each) for key, each in part.items())
    if isinstance(part, list):
        return len(tree) == len(part) and all(map(holds, tree, part))
    return tree == part


def test_the_page_of_records_is_written_from_the_stored_classes():
    assert record_keys.render() in record_keys.PAGE.read_text(), "run `make docs`"


def test_absent_keys_of_a_record_mean_what_the_page_says():
    vector = vectors("record")["document-of-0.1"]
    found = documents.decode(vector.encode())
    assert found.revision == 0
    expected = read(tables(), "Document", json.loads(vector))["record"]
    got = msgspec.json.decode(msgspec.json.encode(found.record))
    assert {key: got[key] for key in expected if key != "location"} == {
        key: value for key, value in expected.items() if key != "location"
    }


def test_fingerprints_are_those_of_the_page():
    vector = json.loads(vectors("record")["fingerprint"])
    key, parts = bytes.fromhex(vector["key"]), hashlib.sha256()
    for name, text in vector["fields"].items():
        for part in (name.encode(), text.encode()):
            parts.update(len(part).to_bytes(4, "big") + part)
    assert hmac.new(key, parts.digest(), hashlib.sha256).hexdigest()[:32] == vector["fingerprint"]
    value = Value({name: Secret(text) for name, text in vector["fields"].items()})
    assert fingerprint_of(key, value) == vector["fingerprint"]


# ---- shared stores


def test_an_entry_of_a_vault_is_what_the_page_says():
    entry = json.loads(vectors("shared-stores")["vault-document"])
    assert set(entry) == {"document", "entries", "home", "version", "nonce"}
    assert json.loads(entry["document"])["record"]["name"] == entry["home"]
    found = vault.unpack_envelope(vault.KvEntry(version=entry["version"], data=entry), "kv", "doc")
    assert found.document.record.name == entry["home"]
    live = json.loads(vectors("shared-stores")["vault-live"])
    label, value = vault.unpack_live(live)
    assert (label, value.token.reveal()) == (live["tokenguard"]["label"], live["token"])


def test_a_version_of_a_secret_on_aws_is_what_the_page_says():
    data = base64.b64decode(vectors("shared-stores")["aws-token"].replace("\n", ""))
    tree = json.loads(zlib.decompress(data))
    assert (tree["type"], tree["version"], tree["document"]["format"]) == ("token", 1, 1)
    assert aws.unpack_state(data).document.record.name == tree["document"]["record"]["name"]
    live = vectors("shared-stores")["aws-live"]
    value, part = aws.read_live(live)
    assert (value.token.reveal(), part.version) == (
        json.loads(live)["token"],
        json.loads(live)["_tokenguard"]["version"],
    )


# ---- shared items


def test_a_shared_item_with_its_trail_is_what_the_page_says():
    data = base64.b64decode(vectors("shared-items")["item"].replace("\n", ""))
    mark, trail, item = zlib.decompress(data).split(b"\n", 2)
    assert mark == b"\0trail"
    last = json.loads(trail)["entries"][-1]
    assert last["event"]["detail"]["digest"] == hashlib.sha256(item).hexdigest()
    found, content = unpacked(data, Item.POLICY, "")
    assert (content, found.entries[-1].hash) == (item, last["hash"])
    assert read_published(item).version == json.loads(item)["version"]


def test_a_bundle_of_fingerprints_is_what_the_page_says():
    given = vectors("shared-items")
    signed, key = given["fingerprints"].strip(), base64.b64decode(given["scan-key"].strip())
    value = json.loads(given["fingerprints-value"])
    body = signed.removeprefix('{"bundle":').rpartition(',"signature":')[0]
    publisher = Ed25519PublicKey.from_public_bytes(key[32:])
    publisher.verify(base64.b64decode(json.loads(signed)["signature"]), b"tokenguard fingerprints 1\n" + body.encode())
    (entry,) = json.loads(body)["entries"]
    digest = hashlib.sha256(
        b"".join(len(part).to_bytes(4, "big") + part for part in (b"token", value.encode()))
    ).digest()
    assert hmac.new(key[:32], b"tokenguard scan 1" + digest, hashlib.sha256).hexdigest()[:32] == entry["tag"]
    seed = int.from_bytes(hashlib.sha256(b"anchor" + key[:32]).digest()[:4], "big")
    assert zlib.crc32(value.encode()[:12], seed) & 0xFFFF == entry["anchor"]
    assert entry["length"] == len(value)
    assert verified(signed.encode(), read_scan_key(given["scan-key"])).entries[0].tag == entry["tag"]


# ---- baseline


def test_a_baseline_is_what_the_page_says():
    given = vectors("baseline")
    text, value = given["baseline"], json.loads(given["baseline-value"])
    head, *rows = text.splitlines()
    salt = bytes.fromhex(re.fullmatch(r"# tokenguard baseline 3 salt=([0-9a-f]{32})", head)[1])
    tag = hashlib.scrypt(hashlib.sha256(salt + value.encode()).digest(), salt=salt, n=4096, r=8, p=1, dklen=6).hex()
    assert [row.split("\t")[3] for row in rows] == [tag, tag]
    found = parse_baseline(text.encode(), source="vector")
    assert found.written().decode() == text
    assert SlowTags(salt).tag(Secret(value)) == tag
    assert [(each.kind, each.path, each.until, each.reason) for each in found.entries] == [
        (row[0], row[2], *(row[4:] or ("", ""))) for row in (each.split("\t") for each in rows)
    ]


# ---- evidence


def test_the_verifier_accepts_the_bundle_of_the_page_and_no_other(tmp_path, capfd):
    spec = importlib.util.spec_from_file_location("verifier_of_vectors", SPEC / "verify_evidence.py")
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    given = vectors("evidence")
    path, key = tmp_path / "bundle.json", given["verifier-key"].strip()
    path.write_text(given["bundle"])
    assert verifier.main([str(path), "--key", key]) == 0, capfd.readouterr()
    path.write_text(given["bundle"].replace('"evidence"', '"another"', 1))
    assert verifier.main([str(path), "--key", key]) == 1


@pytest.mark.parametrize("page", ["record", "shared-stores", "shared-items", "baseline", "evidence"])
def test_every_specification_has_vectors(page):
    assert vectors(page)
