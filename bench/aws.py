"""An inventory in Secrets Manager: one listing of a hundred tokens against one read of each."""

import os
import statistics
import time

from bench.sidebyside import report
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, made, opened
from tokenguard.domain.document import Document
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.token import Record
from tokenguard.stores.aws.store import AwsStore

_TOKENS, _RUNS = 300, 5


def main() -> None:
    """Requests and time of `scan()` over a loopback fake, where a request costs next to nothing."""
    os.environ.update(CREDENTIALS)
    with FakeAws() as aws:
        store = made(aws)
        for number in range(_TOKENS):
            name = token_name(f"team{number % 7}/service{number}/prod/post")
            store.commit(new_token_id(), 0, Document(record=Record(name=name, provider="descript")), [])
        ratios = [_one_by_one(opened(aws)) / _listed(opened(aws)) for _ in range(_RUNS)]
        reader = opened(aws)
        before = reader.secrets.client.asked
        list(reader.scan())
        asked = reader.secrets.client.asked - before
    measured = f"{statistics.median(ratios):.0f}x faster ({min(ratios):.0f} to {max(ratios):.0f})"
    report(
        f"scan of {_TOKENS} tokens on AWS's protocol", "one read per token", measured, "at least 3x without a network"
    )
    report(f"requests of a scan of {_TOKENS} tokens", "one read per token", str(asked), f"at most {_TOKENS // 100}")


def _listed(store: AwsStore) -> float:
    begun = time.perf_counter()
    list(store.scan())
    return time.perf_counter() - begun


def _one_by_one(store: AwsStore) -> float:
    names = [snapshot.document.record.name for snapshot in store.scan()]
    begun = time.perf_counter()
    for name in names:
        store.find(name)
    return time.perf_counter() - begun
