"""Shares a long scan with a second process, where there is a processor for it.

Unless the scan is known to be long, the first parts are scanned alone, so that nothing is shared that would soon be
over. Then both take the next part until none is left. Parts that the child does not deliver are scanned by the
parent: results, their order and errors are those of one process.
"""

import os
import pickle  # what our own child found; a Secret refuses to be pickled
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TypeVar

from tokenguard.domain.finding import Report

_LONG = 1 << 20
"""Bytes after which a scan counts as long."""
_LEAST_PARTS = 8
_NUMBER = 2
"""Bytes of a part's number. What is written at once is less than a pipe holds."""
_MOST_PARTS = 128
_INTERRUPT = frozenset({signal.SIGINT})

Part = TypeVar("Part")


def parts_of(items: Sequence[Part]) -> list[Sequence[Part]]:
    """Cut a list into parts of the same length, not too many to be handed out."""
    length = -(-len(items) // _MOST_PARTS) or 1
    return [items[start : start + length] for start in range(0, len(items), length)]


def parts_by_size(items: Sequence[Part], sizes: Sequence[int], most: int) -> list[Sequence[Part]]:
    """Cut a list into about `most`, none of them much larger than the others but for what cannot be cut."""
    limit = sum(sizes) // most + 1
    parts: list[Sequence[Part]] = []
    start = size = 0
    for end, each in enumerate(sizes, 1):
        size += each
        if size >= limit or end == len(items):
            parts.append(items[start:end])
            start, size = end, 0
    return parts


def shared(parts: Sequence[Part], scan: Callable[[Part], Report], *, known: int = 0) -> list[Report]:
    """The reports on all parts, in their order; raises what `scan` raises.

    Args:
        parts: what there is to scan.
        scan: scans one of them.
        known: how many bytes there are, as far as that is known beforehand.
    """
    reports: dict[int, Report] = {}
    read = known
    for number, part in enumerate(parts):
        if read > _LONG and len(parts) - number >= _LEAST_PARTS and _second_processor():
            reports.update(_in_two(parts, number, scan))
            break
        reports[number] = scan(part)
        read += reports[number].bytes
    return [reports[number] if number in reports else scan(parts[number]) for number in range(len(parts))]


def _second_processor() -> bool:
    """Whether a child can be had, and would run beside us. To fork beside threads is to copy locks that they hold."""
    alone = threading.active_count() == 1
    return alone and hasattr(os, "fork") and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


def _in_two(parts: Sequence[Part], first: int, scan: Callable[[Part], Report]) -> dict[int, Report]:
    """Scan the parts from `first` on in two processes; what the child failed to deliver is not there."""
    turns, ends = os.pipe()
    os.write(ends, b"".join(number.to_bytes(_NUMBER) for number in range(first, len(parts))))
    os.close(ends)
    answer, ends = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)  # the child must not come out at the top of this program
    child = os.fork()
    if child == 0:
        _work_and_leave(turns, ends, parts, scan)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
        os.close(ends)
        reports = {number: scan(parts[number]) for number in _taken(turns)}
        with os.fdopen(answer, "rb", closefd=False) as pipe:
            delivered = pipe.read()
        status = os.waitpid(child, 0)[1]
        child = 0
    finally:
        os.close(answer)
        os.close(turns)
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return reports | (pickle.loads(delivered) if status == 0 and delivered else {})  # noqa: S301 - see above


def _work_and_leave(turns: int, answer: int, parts: Sequence[Part], scan: Callable[[Part], Report]) -> NoReturn:
    """The child's whole life. It prints nothing and cleans up nothing: all of that is the parent's."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
        found = pickle.dumps({number: scan(parts[number]) for number in _taken(turns)})
        with os.fdopen(answer, "wb") as pipe:
            pipe.write(found)
        code = 0
    finally:
        os._exit(code)  # what ends a fork


def _taken(turns: int) -> Iterator[int]:
    """Yield part numbers from a pipe, which gives each number to one reader only."""
    while number := os.read(turns, _NUMBER):
        yield int.from_bytes(number)
