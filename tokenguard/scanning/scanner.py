"""Puts the stages over the sources: decode, look into archives, find, take out doubles and what the baseline knows."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from tokenguard.detection.assignments import scan_assignments
from tokenguard.detection.extras import allowed, may_silence, scan_extras
from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.detection.key_stores import key_stores
from tokenguard.detection.match import Confidence, LeftOut, Possible, TextMatch, Unscanned
from tokenguard.detection.rules import Hit, scan_rules
from tokenguard.domain.finding import Finding, FindingKind, Report, SkippedContent
from tokenguard.domain.profile import Profile
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen, replace
from tokenguard.scanning.archives import may_hold_members, members
from tokenguard.scanning.content import Blob, ChangedBlob, Source
from tokenguard.scanning.decoding import Text, decoded
from tokenguard.scanning.dedupe import ByLine, OwnMatches, by_detect_secrets_names, by_most_telling_name
from tokenguard.scanning.pragma import silenced
from tokenguard.scanning.scan_budget import HOSTILE, PLACE, PlainFileBudget, ScanBudget
from tokenguard.scanning.windows import Window

if TYPE_CHECKING:
    from tokenguard.scanning.narrowing import Narrowing
    from tokenguard.scanning.team_rules import TeamRules

OwnStage = Callable[[bytes], Iterable[TextMatch | Unscanned]]
"""Finds the team's own tokens in raw bytes."""

Budget = ScanBudget | PlainFileBudget
Judged = tuple[Source, Possible]
"""A source, and what it could hold."""
Judge = Callable[[Iterable[Source]], Iterator[Judged]]
"""Gives back every source in its order, with what it could hold."""


class Stages(Frozen, frozen=True, kw_only=True):
    """What to look for."""

    own: OwnStage | None = None
    rules: bool = True
    """Rules and shapes; False leaves only the team's own tokens."""
    nameless: bool = True
    """Also what has no vendor's format: what detect-secrets' rules find, and values of secret-sounding names."""
    profile: Profile = Profile.DEFAULT
    """Which of the rules' candidates are findings."""
    team: "TeamRules | None" = None
    """The team's own plug-ins and filters of detect-secrets."""
    comments_silence_shapes: bool = True
    """Whether `pragma: allowlist secret` holds for vendors' shapes too, not only for detect-secrets' rules."""
    other_comments: Callable[[], Collection[str]] | None = None
    """The comments of other scanners that silence a line; asked where a line has one."""
    narrowing: "Narrowing | None" = None
    """What repositories leave out."""


class Suppressor:
    """Says which matches are known already. This one knows none; a baseline does."""

    learns = False
    """Whether it keeps what it is asked about, so that one process has to ask everything."""

    def knows(self, _match: TextMatch, _path: str) -> bool:
        """Whether the match is in the baseline."""
        return False

    def lists(self, _path: str) -> bool:
        """Whether it knows something of this path, which is new under another."""
        return False

    def facts(self, _match: TextMatch, _path: str) -> dict[str, str]:
        """What it says of a match that it does not know; never a value."""
        return {}


class _Tally:
    def __init__(self) -> None:
        self.files = self.bytes = self.suppressed = self.allowed = self.left_out = self.disabled = 0
        self.excluded: set[str] = set()
        self.findings: list[Finding] = []
        self.waived: list[Finding] = []
        self.skipped: list[SkippedContent] = []
        self.known: set[tuple[str, ...]] | None = None
        """What was told of each path, where that matters."""
        self.decoded: set[tuple[str, int]] = set()
        """Tag and line of what the window before has in another writing."""

    def add(self, finding: Finding) -> None:
        """Keep it, unless it is known."""
        if self.known is not None:
            identity = (finding.path, finding.kind, finding.type, finding.tag)
            if identity in self.known:
                return
            self.known.add(identity)
        (self.waived if finding.facts.get("state") == "waived" else self.findings).append(finding)


def scan(
    sources: Iterable[Source],
    stages: Stages | None = None,
    suppressor: Suppressor | None = None,
    notes: tuple[str, ...] = (),
    *,
    tagger: "Tagger | None" = None,
    judge: Judge | None = None,
    once: bool = False,
    budget: ScanBudget | None = None,
) -> Report:
    """Scan everything and report on it, findings in the order of path and place.

    Args:
        sources: what to scan; what could not be read is passed on as skipped.
        stages: what to look for.
        suppressor: what is known already.
        notes: what the reader must know of this run.
        tagger: gives findings their tags, so that those of the parts of one run can be told apart.
        judge: knows most of them that hold nothing.
        once: the sources are versions of files: each token is told once for each path, where it appears first.
        budget: shared by the parts of a scan; default: one for this call.
    """
    tally = _Tally()
    stages = stages or Stages()
    tagger = tagger or Tagger()
    tally.known = set() if once else None
    judged = judge(sources) if judge else ((source, Possible.ANYTHING) for source in sources)
    for source, possible, left in _unpacked(judged, budget or ScanBudget()):
        if isinstance(source, SkippedContent):
            tally.skipped.append(source)
            continue
        tally.files += not isinstance(source, Window) or source.begins
        tally.bytes += source.new if isinstance(source, Window) else len(source.data)
        looked_for = stages
        if stages.narrowing is not None and stages.narrowing.excludes(source.path):
            tally.excluded.add(source.path)
            looked_for = replace(stages, rules=False)
        if possible:
            _scan_blob(source, looked_for, suppressor or Suppressor(), tagger, tally, budget=left, possible=possible)
    return _report(tally, notes)


def _report(tally: "_Tally", notes: tuple[str, ...]) -> Report:
    return Report(
        files=tally.files,
        bytes=tally.bytes,
        findings=tuple(sorted(tally.findings, key=lambda finding: finding.place)),
        waived=tuple(sorted(tally.waived, key=lambda finding: finding.place)),
        skipped=tuple(dict.fromkeys(tally.skipped)),
        suppressed=tally.suppressed,
        allowed=tally.allowed,
        left_out=tally.left_out,
        excluded=len(tally.excluded),
        disabled=tally.disabled,
        notes=notes,
    )


def merged(reports: Sequence[Report], notes: tuple[str, ...] = ()) -> Report:
    """One report of those on the parts of a run."""
    return Report(
        files=sum(report.files for report in reports),
        bytes=sum(report.bytes for report in reports),
        findings=tuple(sorted(chain.from_iterable(each.findings for each in reports), key=lambda found: found.place)),
        waived=tuple(sorted(chain.from_iterable(each.waived for each in reports), key=lambda found: found.place)),
        skipped=tuple(chain.from_iterable(report.skipped for report in reports)),
        suppressed=sum(report.suppressed for report in reports),
        allowed=sum(report.allowed for report in reports),
        left_out=sum(report.left_out for report in reports),
        excluded=sum(report.excluded for report in reports),
        disabled=sum(report.disabled for report in reports),
        notes=notes,
    )


def matches_of(
    data: bytes, path: str, stages: Stages, budget: Budget | None = None, possible: Possible = Possible.ANYTHING
) -> Iterator[Hit]:
    """All stages over one content, without doubles, as far as the budget lasts."""
    found = list(stages.own(data)) if stages.own and Possible.OWN in possible else []
    yield from (each for each in found if isinstance(each, Unscanned))
    own = OwnMatches(each for each in found if isinstance(each, TextMatch))
    if not stages.rules or possible is Possible.OWN:
        yield from own
        return
    text = decoded(data)
    every = (*key_stores(data), *_shapes(text.text, path)) if Possible.SHAPES in possible else ()
    yield from (each for each in every if isinstance(each, Unscanned))
    shapes = [each for each in every if isinstance(each, TextMatch) and not own.takes(each, "vendor")]
    by_rules = list[TextMatch]()
    nameless = _nameless(text.text, path, stages, possible) if text.rules_apply and stages.nameless else iter(())
    for each in _within(budget, nameless):
        if not isinstance(each, TextMatch):
            yield each
        elif not own.takes(each, "rule"):
            by_rules.append(each)
    merge = by_detect_secrets_names if stages.profile is Profile.DETECT_SECRETS else by_most_telling_name
    for match in merge(shapes, by_rules):
        told = stages.profile is not Profile.DEFAULT or match.confidence is not Confidence.LOW
        yield match if told else LeftOut(line=match.line)
    yield from own


def _shapes(text: str, path: str) -> list[TextMatch | Unscanned]:
    """Vendors' shapes, also where some of a file is in another encoding, as what a shell appended to a log."""
    shapes = list(scan_extras(text, path))
    if "\0" in text:
        known = ByLine(each for each in shapes if isinstance(each, TextMatch))
        again = scan_extras(text.replace("\0", ""), path)
        shapes += [each for each in again if isinstance(each, TextMatch) and not known.same(each)]
    return shapes


def _nameless(text: str, path: str, stages: Stages, possible: Possible) -> Iterator[Hit]:
    """What rules find, and what is assigned to names that sound secret where they do not look."""
    if Possible.RULES in possible:
        yield from _by_rules(text, path, stages)
    if Possible.ASSIGNMENTS in possible:
        yield from scan_assignments(text, path, stages.profile)


def _by_rules(text: str, path: str, stages: Stages) -> Iterator[Hit]:
    """What detect-secrets' own plug-ins find, and then the team's."""
    team = stages.team
    if team is None:
        yield from scan_rules(text, path, stages.profile)
        return
    every = scan_rules(text, path, stages.profile)
    found = [each for each in every if not isinstance(each, TextMatch) or team.keeps(each, text, path)]
    yield from found
    yield from team.finds(text, path, also=any(isinstance(each, TextMatch) for each in found))


def _within(budget: Budget | None, hits: Iterator[Hit]) -> Iterator[Hit]:
    """The hits, as long as the budget lasts: to judge a place costs more than to read a line."""
    for each in hits:
        if budget is not None and not budget.spend(HOSTILE if isinstance(each, Unscanned) else PLACE):
            yield Unscanned(line=each.line, reason=budget.reason)
            return
        yield each


def _unpacked(sources: Iterable[Judged], budget: ScanBudget) -> Iterator[tuple[Source, Possible, Budget]]:
    """Every source and the members of its archives, each with its budget."""
    plain = PlainFileBudget(budget, 0)
    for source, possible in sources:
        if isinstance(source, Window):
            plain = PlainFileBudget(budget, len(source.data)) if source.begins else plain
            yield source, possible, plain
            if (source.begins or source.ends) and may_hold_members(source.data):
                yield SkippedContent(path=source.path, reason="too-large"), possible, plain
            continue
        yield source, possible, PlainFileBudget(budget, len(source.data) if isinstance(source, Blob) else 0)
        if isinstance(source, Blob):
            yield from ((member, Possible.ANYTHING, budget) for member in members(source, budget))


def _scan_blob(
    blob: Blob,
    stages: Stages,
    suppressor: Suppressor,
    tagger: "Tagger",
    tally: _Tally,
    *,
    budget: Budget,
    possible: Possible,
) -> None:
    lines = _Lines(blob)
    findings: list[Finding] = []
    found, silent, left_out = set[int](), set[int](), set[int]()
    data = blob.lines if isinstance(blob, ChangedBlob) else blob.data
    matches = matches_of(data, blob.path, stages, budget, possible)
    for match in _of_window(blob, matches, tagger, tally) if isinstance(blob, Window) else matches:
        if isinstance(match, Unscanned):
            line = match.line + (blob.before.in_text[0] - 1 if isinstance(blob, Window) else 0)
            tally.skipped.append(SkippedContent(path=blob.path, reason=match.reason, line=line))
        elif isinstance(match, LeftOut):
            left_out.add(match.line)
        elif _is_silenced(match, stages, lines):
            silent.add(match.line)
        elif stages.narrowing is not None and _is_disabled(match, blob.path, stages.narrowing):
            tally.disabled += 1
        else:
            found.add(match.line)
            if match.kind is not FindingKind.OWN and suppressor.knows(match, blob.path):
                tally.suppressed += 1
            else:
                findings.append(_finding(match, blob, suppressor, tagger))
    for finding in map(_cells(blob, findings), findings) if findings else ():
        tally.add(finding)
    if stages.rules and stages.nameless and may_silence(blob.data.replace(b"\0", b"")) and lines.text.rules_apply:
        silent |= silenced(lambda blind: _within(budget, _by_rules(blind, blob.path, stages)), lines.text.text, found)
    tally.allowed += len(silent)
    tally.left_out += len(left_out - found)


def _of_window(window: Window, matches: Iterable[Hit], tagger: "Tagger", tally: _Tally) -> Iterator[Hit]:
    """What belongs to the window; of a long writing that goes over several, what the one before has not told."""
    before, tally.decoded = set() if window.begins else tally.decoded, set()
    for match in matches:
        if isinstance(match, TextMatch):
            if not window.owns(match):
                continue
            if match.written is not None:
                told = tagger.tag(match.whole, window.path), window.place(match)[0]
                tally.decoded.add(told)
                if told in before and window.has_begun(match):
                    continue
        yield match


class _Lines:
    """The lines of one content, decoded when they are asked for."""

    def __init__(self, blob: Blob) -> None:
        self._data = blob.data

    @cached_property
    def text(self) -> Text:
        """The whole content."""
        return decoded(self._data)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.text.split("\n")

    def silence(self, line: int) -> bool:
        """Whether a comment silences a line."""
        return allowed(self._lines, line)

    def comments(self, line: int) -> set[str]:
        """The comments of other scanners that are on a line."""
        from tokenguard.domain.silencing_comment import SilencingComment  # only where there is a finding

        here = self._lines[line - 1] if line <= len(self._lines) else ""
        return {each.value for each in SilencingComment if each in here}


def _finding(match: TextMatch, blob: Blob, suppressor: Suppressor, tagger: "Tagger") -> Finding:
    facts = match.facts if match.kind is FindingKind.OWN else match.facts | suppressor.facts(match, blob.path)
    line, column = blob.place(match) if isinstance(blob, Window) else (match.line, match.column)
    return Finding(
        kind=match.kind,
        type=match.type,
        path=blob.path,
        line=line,
        column=column,
        tag=tagger.tag(match.whole, blob.path),
        facts=facts,
        origin=blob.origin,
    )


def _is_silenced(match: TextMatch, stages: Stages, lines: _Lines) -> bool:
    """Whether a comment on its line, or on the one before, says that it is not a secret."""
    rule = match.kind is FindingKind.RULE
    if match.kind is FindingKind.OWN or not (rule or stages.comments_silence_shapes or match.type in JUDGED):
        return False
    # detect-secrets has looked at its own comments itself, and misses those in YAML
    if not (rule and stages.profile is Profile.DETECT_SECRETS) and lines.silence(match.line):
        return True
    others = lines.comments(match.line) if stages.other_comments is not None else set()
    return bool(others) and stages.other_comments is not None and not others.isdisjoint(stages.other_comments())


def _is_disabled(match: TextMatch, path: str, narrowing: "Narrowing") -> bool:
    return match.kind is not FindingKind.OWN and narrowing.disables(match.type, path)


def _cells(blob: Blob, findings: Iterable[Finding]) -> Callable[[Finding], Finding]:
    """What puts the cell of a notebook on its findings."""
    if not blob.path.endswith(".ipynb") or isinstance(blob, Window):
        return lambda finding: finding
    from tokenguard.scanning.notebooks import cells_of  # few findings are in a notebook

    cells = cells_of(decoded(blob.data).text, {(each.line, each.column) for each in findings})

    def placed(finding: Finding) -> Finding:
        cell = cells.get((finding.line, finding.column))
        return replace(finding, facts=finding.facts | {"cell": cell}) if cell else finding

    return placed


class Tagger:
    """Tells two values apart within one run; the key is never kept, so a tag says nothing about its value."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def tag(self, value: Secret, path: str) -> str:  # noqa: ARG002 - stable tags depend on it
        """32 hex digits."""
        import hashlib  # a clean commit has no use for it
        import hmac

        return hmac.new(self._key, value.reveal().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
