"""A rotation on a real OpenBao, and everything that can happen between it and the server, at every request."""

from collections.abc import Iterator

import pytest

from tests.fakes import vault_stores
from tests.fakes.vault_proxy import Answer, Asked, Cut, VaultProxy
from tests.integration.openbao import OpenBao
from tests.integration.vault_scene import Scene
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, ExitCode, NotProvenDead, Tampered, TokenguardError, Unreachable
from tokenguard.ports.store import Tombstone

LIMIT = 25
"""Store requests of one rotation that are tried with faults."""
MOST = (26, 26, 30)
"""Store requests of two planned rotations and a compromised one: the token in use is read anew as a control each time a
list or a refusal is judged, since another runner may have replaced it."""


@pytest.fixture(scope="module")
def proxy(openbao: OpenBao) -> Iterator[VaultProxy]:
    with VaultProxy(openbao.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _honest(proxy: VaultProxy) -> Iterator[None]:
    proxy.clear()
    yield
    proxy.clear()


@pytest.fixture
def scene(openbao: OpenBao, proxy: VaultProxy) -> Scene:
    return Scene(openbao, proxy)


def rotate_through(scene: Scene, *, compromised: bool = False) -> int:
    before = len(scene.proxy.asked)
    scene.bench.engine.rotate(scene.token, compromised=compromised, reason="test")
    return len(scene.proxy.asked) - before


def test_one_rotation_needs_few_requests(scene: Scene):
    counts = [rotate_through(scene), rotate_through(scene), rotate_through(scene, compromised=True)]
    assert all(count <= most for count, most in zip(counts, MOST, strict=True)), counts
    scene.check_done()


def test_a_leak_is_looked_up_in_two_requests(scene: Scene):
    print_ = scene.store.fingerprint(Value.of(scene.old.value))
    scene.proxy.clear()
    holders = scene.store.holders(print_)
    owner = scene.store.load(holders[0]).document.record.owner
    assert (list(holders), owner) == ([scene.token], "video")
    assert len(scene.proxy.asked) <= 2


def test_many_rotations_lose_no_event_and_keep_the_document_small(scene: Scene):
    for _ in range(9):
        scene.bench.engine.rotate(scene.token)
    entries = scene.store.history(scene.token)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) > 96, "too few to fill blocks"
    stored = scene.server.api("GET", f"secret/data/{scene.place.document(scene.token)}").content
    assert len(stored) < 60_000
    scene.check_done()


@pytest.mark.parametrize("after", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["after-commit", "before"])
@pytest.mark.parametrize(
    "number", [number if number % 2 else pytest.param(number, marks=pytest.mark.slow) for number in range(1, LIMIT)]
)
def test_a_connection_that_breaks_is_no_failure(scene: Scene, number: int, after: bool):
    scene.proxy.fault = lambda n, _asked: Cut(after=after) if n == number else None
    rotate_through(scene)
    scene.check_done()


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503])
def test_what_passes_is_waited_for(scene: Scene, status: int):
    scene.proxy.fault = lambda n, _asked: Answer(status, headers=(("Retry-After", "1"),)) if n % 3 else None
    rotate_through(scene)
    scene.check_done()


LOSSES = {"denied": Answer(403), "sealed": Answer(503), "gone": Cut(after=True)}
EVERY_LOSS = [
    pytest.param(number, kind, marks=[] if number % 3 == position else pytest.mark.slow)
    for number in range(1, LIMIT)
    for position, kind in enumerate(LOSSES)
]


@pytest.mark.parametrize(("number", "kind"), EVERY_LOSS)
def test_a_store_that_is_lost_at_any_request_leaves_a_rotation_that_is_resumed(scene: Scene, number: int, kind: str):
    fault = LOSSES[kind]
    scene.proxy.fault = lambda n, _asked: fault if n >= number else None
    with pytest.raises(TokenguardError) as caught:
        scene.bench.engine.rotate(scene.token)
    assert caught.value.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}
    assert isinstance(caught.value, Unreachable | NotProvenDead)
    assert caught.value.hint
    served = scene.server.api("GET", f"secret/data/{scene.place.live('video/upload/prod')}").json()["data"]["data"]
    assert served["token"] in [made.value for made in scene.bench.world.living()], "consumers read a dead token"
    scene.proxy.clear()
    scene.again()
    if scene.bench.document(scene.token).busy:
        scene.bench.engine.resume(scene.token)
    elif served["token"] == scene.old.value:
        scene.bench.engine.rotate(scene.token)
    scene.check_done()


def test_a_stranger_who_writes_the_document_is_noticed(scene: Scene):
    """Somebody's script puts a new version in the middle of a rotation: this runner stops, nothing is overwritten."""
    path = f"secret/data/{scene.place.document(scene.token)}"

    def meddle(number: int, asked: Asked) -> None:
        if number == 8:
            read = scene.server.api("GET", path).json()["data"]
            theirs = {**read["data"], "nonce": "theirs", "version": read["metadata"]["version"] + 1}
            scene.server.api("POST", path, {"data": theirs})

    scene.proxy.fault = meddle
    with pytest.raises(Conflict):
        scene.bench.engine.rotate(scene.token)
    scene.proxy.clear()
    scene.again()
    scene.bench.engine.resume(scene.token)
    scene.check_done()


def test_a_stranger_who_writes_the_live_entry_is_noticed(scene: Scene):
    path = f"secret/data/{scene.place.live('video/upload/prod')}"

    def meddle(number: int, asked: Asked) -> None:
        if asked.method == "POST" and "/live/" in asked.path:
            scene.server.api("POST", path, {"data": {"token": "tgcanary-theirs"}})

    scene.proxy.fault = meddle
    with pytest.raises(TokenguardError):
        scene.bench.engine.rotate(scene.token)
    assert scene.old.value in [made.value for made in scene.bench.world.living()], (
        "the old token was ended all the same"
    )


def test_two_runners_on_one_token_do_not_both_advance_it(scene: Scene):
    """The second opens its own operation while the first is between its read and its first write."""
    other = vault_stores.opened(scene.place, vault_stores.connection(scene.server.url, scene.server.root_token))

    def overtake(number: int, asked: Asked) -> None:
        if number == 3:
            scene.bench.store = other
            scene.bench.runner("two").rotate(scene.token)

    scene.proxy.fault = overtake
    with pytest.raises(Conflict):
        scene.bench.engine.rotate(scene.token)
    scene.bench.store = scene.store = other
    scene.check_done()


def test_a_deleted_document_is_not_taken_for_no_document(scene: Scene):
    scene.server.api("DELETE", f"secret/data/{scene.place.document(scene.token)}")
    for look in (lambda: scene.store.load(scene.token), lambda: list(scene.store.scan())):
        with pytest.raises(VaultError) as caught:
            look()
        assert caught.value.reason is VaultFailure.DELETED
        assert "undelete" in caught.value.hint
    scene.server.api("POST", f"secret/undelete/{scene.place.document(scene.token)}", {"versions": list(range(1, 40))})
    rotate_through(scene)
    scene.check_done()


def test_a_document_that_was_garbled_is_tampering(scene: Scene):
    path = f"secret/data/{scene.place.document(scene.token)}"
    for content in ({"document": "{", "entries": "[]", "home": "x"}, {"foo": "bar"}, {"document": 1, "home": "x"}):
        scene.server.api("POST", path, {"data": content})
        with pytest.raises(Tampered):
            scene.store.load(scene.token)


def test_a_missing_block_of_events_is_tampering(scene: Scene):
    for _ in range(6):
        scene.bench.engine.rotate(scene.token)
    block = scene.place.at("log", scene.token, "000000")
    scene.server.api("DELETE", f"secret/metadata/{block}")
    with pytest.raises(Tampered):
        scene.store.history(scene.token)


def test_a_replaced_value_is_only_in_its_quarantined_slot(scene: Scene):
    """Neither the live entry's old versions nor a destroyed slot's still hold it."""
    old = scene.bench.journal(scene.token).attempts[-1].label
    rotate_through(scene)
    live = f"{scene.place.live('video/upload/prod')}"
    versions = scene.server.api("GET", f"secret/metadata/{live}").json()["data"]["versions"]
    assert len(versions) == 1
    assert scene.store.read_candidate(scene.token, old) == Value.of(scene.old.value)
    scene.store.destroy(scene.token, old)
    assert isinstance(scene.store.read_candidate(scene.token, old), Tombstone)
    slot = scene.place.candidate(scene.token, old)
    for version in (1, 2):
        text = scene.server.api("GET", f"secret/data/{slot}?version={version}", check=False).text
        assert scene.old.value not in text
