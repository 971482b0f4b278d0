"""The repository of `check`, and the stricter settings that it brings."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.evaluation import Assessment
from tokenguard.policy.model import Policy
from tokenguard.policy.repository_overrides import Tightening, tightened
from tokenguard.usecases.parts import HasClock, HasEnvironment

if TYPE_CHECKING:  # not needed for a check of the inventory alone
    from tokenguard.scanning.repository import Repository


class CheckRepositoryParts(HasClock, HasEnvironment, Protocol):
    """What this use case takes."""


class CheckContext(Frozen, frozen=True):
    """The effective policy here, and the repository to check against it."""

    policy: Policy
    repository: "Repository | None" = None
    asked: Tightening = Tightening()
    """The repository's own settings."""


def load_check_context(policy: Policy, path: Path | None, base: str, *, needed: bool = False) -> CheckContext:
    """Find the repository and read its settings.

    Args:
        policy: the organisation's.
        path: any directory of it; default: the working directory, if it is in a repository.
        base: a revision to read `.tokenguard.toml` from, instead of the working tree.
        needed: without a repository, raise.

    Raises:
        InputError: the directory or revision does not exist, or the file is weaker than the policy.
    """
    from tokenguard.scanning.repository import find_repository  # see above

    repository = find_repository(path or Path())
    if repository.git is None:
        if base:
            raise InputError(
                "--base needs a git repository", hint="change into the repository, or give a directory of it"
            )
        if path is None:
            if needed:
                raise InputError("not in a git repository", hint="change into one, or give a directory")
            return CheckContext(policy)
    asked = _asked(repository, base)
    return CheckContext(tightened(policy, asked), repository, asked)


def _asked(repository: "Repository", base: str) -> Tightening:
    from tokenguard.scanning.repository_settings import repository_settings, settings_of  # see above

    if repository.git is None:
        return settings_of(repository.top)
    return repository_settings(repository.git, base=base)


def examine(parts: CheckRepositoryParts, held: CheckContext) -> Assessment:
    """Examine the repository, and the user's home directory."""
    if held.repository is None:  # unreachable: the caller checked
        raise InputError("not in a git repository", hint="give a directory of a repository")
    from tokenguard.policy.repository_assessment import assess_repository  # see above
    from tokenguard.scanning.repository import view_of

    home = parts.environ.get("HOME")
    view = view_of(held.repository, Path(home) if home else None)
    return assess_repository(held.policy, view, parts.clock.now())
