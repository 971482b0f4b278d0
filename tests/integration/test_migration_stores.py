"""One store's content once around the three kinds of stores, and home again as it was."""

import secrets
from datetime import timedelta

from tests.contract.shelf_suite import share
from tests.fakes import vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.local_stores import added, event, made
from tests.fakes.secrets_manager import stores as aws_stores
from tests.fakes.world import Quiet
from tokenguard.audit.chain import check_all
from tokenguard.domain.event import Op
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Secret, Value
from tokenguard.migration.move_store import move_store
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Tombstone
from tokenguard.stores.vault.layout import VaultAddress


def test_a_long_trail_and_every_kind_of_slot_go_around(openbao, fake_aws, tmp_path, monkeypatch):
    """Larger than what an entry of a Vault or a version of a secret holds in one piece."""
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    for name, value in aws_stores.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    local = made(tmp_path / "first")
    token = added(local, "video/long")
    pair, stored = (
        Value({"id": Secret("tgcanary-id"), "secret": Secret("tgcanary-ü" * 300)}),
        Tombstone(reason="reaped"),
    )
    for label, content in (("long-a-2", pair), ("long-a-3", stored)):
        there = local.load(token)
        local.commit(token, there.version, there.document, [event(Op.MINT, label=label)])
        local.put_candidate(token, Label(label), content)
    for number in range(12):
        there = local.load(token)
        many = [event(Op.VERIFY, verdict=secrets.token_hex(60), n=number) for _ in range(80)]
        local.commit(token, there.version, there.document, many)
    share(local, Item.FINGERPRINTS, bytes(range(256)) * 40, times=150)
    before, trail = local.load(token).document, local.history(token)
    vault = vault_stores.made(
        VaultAddress(mount="secret", prefix="around"),
        vault_stores.connection(openbao.url, openbao.root_token),
        sandbox=True,
    )
    aws, home = aws_stores.made(fake_aws, "around"), made(tmp_path / "last")
    clock = FakeClock()
    for source, target in ((local, vault), (vault, aws), (aws, home)):
        lag = getattr(source, "lag", timedelta(0))
        move_store(source, target, clock, Quiet(), lag=lag)
        assert not [each.broken for each in check_all(target) if each.broken]
        assert target.history(token)[: len(trail)] == trail
        assert target.shared_items.trail(Item.FINGERPRINTS)[1] == source.shared_items.trail(Item.FINGERPRINTS)[1]
    assert clock.elapsed >= 300, "a listing of AWS may be that far behind"
    after = home.load(token).document
    assert (after.record, after.journal, after.quarantine) == (before.record, before.journal, before.quarantine)
    assert home.read_candidate(token, Label("long-a-2")) == pair
    assert home.read_candidate(token, Label("long-a-3")) == stored
    assert home.read_live(token).value == Value.of("tgcanary-value-1")
    assert [entry.event.op for entry in home.history(token)[len(trail) :]] == [Op.MIGRATE] * 6
    shared, entries = home.shared_items.trail(Item.FINGERPRINTS)
    assert (shared.data, len(entries)) == (bytes(range(256)) * 40, 150 + 3)
    assert list(home.check()) == []
