"""The console scripts, outside the package: they say so where another project's `tokenguard` has its place.

This module imports nothing that takes time, so that they are ready for Ctrl-C from the first moment on.
"""

import sys

_DISTRIBUTION = "tokenguard-governance"


def command() -> None:
    """`tokenguard`."""
    try:
        _refuse_another_package()
        from tokenguard.cli import main

        main()
    except KeyboardInterrupt:  # while modules are imported, or at exit; the error boundary takes the others
        _interrupted("run the command again; what was already stored is kept")


def hook() -> None:
    """`tokenguard-hook`."""
    try:
        _refuse_another_package()
        from tokenguard.precommit.hook import main

        main()
    except KeyboardInterrupt:
        _interrupted("nothing was committed; run the git command again")


def _interrupted(hint: str) -> None:
    sys.stderr.write(f"\nerror: interrupted\nhint: {hint}\n")
    sys.exit(130)


def _refuse_another_package() -> None:
    try:
        import tokenguard

        found = getattr(tokenguard, "DISTRIBUTION", "")
    except ImportError:
        found = ""
    if found != _DISTRIBUTION:
        sys.stderr.write(
            "error: the package tokenguard in this environment is another project's\n"
            f"hint: make an environment of its own, and install {_DISTRIBUTION} there\n"
        )
        sys.exit(2)
