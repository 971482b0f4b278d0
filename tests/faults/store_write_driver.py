"""Run under the preloaded shim: for each case a forked child works on a store until the shim strikes; then look.

    python -m tests.faults.store_write_driver SHIM WORKDIR SHARE

SHARE: the part of all cases to try (1 = every call in every mode). Prints one JSON object of counts; every key but
`fine` is a failure.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import random
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.local_stores import everything, made, opened
from tests.faults.store_traffic import TRAFFIC
from tokenguard.errors import Conflict, InputError, TokenguardError, Unreachable
from tokenguard.stores.local.store import LocalStore

KILLS = (0, 1, 2)
FAILURES = tuple((mode, code) for code in (errno.ENOSPC, errno.EIO, errno.EACCES) for mode in (3, 4))
RAISED = 255


@dataclass(frozen=True, slots=True)
class Case:
    at: int
    mode: int
    error: int = 0

    @property
    def kills(self) -> bool:
        return self.mode in KILLS


class Shim:
    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._library.tg_arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]
        self._library.tg_calls.restype = ctypes.c_long

    def arm(self, case: Case) -> None:
        self._library.tg_arm(case.at, case.mode, case.error)

    def calls(self) -> int:
        return self._library.tg_calls()


class Bench:
    """One working directory, and memory that outlives a killed child."""

    def __init__(self, shim: Shim, work: Path) -> None:
        self.shim = shim
        self.home = work / "store"
        self.state = work / "state"
        self.memory = mmap.mmap(-1, 16)
        os.environ["TOKENGUARD_STATE_DIR"] = str(self.state)

    def clear(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)

    def child(self, case: Case, act: Callable[[], None]) -> int:
        """Do `act` in a forked child under the shim; returns how many steps it acknowledged."""
        self.memory[:16] = bytes(16)
        child = os.fork()
        if child == 0:
            code = 0
            try:
                self.shim.arm(case)
                act()
                self.memory[8:16] = self.shim.calls().to_bytes(8, "big")
            except BaseException:  # noqa: BLE001 - the parent reports it
                traceback.print_exc()
                code = RAISED
            os._exit(code)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == RAISED:
            return RAISED
        if case.kills and os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            return RAISED
        return self.memory[0]

    def acknowledge(self) -> None:
        self.memory[0] += 1

    @property
    def calls(self) -> int:
        return int.from_bytes(self.memory[8:16], "big")


def traffic(bench: Bench) -> None:
    """All acts; one that is refused is tried once more, as a resumed command would."""
    store = again(lambda: opened(bench.home))
    for act in TRAFFIC:
        try:
            act(store)
        except Conflict:
            raise
        except Unreachable:
            with contextlib.suppress(Conflict):  # the refused one had taken effect all the same
                act(store)
        bench.acknowledge()


def again(make: Callable[[], LocalStore]) -> LocalStore:
    try:
        return make()
    except Unreachable:
        return make()


def making(bench: Bench) -> None:
    """Making a store; a refused one is tried once more."""
    try:
        made(bench.home)
    except Unreachable:
        try:
            made(bench.home)
        except InputError:  # it had been made all the same
            opened(bench.home)
    bench.acknowledge()


def cases(calls: int, share: float, rng: random.Random) -> Iterator[Case]:
    for at in range(1, calls + 1):
        for case in (*(Case(at, mode) for mode in KILLS), *(Case(at, mode, code) for mode, code in FAILURES)):
            if rng.random() < share:
                yield case


def verdict_of_traffic(bench: Bench, case: Case, acknowledged: int, states: list[list[object]]) -> str:
    if acknowledged == RAISED:
        return f"raised, errno {case.error}"
    possible = states[acknowledged : acknowledged + 2] if case.kills else states[-1:]
    try:
        store = opened(bench.home)
        found, problems = everything(store), list(store.check())
        store.close()
    except TokenguardError as error:
        return f"{type(error).__name__}: {error.message}"
    if problems:
        return "corrupt"
    return "fine" if found in possible else "half a commit, or an acknowledged one lost"


def verdict_of_making(bench: Bench, acknowledged: int) -> str:
    if acknowledged == RAISED:
        return "making raised"
    try:
        store = opened(bench.home)
    except InputError:
        if acknowledged:
            return "a store that was made is not there"
        store = made(bench.home)
    except TokenguardError as error:
        return f"making left {type(error).__name__}: {error.message}"
    sound = not list(store.check()) and store.history(None)
    store.close()
    return "fine" if sound else "making left a damaged store"


def campaign(shim: Shim, work: Path, share: float) -> Counter[str]:
    bench, rng, verdicts = Bench(shim, work), random.Random(1), Counter[str]()
    never = Case(-1, 0)
    bench.child(never, lambda: making(bench))
    for case in cases(bench.calls, share, rng):
        bench.clear()
        verdicts[verdict_of_making(bench, bench.child(case, lambda: making(bench)))] += 1
    bench.clear()
    template = made(bench.home)
    template.close()
    kept = work / "kept"
    shutil.copytree(bench.home, kept / "store")
    shutil.copytree(bench.state, kept / "state")
    bench.child(never, lambda: traffic(bench))
    calls = bench.calls
    states = expected_states(bench, kept)
    for case in cases(calls, share, rng):
        restore(bench, kept)
        acknowledged = bench.child(case, lambda: traffic(bench))
        verdicts[verdict_of_traffic(bench, case, acknowledged, states)] += 1
    return verdicts


def expected_states(bench: Bench, kept: Path) -> list[list[object]]:
    restore(bench, kept)
    store = opened(bench.home)
    states = [everything(store)]
    for act in TRAFFIC:
        act(store)
        states.append(everything(store))
    store.close()
    return states


def restore(bench: Bench, kept: Path) -> None:
    bench.clear()
    shutil.copytree(kept / "store", bench.home)
    shutil.copytree(kept / "state", bench.state)


if __name__ == "__main__":
    print(json.dumps(campaign(Shim(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))))
