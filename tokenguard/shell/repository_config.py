"""What a configuration in a git working tree may say: a repository chooses no program and no host (ADR 0024)."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenguard.errors import InputError
from tokenguard.files import resolved, shown

_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GIT_WORK_TREE")
"""Where a job's system, or git, says that the working tree is: it counts without a `.git` too."""
_OURS = "env:TOKENGUARD_"
_LONGEST_CHAIN = 40
"""Of links, as in Linux."""
_MOST = 4
"""Keys that an error names."""
_Key = tuple[str, ...]
_NAME = "NAME"
_VAULT = frozenset({"address", "namespace", "auth", "auth_mount", "role", "credential", "wrapped"})
_VAULTS: tuple[_Key, ...] = (("vault",), ("store", "vault"), ("stores", _NAME, "vault"))
_ALLOWED: frozenset[_Key] = frozenset(
    {
        ("store", "url"),
        ("stores", _NAME, "url"),
        ("policy", "file"),
        ("people", "file"),
        ("people", "complete"),
        ("aws", "role"),
        ("aws", "credential"),
        ("providers", _NAME, "admin"),
        ("providers", _NAME, "death_floor"),
        ("providers", _NAME, "paging"),
        *((*table, key) for table in _VAULTS for key in _VAULT),
    }
)
_NAMED_BY_THE_RUNNER: frozenset[_Key] = frozenset({("aws", "role"), *((*table, "address") for table in _VAULTS)})
"""They decide where logins and values go, so the file may only say in which variable of ours the runner names it."""


def refuse_the_runners(path: Path, tree: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse a configuration that lies in a working tree and says what only the runner may say.

    Args:
        path: the file, as it was named.
        tree: its content, of which only known keys are left.
        environ: of this process.

    Raises:
        InputError: it names a program, a plug-in, a host or a destination.
    """
    keys = [(_generic(key), value) for key, value in _leaves(tree)]
    foreign = sorted({_told(key) for key, _ in keys if key not in _ALLOWED})
    fixed = sorted({_told(key) for key, value in keys if key in _ALLOWED and not _is_the_runners(key, value)})
    if not foreign and not fixed:
        return
    if working_tree_of(path, environ) is None:
        return
    if foreign:
        raise InputError(
            f"the configuration {shown(path)} lies in a git working tree, and sets {_shortened(foreign)}",
            hint="only the runner may set this, in a file outside every working tree that TOKENGUARD_CONFIG or "
            "--config names; in CI, write it from a protected variable (docs/ci.md)",
        )
    raise InputError(
        f"the configuration {shown(path)} lies in a git working tree, and sets {_shortened(fixed)} itself",
        hint="refer to a variable that the runner sets: "
        'address = "env:TOKENGUARD_SERVER", role = "env:TOKENGUARD_ROLE"',
    )


def working_tree_of(path: Path, environ: Mapping[str, str]) -> Path | None:
    """The top of the working tree that holds a file, or a link on the way to it; None if there is none."""
    checkouts = {
        place
        for name in _CHECKOUTS
        if (said := environ.get(name, "").strip())
        for place in (Path(os.path.abspath(said)), resolved(Path(said)))  # noqa: PTH100 - links are not followed
    }
    for place in (*_on_the_way(path), resolved(path)):
        for above in place.parents:
            if above in checkouts or os.path.lexists(above / ".git"):
                return above
    return None


def _on_the_way(path: Path) -> Iterator[Path]:
    """The path as it was named, and after each link that it leads through."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - links are followed one by one
    for _ in range(_LONGEST_CHAIN):
        yield place
        link = next((each for each in (*reversed(place.parents), place) if each.is_symlink()), None)
        if link is None:
            return
        place = Path(os.path.normpath(link.parent / link.readlink() / place.relative_to(link)))


def _leaves(tree: Mapping[str, Any], above: _Key = ()) -> Iterator[tuple[_Key, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _generic(key: _Key) -> _Key:
    """A key without the names that the file's author chose."""
    named = len(key) > 1 and key[0] in {"stores", "providers", "commands", "destinations"}
    return (key[0], _NAME, *key[2:]) if named else key


def _shortened(keys: list[str]) -> str:
    more = f" and {len(keys) - _MOST} more" if len(keys) > _MOST else ""
    return ", ".join(keys[:_MOST]) + more


def _told(key: _Key) -> str:
    return f"[{'.'.join(key[:-1])}] {key[-1]}"


def _is_the_runners(key: _Key, value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    if key in _NAMED_BY_THE_RUNNER:
        return all(not text or str(text).startswith(_OURS) for text in texts)
    if key[-1] == "admin":
        return not str(value).startswith("env:") or str(value).startswith(_OURS)
    return True
