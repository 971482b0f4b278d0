"""Whether this process is a CI job, whose machine keeps no state."""

from collections.abc import Mapping

_YES = frozenset({"1", "true"})


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether the environment says so, as GitHub, GitLab and most others do."""
    return environ.get("CI", "").strip().lower() in _YES
