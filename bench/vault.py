"""A store on a real OpenBao at size: one inventory against one read for each token, and its memory."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.sidebyside import report
from bench.stores import ordinary
from tests.integration.openbao import OpenBao, running
from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_settings import Login, LoginMethod, VaultSettings
from tokenguard.domain.names import new_token_id
from tokenguard.domain.secret import Secret
from tokenguard.http.address import Address
from tokenguard.shell.clock import SystemClock
from tokenguard.stores.actor import current_actor
from tokenguard.stores.vault.factory import connected, found, read_about
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.store import VaultStore

_MANY, _RUNS, _SAMPLE = 10_000, 3, 1_000
_PLACE = VaultAddress(mount="secret", prefix="bench")


def main() -> None:
    """Requests, time and memory of an inventory of 10,000."""
    with running() as server:
        kv = connected(_connection(server.url, server.root_token), _PLACE)
        store = VaultStore(kv, _PLACE, found(kv, _PLACE, SystemClock(), current_actor, sandbox=True), SystemClock())
        _fill(server, _MANY)
        list(store.scan())  # the index is put right by the first who may write
        ratios = []
        for _ in range(_RUNS):
            seconds, asked, peak = _inventory(server)
            ratios.append(_one_by_one(server) * _MANY / _SAMPLE / seconds)
        measured = f"{statistics.median(ratios):.0f}x faster ({min(ratios):.0f} to {max(ratios):.0f})"
        report(f"inventory of {_MANY:,}", "one read for each token", measured, "at least 20x")
        report(f"inventory of {_MANY:,}", "requests", str(asked), "at most 300")
        report(f"inventory of {_MANY:,}", "memory", f"{peak / 1024:.0f} MB", "under 200 MB")
        store.close()


def look() -> None:
    """In a process of its own: list everything; one line of JSON with what it took."""
    store = _store(os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"])
    started = time.perf_counter()
    count = sum(1 for _ in store.scan())
    seconds = time.perf_counter() - started
    assert count == _MANY
    print(json.dumps([seconds, store.asked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))


def _inventory(server: OpenBao) -> tuple[float, int, int]:
    code = "from bench.vault import look; look()"
    environment = {**os.environ, "BENCH_URL": server.url, "BENCH_TOKEN": server.root_token}
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=errors,
            cwd=Path(__file__).parents[1], check=True,
        )  # fmt: skip
    seconds, asked, peak = json.loads(done.stdout)
    return seconds, asked, peak


def _one_by_one(server: OpenBao) -> float:
    """Seconds to read a sample of documents one after the other, on one warm connection."""
    kv = connected(_connection(server.url, server.root_token), _PLACE)
    names = kv.names(_PLACE.documents)[:_SAMPLE]
    started = time.perf_counter()
    for name in names:
        kv.read(f"{_PLACE.documents}/{name}")
    return time.perf_counter() - started


def _fill(server: OpenBao, count: int) -> None:
    stores = [_store(server.url, server.root_token) for _ in range(4)]

    def fill(part: int) -> None:
        for number in range(part, count, len(stores)):
            document, event = ordinary(number, stores[part].actor())
            stores[part].commit(new_token_id(), 0, document, [event])

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(fill, range(len(stores))))
    for store in stores:
        store.close()


def _store(url: str, token: str) -> VaultStore:
    kv = connected(_connection(url, token), _PLACE)
    return VaultStore(kv, _PLACE, read_about(kv, _PLACE), SystemClock())


def _connection(url: str, token: str) -> VaultConnection:
    login = Login(method=LoginMethod.TOKEN, credential=Secret(token))
    return VaultConnection(VaultSettings(address=Address.parse(url), login=login), SystemClock())
