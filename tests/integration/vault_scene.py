"""A token in a store on a real OpenBao, reached through a proxy that can do what networks and servers do."""

import itertools

from tests.fakes import vault_stores
from tests.fakes.vault_proxy import VaultProxy
from tests.integration.openbao import OpenBao
from tests.unit.rotation_bench import Bench
from tokenguard.audit.chain import check_all
from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.domain.liveness import DeathGrade
from tokenguard.stores.vault.layout import VaultAddress


class Scene:
    """A live token in a store of its own, reached through the proxy; `again` is another runner on it."""

    _numbers = itertools.count()

    def __init__(self, server: OpenBao, proxy: VaultProxy, *, guided: bool = False) -> None:
        self.place = VaultAddress(mount="secret", prefix=f"tg/scene{next(self._numbers)}")
        self.server, self.proxy = server, proxy
        self.bench = Bench(guided=guided)
        self.store = vault_stores.made(self.place, self.connection())
        self.bench.store = self.store
        self.bench.engine = self.bench.runner("one")
        self.token, self.old = self.bench.add()
        proxy.clear()

    def connection(self, token: str = "") -> VaultConnection:
        return vault_stores.connection(self.proxy.url, token or self.server.root_token)

    def again(self, name: str = "two", token: str = "") -> None:
        """A runner that knows nothing but what is stored; with a login of its own, or as root."""
        self.store = vault_stores.opened(self.place, self.connection(token))
        self.bench.store = self.store
        self.bench.engine = self.bench.runner(name)

    def check_done(self) -> None:
        """Exactly one token lives, it is the one the store serves, and nothing of the history is lost."""
        living = [made.value for made in self.bench.world.living()]
        assert living == [self.bench.live_value(self.token)]
        assert self.old.value not in living
        assert [checked.broken for checked in check_all(self.store)] == [None] * 2
        journal = self.bench.journal(self.token)
        assert journal.stage.ended
        assert journal.proof is not None
        assert journal.proof.grade is DeathGrade.PROVISIONAL
