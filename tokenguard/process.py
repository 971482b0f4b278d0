"""Hardens the process: no core files, no tracing by peers, private files by default."""

import os
import sys

_PR_SET_DUMPABLE = 4
_inherited: dict[str, int] = {}


def inherited_umask() -> int:
    """The file mode mask this process was started with, for children that are not ours to harden; -1 if not known."""
    return _inherited.get("umask", -1)


def harden() -> None:
    """Close the process to core dumps, tracing by peers and careless file modes. Best effort; never fails."""
    _see_children_fail()
    _inherited.setdefault("umask", os.umask(0o077))
    os.umask(0o077)
    try:
        import resource  # POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass
    if sys.platform == "linux":
        _forbid_tracing()


def _see_children_fail() -> None:
    """Where the parent had SIGCHLD ignored, the system keeps no exit codes, and `subprocess` takes each for 0."""
    import _signal  # type: ignore[import-not-found]  # `signal` itself loads `enum`, which a clean commit does without

    if getattr(_signal, "SIGCHLD", None) and _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)


def _forbid_tracing() -> None:
    import ctypes  # Linux only

    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
