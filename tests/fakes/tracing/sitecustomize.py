"""Records what a process does to the outside: programs, their environment, addresses, files that it writes.

On PYTHONPATH of a traced process; TRACE names the file. One JSON line for each event of Python's audit hooks.
"""

import json
import os
import sys

_FILE = os.open(os.environ.pop("TRACE"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
_FILE = os.dup2(_FILE, 200, inheritable=False)
_PROGRAMS = {"subprocess.Popen": (1, 3), "os.exec": (1, 2), "os.posix_spawn": (1, 2), "os.system": (0, None)}
"""Where the arguments and the environment are."""


def _record(event: str, arguments: tuple) -> None:
    if event in _PROGRAMS:
        words, environ = _PROGRAMS[event]
        given = arguments[environ] if environ is not None else None
        _write(event, argv=arguments[words], environ=dict(os.environ if given is None else given))
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        _write(event, address=arguments[1])
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        _write(event, address=arguments[0])
    elif (
        event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    ) or event == "ctypes.dlopen":
        _write(event, path=arguments[0])


def _write(event: str, **what: object) -> None:
    os.write(_FILE, (json.dumps({"event": event, **what}, default=str) + "\n").encode())


sys.addaudithook(_record)
