"""Whether this process is a job of a CI system: nothing that is remembered on its machine is there the next time."""

from collections.abc import Mapping

_YES = frozenset({"1", "true"})


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether the environment says so, as GitHub, GitLab and most others do."""
    return environ.get("CI", "").strip().lower() in _YES
