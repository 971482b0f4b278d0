"""A report as workflow commands, which GitHub shows beside the lines of a pull request."""

from collections.abc import Iterable, Sequence

from tokenguard.domain.finding import Finding, Report, SkippedContent
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words
from tokenguard.scanning.outputs.findings_text import summary
from tokenguard.scanning.outputs.printed_findings import by_line, not_printed, printed, shortened
from tokenguard.text import safe_text


def workflow_commands(report: Report, reach: Reach, *, show_all: bool = False) -> str:
    """`::error` for a finding, `::notice` for a waived one, `::warning` for what was not scanned, then the summary."""
    findings = report.findings if show_all else printed(report.findings)
    lines = [_annotation("error", each, [advice(finding, reach) for finding in each]) for each in by_line(findings)]
    if len(findings) < len(report.findings):
        lines.append(f"::warning::{_data(not_printed(len(report.findings) - len(findings), 'finding'))}")
    lines.extend(_annotation("notice", each, list(map(waiver_words, each))) for each in by_line(report.waived))
    skipped = dict.fromkeys(map(_unscanned, report.skipped))
    lines.extend(shortened(list(skipped), "unscanned place", show_all=show_all))
    lines.append(_data(summary(report)))
    return "\n".join(lines) + "\n"


def _annotation(level: str, findings: Sequence[Finding], words: Iterable[str]) -> str:
    """One for a line: a host shows only a few."""
    first, what = findings[0], "; ".join(dict.fromkeys(map(subject, findings)))
    place = f"file={_property(first.path)},line={first.line},col={first.column}"
    said = f"{what}: {'; '.join(dict.fromkeys(words))}"
    return f"::{level} {place},title={_property(f'tokenguard {first.kind}')}::{_data(said)}"


def _unscanned(skipped: SkippedContent) -> str:
    line = f",line={skipped.line}" if skipped.line else ""
    return f"::warning file={_property(skipped.path)}{line}::{_data(f'not scanned: {skipped.reason}')}"


def _data(text: str) -> str:
    return safe_text(text, one_line=True).replace("%", "%25").replace("::", ":%3A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
