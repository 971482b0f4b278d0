"""Shares a long scan with a second process, where there is a processor for it.

Unless the scan is known to be long, the first parts are scanned alone: they tell about how long it will be, so that
nothing is shared that would soon be over. Then both take the next part until none is left. Parts that the child does
not deliver are scanned by the parent: results, their order and errors are those of one process.

The budget of the scan leaves out the same too. Each process spends a copy of the budget and stops where it does not
suffice. Then the parts are accounted for in their order: a report that fits into the rest of the budget stands, other
parts are scanned again with the rest.
"""

import os
import pickle  # what our own child found; a Secret refuses to be pickled
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TypeVar

from tokenguard.domain.finding import Report
from tokenguard.interrupts import ENDING
from tokenguard.scanning.scan_budget import ScanBudget, Spent

_LONG = 1 << 20
"""A scan of more bytes counts as long."""
_TELLING = 1 << 17
"""So many bytes of the first parts tell about how many there are in all."""
_LEAST_PARTS = 8
_NUMBER = 2
"""Bytes of a part's number. What is written at once is less than a pipe holds."""
_MOST_PARTS = 128

Part = TypeVar("Part")
_Done = dict[int, tuple[Report, Spent]]
"""Reports by the numbers of their parts, and how much of the allowances each spent."""


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


def shared(
    parts: Sequence[Part], scan: Callable[[Part, ScanBudget], Report], budget: ScanBudget, *, known: int = 0
) -> list[Report]:
    """The reports on all parts, in their order; raises what `scan` raises.

    Args:
        parts: what there is to scan.
        scan: scans one of them, and spends of the budget.
        budget: of all parts together.
        known: how many bytes there are, as far as that is known beforehand.
    """
    reports: list[Report] = []
    done: _Done = {}
    read, alone = 0, True
    for number, part in enumerate(parts):
        expected = known or (read * len(parts) // number if read > _TELLING else 0)
        if alone and expected > _LONG and len(parts) - number >= _LEAST_PARTS and _second_processor():
            done, alone = _in_two(parts, number, scan, budget), False
        report, spent = done.get(number, (None, (0, 0)))
        if report is None or not budget.covers(spent):
            report = scan(part, budget)
        else:
            budget.charge(spent)
        reports.append(report)
        read += report.bytes
    return reports


def _second_processor() -> bool:
    """Whether a child can be had, and would run beside us. To fork beside threads is to copy locks that they hold."""
    alone = threading.active_count() == 1
    return alone and hasattr(os, "fork") and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


def _in_two(parts: Sequence[Part], first: int, scan: Callable[[Part, ScanBudget], Report], budget: ScanBudget) -> _Done:
    """Scan the parts from `first` on in two processes; what the child failed to deliver is not there."""
    turns, ends = os.pipe()
    os.write(ends, b"".join(number.to_bytes(_NUMBER) for number in range(first, len(parts))))
    os.close(ends)
    answer, ends = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # the child must not come out at the top of this program
    try:
        child = os.fork()
    except OSError:  # no further process is allowed: this one scans all
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        for each in (turns, answer, ends):
            os.close(each)
        return {}
    if child == 0:
        _work_and_leave(turns, ends, parts, scan, budget)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        os.close(ends)
        done = _scanned(turns, parts, scan, budget)
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
    return done | (pickle.loads(delivered) if status == 0 and delivered else {})  # noqa: S301 - see above


def _work_and_leave(
    turns: int, answer: int, parts: Sequence[Part], scan: Callable[[Part, ScanBudget], Report], budget: ScanBudget
) -> NoReturn:
    """The child's whole life. It prints nothing and cleans up nothing: all of that is the parent's."""
    code = 1
    try:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        found = pickle.dumps(_scanned(turns, parts, scan, budget))
        with os.fdopen(answer, "wb") as pipe:
            pipe.write(found)
        code = 0
    finally:
        os._exit(code)  # what ends a fork


def _scanned(
    turns: int, parts: Sequence[Part], scan: Callable[[Part, ScanBudget], Report], budget: ScanBudget
) -> _Done:
    """The parts that this process scans, until none is left or its copy of the budget does not suffice."""
    own = ScanBudget(*budget.rest)
    done: _Done = {}
    for number in _taken(turns):
        before = own.rest
        report = scan(parts[number], own)
        if own.refused:
            break
        done[number] = report, own.spent_since(before)
    return done


def _taken(turns: int) -> Iterator[int]:
    """Yield part numbers from a pipe, which gives each number to one reader only."""
    while number := os.read(turns, _NUMBER):
        yield int.from_bytes(number)
