"""Answers a commit in which nothing can be found, before anything of the scanner is loaded.

That is most commits, and every developer waits for each. It holds where neither the user nor the repository has
settings that a scan would follow; everything else is for `full_scan`.
"""

import os
import stat

from tokenguard.detection.clean_text import is_clean
from tokenguard.places import CONFIG, STATE, place
from tokenguard.scanning.known_token_note import KEYRING_MARKER, NOTE, WITHOUT_KEY
from tokenguard.scanning.staged_blobs import Staged, staged_blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_BYTES = 65_536
_OF_REPOSITORY = (".tokenguard.toml", ".tokenguard-baseline")


def staged_files(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> Staged | None:
    """What a run with these arguments has to look at, if it is asked for files or what is staged, and nothing else."""
    if arguments and arguments[0] != "--" and any(each.startswith("-") for each in arguments):
        return None
    files = arguments[1:] if arguments[:1] == ["--"] else arguments
    return staged_blobs(files, environ)


def summary_of_clean(staged: Staged, environ: "Mapping[str, str]") -> str:
    """The line that a scan would print which finds nothing; empty where it could print another."""
    if _has_settings(environ) or not all(is_clean(data, name) for name, data in staged):
        return ""
    size = sum(len(data) for _, data in staged)
    return f"scanned {_counted(len(staged), 'file')}, {_counted(size, 'byte')}: 0 findings\n"


def _has_settings(environ: "Mapping[str, str]") -> bool:
    """Whether the user, this machine or the repository may say something about this scan."""
    if environ.get("TOKENGUARD_SCAN_KEY", "").strip() or environ.get("TOKENGUARD_CONFIG"):
        return True
    state = place(STATE)
    if os.path.lexists(os.path.join(state, *KEYRING_MARKER)):
        return True
    settings = os.path.join(place(CONFIG), "config.toml")
    if os.path.lexists(settings) and b"scan" in _content(settings, b"scan"):
        return True
    if _content(os.path.join(state, *NOTE), b"") != WITHOUT_KEY.encode():  # it is said once
        return True
    top = _top(os.getcwd())
    return not top or any(os.path.lexists(os.path.join(top, name)) for name in _OF_REPOSITORY)


def _content(path: str, otherwise: bytes) -> bytes:
    """What is in a small plain file; something else for what is none."""
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode) or info.st_size > _MOST_BYTES:
            return otherwise
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return otherwise


def _top(directory: str) -> str:
    """The working tree that a directory is in; empty if it is in none."""
    while not os.path.lexists(os.path.join(directory, ".git")):
        above = os.path.dirname(directory)
        if above == directory:
            return ""
        directory = above
    return directory


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
