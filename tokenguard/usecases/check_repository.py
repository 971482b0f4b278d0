"""Which repository `check` holds to the policy, and how much stricter the policy is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.evaluation import Assessment
from tokenguard.policy.model import Policy
from tokenguard.policy.repository_overrides import Tightening, tightened
from tokenguard.shell.wiring import Wiring

if TYPE_CHECKING:  # loads what a check of the inventory alone does without
    from tokenguard.scanning.repository import Repository


class CheckContext(Frozen, frozen=True):
    """A policy as it holds here, and the repository that is held to it."""

    policy: Policy
    repository: "Repository | None" = None
    asked: Tightening = Tightening()
    """What the repository itself asks for."""


def load_check_context(policy: Policy, path: Path | None, base: str, *, needed: bool = False) -> CheckContext:
    """Find the repository and read what it asks for.

    Args:
        policy: the organisation's.
        path: any directory of it, or none: the working directory, if git knows it.
        base: a revision whose `.tokenguard.toml` counts instead of the working tree's.
        needed: without a repository there is nothing to do.

    Raises:
        InputError: there is no such directory or revision, or the file asks for less than the policy.
    """
    from tokenguard.scanning.repository import find_repository  # see above

    repository = find_repository(path or Path())
    if repository.git is None:
        if base:
            raise InputError("--base needs a git repository", hint="change into it, or name a directory of it")
        if path is None:
            if needed:
                raise InputError("there is no git repository here", hint="change into one, or name a directory")
            return CheckContext(policy)
    asked = _asked(repository, base)
    return CheckContext(tightened(policy, asked), repository, asked)


def _asked(repository: "Repository", base: str) -> Tightening:
    from tokenguard.scanning.repository_settings import repository_settings, settings_of  # see above

    if repository.git is None:
        return settings_of(repository.top)
    return repository_settings(repository.git, base=base)


def examine(wiring: Wiring, held: CheckContext) -> Assessment:
    """Look at the repository, and at the home directory of whoever runs this."""
    if held.repository is None:  # cannot be: the caller looked
        raise InputError("there is no repository here", hint="name a directory")
    from tokenguard.policy.repository_assessment import assess_repository  # see above
    from tokenguard.scanning.repository import view_of

    home = wiring.environ.get("HOME")
    view = view_of(held.repository, Path(home) if home else None)
    return assess_repository(held.policy, view, wiring.clock.now())
