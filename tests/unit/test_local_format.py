"""A second reader of the store, from docs/store-format.md alone: nothing here comes from the package.

It reads a store made by this version, and one of format 1 kept in the repository, so that no later version can
change the format unseen.
"""

import base64
import hashlib
import hmac
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from tests.fakes.local_stores import added, everything, made, opened

KEPT = Path(__file__).parents[1] / "data" / "store-format-1.db"
KEY = bytes(range(32))
L = b"tokenguard/1/"


def length_prefixed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def hkdf(material: bytes, salt: bytes, label: bytes, size: int) -> bytes:
    return HKDF(SHA256(), size, salt, label).derive(material)


def expand(key: bytes, label: bytes, size: int = 32) -> bytes:
    return HKDFExpand(SHA256(), size, L + label).derive(key)


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


class Reader:
    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as database:
            self.application = database.execute("PRAGMA application_id").fetchone()[0]
            self.format = database.execute("PRAGMA user_version").fetchone()[0]
            [(self.id, self.key_id, self.generation, self.buckets, self.root)] = database.execute(
                "SELECT id, key_id, generation, buckets, root FROM store"
            ).fetchall()
            columns = "id, kind, params, salt, commitment, wrapped"
            self.slots = database.execute(f"SELECT {columns} FROM slot ORDER BY id").fetchall()
            self.leaves = database.execute(
                "SELECT tag, kind, version, digest, sealed FROM leaf JOIN body ON body = row ORDER BY tag"
            ).fetchall()
        self.data_key = self.unwrap(KEY)

    def unwrap(self, material: bytes) -> bytes:
        slot, kind, params, salt, commitment, wrapped = next(each for each in self.slots if each[1] == "key_file")
        out = hkdf(material, salt, L + b"slot/" + kind.encode(), 76)
        assert out[44:] == commitment
        bound = length_prefixed(L + b"slot/", self.id, slot.encode(), kind.encode(), params.encode())
        return AESGCM(out[:32]).decrypt(out[32:44], wrapped, bound)

    def root_fits(self) -> bool:
        buckets = b"".join(
            hashlib.sha256(
                L
                + b"tree/bucket"
                + b"".join(
                    tag + u64(kind) + u64(version) + digest
                    for tag, kind, version, digest, _ in self.leaves
                    if tag[0] == bucket
                )
            ).digest()
            for bucket in range(256)
        )
        texts = [[part.encode() if isinstance(part, str) else part for part in slot] for slot in self.slots]
        slots = hashlib.sha256(length_prefixed(L + b"slot/", *(length_prefixed(*slot) for slot in texts))).digest()
        parts = length_prefixed(L + b"tree/root", self.id, self.key_id, u64(self.generation), slots, buckets)
        return buckets == self.buckets and mac(expand(self.data_key, b"tree"), parts) == self.root

    def rows(self) -> dict[tuple[int, str], bytes]:
        found = {}
        for tag, kind, version, digest, sealed in self.leaves:
            assert hashlib.sha256(sealed).digest() == digest
            assert (len(sealed) - 32 - 16) % 256 == 0
            out = hkdf(expand(self.data_key, b"rows"), sealed[:32], L + b"row", 44)
            bound = length_prefixed(L + b"row", self.id, u64(kind), tag, u64(version))
            plain = AESGCM(out[:32]).decrypt(out[32:], sealed[32:], bound)
            key, rest = unframe(plain)
            assert mac(expand(self.data_key, b"tags"), length_prefixed(bytes([kind]), key))[:16] == tag
            found[kind, key.decode()] = unframe(rest)[0]
        return found


def unframe(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    return data[4 : 4 + size], data[4 + size :]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    store = made(tmp_path / "store")
    added(store, "video/upload", "tgcanary-format")
    store.close()
    return tmp_path / "store" / "store.db"


@pytest.fixture(params=["fresh", "kept"])
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(KEPT if request.param == "kept" else request.getfixturevalue("fresh"))


def test_the_file_says_what_it_is(reader: Reader):
    assert (reader.application, reader.format) == (0x746B6764, 1)
    assert (len(reader.id), reader.key_id) == (16, expand(reader.data_key, b"id", 16))


def test_the_tree_is_the_documented_one(reader: Reader):
    assert reader.root_fits()


def test_the_rows_open_as_documented(reader: Reader):
    rows = reader.rows()
    token = rows[2, "video/upload"].decode()
    assert json.loads(rows[1, token])["record"]["name"] == "video/upload"
    assert json.loads(rows[5, token])["version"] == 1
    label = json.loads(rows[5, token])["label"]
    assert json.loads(rows[4, f"{token}:{label}"])["fields"] == {"token": "dGdjYW5hcnktZm9ybWF0"}
    assert json.loads(rows[3, f"{token}:1"])["event"]["op"] == "add"
    assert json.loads(rows[6, "store"])["seq"] == 2
    assert set(json.loads(rows[7, "store"])) == {"anchor", "fingerprint"}


def test_the_anchor_is_the_documented_one(fresh: Path, tmp_path: Path):
    reader = Reader(fresh)
    anchor = json.loads((tmp_path / "state" / "anchors" / reader.id.hex()).read_bytes())

    key = base64.b64decode(json.loads(reader.rows()[7, "store"])["anchor"])
    parts = length_prefixed(L + b"anchor", reader.id, u64(reader.generation), reader.root)
    assert anchor == {
        "format": 1,
        "generation": reader.generation,
        "root": reader.root.hex(),
        "mac": mac(key, parts).hex(),
    }


def test_this_version_reads_and_writes_a_store_of_format_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "store").mkdir(mode=0o700)
    shutil.copyfile(KEPT, tmp_path / "store" / "store.db")
    (tmp_path / "store" / "store.db").chmod(0o600)
    store = opened(tmp_path / "store")
    assert len(everything(store)) == 4
    assert list(store.check()) == []
    added(store, "video/another")
    assert list(opened(tmp_path / "store").check()) == []
