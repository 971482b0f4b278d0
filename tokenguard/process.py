"""Hardens the process: no core files, no tracing by peers, private files by default. Names the limits of programs."""

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


def refuse_limit(program: str, error: OSError) -> None:
    """Unreachable if a limit of the system, not the program, is why it was not started."""
    import errno  # for what fails only, like the others

    from tokenguard.errors import Unreachable

    known = {
        errno.EAGAIN: (
            "no further process is allowed",
            "raise the limit of processes (`ulimit -u`, or the container's)",
        ),
        errno.ENOMEM: ("there is not enough memory", "end other programs, or raise the memory limit"),
        errno.EMFILE: ("too many files are open", "raise the limit of open files (`ulimit -n`)"),
        errno.ENFILE: ("too many files are open on this machine", "end other programs"),
        errno.E2BIG: ("its arguments and environment are too long", "use fewer or shorter arguments and variables"),
    }
    if (found := known.get(error.errno or 0)) is not None:
        raise Unreachable(f"{program} cannot be started: {found[0]}", hint=found[1])


def has_size_limit() -> bool:
    """Whether this process may write files only up to a size (`ulimit -f`)."""
    try:
        import resource  # POSIX only
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
