"""A process without anything that only POSIX has, as far as Python shows it: `python -m tests.fakes.windows PROGRAM`.

It is not Windows: file names, terminals and locks stay what they are. What it shows is that a program loads and uses
nothing that is missing there.
"""

import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path

MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty")
OF_OS = """
    O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH
    O_SYNC O_TMPFILE WNOHANG WUNTRACED WCONTINUED WIFSIGNALED WIFEXITED WIFSTOPPED WEXITSTATUS WTERMSIG WSTOPSIG
    chown chroot confstr copy_file_range ctermid eventfd fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs
    getegid geteuid getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid
    getuid getxattr initgroups killpg lchown listxattr lockf major memfd_create minor mkfifo mknod nice openpty pathconf
    pidfd_open pipe2 posix_fadvise posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev readv
    register_at_fork removexattr sched_getaffinity sched_setaffinity sched_yield sendfile setegid seteuid setgid
    setgroups setpgid setpriority setregid setreuid setsid setuid setxattr splice statvfs sync sysconf tcgetpgrp
    tcsetpgrp ttyname uname wait wait3 wait4 waitid writev
""".split()  # noqa: SIM905 - a list of a hundred words
OF_SIGNAL = """
    ITIMER_PROF ITIMER_REAL ITIMER_VIRTUAL SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGHUP SIGIO SIGIOT SIGKILL SIGPIPE
    SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSTOP SIGSYS SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM
    SIGWINCH SIGXCPU SIGXFSZ SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm getitimer pause pthread_kill pthread_sigmask
    setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
""".split()  # noqa: SIM905
LOADED_BEFORE = """
    asyncio click click._termui_impl click.shell_completion concurrent.futures.thread getpass http.client logging
    logging.config multiprocessing platform random runpy shutil sqlite3 ssl subprocess tempfile threading urllib.request
    uuid webbrowser zoneinfo
""".split()  # noqa: SIM905
"""Modules of others that look at the platform when they are loaded."""


def become_windows() -> None:
    """Hide what Windows lacks from everything that is loaded from now on."""
    for name in LOADED_BEFORE:
        importlib.import_module(name)
    for name in (*MODULES, "ctypes"):  # without ctypes, platformdirs asks the environment and no DLL
        sys.modules[name] = None
    for module, names in ((os, OF_OS), (signal, OF_SIGNAL), (socket, ["AF_UNIX", "send_fds"])):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    selectors.SelectSelector._select = _sockets_only
    os.supports_dir_fd = os.supports_fd = frozenset()
    sys.platform = "win32"


def _sockets_only(*_):
    raise OSError(10038, "an operation was attempted on something that is not a socket")


if __name__ == "__main__":
    become_windows()
    del sys.argv[0]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_path(sys.argv[0], run_name="__main__")
