"""The command line: one file per command, each of which parses, makes one use-case call and renders."""

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and leave with its exit code."""
    gc.set_threshold(50_000)  # importing makes hardly any garbage, and looking for it costs every start a few percent
    from tokenguard.interrupts import interrupt_at_end_signals  # importing the package must cost nothing
    from tokenguard.process import harden

    harden()
    interrupt_at_end_signals()
    from tokenguard.cli.error_handler import run_process  # after hardening

    code = run_process(sys.argv[1:])
    gc.freeze()  # nor need the interpreter look for it at exit
    sys.exit(code)
