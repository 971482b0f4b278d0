"""Settings in which all hooks of a coding agent are switched off."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenguard.agents.contract import Agent, SettingsScope
from tokenguard.agents.hook_file import MAX_BYTES
from tokenguard.documents import load_json
from tokenguard.errors import InputError
from tokenguard.files import read_limited


def switched_off(of: Agent, home: Path, project: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """The user's and the project's settings because of which an agent runs no hook."""
    for scope, root in ((SettingsScope.USER, home), (SettingsScope.PROJECT, project)):
        yield from filter(_is_off, of.switches(scope, root, environ))


def _is_off(path: Path) -> bool:
    try:
        tree = load_json(read_limited(path, MAX_BYTES), source="", max_bytes=MAX_BYTES)
    except (OSError, InputError):
        return False
    return isinstance(tree, dict) and tree.get("disableAllHooks") is True
