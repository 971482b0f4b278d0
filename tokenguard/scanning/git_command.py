"""How git is run everywhere: with which environment and options, so that a repository cannot make it run anything.

Apart from `git`, which runs it, so that the hook has them before it loads anything else.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KEPT = frozenset(
    {
        "PATH",
        "HOME",
        "TMPDIR",
        "SYSTEMROOT",
        # Set by git itself around hooks: which index is being committed, where the objects of a push wait.
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
    }
)
_FORCED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # no transport at all, also if the repository allows one: prevents a lazy fetch
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a replaced object would show us other bytes than those that are pushed
    "GIT_GRAFT_FILE": os.devnull,  # and a graft would hide the commits before it
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "diff.external="),
    *("-c", "submodule.recurse=false"),
    *("-c", "safe.directory=*"),  # the switch protects from what is turned off here
    *("-c", "log.showSignature=false"),
)
_WITHOUT_PATHSPECS = frozenset({"check-ignore"})
"""Takes paths, and fails when it is told to take pathspecs literally."""


def git_environ(environ: "Mapping[str, str]") -> dict[str, str]:
    """The environment of git, of which the process's own has only a few names."""
    return {name: text for name, text in environ.items() if name in _KEPT} | _FORCED


def git_arguments(program: str, arguments: "Iterable[str]") -> list[str]:
    """The words of a command of git."""
    name, *rest = arguments
    literal = () if name in _WITHOUT_PATHSPECS else ("--literal-pathspecs",)
    return [program, *_OPTIONS, *literal, name, *rest]


def find_program(environ: "Mapping[str, str]") -> str | None:
    """The git of the absolute entries of PATH: a relative one could be a file of the repository."""
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        for name in ("git", "git.exe"):
            program = f"{entry}{os.sep}{name}"
            if os.path.isabs(entry) and os.access(program, os.X_OK) and not os.path.isdir(program):
                return program
    return None
