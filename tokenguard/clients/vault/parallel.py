"""Several questions to a Vault side by side, as many as it has connections for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tokenguard.clients.vault.http_session import CONNECTIONS

_Key = TypeVar("_Key")
_Found = TypeVar("_Found")


def in_parallel(work: Callable[[_Key], _Found], keys: Sequence[_Key]) -> dict[_Key, _Found]:
    """What `work` finds for each key."""
    if len(keys) < 2:  # noqa: PLR2004 - nothing to do side by side
        return {key: work(key) for key in keys}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return dict(zip(keys, pool.map(work, keys), strict=True))
