"""A report for people."""

from collections.abc import Container, Iterator

from tokenguard.domain.finding import Finding, FindingKind, Report, SkippedContent
from tokenguard.scanning.advice import Reach, advice, waiver_words
from tokenguard.scanning.outputs.printed_findings import not_printed, printed, shortened
from tokenguard.text import pluralize, safe_text

_OF_WAIVERS = ("report", "state", "until", "waived_by", "reason")


def findings_text(report: Report, reach: Reach, *, show_all: bool = False, quiet: bool = False) -> str:
    """One line a finding, then what to do, then what was and was not scanned; `quiet` leaves out the latter."""
    findings = report.findings if show_all else printed(report.findings)
    lines = [line for finding in findings for line in (finding_line(finding), *_code_line(finding))]
    if len(findings) < len(report.findings):
        lines.append(not_printed(len(report.findings) - len(findings), "finding"))
    lines.extend(f"  next: {step}" for step in dict.fromkeys(advice(finding, reach) for finding in findings))
    lines.extend(_silencing(report, reach) if report.findings else ())
    if quiet:
        return "".join(f"{line}\n" for line in lines)
    waived, skipped = map(_waived_line, report.waived), map(_skipped_line, report.skipped)
    lines.extend(shortened(list(waived), "waived finding", show_all=show_all))
    lines.extend(shortened(list(skipped), "unscanned place", show_all=show_all))
    lines.extend(f"note: {_shown(note)}" for note in report.notes)
    lines.append(summary(report))
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """What was done, in one line."""
    seen = f"{pluralize(report.files, 'file')}, {pluralize(report.bytes, 'byte')}"
    parts = [f"scanned {seen}: {pluralize(len(report.findings), 'finding')}"]
    if report.suppressed:
        parts.append(f"{report.suppressed:,} known to the baseline")
    if report.waived:
        parts.append(f"{len(report.waived):,} waived")
    if report.allowed:
        parts.append(f"{report.allowed:,} allowed by comments")
    if report.left_out:
        parts.append(f"{report.left_out:,} left out (--profile strict shows them)")
    if report.excluded:
        parts.append(f"{pluralize(report.excluded, 'file')} excluded by .tokenguard.toml")
    if report.disabled:
        parts.append(f"{report.disabled:,} of kinds that .tokenguard.toml disables")
    if report.skipped:
        parts.append(f"{len(report.skipped):,} not scanned")
    return ", ".join(parts)


def _silencing(report: Report, reach: Reach) -> Iterator[str]:
    from tokenguard.scanning.silencing import silencing  # a clean commit has no use for it

    return (f"  {line}" for line in silencing(report, reach))


def _skipped_line(skipped: SkippedContent) -> str:
    place = f":{skipped.line}" if skipped.line else ""
    return f"not scanned: {_shown(skipped.path)}{place} ({skipped.reason})"


def _code_line(finding: Finding) -> Iterator[str]:
    """What to give to `tokenguard respond --code CODE`, under its own finding."""
    if "report" in finding.facts:
        yield f"  report: {_shown(finding.facts['report'])}"


def finding_line(finding: Finding, hidden: Container[str] = ("report",)) -> str:
    """Where it is, what it is, and what is known of it."""
    facts = "".join(f", {name} {_shown(text)}" for name, text in finding.facts.items() if name not in hidden)
    origin = ""
    if finding.origin is not None:
        origin = f" (since {finding.origin.commit[:12]}, {_shown(finding.origin.author_date)})"
    place = f"{_shown(finding.path)}:{finding.line}:{finding.column}"
    if finding.kind is FindingKind.OWN and "token" in finding.facts:  # the kind says that it is a known token
        return f"{place}: {finding.kind}: {facts.removeprefix(', ')}{origin}"
    return f"{place}: {finding.kind}: {_shown(finding.type)}{facts}{origin}"


def _waived_line(finding: Finding) -> str:
    return f"waived: {finding_line(finding, _OF_WAIVERS)}, {_shown(waiver_words(finding))}"


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=300)
