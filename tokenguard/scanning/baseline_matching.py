"""Recognises accepted findings, and collects those that a new baseline takes.

A finding that moves within its file stays accepted, and so does one whose file was moved or renamed, or whose type has
another name in a newer version; a copy in another file and a token that replaces another are new findings.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from tokenguard.detection.match import TextMatch
from tokenguard.domain.moment import parse_day
from tokenguard.scanning.baseline_file import BaselineContent, BaselineEntry, decoded_path, encoded_path
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scanner import Suppressor
from tokenguard.scanning.slow_tags import SlowTags


class Baseline(Suppressor):
    """A suppressor of what a baseline lists.

    Args:
        content: of the file.
        paths: translate those of the scan.
        now: decides which entries have expired.
    """

    def __init__(self, content: BaselineContent, paths: RootPaths, now: datetime) -> None:
        self.paths = paths
        self._tags = [SlowTags(salt) for salt in content.salts]
        self._now = now
        self._by_path: dict[str, list[BaselineEntry]] = {}
        for entry in content.entries:
            self._by_path.setdefault(entry.path, []).append(entry)
        self._moved: list[BaselineEntry] | None = None

    def knows(self, match: TextMatch, path: str) -> bool:
        """Whether the token is accepted for this file."""
        found = self.entry(match, path)
        return found is not None and not self._over(found)

    def lists(self, path: str) -> bool:
        """Whether it has entries of this path."""
        return encoded_path(self.paths.of(path)) in self._by_path

    def facts(self, match: TextMatch, path: str) -> dict[str, str]:
        """Until when it was accepted, if that has passed."""
        found = self.entry(match, path)
        return {"baseline": f"expired on {found.until}"} if found is not None and found.until else {}

    def entry(self, match: TextMatch, path: str) -> BaselineEntry | None:
        """What the file says of a finding, also if it has expired; of several the one that lasts longest."""
        where = self.paths.of(path)
        found = self._tagged(match, self._by_path.get(encoded_path(where), []))
        if not found and not where.startswith(".."):  # which is a file of another repository
            found = self._tagged(match, self._of_moved_files())
        return max(found, key=lambda entry: (not entry.until, entry.until), default=None)

    def _tagged(self, match: TextMatch, entries: Sequence[BaselineEntry]) -> list[BaselineEntry]:
        """Those of the entries that are of this token."""
        tags = {each.tag(match.whole) for each in self._tags} if entries else set()
        return [entry for entry in entries if entry.tag in tags]

    def _of_moved_files(self) -> list[BaselineEntry]:
        """The entries of files that are no longer where they were."""
        if self._moved is None:
            files = ((decoded_path(path), entries) for path, entries in self._by_path.items())
            gone = (entries for path, entries in files if not path.startswith("(") and not self.paths.exists(path))
            self._moved = [entry for entries in gone for entry in entries]
        return self._moved

    def _over(self, entry: BaselineEntry) -> bool:
        end = parse_day(entry.until)
        return end is not None and end <= self._now


class Recorder(Suppressor):
    """Takes what a scan finds into a baseline, with the dates and reasons of the former one.

    Args:
        former: the baseline so far.
        paths: translate those of the scan.
        now: as for `Baseline`.
    """

    learns = True

    def __init__(self, former: BaselineContent, paths: RootPaths, now: datetime) -> None:
        self._former = former
        self._tags = SlowTags(former.salts[0])
        self.paths = paths
        self.baseline = Baseline(former, paths, now)
        self.entries: set[BaselineEntry] = set()

    def knows(self, match: TextMatch, path: str) -> bool:
        """From now on, unless it was accepted until a day that has passed."""
        if not self.wants(match, path):
            return False
        before = self.baseline.entry(match, path)
        until, reason = (before.until, before.reason) if before is not None else ("", "")
        self.take(match, path, until=until, reason=reason)
        return before is None or self.baseline.knows(match, path)

    def lists(self, path: str) -> bool:
        """As the former baseline does."""
        return self.baseline.lists(path)

    def wants(self, _match: TextMatch, _path: str) -> bool:
        """Whether to take it: everything here."""
        return True

    def take(self, match: TextMatch, path: str, *, until: str, reason: str) -> None:
        """Accept a finding."""
        where = encoded_path(self.paths.of(path))
        tag = self._tags.tag(match.whole)
        self.entries.add(BaselineEntry(match.kind.value, match.type, where, tag, until, reason))

    def content(self, scanned: Iterable[Path]) -> BaselineContent:
        """The baseline anew: what was taken, and what the former one has of files that were not `scanned`."""
        covered = [encoded_path(self.paths.of(str(each))) for each in scanned]
        kept = [entry for entry in self._former.entries if not any(_is_below(entry.path, each) for each in covered)]
        salts = self._former.salts if kept else self._former.salts[:1]
        return BaselineContent(salts, (*kept, *self.entries))


class FindingCollector(Suppressor):
    """Keeps every finding that a baseline does not know, so that a person can decide.

    Args:
        baseline: knows what is accepted already.
    """

    learns = True

    def __init__(self, baseline: Baseline) -> None:
        self.found: list[tuple[TextMatch, str]] = []
        self._baseline = baseline

    def knows(self, match: TextMatch, path: str) -> bool:
        """Whether it is accepted."""
        if self._baseline.knows(match, path):
            return True
        self.found.append((match, path))
        return False

    def lists(self, path: str) -> bool:
        """As the baseline does."""
        return self._baseline.lists(path)

    def facts(self, match: TextMatch, path: str) -> dict[str, str]:
        """As the baseline says."""
        return self._baseline.facts(match, path)


def _is_below(path: str, folder: str) -> bool:
    return folder in {".", path} or path.startswith((f"{folder}/", f"{folder}!"))
