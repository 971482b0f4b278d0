"""Whether a coding agent trusts a folder, as far as its vendor says which file holds that."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokenguard.agents.contract import Agent, SettingsScope
from tokenguard.documents import JsonTree
from tokenguard.files import read_limited, resolved

_MAX_BYTES = 32 << 20
"""Of a file in which an agent remembers its folders."""


def is_trusted(of: Agent, folder: Path, scope: SettingsScope, home: Path, environ: Mapping[str, str]) -> bool | None:
    """Whether an agent runs hooks in a folder; None if no file says so.

    Args:
        of: the agent.
        folder: where it is started.
        scope: whose hooks: a user's may run where a project's do not.
        home: the user's home directory.
        environ: may name another folder of the agent.
    """
    read = _READERS.get((of.name, scope))
    try:
        return read(of.folder(home, environ), folder, home) if read else None
    except (OSError, ValueError, RecursionError):  # not there, or of a form that is not known
        return None


def _claude_code(own: Path, folder: Path, home: Path) -> bool | None:
    """Claude Code's own message about a folder that is not trusted names this file and field (2.1, 2026-11)."""
    place = home if own == home / ".claude" else own
    projects = _object(json.loads(_text(place / ".claude.json"))).get("projects")
    accepted = {name for name, each in _object(projects).items() if _object(each).get("hasTrustDialogAccepted") is True}
    return _is_below(folder, accepted)


def _codex(own: Path, folder: Path, home: Path) -> bool | None:  # noqa: ARG001 - the readers' form
    """https://developers.openai.com/codex/config-reference, 2026-11: a project's hooks are loaded if it is trusted.

    That does not say whether each hook was reviewed.
    """
    projects = _object(tomllib.loads(_text(own / "config.toml"))).get("projects", {})
    trusted = {name for name, each in _object(projects).items() if _object(each).get("trust_level") == "trusted"}
    return None if _is_below(folder, trusted) else False


def _copilot(own: Path, folder: Path, home: Path) -> bool | None:  # noqa: ARG001 - the readers' form
    """https://docs.github.com/en/copilot/how-tos/copilot-cli/set-up-copilot-cli/configure-copilot-cli, 2026-11.

    Comments stand before the object. A folder may also be trusted for one session only.
    """
    lines = _text(own / "config.json").splitlines()
    tree = _object(json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//"))))
    listed = tree.get("trustedFolders", tree.get("trusted_folders"))
    return _is_below(folder, [each for each in listed if isinstance(each, str)]) if isinstance(listed, list) else None


_READERS = {
    ("claude-code", SettingsScope.USER): _claude_code,
    ("claude-code", SettingsScope.PROJECT): _claude_code,
    ("codex", SettingsScope.PROJECT): _codex,
    ("copilot", SettingsScope.PROJECT): _copilot,
}


def _text(path: Path) -> str:
    return read_limited(path, _MAX_BYTES).decode()


def _object(tree: JsonTree) -> Mapping[str, JsonTree]:
    if not isinstance(tree, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of a form that is not known
    return tree


def _is_below(folder: Path, names: Iterable[str]) -> bool:
    places = {str(each) for at in (folder, resolved(folder)) for each in (at, *at.parents)}
    return any(name.rstrip("/") in places for name in names if name.rstrip("/"))
