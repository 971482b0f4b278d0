"""`tokenguard-hook`: what is staged, or pushed, must not hold a token. Offline by construction, but for names.

A commit in which nothing can be found is answered at once; everything else is for `full_scan`, which loads the scanner.
"""

import gc
import os
import sys

from tokenguard.precommit.clean_commit import staged_files, summary_of_clean
from tokenguard.process import harden
from tokenguard.shell.output import UNREAD, take_standard_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the hook of this process and leave with its exit code."""
    gc.set_threshold(50_000)  # importing makes hardly any garbage, and looking for it costs every start a few percent
    harden()  # what is staged may hold values
    output = take_standard_streams()  # a report that is not read must not change what the commit is told
    code = run(sys.argv[1:])
    sys.stdout.flush()
    if code == 0 and output.lost not in UNREAD:
        from tokenguard.precommit.full_scan import report_lost  # few disks are full

        code = report_lost()
    gc.freeze()  # skipping it at exit saves as much time as a small scan
    sys.exit(code)


def run(arguments: "Sequence[str]") -> int:
    """Run the hook with these arguments; returns the exit code and raises nothing."""
    staged = staged_files(arguments, os.environ)
    summary = summary_of_clean(staged, os.environ) if staged is not None else ""
    if summary and sys.stdout is not None:  # None where it is closed
        sys.stdout.write(summary)
        return 0
    from tokenguard.precommit.full_scan import scanned  # most commits are answered above

    return scanned(arguments, staged)
