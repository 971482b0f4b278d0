"""Where the platform keeps our configuration, data and state.

On Linux and other systems that follow the XDG base directories these are three environment variables; asking
`platformdirs` for them costs half of what `import click` costs, at the start of every command. Elsewhere it is asked.
"""

import os
import sys
from pathlib import Path

_NAME = "tokenguard"


def config_dir() -> Path:
    """Where `config.toml` is looked for."""
    return _place("config", "XDG_CONFIG_HOME", ".config")


def data_dir() -> Path:
    """Where the default store is."""
    return _place("data", "XDG_DATA_HOME", ".local/share")


def state_dir() -> Path:
    """Where anchors are kept, outside every store."""
    return _place("state", "XDG_STATE_HOME", ".local/state")


def _place(kind: str, variable: str, default: str) -> Path:
    if sys.platform in {"darwin", "win32"}:
        import platformdirs  # see above

        return Path(getattr(platformdirs, f"user_{kind}_dir")(_NAME, appauthor=False))
    given = Path(os.environ.get(variable, "").strip())
    return (given if given.is_absolute() else Path.home() / default) / _NAME
