"""Accepts findings into a baseline: those at a place, or one after another on a terminal."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from tokenguard.detection.match import TextMatch
from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.moment import day_hint, parse_day
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.terminal import Terminal
from tokenguard.scanning.baseline_file import MAX_REASON, BaselineContent, BaselineEntry, encoded_path
from tokenguard.scanning.baseline_matching import Baseline, FindingCollector
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.outputs.findings_text import finding_line
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scanner import Suppressor
from tokenguard.scanning.slow_tags import SlowTags
from tokenguard.text import is_plain_line
from tokenguard.usecases.finding_place import parse_place

Jobs = Callable[[Suppressor], ScanJob]
"""Makes a scan with a suppressor."""
_REASONS_SHOWN = 3


class AcceptanceTerms(Frozen, frozen=True, kw_only=True):
    """Why findings are accepted, and until when; InputError if that cannot be written down, or has passed."""

    reason: str
    now: datetime
    until: str = ""

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InputError("--reason is required", hint="say in one line why it is accepted: --reason TEXT")
        if len(self.reason) > MAX_REASON or not is_plain_line(self.reason):
            raise InputError(
                "the reason is not one plain line",
                hint=f"at most {MAX_REASON} characters, none of them a control character",
            )
        end = parse_day(self.until) if self.until else None
        if self.until and end is None:
            raise InputError("not a valid end date", hint=f"--until: {day_hint(self.until)}")
        if end is not None and end <= self.now:
            raise InputError("--until must be in the future", hint="give a later date, or leave it out")


class Acceptor(Frozen, frozen=True, kw_only=True):
    """Accepts findings into one baseline."""

    content: BaselineContent
    """The baseline so far."""
    paths: RootPaths
    jobs: Jobs
    now: datetime

    def at(self, text: str, terms: AcceptanceTerms, *, history: bool = False) -> "Acceptor":
        """Accept what is found at a place: in the working tree, else in the index, or with `history` in any commit.

        Raises:
            InputError: nothing is there, or a known token of the team.
        """
        place = parse_place(text)
        names = {self.paths.of(place.path), os.path.normpath(place.path)}
        nothing = self._knowing(BaselineContent(self.content.salts))

        def is_there(path: str, line: int, column: int) -> bool:
            return place.is_at(line, column) and nothing.paths.of(path) in names

        for scan in _scans(self.paths.root, names, history=history):
            collector = FindingCollector(nothing)
            report = scan(self.jobs(collector))
            _refuse_own(
                each for each in (*report.findings, *report.waived) if is_there(each.path, each.line, each.column)
            )
            found = [(match, path) for match, path in collector.found if is_there(path, match.line, match.column)]
            if found:
                return self.accepting(found, terms)
        raise InputError(
            "there is no finding at this place",
            hint="`tokenguard scan` lists the places; give --history for one of an old commit",
        )

    def accepting(self, found: Iterable[tuple[TextMatch, str]], terms: AcceptanceTerms) -> "Acceptor":
        """The same with these findings accepted; InputError if the reason holds a value."""
        self._refuse_value(terms.reason)
        known, tags = self._knowing(self.content), SlowTags(self.content.salts[0])
        entries: list[BaselineEntry] = []
        former: list[BaselineEntry] = []
        for match, path in found:
            if match.whole.reveal() in terms.reason:
                raise InputError(
                    "the reason repeats the value", hint="give the reason for accepting it, not its content"
                )
            where, tag = encoded_path(known.paths.of(path)), tags.tag(match.whole)
            entries.append(BaselineEntry(match.kind.value, match.type, where, tag, terms.until, terms.reason.strip()))
            before = known.entry(match, path)
            former += [before] if before is not None else []
        return replace(self, content=self.content.with_entries(entries, without=former))

    def review(
        self, tty: Terminal, paths: Sequence[Path], save: Callable[[BaselineContent], object]
    ) -> tuple[int, int]:
        """Ask about each finding that is not accepted yet, and save each answer at once.

        Returns:
            How many findings were accepted, and how many were left.
        """
        collector = FindingCollector(self._knowing(self.content, self.paths.base))
        report = self.jobs(collector).paths(paths)
        by_place = {(path, match.line, match.column, match.type): match for match, path in collector.found}
        acceptor, accepted, total = self, 0, len(report.findings)
        for number, finding in enumerate(report.findings, 1):
            tty.show(f"{number} of {total}  {finding_line(finding)}")
            match = by_place.get((finding.path, finding.line, finding.column, finding.type))
            if match is None or finding.kind is FindingKind.OWN:
                tty.show("  a known token: it cannot be accepted, only revoked or waived")
                continue
            if acceptor._knowing(acceptor.content, self.paths.base).knows(match, finding.path):
                tty.show("  accepted already: the same token in the same file")
                accepted += 1
                continue
            for reason in match.reasons[:_REASONS_SHOWN]:
                tty.show(f"    {reason}")
            decision = _decision(tty)
            if decision == "quit":
                break
            if decision == "yes":
                absolute = str(self.paths.base / finding.path)
                acceptor, accepted = acceptor._asking(tty, match, absolute), accepted + 1
                save(acceptor.content)
        return accepted, total - accepted

    def _refuse_value(self, reason: str) -> None:
        """InputError if the reason, which is readable in the file, has the form of a token or holds a known one."""
        nothing = self._knowing(BaselineContent(self.content.salts))
        known = self.jobs(FindingCollector(nothing)).stream(reason.encode()).findings
        if holds_issued(reason) or holds_opaque(reason) or any(each.kind is FindingKind.OWN for each in known):
            raise InputError("the reason looks like a token value", hint="write why the finding is accepted")

    def _asking(self, tty: Terminal, match: TextMatch, path: str) -> "Acceptor":
        """Accept a finding on the terms that a person gives."""
        while True:
            try:
                reason, until = tty.ask("  reason: "), tty.ask("  until (YYYY-MM-DD, Enter for always): ").strip()
                return self.accepting([(match, path)], AcceptanceTerms(reason=reason, until=until, now=self.now))
            except InputError as error:
                tty.show(f"  not yet: {error.message}")

    def _knowing(self, content: BaselineContent, base: Path | None = None) -> Baseline:
        return Baseline(content, RootPaths(root=self.paths.root, base=base or self.paths.root), self.now)


def _scans(root: Path, names: Iterable[str], *, history: bool) -> Iterator[Callable[[ScanJob], Report]]:
    """Where to look, one after another. Paths of reports are absolute, or relative to the root."""
    if history:
        yield lambda job: job.history(root)
        return
    files = [name if os.path.lexists(root / name) else name.partition("!")[0] for name in names]
    there = [root.absolute() / file for file in files if os.path.lexists(root / file)]
    if there:
        yield lambda job: job.paths(there)
    yield lambda job: _index(job, root, [name for name in names if not name.startswith("..")])


def _index(job: ScanJob, root: Path, names: Sequence[str]) -> Report:
    try:
        return job.index(root, names)
    except InputError:  # it is in no index either
        return Report(files=0, bytes=0)


def _refuse_own(found: Iterable[Finding]) -> None:
    if any(each.kind is FindingKind.OWN for each in found):
        raise InputError(
            "a known token of the team cannot be accepted",
            hint="revoke it (`tokenguard respond --code CODE`), or waive it (`tokenguard fingerprints waive NAME`)",
        )


def _decision(tty: Terminal) -> str:
    answers = {"": "no", "n": "no", "no": "no", "y": "yes", "yes": "yes", "q": "quit", "quit": "quit"}
    while True:
        answer = answers.get(tty.ask("  accept it? [yes/no/quit] ").strip().lower())
        if answer:
            return answer
