"""What the `.tokenguard.toml` of a repository leaves out of scans: visibly, and as far as the policy allows it.

The team's own tokens are searched for everywhere.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.frozen import Frozen
from tokenguard.scanning.root_paths import RootPaths

if TYPE_CHECKING:
    from tokenguard.policy.model import Policy

RULE = "scan-narrowing"


class RequestedNarrowing(Frozen, frozen=True, kw_only=True):
    """What one repository wants to leave out."""

    root: Path
    exclude: tuple[str, ...]
    disable: tuple[str, ...]


class NarrowedRepository(Frozen, frozen=True, kw_only=True):
    """What is left out of the scan of one repository."""

    paths: RootPaths
    exclude: tuple[str, ...]
    may_exclude: tuple[str, ...]
    """A path is excluded if a pattern of both matches."""
    disable: frozenset[str]
    """Ids of kinds of findings."""

    def excludes(self, path: str) -> bool:
        """Whether only known tokens are searched for in a file, or in the archive that it is in."""
        if path.startswith("("):  # a message or a stream
            return False
        name = self.paths.of(path)
        names = {name, name.partition("!")[0]}
        return any(_matches(self.exclude, each) and _matches(self.may_exclude, each) for each in names)


class Narrowing(Frozen, frozen=True):
    """What is left out of a scan."""

    repositories: tuple[NarrowedRepository, ...]

    def excludes(self, path: str) -> bool:
        """Whether a repository excludes the file."""
        return any(each.excludes(path) for each in self.repositories)

    def disables(self, kind: str, path: str) -> bool:
        """Whether a repository disables this kind of finding in its files."""
        ids = {kind_id(kind), _ids_of_formats().get(kind, "")}
        here = (each for each in self.repositories if not ids.isdisjoint(each.disable))
        return any(not each.paths.of(path).startswith("..") for each in here)


class AllowedNarrowing(Frozen, frozen=True, kw_only=True):
    """What repositories may leave out, and what they wanted in vain."""

    narrowing: Narrowing | None = None
    most_excluded: int | None = None
    notes: tuple[str, ...] = ()


def allowed_narrowing(
    wishes: Sequence[RequestedNarrowing], base: Path, policy: "Callable[[], Policy]"
) -> AllowedNarrowing:
    """Hold the wishes of repositories to the policy.

    Args:
        wishes: of each scanned repository.
        base: the directory to which the scan's paths are relative.
        policy: is asked only if there are wishes.
    """
    if not wishes:
        return AllowedNarrowing()
    rule = policy().rule(RULE)
    exclude, disable = (rule.words("exclude"), rule.words("disable")) if rule else (("*",), ("*",))
    notes: list[str] = []
    found: list[NarrowedRepository] = []
    for wish in wishes:
        kinds = [kind_id(each) for each in wish.disable]
        refused = [each for each in kinds if not _matches(disable, each)]
        if refused:
            notes.append(
                f"the policy does not let .tokenguard.toml disable {', '.join(refused)}: these findings are reported"
            )
        if "*" not in exclude and not set(wish.exclude) <= set(exclude):
            allowed = f"only {', '.join(exclude)}" if exclude else "nothing"
            notes.append(f"the policy lets .tokenguard.toml exclude {allowed}: all other files are scanned")
        found.append(
            NarrowedRepository(
                paths=RootPaths(root=wish.root, base=base),
                exclude=wish.exclude,
                may_exclude=exclude,
                disable=frozenset(kinds) - frozenset(refused),
            )
        )
    most = rule.number("most") if rule else None
    return AllowedNarrowing(narrowing=Narrowing(tuple(found)), most_excluded=most, notes=tuple(notes))


def other_comments(policy: "Policy") -> tuple[str, ...]:
    """The comments of other scanners that silence a line, by the policy."""
    rule = policy.rule("scan-comments")
    return rule.words("words") if rule else ()


@cache
def kind_id(name: str) -> str:
    """The id of a kind of finding, of its name in a report (`Hex High Entropy String`) or of a rule's id in SARIF."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().rpartition("/")[2]).strip("-")


@cache
def _ids_of_formats() -> dict[str, str]:
    from tokenguard.token_formats.table import FORMATS  # loaded by every scan that finds something

    return {each.type: each.id for each in FORMATS}


def _matches(patterns: Sequence[str], path: str) -> bool:
    """Whether one of the patterns matches; `*` also matches slashes, `tests/` all that is below."""
    return any(fnmatchcase(path, each) for pattern in patterns for each in _expanded(pattern))


@cache
def _expanded(pattern: str) -> tuple[str, ...]:
    whole = f"{pattern}*" if pattern.endswith("/") else pattern
    return (whole, whole.removeprefix("**/")) if whole.startswith("**/") else (whole,)
