"""The console scripts, outside the package: they say so where another project's `tokenguard` has its place.

This module imports nothing that takes time, so that they are ready for Ctrl-C from the first moment on.
"""

import sys

_DISTRIBUTION = "tokenguard-governance"


def command() -> None:
    """`tokenguard`."""
    if sys.argv[1:3] == ["agent", "hook"] and not {"-h", "--help"}.intersection(sys.argv):
        _agent_hook()
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
        import gc

        gc.set_threshold(50_000)  # the tables of the hook are thousands of tuples, none of which is garbage
        from tokenguard.precommit.hook import main

        main()
    except KeyboardInterrupt:
        _interrupted("nothing was committed; run the git command again")


def _agent_hook() -> None:
    """`tokenguard agent hook`, which coding agents run for every step: without the command line's framework."""
    try:
        _refuse_another_package()
        from tokenguard.precommit.agent_hook import main

        main(sys.argv[3:])
    except KeyboardInterrupt:  # while modules are imported: what was not searched is blocked
        _block("interrupted")
    except Exception as error:  # noqa: BLE001 - with Python's own exit code an agent would go on
        _block(f"an unexpected {type(error).__name__}")


def _block(why: str) -> None:
    """Leave with the exit code by which a hook blocks, also where nothing can be written any more."""
    import os  # loaded already, but for a process that has only just begun

    try:
        sys.stderr.write(f"tokenguard: {why}. Nothing was let through.\n")
        sys.stderr.flush()
    except Exception:  # noqa: BLE001, S110 - it cannot be said
        pass
    os._exit(2)


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
