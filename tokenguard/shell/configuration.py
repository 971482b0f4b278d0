"""Finds the configuration: named by an option, the environment or the platform, never in the working directory.

A repository must not choose programs or addresses: a file in a working tree that does so is refused.
"""

from collections.abc import Mapping
from pathlib import Path

from tokenguard.files import expanded
from tokenguard.places import config_dir
from tokenguard.settings import Settings


def load_settings(option: str, environ: Mapping[str, str]) -> Settings:
    """Read the configuration: `option`, else TOKENGUARD_CONFIG, else the platform's place if a file is there.

    Raises:
        InputError: the file that was named is missing, not ours alone to write, or not acceptable.
    """
    named = option or environ.get("TOKENGUARD_CONFIG", "")
    path = expanded(named).absolute() if named else default_config_file()
    if not named and not path.is_file():
        return Settings()
    from tokenguard.shell.config import read_settings  # only where there is a file to read

    return read_settings(path, environ)


def default_config_file() -> Path:
    """Where the platform keeps our configuration."""
    return config_dir() / "config.toml"
