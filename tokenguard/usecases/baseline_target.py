"""Which baseline a command works on, and the scans for it."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tokenguard.domain.profile import Profile
from tokenguard.file_replacement import replace_kept
from tokenguard.frozen import Frozen
from tokenguard.output.save_file import check_page
from tokenguard.scanning.baseline_file import BaselineContent, new_baseline, read_baseline
from tokenguard.scanning.find_baseline import baseline_file_of
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.scanning.narrowing import allowed_narrowing, other_comments
from tokenguard.scanning.root_paths import RootPaths, root_of, top_of
from tokenguard.scanning.scan_options import demanded
from tokenguard.scanning.scanner import Stages, Suppressor
from tokenguard.scanning.union_merge import missing_attribute
from tokenguard.usecases.parts import HasClock, HasPolicy, HasScanRules
from tokenguard.usecases.scan_target import directories_of

_READABLE = 0o644
"""It is committed: nothing in it is secret."""


class BaselineTargetParts(HasClock, HasPolicy, HasScanRules, Protocol):
    """What this use case takes."""


class BaselineTarget(Frozen, frozen=True, kw_only=True):
    """A baseline file, and what is scanned for it."""

    file: Path
    paths: RootPaths
    scanned: tuple[Path, ...]
    stages: Stages
    notes: tuple[str, ...]
    now: datetime

    @classmethod
    def of(
        cls, parts: BaselineTargetParts, scanned: Sequence[Path], given: Path | None, profile: Profile
    ) -> "BaselineTarget":
        """The baseline of the first path's repository, or the file that was given.

        Scans for it are those of `scan`, so that no known token gets into it.

        Raises:
            InputError: the file cannot be written, or the repository's settings are not acceptable.
        """
        directories = directories_of(scanned)
        file = given or Path(os.path.relpath(baseline_file_of(directories[0].absolute())))
        root = root_of(directories[0]) if given is None else top_of(directories[0]) or given.absolute().parent
        check_page(file)
        now, demands = parts.clock.now(), demanded(directories)
        own = load_own_tokens(parts.scan_key(), now, required=demands.require_own)
        here = Path().absolute()
        allowed = allowed_narrowing(demands.wishes, here, lambda: parts.policy)
        return cls(
            file=file,
            paths=RootPaths(root=root.absolute(), base=here),
            scanned=tuple(scanned) or (Path(),),
            stages=Stages(
                own=own.stage,
                profile=profile | demands.profile,
                team=parts.team_rules(),
                other_comments=lambda: other_comments(parts.policy),
                narrowing=allowed.narrowing,
            ),
            notes=(*own.notes, *allowed.notes),
            now=now,
        )

    @property
    def is_in_git(self) -> bool:
        """Whether the baseline is to be committed."""
        return top_of(self.paths.root) is not None

    def read(self) -> BaselineContent:
        """The baseline so far, with both sides of a merge conflict; a new one if there is none."""
        return read_baseline(self.file, both_sides=True) if os.path.lexists(self.file) else new_baseline()

    def write(self, content: BaselineContent) -> bool:
        """Write the baseline; says whether git was told now how to merge it. What refuses that has written nothing."""
        is_default = self.file.absolute() == baseline_file_of(self.paths.root).absolute()
        attribute = missing_attribute(self.file) if is_default else None
        replace_kept(self.file.absolute(), content.written(), fresh=_READABLE)
        if attribute is not None:
            attribute.write()
        return attribute is not None

    def job(self, suppressor: Suppressor) -> ScanJob:
        """A scan with this suppressor."""
        return ScanJob(stages=self.stages, suppressor=suppressor, notes=self.notes)
