"""What a run is held to: by its options, and by the `.tokenguard.toml` of the repository that is scanned."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.scanning.git import find_git
from tokenguard.scanning.root_paths import top_of
from tokenguard.scanning.scan_budget import OVER_LIMITS
from tokenguard.text import pluralize

if TYPE_CHECKING:
    from tokenguard.scanning.narrowing import RequestedNarrowing

_FILE = ".tokenguard.toml"


class Demands(Frozen, frozen=True, kw_only=True):
    """When a run fails, besides by its findings."""

    strict: bool = False
    """Anything that was not scanned is a failure; comments silence no vendor's token."""
    require_own: bool = False
    """Own tokens must be looked for."""
    most_allowed: int | None = None
    """So many lines may be silenced by comments; None: any number."""
    profile: Profile = Profile.DEFAULT
    """Which of the rules' candidates are findings."""
    within_limits: bool = False
    """Content left out over a limit of the scan is a failure."""
    most_excluded: int | None = None
    """So many files may be excluded by repositories; None: any number."""
    wishes: "tuple[RequestedNarrowing, ...]" = ()
    """Where and for what repositories want nothing to be reported."""

    def __or__(self, other: "Demands") -> "Demands":
        """Both together: the stricter of each."""
        limits = [each.most_allowed for each in (self, other) if each.most_allowed is not None]
        return Demands(
            strict=self.strict or other.strict,
            require_own=self.require_own or other.require_own,
            most_allowed=min(limits, default=None),
            profile=self.profile | other.profile,
            within_limits=self.within_limits or other.within_limits,
            most_excluded=self.most_excluded if other.most_excluded is None else other.most_excluded,
            wishes=(*self.wishes, *other.wishes),
        )

    def fail(self, report: Report) -> bool:
        """Whether the run failed."""
        return bool(report.findings) or self._incomplete(report) or bool(self._excesses(report))

    def noted(self, report: Report) -> Report:
        """The report, saying what it was held to, and if too much was silenced."""
        report = replace(report, profile=self.profile, strict=self.strict)
        return replace(report, notes=(*report.notes, *self._excesses(report)))

    def _incomplete(self, report: Report) -> bool:
        reasons = {skipped.reason for skipped in report.skipped}
        return bool(reasons) if self.strict else self.within_limits and not OVER_LIMITS.isdisjoint(reasons)

    def _excesses(self, report: Report) -> list[str]:
        """What was silenced beyond a limit."""
        found = []
        if self.most_allowed is not None and report.allowed > self.most_allowed:
            lines = pluralize(report.allowed, "line")
            found.append(
                f"comments silence {lines}, and the limit is {self.most_allowed:,}: remove some of these comments"
            )
        if self.most_excluded is not None and report.excluded > self.most_excluded:
            files = pluralize(report.excluded, "file")
            found.append(f".tokenguard.toml excludes {files}, and the policy allows at most {self.most_excluded:,}")
        return found


def demanded(directories: Iterable[Path], *, base: str = "") -> Demands:
    """What the repositories of these directories demand; nothing where no such file is.

    Args:
        directories: anywhere in them.
        base: read it as this revision has it; in CI the branch that a change is to be merged into.

    Raises:
        InputError: the file is not acceptable, or there is no such revision.
    """
    tops = {top for each in directories if (top := top_of(each)) is not None}
    found = Demands()
    for top in sorted(tops):
        if base or os.path.lexists(top / _FILE):
            found |= _read(top, base)
    if base and not tops:
        raise InputError("--base needs a git repository", hint="run it inside one")
    return found


def demanded_by_server(directory: Path) -> Demands:
    """What a repository without a working tree demands: as its HEAD has it, which a push has yet to change."""
    git = find_git(directory)
    if git is None or not git.succeeds("rev-parse", "--verify", "--quiet", f"HEAD:{_FILE}"):
        return Demands()
    return _read(directory, "HEAD")


def _read(directory: Path, base: str) -> Demands:
    from tokenguard.scanning.narrowing import RequestedNarrowing
    from tokenguard.scanning.repository_settings import repository_settings, settings_of  # few have one

    if not base:
        scan = settings_of(directory).scan
    elif (git := find_git(directory)) is not None:
        scan = repository_settings(git, base=base).scan
    else:
        raise InputError("--base needs a git repository", hint="run it inside one")
    wish = RequestedNarrowing(root=directory, exclude=scan.exclude, disable=scan.disable)
    return Demands(
        strict=scan.strict,
        require_own=scan.require_own,
        most_allowed=scan.max_pragmas,
        profile=scan.profile,
        wishes=(wish,) if scan.exclude or scan.disable else (),
    )
