"""Somebody edits the embedded store's files: every change is detected, or changes nothing that is read."""

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.local_stores import KEY, added, document, edited, event, everything, made, opened
from tests.faults.store_traffic import ONE, TRAFFIC
from tokenguard.domain.event import Op
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.errors import ExitCode, Tampered, TokenguardError, Unreachable, WrongKey
from tokenguard.stores.local import database
from tokenguard.stores.local.known_place import KnownPlace
from tokenguard.stores.local.layout import anchor_directory

PAGE = 4096
PARTS = 16


@dataclass(frozen=True, slots=True)
class Victim:
    """A store with an earlier copy of itself: what a thief of backups has."""

    home: Path
    file: Path
    now: bytes
    earlier: bytes
    content: list[object]


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less empty space in the file, so that every bit can be tried."""
    monkeypatch.setattr(database, "PRAGMAS", {"page_size": ("512", 512), **database.PRAGMAS})


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    home = tmp_path / "store"
    store = made(home)
    for act in TRAFFIC[:5]:
        act(store)
    store.close()
    file = home / "store.db"
    earlier = file.read_bytes()
    store = opened(home)
    for act in TRAFFIC[5:]:
        act(store)
    edited(store, store.load(ONE), purpose="changed")
    content = everything(store)
    store.close()
    return Victim(home, file, file.read_bytes(), earlier, content)


def judge(victim: Victim) -> str:
    """Read everything: `detected`, `harmless`, or what went wrong."""
    journal = victim.file.with_name("store.db-journal")
    try:
        store = opened(victim.home)
        try:
            same = everything(store) == victim.content
        finally:
            store.close()
    except (Tampered, WrongKey):
        return "detected"
    except Unreachable as error:
        return "detected" if "new key" in error.message or "SQLite does not keep" in error.message else error.message
    except Exception as error:  # noqa: BLE001 - any other exception is what this test is for
        return f"raised {type(error).__name__}"
    finally:
        journal.unlink(missing_ok=True)
    return "harmless" if same else "believed a changed store"


def verdicts(victim: Victim, changed: Iterator[bytes]) -> Counter[str]:
    found: Counter[str] = Counter()
    for data in changed:
        victim.file.write_bytes(data)
        found[judge(victim)] += 1
    return found


def flipped(data: bytes, bits: Iterator[int] | range | list[int]) -> Iterator[bytes]:
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_an_untouched_store_is_believed(victim: Victim):
    assert judge(victim) == "harmless"


def test_flipped_bits_are_detected_or_harmless(victim: Victim):
    """A part of SQLite's header, and a sample of everything else."""
    rng = random.Random(7)
    sample = [*range(0, 100 * 8, 4), *(rng.randrange(len(victim.now) * 8) for _ in range(300))]
    found = verdicts(victim, flipped(victim.now, sample))
    assert set(found) == {"detected", "harmless"}
    assert found["detected"] > 50


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_single_bit_flipped(victim: Victim, part: int):
    """In parts, so that each core has some."""
    found = verdicts(victim, flipped(victim.now, range(part, len(victim.now) * 8, PARTS)))
    print(f"bit flips: {dict(found)}")
    assert set(found) == {"detected", "harmless"}


def test_truncations_are_detected_or_cut_only_unused_space(victim: Victim):
    sizes = [0, 1, 15, 16, 17, 99, 100, 101, 511, 512, PAGE - 1, *range(PAGE, len(victim.now), 2048)]
    found = verdicts(victim, (victim.now[:size] for size in sizes))
    assert set(found) <= {"detected", "harmless"}
    assert found["harmless"] <= 2  # the tail can be a free page that nothing is read from


@pytest.mark.parametrize(
    "data",
    [b"", bytes(4096), b"not a database\n" * 400, b"SQLite format 3\0" + bytes(84), b"\xff" * 40_000],
    ids=["empty", "zeros", "text", "header-only", "ones"],
)
def test_files_that_are_no_store_are_detected(victim: Victim, data: bytes):
    victim.file.write_bytes(data)
    assert judge(victim) == "detected"


@pytest.mark.parametrize("word", [b"CREATE TABLE body", b"tablebodybody", b"sealed BLOB", b"WITHOUT ROWID"])
@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_a_damaged_schema_is_detected_also_where_it_is_no_text(victim: Victim, word: bytes, byte: int):
    """SQLite quotes it in a message that Python cannot decode."""
    at = victim.now.index(word)
    found = verdicts(
        victim, (victim.now[:place] + bytes([byte]) + victim.now[place + 1 :] for place in range(at, at + len(word), 4))
    )
    assert set(found) == {"detected"}


def test_each_page_of_an_earlier_copy_put_back_is_detected_or_harmless(victim: Victim):
    shared = min(len(victim.now), len(victim.earlier))
    starts = [start for start in range(0, shared, PAGE) if victim.now[start:][:PAGE] != victim.earlier[start:][:PAGE]]
    assert len(starts) > 3
    mixed = (victim.now[:at] + victim.earlier[at : at + PAGE] + victim.now[at + PAGE :] for at in starts)
    found = verdicts(victim, mixed)
    assert set(found) <= {"detected", "harmless"}
    assert found["detected"] >= len(starts) - 1


def test_an_earlier_copy_put_back_whole_is_detected(victim: Victim):
    victim.file.write_bytes(victim.earlier)
    with pytest.raises(Tampered) as caught:
        opened(victim.home)
    assert "older" in caught.value.message
    assert "store restore" in caught.value.hint
    assert caught.value.exit_code is ExitCode.TAMPERED


def test_another_history_of_the_same_length_is_detected(victim: Victim):
    """Two copies that went on separately: same generation, other content."""
    anchor = next(anchor_directory().iterdir())
    seen = anchor.read_bytes()
    victim.file.write_bytes(victim.earlier)
    shutil.rmtree(anchor_directory().parent)
    store = opened(victim.home)
    for _ in range(4):
        edited(store, store.load(ONE), purpose="forked")
    store.close()
    anchor.write_bytes(seen)
    assert judge(victim) == "detected"


def test_store_and_anchor_rolled_back_together_is_the_stated_limit(victim: Victim):
    """Everything that this machine knew of the store is gone: that it knew nothing is what can be told."""
    shutil.rmtree(anchor_directory().parent)
    victim.file.write_bytes(victim.earlier)
    store = opened(victim.home)
    assert store.find(token_name("video/upload/prod/one")) is not None
    assert store.watch.begun
    assert not opened(victim.home).watch.begun


def test_an_anchor_that_was_there_and_is_gone_is_detected(victim: Victim):
    store = opened(victim.home)
    (anchor_directory() / store.store_id).unlink()
    with pytest.raises(Tampered):
        list(store.scan())
    with pytest.raises(Tampered):
        added(store, "video/more")
    assert judge(victim) == "detected"
    shutil.rmtree(anchor_directory())
    assert judge(victim) == "detected"


def test_another_store_of_the_same_key_in_this_ones_place_is_detected(victim: Victim, tmp_path: Path):
    other = made(tmp_path / "other")
    other.close()
    (tmp_path / "other" / "store.db").replace(victim.file)
    assert judge(victim) == "detected"


def test_an_anchor_of_a_store_from_before_places_were_known_must_stay(victim: Victim, monkeypatch: pytest.MonkeyPatch):
    """What earlier versions left: an anchor, and no word of the place."""
    shutil.rmtree(anchor_directory().with_name("places"))
    store = opened(victim.home)
    assert not store.watch.begun
    assert store.watch.since is None
    shutil.rmtree(anchor_directory().with_name("places"))
    real = KnownPlace.expects_anchor

    def gone_meanwhile(self: KnownPlace, identity: bytes) -> bool:
        (anchor_directory() / identity.hex()).unlink(missing_ok=True)
        return real(self, identity)

    monkeypatch.setattr(KnownPlace, "expects_anchor", gone_meanwhile)
    assert judge(victim) == "detected"


@pytest.mark.parametrize("garbage", [b"", b"{}", b"[" * 400, b"\xff\xfe", b"x" * 20_000])
def test_a_damaged_memory_of_the_place_stops_everything(victim: Victim, garbage: bytes):
    next(anchor_directory().with_name("places").iterdir()).write_bytes(garbage)
    assert judge(victim) == "detected"


@pytest.mark.parametrize(
    "garbage", [b"", b"{}", b"[" * 4000, b"\xff\xfe", b'{"format":1,"generation":-1}', b"x" * 9000]
)
def test_a_damaged_anchor_stops_everything(victim: Victim, garbage: bytes):
    next(anchor_directory().iterdir()).write_bytes(garbage)
    assert judge(victim) == "detected"


def test_an_anchor_of_another_store_is_not_believed(victim: Victim, tmp_path: Path):
    anchor = next(anchor_directory().iterdir())
    other = made(tmp_path / "other")
    shutil.copyfile(anchor_directory() / other.store_id, anchor)
    assert judge(victim) == "detected"


# ---- edits by somebody who knows the tables


def leaf(row: int) -> str:
    return f"(SELECT tag FROM leaf ORDER BY tag LIMIT 1 OFFSET {row})"


EDITS = {
    "bodies swapped": "UPDATE leaf SET body = CASE body WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE body END",
    "body overwritten by another": "UPDATE body SET sealed = (SELECT sealed FROM body WHERE row = 3) WHERE row = 4",
    "body removed": "DELETE FROM body WHERE row = 2",
    "leaf removed": f"DELETE FROM leaf WHERE tag = {leaf(1)}",
    "all leaves removed": "DELETE FROM leaf",
    "leaf copied to a new place": f"INSERT INTO leaf SELECT randomblob(16), kind, version, digest, body FROM leaf WHERE tag = {leaf(2)}",
    "version changed": f"UPDATE leaf SET version = version + 1 WHERE tag = {leaf(0)}",
    "kind changed": f"UPDATE leaf SET kind = kind % 7 + 1 WHERE tag = {leaf(3)}",
    "kind is text": f"UPDATE leaf SET kind = 'document' WHERE tag = {leaf(3)}",
    "version is huge": f"UPDATE leaf SET version = -1 WHERE tag = {leaf(3)}",
    "digest is short": f"UPDATE leaf SET digest = x'00' WHERE tag = {leaf(3)}",
    "body is text": "UPDATE body SET sealed = 'text' WHERE row = 1",
    "body is empty": "UPDATE body SET sealed = x'' WHERE row = 1",
    "generation raised": "UPDATE store SET generation = generation + 1",
    "generation lowered": "UPDATE store SET generation = generation - 1",
    "generation is text": "UPDATE store SET generation = 'x'",
    "root zeroed": "UPDATE store SET root = zeroblob(32)",
    "buckets zeroed": "UPDATE store SET buckets = zeroblob(8192)",
    "buckets short": "UPDATE store SET buckets = x''",
    "head removed": "DELETE FROM store",
    "store id changed": "UPDATE store SET id = randomblob(16)",
    "key id changed": "UPDATE store SET key_id = randomblob(16)",
    "slot removed": "DELETE FROM slot",
    "slot doubled": "INSERT INTO slot SELECT 'ffffffffffffffff', kind, params, salt, commitment, wrapped FROM slot",
    "slot renamed": "UPDATE slot SET id = '0000000000000000'",
    "slot kind changed": "UPDATE slot SET kind = 'keyring'",
    "slot kind unknown": "UPDATE slot SET kind = 'nothing'",
    "slot params garbage": "UPDATE slot SET params = '{'",
    "slot params deep": "UPDATE slot SET params = '" + "[" * 400 + "'",
    "slot params long": "UPDATE slot SET params = '" + " " * 600 + "'",
    "slot params other": """UPDATE slot SET params = '{"account":"x","cost":null}'""",
    "slot cost ruinous": """UPDATE slot SET kind = 'passphrase', params = '{"cost":{"memory_kib":9999999,"passes":1000,"lanes":1}}'""",
    "slot wrapped changed": "UPDATE slot SET wrapped = randomblob(48)",
    "slot commitment changed": "UPDATE slot SET commitment = randomblob(32)",
    "slot salt short": "UPDATE slot SET salt = x''",
    "trigger planted": "CREATE TRIGGER evil AFTER UPDATE ON store BEGIN UPDATE store SET generation = 1; END",
    "index planted": "CREATE INDEX evil ON body (sealed)",
    "view planted": "CREATE VIEW evil AS SELECT * FROM body",
    "table dropped": "DROP TABLE body",
    "application id": "PRAGMA application_id = 7",
    "format of the future": "PRAGMA user_version = 2",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_edits_of_the_tables_are_detected(victim: Victim, edit: str):
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute(edit)
        connection.commit()
    assert judge(victim) == "detected"


@pytest.mark.parametrize("tables", [("leaf", "body"), ("store",), ("leaf",), ("body",), ("leaf", "body", "slot")])
def test_tables_of_an_earlier_copy_are_detected(victim: Victim, tmp_path: Path, tables: tuple[str, ...]):
    """Everything rolled back except something: rows without their head, the head without its rows."""
    earlier = tmp_path / "earlier.db"
    earlier.write_bytes(victim.earlier)
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute("ATTACH ? AS old", (str(earlier),))
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")
        connection.commit()
    assert judge(victim) == "detected"


def test_an_earlier_copy_under_todays_root_is_detected(victim: Victim, tmp_path: Path):
    """Everything fits but the root, which only a holder of the key can make."""
    earlier = tmp_path / "earlier.db"
    earlier.write_bytes(victim.earlier)
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute("ATTACH ? AS old", (str(earlier),))
        for table in ("leaf", "body", "slot"):
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")
        connection.execute("UPDATE store SET buckets = (SELECT buckets FROM old.store)")
        connection.commit()
    assert judge(victim) == "detected"


def test_the_bytes_of_a_row_of_another_history_are_detected(victim: Victim, tmp_path: Path):
    """Two copies that went on separately: rows of the same place and version open, and are not what was written."""
    fork = tmp_path / "fork.db"
    for purpose in ("forked", "ours"):
        shutil.rmtree(anchor_directory().parent)
        victim.file.write_bytes(victim.now)
        store = opened(victim.home)
        edited(store, store.load(ONE), purpose=purpose)
        store.close()
        if purpose == "forked":
            shutil.copy(victim.file, fork)
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute("ATTACH ? AS fork", (str(fork),))
        swapped = connection.execute(
            "UPDATE body SET sealed = theirs.sealed FROM leaf, fork.leaf AS their, fork.body AS theirs "
            "WHERE leaf.body = body.row AND their.tag = leaf.tag AND their.version = leaf.version "
            "AND their.digest != leaf.digest AND theirs.row = their.body"
        )
        assert swapped.rowcount > 0
        connection.commit()
    assert judge(victim) == "detected"


def test_one_row_of_an_earlier_copy_is_detected(victim: Victim, tmp_path: Path):
    earlier = tmp_path / "earlier.db"
    earlier.write_bytes(victim.earlier)
    tried = 0
    with closing(sqlite3.connect(earlier)) as old:
        rows = old.execute("SELECT leaf.*, body.sealed FROM leaf JOIN body ON body.row = leaf.body").fetchall()
    for tag, kind, version, digest, _, sealed in rows:
        victim.file.write_bytes(victim.now)
        with closing(sqlite3.connect(victim.file)) as connection:
            (body, now) = connection.execute("SELECT body, digest FROM leaf WHERE tag = ?", (tag,)).fetchone()
            if now == digest:
                continue
            connection.execute("UPDATE body SET sealed = ? WHERE row = ?", (sealed, body))
            connection.execute("INSERT OR REPLACE INTO leaf VALUES (?, ?, ?, ?, ?)", (tag, kind, version, digest, body))
            connection.commit()
        tried += 1
        assert judge(victim) == "detected"
    assert tried >= 3


def test_a_write_never_vouches_for_what_it_did_not_prove(victim: Victim):
    """Commits around changed rows fail where they meet one, and never make the change look right."""
    elsewhere = "substr(tag, 1, 1) != (SELECT substr(tag, 1, 1) FROM leaf WHERE kind = 7)"  # opening reads that bucket
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute(f"UPDATE leaf SET version = version + 1 WHERE {elsewhere}")
        connection.commit()
    store = opened(victim.home)
    refused = 0
    for number in range(60):
        try:
            store.commit(new_token_id(), 0, document(f"new/{number}"), [event(Op.ADD)])
        except Tampered:
            refused += 1
    assert refused > 0
    assert list(store.check()) != []
    with pytest.raises(Tampered):
        list(store.scan())


def test_a_process_that_read_a_row_before_never_vouches_for_a_change_of_it(victim: Victim):
    store = opened(victim.home)
    assert everything(store) == victim.content
    with closing(sqlite3.connect(victim.file)) as connection:
        connection.execute("UPDATE leaf SET version = version + 1")
        connection.commit()
    with suppress(Tampered):
        for number in range(60):
            store.commit(new_token_id(), 0, document(f"new/{number}"), [event(Op.ADD)])
    assert list(store.check()) != []
    with pytest.raises(Tampered):
        list(store.scan())
    with pytest.raises(Tampered):
        opened(victim.home)


def test_a_check_names_every_kind_of_problem_without_a_name_or_value(tmp_path: Path):
    """Rows that are sealed properly and do not fit together: what only a bug, or a holder of the key, can make."""
    from tokenguard.stores.local.sealing import RowKind

    store = made(tmp_path / "store")
    one, two = added(store, "secret-name/one"), added(store, "secret-name/two")
    breaks: list[Callable[..., object]] = [
        lambda rows: rows.put(RowKind.NAME, "secret-name/one", two.encode()),
        lambda rows: rows.put(RowKind.NAME, "secret-name/lost", one.encode()),
        lambda rows: rows.delete(RowKind.EVENT, f"{one}:1"),
        lambda rows: rows.put(RowKind.EVENT, f"{new_token_id()}:1", rows.get(RowKind.EVENT, f"{two}:1").data),
        lambda rows: rows.put(RowKind.EVENT, f"{two}:1", rows.get(RowKind.EVENT, f"{two}:2").data),
        lambda rows: rows.put(RowKind.LIVE, one, b'{"version":2,"label":"gone-1"}'),
        lambda rows: rows.put(RowKind.VALUE, f"{one}:x", b"[]"),
        lambda rows: rows.put(RowKind.DOCUMENT, new_token_id(), b"nonsense"),
    ]
    for break_ in breaks:
        before = len(list(store.check()))
        with store.session.writing() as work:
            break_(work.rows)
        problems = list(store.check())
        assert len(problems) > before
        assert "secret-name" not in f"{problems}"
        assert "tgcanary" not in f"{problems}"


def test_no_error_about_a_damaged_store_says_what_was_in_it(victim: Victim):
    said = set()
    rng = random.Random(3)
    bits = [rng.randrange(len(victim.now) * 8) for _ in range(120)]
    no_stores = (b"no store at all " * PAGE, bytes(PAGE) + victim.now[PAGE:], victim.now[:PAGE] + bytes(8 * PAGE))
    for data in (*flipped(victim.now, bits), *no_stores):
        victim.file.write_bytes(data)
        try:
            everything(opened(victim.home))
        except TokenguardError as error:
            said.add((error.message, error.hint))
    text = " ".join(message for message, _ in said)
    assert said
    assert all(hint and not message.endswith(".") for message, hint in said)
    quoted = ("sqlite3", "disk image", "is not a database", "no such table")  # what SQLite says
    assert all(word not in text for word in ("tgcanary", "video", "upload", *quoted))


def test_a_store_opened_with_its_own_key_file_only(victim: Victim):
    other = type(KEY).key_file(b"\x01" * 32)
    with pytest.raises(WrongKey) as caught:
        opened(victim.home, other)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
