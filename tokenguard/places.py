"""Where the platform keeps our configuration, data and state.

On Linux and other systems that follow the XDG base directories these are three environment variables; asking
`platformdirs` for them costs half of what `import click` costs, at the start of every command. Elsewhere it is asked.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_NAME = "tokenguard"
_Kind = tuple[str, str, str]
CONFIG: _Kind = ("config", "XDG_CONFIG_HOME", ".config")
STATE: _Kind = ("state", "XDG_STATE_HOME", ".local/state")
_DATA: _Kind = ("data", "XDG_DATA_HOME", ".local/share")


def config_dir() -> "Path":
    """Where `config.toml` is looked for."""
    return _path(CONFIG)


def data_dir() -> "Path":
    """Where the default store is."""
    return _path(_DATA)


def state_dir() -> "Path":
    """Where anchors are kept, outside every store."""
    return _path(STATE)


def place(kind: _Kind) -> str:
    """The name of one of these directories."""
    name, variable, default = kind
    if sys.platform in {"darwin", "win32"}:
        import platformdirs  # see above

        return str(getattr(platformdirs, f"user_{name}_dir")(_NAME, appauthor=False))
    given = os.environ.get(variable, "").strip()
    return os.path.join(given if os.path.isabs(given) else os.path.join(_home(), default), _NAME)


def home_dir() -> "Path":
    """The user's home directory."""
    from pathlib import Path  # as below

    return Path(_home())


def _home() -> str:
    """The home directory; the root directory of a user without one, since `~` would be in the working directory."""
    found = os.path.expanduser("~")
    return found if os.path.isabs(found) else os.path.abspath(os.sep)


def _path(kind: _Kind) -> "Path":
    from pathlib import Path  # a clean commit does without

    return Path(place(kind))
