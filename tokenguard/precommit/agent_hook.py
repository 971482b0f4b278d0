"""`tokenguard agent hook`, without the command line's framework: a coding agent runs it for every step."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from tokenguard.interrupts import interrupt_at_end_signals
from tokenguard.process import harden
from tokenguard.shell.scan_key import find_scan_key
from tokenguard.usecases.agent_guard import MOST_BYTES, GuardTimeout, answer_event


def main(arguments: Sequence[str]) -> NoReturn:
    """Answer the event of this process, and leave with the exit code that the agent expects."""
    if hasattr(signal, "setitimer"):  # Windows has none
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    gc.set_threshold(50_000)  # importing makes hardly any garbage, and looking for it costs every start a few percent
    harden()  # the event may hold values
    interrupt_at_end_signals()  # ended by a signal, it refuses
    code = run(arguments)
    gc.freeze()  # skipping it at exit saves as much time as a small search
    sys.exit(code)


_PATIENCE = 45.0
"""Seconds, fewer than the agents have: after theirs they would go on without an answer."""


def _stop(*_: object) -> NoReturn:
    raise GuardTimeout


def run(arguments: Sequence[str]) -> int:
    """Read, search and answer; returns the exit code."""
    output, error, code = answer_event(
        arguments, lambda: sys.stdin.buffer.read(MOST_BYTES + 1), partial(find_scan_key, os.environ)
    )
    if output:
        sys.stdout.write(output)
        sys.stdout.flush()
    if error:
        sys.stderr.write(error)
    return code
