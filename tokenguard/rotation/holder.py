"""Which runner holds something, as `host/pid/nonce`, and whether it can still be at work."""

import os


def is_gone(holder: str) -> bool:
    """Whether a runner was a process of this machine, and is none any more. Of other machines nothing is known."""
    host, _, rest = holder.partition("/")
    pid = rest.partition("/")[0]
    if host != os.uname().nodename or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
