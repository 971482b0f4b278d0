"""Remembers what was received, for as long as it could come again; bounded, and never forgets too early."""

import threading
from collections import OrderedDict

from tokenguard.errors import Unreachable


class Replays:
    """A memory of keys, each kept until a given time. For one process; safe to share between threads.

    A deployment of several processes gives `AutopostingDeliveries` another object with these two methods, over a
    store that all of them share.

    Args:
        most: how many keys are kept. When the memory is full, keys that are past their time are dropped; if there are
            none, new keys are refused, and no key is forgotten early.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, now: float, until: float) -> bool:
        """Whether `key` is new; it is remembered until `until` (seconds, on the clock of `now`).

        Raises:
            Unreachable: too many keys are still within their time; the sender should try again later.
        """
        with self._lock:
            kept = self._until.get(key)
            if kept is not None and kept > now:
                return False
            self._until.pop(key, None)
            self._drop_old(now)
            if len(self._until) >= self._most:
                raise Unreachable(
                    "more webhooks than can be remembered within their window",
                    hint="answer 503; share a larger memory between processes, or widen `most`",
                )
            self._until[key] = until
            return True

    def release(self, key: str) -> None:
        """Forget the key of a delivery that was not handled, so that the sender's next attempt is accepted."""
        with self._lock:
            self._until.pop(key, None)

    def __len__(self) -> int:
        return len(self._until)

    def _drop_old(self, now: float) -> None:
        # keys come in about the order in which they go: what is behind the first fresh one is fresh or soon will be
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        if len(self._until) >= self._most:
            for key in [key for key, until in self._until.items() if until <= now]:
                del self._until[key]
