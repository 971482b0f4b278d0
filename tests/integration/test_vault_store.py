"""What the Vault store promises beyond the contract: names under races, an index that is never behind, few requests."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.store_suite import FIRST, SECOND, VALUE, created, document, event
from tests.fakes import vault_stores
from tests.fakes.vault_proxy import Answer, Asked, VaultProxy
from tests.integration.openbao import OpenBao
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.journal import Journal, Mode, Stage
from tokenguard.domain.names import TokenId, new_token_id, token_name
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Conflict, InputError, NewerFormat, Tampered
from tokenguard.frozen import replace
from tokenguard.stores.vault.codec import tombstone_document
from tokenguard.stores.vault.event_archive import BLOCK
from tokenguard.stores.vault.layout import SHARDS, VaultAddress, shard_of
from tokenguard.stores.vault.store import VaultStore

_numbers = itertools.count()


@pytest.fixture(scope="module")
def proxy(openbao: OpenBao) -> Iterator[VaultProxy]:
    with VaultProxy(openbao.port) as proxy:
        yield proxy


class Home:
    """A store of its own, and as many handles on it as a test wants."""

    def __init__(self, openbao: OpenBao, proxy: VaultProxy) -> None:
        self.server, self.proxy = openbao, proxy
        self.place = VaultAddress(mount="secret", prefix=f"tg/home{next(_numbers)}")
        self.store = vault_stores.made(self.place, self.connection())
        self.kv = KvMount(self.connection(), "secret")
        proxy.clear()

    def handle(self) -> VaultStore:
        return vault_stores.opened(self.place, self.connection())

    def put(self, path: str, data: dict[str, object]) -> None:
        self.server.api("POST", f"secret/data/{path}", {"data": data})

    def connection(self):
        return vault_stores.connection(self.proxy.url, self.server.root_token)


@pytest.fixture
def home(openbao: OpenBao, proxy: VaultProxy) -> Home:
    proxy.clear()
    return Home(openbao, proxy)


@pytest.fixture
def classic(openbao: OpenBao, proxy: VaultProxy, monkeypatch: pytest.MonkeyPatch) -> Home:
    """As on HashiCorp's Vault: no listing of versions."""
    proxy.clear()

    def unsupported(self: KvMount, path: str, after: str = "") -> dict[str, int]:
        raise VaultError.because(VaultFailure.UNSUPPORTED)

    monkeypatch.setattr(KvMount, "versions", unsupported)
    return Home(openbao, proxy)


def busy(snapshot: Snapshot, *, stage: Stage = Stage.OPEN):
    at = event_time()
    journal = Journal(id="0" * 32, mode=Mode.PLANNED, stage=stage, epoch=1, holder="h/1/x", opened_at=at, updated_at=at)
    return replace(snapshot.document, journal=journal)


def event_time():
    from datetime import UTC, datetime

    return datetime(2026, 11, 1, tzinfo=UTC)


# ---- names


def test_of_many_who_want_one_name_one_gets_it(home: Home):
    handles = [home.handle() for _ in range(6)]

    def attempt(store: VaultStore) -> Snapshot | None:
        try:
            return created(store)
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as pool:
        won = [snapshot for snapshot in pool.map(attempt, handles) if snapshot is not None]
    assert len(won) <= 1
    assert list(home.store.scan()) == won
    if not won:  # all fenced each other: the next one gets it
        won = [created(home.store)]
    assert home.store.find(token_name("video/upload")) == won[0]


def test_a_name_whose_claimant_died_is_free_for_the_next(home: Home):
    """The claim is written, the document never: the crash between."""
    home.proxy.fault = lambda _n, asked: Answer(403) if asked.method == "POST" and "/doc/" in asked.path else None
    with pytest.raises(VaultError):
        created(home.store)
    home.proxy.clear()
    assert home.store.find(token_name("video/upload")) is None
    snapshot = created(home.handle())
    assert home.store.find(token_name("video/upload")) == snapshot
    assert list(home.store.scan()) == [snapshot]


def test_a_claimant_who_is_only_slow_is_fenced(home: Home):
    """It holds the claim and is about to write its document when somebody else takes the name."""
    slow, quick = home.store, home.handle()
    won: list[Snapshot] = []

    def overtake(_number: int, asked: Asked) -> None:
        if asked.method == "POST" and "/doc/" in asked.path and not won:
            won.append(None)  # type: ignore[arg-type]  # only once
            won[0] = created(quick)

    home.proxy.fault = overtake
    with pytest.raises(Conflict):
        created(slow)
    assert list(home.store.scan()) == won


def test_a_rename_that_died_after_its_claim_does_not_block_the_name(home: Home):
    old = created(home.store, "old")
    home.proxy.fault = lambda _n, asked: Answer(403) if asked.method == "POST" and "/doc/" in asked.path else None
    with pytest.raises(VaultError):
        home.store.commit(old.id, old.version, document("new"), [event(home.store, Op.EDIT)])
    home.proxy.clear()
    assert home.store.find(token_name("new")) is None
    other = created(home.handle(), "new")
    assert home.store.find(token_name("new")) == other
    assert home.store.find(token_name("old")).id == old.id
    with pytest.raises(Conflict):
        home.store.commit(old.id, old.version, document("new"), [event(home.store, Op.EDIT)])


def test_consumers_read_where_they_always_did_after_a_rename(home: Home):
    token = created(home.store, "video/app")
    home.store.put_candidate(token.id, FIRST, VALUE)
    home.store.publish(token.id, FIRST, 0)
    home.store.commit(token.id, token.version, document("video/other"), [event(home.store, Op.EDIT)])
    assert home.handle().read_live(token.id).value == VALUE
    data = home.server.api("GET", f"secret/data/{home.place.live('video/app')}").json()["data"]["data"]
    assert data["token"] == VALUE.token.reveal()
    newcomer = created(home.store, "video/app")
    home.store.put_candidate(newcomer.id, FIRST, Value.of("tgcanary-newcomer"))
    assert home.store.publish(newcomer.id, FIRST, 0) == 1
    assert home.store.read_live(token.id).value == VALUE, "the newcomer's value went to the old one's consumers"


# ---- the index


def many(store: VaultStore, count: int) -> list[Snapshot]:
    return [created(store, f"team/service{number:03d}") for number in range(count)]


def shared_shards(tokens: list[TokenId]) -> int:
    shards = [shard_of(token) for token in tokens]
    return len({shard for shard in shards if shards.count(shard) > 1})


@pytest.mark.parametrize("kind", ["home", "classic"])
def test_an_inventory_costs_its_shards_and_not_its_tokens(kind: str, request: pytest.FixtureRequest):
    """Once somebody who may write has looked: the names, a page of their versions where there is one, the shards."""
    home: Home = request.getfixturevalue(kind)
    tokens = many(home.store, 60)
    first = list(home.store.scan())
    home.proxy.clear()
    assert list(home.handle().scan()) == first
    asked = len(home.proxy.asked)
    shards = len({shard_of(snapshot.id) for snapshot in tokens})
    opening = 2
    listings = 4 if kind == "home" else 3
    assert asked <= opening + listings + shards
    assert opening + listings + SHARDS <= 300, "whatever the number of tokens"


@pytest.mark.parametrize("kind", ["home", "classic"])
def test_a_scan_is_never_behind_what_another_runner_wrote(kind: str, request: pytest.FixtureRequest):
    home: Home = request.getfixturevalue(kind)
    many(home.store, 12)
    list(home.store.scan())
    writer, reader = home.handle(), home.handle()
    for step, snapshot in enumerate(list(reader.scan())[:3]):
        opened = writer.commit(snapshot.id, snapshot.version, busy(snapshot), [event(writer, Op.OPEN)])
        assert next(each for each in reader.scan() if each.id == snapshot.id) == opened
        going = writer.commit(opened.id, opened.version, busy(opened, stage=Stage.MINT), [])
        assert next(each for each in reader.scan() if each.id == snapshot.id) == going
        done = writer.commit(going.id, going.version, busy(going, stage=Stage.DONE), [])
        assert next(each for each in reader.scan() if each.id == snapshot.id) == done
        edited = replace(done.document, record=replace(done.document.record, purpose=f"step {step}"))
        after = writer.commit(done.id, done.version, edited, [])
        assert next(each for each in reader.scan() if each.id == snapshot.id) == after


def test_marks_are_swept_when_nothing_moves_any_more(classic: Home):
    for each in many(classic.store, 20):
        classic.store.commit(each.id, each.version, each.document, [event(classic.store, Op.VERIFY)])
    assert len(classic.kv.names(classic.place.marks)) == 20
    list(classic.store.scan())
    assert list(classic.kv.names(classic.place.marks)) == []


@pytest.mark.parametrize("kind", ["home", "classic"])
def test_what_is_only_made_leaves_no_mark_and_is_seen_all_the_same(kind: str, request: pytest.FixtureRequest):
    home: Home = request.getfixturevalue(kind)
    reader = home.handle()
    before = list(reader.scan())
    made = many(home.store, 3)
    assert list(home.kv.names(home.place.marks)) == before == []
    assert list(reader.scan()) == made
    opened = home.store.commit(made[0].id, 1, busy(made[0]), [event(home.store, Op.OPEN)])
    assert list(reader.scan()) == [opened, *made[1:]]


def test_a_mark_made_while_the_index_is_put_right_survives(classic: Home):
    """The sweeper has read the document at rest; a runner marks it and writes before the sweeper removes marks."""
    (made,) = many(classic.store, 1)
    snapshot = classic.store.commit(made.id, made.version, made.document, [event(classic.store, Op.VERIFY)])
    runner = classic.handle()
    moved: list[Snapshot] = []

    def meanwhile(_number: int, asked: Asked) -> None:
        if asked.method == "DELETE" and "/dirty/" in asked.path and not moved:
            moved.append(None)  # type: ignore[arg-type]  # only once
            moved[0] = runner.commit(snapshot.id, snapshot.version, busy(snapshot), [event(runner, Op.OPEN)])

    classic.proxy.fault = meanwhile
    list(classic.store.scan())
    assert list(classic.handle().scan()) == moved


@pytest.mark.parametrize("kind", ["home", "classic"])
def test_a_damaged_shard_is_made_again(kind: str, request: pytest.FixtureRequest):
    home: Home = request.getfixturevalue(kind)
    many(home.store, 40)
    before = list(home.store.scan())
    for name in home.kv.names(home.place.shards):
        home.put(f"{home.place.shards}/{name}", {"content": '{"rows":"AAAA"}', "nonce": "x"})
    assert list(home.handle().scan()) == before
    home.server.api("DELETE", f"secret/metadata/{home.place.shards}/{home.kv.names(home.place.shards)[0]}")
    assert list(home.handle().scan()) == before


def test_a_shard_never_makes_a_document_older(home: Home):
    """An index that was put back by hand is not believed: the listing knows the versions."""
    many(home.store, 40)
    list(home.store.scan())
    list(home.store.scan())
    old = {
        name: home.server.api("GET", f"secret/data/{home.place.shards}/{name}").json()["data"]["data"]
        for name in home.kv.names(home.place.shards)
    }
    for snapshot in home.store.scan():
        home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.VERIFY)])
    now = list(home.store.scan())
    list(home.store.scan())
    assert list(home.kv.names(home.place.marks)) == [], "nothing else is to find it out"
    for name, data in old.items():
        home.put(f"{home.place.shards}/{name}", data)
    assert list(home.handle().scan()) == now


def test_of_more_tokens_than_a_page_holds_each_scan_checks_some(home: Home, monkeypatch: pytest.MonkeyPatch):
    many(home.store, 40)
    list(home.store.scan())
    monkeypatch.setattr("tokenguard.clients.vault.kv.PAGE", 8)
    monkeypatch.setattr("tokenguard.stores.vault.inventory.PAGE", 8)
    asked, stale = set(), {each.id: each for each in home.store.scan()}
    for snapshot in stale.values():
        path = home.place.document(snapshot.id)
        read = home.server.api("GET", f"secret/data/{path}").json()["data"]
        home.put(path, {**read["data"], "version": read["metadata"]["version"] + 1})  # by other hands: no mark
    for _ in range(60):
        home.proxy.clear()
        seen = [each for each in home.store.scan() if each.version > stale[each.id].version]
        assert len(seen) >= len(asked)
        asked |= {each.id for each in seen}
        assert sum("detailed-metadata" in each.path for each in home.proxy.asked) == 1
        if asked == stale.keys():
            return
    pytest.fail("some rows are never looked at")


def test_a_token_that_somebody_removed_leaves_the_inventory(home: Home):
    first, second = many(home.store, 2)
    list(home.store.scan())
    home.server.api("DELETE", f"secret/metadata/{home.place.document(first.id)}")
    assert list(home.handle().scan()) == [second]


def test_a_store_that_moved_to_a_server_without_version_listing_shows_every_token(home: Home):
    before = many(home.store, 5)
    home.proxy.fault = lambda _n, asked: Answer(404) if "detailed-metadata" in asked.path else None
    assert list(home.handle().scan()) == before
    home.proxy.fault = lambda _n, asked: Answer(405) if "detailed-metadata" in asked.path else None
    assert list(home.handle().scan()) == before


@pytest.mark.parametrize("page", [1, 7, 20, 21])
def test_pages_of_any_size_show_each_token_once(home: Home, monkeypatch: pytest.MonkeyPatch, page: int):
    before = many(home.store, 20)
    monkeypatch.setattr("tokenguard.clients.vault.kv.PAGE", page)
    monkeypatch.setattr("tokenguard.stores.vault.inventory.PAGE", page)
    list(home.store.scan())
    assert list(home.handle().scan()) == before


def test_who_may_not_write_the_index_reads_past_it(home: Home):
    before = many(home.store, 40)
    home.proxy.fault = lambda _n, asked: Answer(403) if asked.method == "POST" and "/idx/" in asked.path else None
    reader = home.handle()
    assert list(reader.scan()) == before == list(reader.scan())
    assert sum(asked.method == "POST" for asked in home.proxy.asked if "/idx/" in asked.path) == 1


def test_what_never_came_to_be_is_in_no_inventory(home: Home):
    snapshot = created(home.store)
    home.put(home.place.document(new_token_id()), tombstone_document())
    assert list(home.store.scan()) == [snapshot]


# ---- founding


def test_a_founding_that_was_interrupted_is_taken_up_with_the_same_key(home: Home):
    place = VaultAddress(mount="secret", prefix=f"tg/half{next(_numbers)}")
    home.proxy.fault = lambda _n, asked: (
        Answer(403) if asked.method == "POST" and asked.path.endswith("meta/store") else None
    )
    with pytest.raises(VaultError):
        vault_stores.made(place, home.connection())
    home.proxy.clear()
    key = home.server.api("GET", f"secret/data/{place.key}").json()["data"]["data"]
    store = vault_stores.made(place, home.connection())
    assert home.server.api("GET", f"secret/data/{place.key}").json()["data"]["data"] == key
    assert vault_stores.opened(place, home.connection()).fingerprint(VALUE) == store.fingerprint(VALUE)


def test_of_two_who_make_a_store_one_does(home: Home):
    place = VaultAddress(mount="secret", prefix=f"tg/twice{next(_numbers)}")
    made: list[VaultStore] = []

    def overtake(_number: int, asked: Asked) -> None:
        if asked.method == "POST" and asked.path.endswith("meta/store") and not made:
            made.append(None)  # type: ignore[arg-type]  # only once
            made[0] = vault_stores.made(place, home.connection())

    home.proxy.fault = overtake
    with pytest.raises(InputError):
        vault_stores.made(place, home.connection())
    assert vault_stores.opened(place, home.connection()).store_id == made[0].store_id


@pytest.mark.parametrize("key", [{"content": '{"key":"short"}'}, {"content": '{"key":"%%"}'}, {}, None])
def test_a_fingerprint_key_that_is_not_whole_is_tampering(home: Home, key: dict[str, object] | None):
    if key is None:
        home.server.api("DELETE", f"secret/metadata/{home.place.key}")
    else:
        home.put(home.place.key, key)
    with pytest.raises(Tampered):
        home.handle().fingerprint(VALUE)


def test_a_store_of_a_later_format_is_left_alone(home: Home):
    about = home.server.api("GET", f"secret/data/{home.place.store}").json()["data"]["data"]
    home.put(home.place.store, {**about, "content": about["content"].replace('"format":1', '"format":2')})
    with pytest.raises(NewerFormat, match="format 2"):
        home.handle()


# ---- events


def test_blocks_are_the_same_whoever_seals_them(home: Home):
    snapshot = created(home.store)
    for _ in range(2 * BLOCK):
        snapshot = home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.VERIFY)])
    block = home.place.at("log", snapshot.id, "000000")
    kept = home.server.api("GET", f"secret/data/{block}").json()["data"]["data"]["content"]
    home.server.api("DELETE", f"secret/metadata/{block}")
    with pytest.raises(Tampered):
        home.store.history(snapshot.id)
    home.put(block, {"content": kept, "nonce": "x"})
    assert [entry.seq for entry in home.store.history(snapshot.id)] == list(range(1, 2 * BLOCK + 2))


def test_a_block_that_was_forged_stops_the_commit(home: Home):
    snapshot = created(home.store)
    home.put(home.place.at("log", snapshot.id, "000000"), {"content": '{"entries":[]}', "nonce": "x"})
    for _ in range(2 * BLOCK - 1):
        snapshot = home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.VERIFY)])
    with pytest.raises(Tampered):
        home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.VERIFY)])


def test_a_crash_between_block_and_document_loses_nothing(home: Home):
    snapshot = created(home.store)
    for _ in range(2 * BLOCK - 1):
        snapshot = home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.VERIFY)])
    home.proxy.fault = lambda _n, asked: Answer(403) if asked.method == "POST" and "/doc/" in asked.path else None
    with pytest.raises(VaultError):
        home.store.commit(snapshot.id, snapshot.version, snapshot.document, [event(home.store, Op.EDIT)])
    home.proxy.clear()
    other = home.handle()
    other.commit(snapshot.id, snapshot.version, snapshot.document, [event(other, Op.ADD)])
    assert [entry.seq for entry in other.history(snapshot.id)] == list(range(1, 2 * BLOCK + 2))
    assert other.history(snapshot.id)[-1].event.op is Op.ADD


# ---- addresses and values


@pytest.mark.parametrize(
    "url",
    [
        "vault://", "vault:///x", "vault://kv//x", "vault://kv/../other", "vault://kv/a b", "vault://kv/a?b=c",
        "vault://kv/a%2e%2e", "vault://kv/%00", "vault://../kv", "vault://a%2F..%2Fb/x", "vault://kv/a#b",
        "vault://kv/" + "x/" * 9 + "x", "vault://user@host/kv", "vault://host:8200/kv", "local:///x",
    ],
)  # fmt: skip
def test_an_address_cannot_leave_its_mount(url: str):
    with pytest.raises(InputError):
        VaultAddress.parse(url)


@pytest.mark.parametrize(
    ("url", "document"),
    [
        ("vault://kv", "doc/0"), ("vault://kv/", "doc/0"), ("vault://kv/team", "team/doc/0"),
        ("vault://kv/team/video/", "team/video/doc/0"), ("vault://teams%2Fvideo%2Fkv/x", "x/doc/0"),
    ],
)  # fmt: skip
def test_an_address_says_mount_and_prefix(url: str, document: str):
    place = VaultAddress.parse(url)
    assert place.document(TokenId("0")) == document
    assert VaultAddress.parse(place.url) == place


def test_a_value_that_a_vault_cannot_hold_is_refused_and_nothing_written(home: Home):
    token = created(home.store).id
    for value in (Value({"tokenguard": Secret("tgcanary-x")}), Value.of("tgcanary-\udc80")):
        with pytest.raises(InputError):
            home.store.put_candidate(token, SECOND, value)
    assert home.store.read_candidate(token, SECOND) is None


def test_a_label_cannot_leave_its_slot(home: Home):
    for label in ("../x", "a/b", "", "a%2fb", "A", "a b"):
        with pytest.raises(InputError):
            home.store.read_candidate(new_token_id(), label)  # type: ignore[arg-type]


def test_documents_names_and_indexes_hold_no_value(home: Home):
    token = created(home.store).id
    home.store.put_candidate(token, FIRST, VALUE)
    home.store.publish(token, FIRST, 0)
    list(home.store.scan())

    def walk(path: str) -> Iterator[str]:
        for name in home.server.api("LIST", f"secret/metadata/{path}").json()["data"]["keys"]:
            if name.endswith("/"):
                yield from walk(path + name)
            else:
                yield path + name

    holding = {
        path.removeprefix(home.place.prefix + "/").partition("/")[0]
        for path in walk(home.place.prefix + "/")
        if VALUE.token.reveal() in home.server.api("GET", f"secret/data/{path}").text
    }
    assert holding == {"cand", "live"}
