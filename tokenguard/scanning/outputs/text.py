"""A report for people."""

from collections.abc import Iterator

from tokenguard.domain.finding import Finding, Report
from tokenguard.scanning.advice import Reach, advice
from tokenguard.text import safe_text


def render(report: Report, reach: Reach) -> str:
    """One line a finding, then what to do, then what was and was not scanned."""
    lines = [_line(finding) for finding in report.findings]
    lines.extend(f"  report: {_shown(code)}" for code in dict.fromkeys(_codes(report)))
    lines.extend(f"  next: {step}" for step in dict.fromkeys(advice(finding, reach) for finding in report.findings))
    for skipped in report.skipped:
        place = f":{skipped.line}" if skipped.line else ""
        lines.append(f"not scanned: {_shown(skipped.path)}{place} ({skipped.reason})")
    lines.extend(f"note: {_shown(note)}" for note in report.notes)
    lines.append(summary(report))
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """What was done, in one line."""
    parts = [f"scanned {report.files:,} files, {report.bytes:,} bytes: {len(report.findings):,} findings"]
    if report.suppressed:
        parts.append(f"{report.suppressed:,} known to the baseline")
    if report.allowed:
        parts.append(f"{report.allowed:,} allowed by comments")
    if report.skipped:
        parts.append(f"{len(report.skipped):,} not scanned")
    return ", ".join(parts)


def _codes(report: Report) -> Iterator[str]:
    """What to give to `tokenguard respond --report`."""
    return (finding.facts["report"] for finding in report.findings if "report" in finding.facts)


def _line(finding: Finding) -> str:
    facts = "".join(f", {name} {_shown(text)}" for name, text in finding.facts.items() if name != "report")
    origin = ""
    if finding.origin is not None:
        origin = f" (since {finding.origin.commit[:12]}, {_shown(finding.origin.author_date)})"
    place = f"{_shown(finding.path)}:{finding.line}:{finding.column}"
    return f"{place}: {finding.kind}: {_shown(finding.type)}{facts}{origin}"


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=300)
