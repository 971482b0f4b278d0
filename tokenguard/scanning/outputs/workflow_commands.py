"""A report as workflow commands, which GitHub shows beside the lines of a pull request."""

from tokenguard.domain.finding import Finding, Report
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words
from tokenguard.scanning.outputs.findings_text import summary
from tokenguard.scanning.outputs.printed_findings import not_printed, printed, shortened
from tokenguard.text import safe_text


def workflow_commands(report: Report, reach: Reach, *, show_all: bool = False) -> str:
    """`::error` for a finding, `::notice` for a waived one, `::warning` for what was not scanned, then the summary."""
    findings = report.findings if show_all else printed(report.findings)
    lines = [_annotation("error", finding, advice(finding, reach)) for finding in findings]
    if len(findings) < len(report.findings):
        lines.append(f"::warning::{_data(not_printed(len(report.findings) - len(findings), 'finding'))}")
    lines.extend(_annotation("notice", finding, waiver_words(finding)) for finding in report.waived)
    skipped = [
        f"::warning file={_property(each.path)}::{_data(f'not scanned: {each.reason}')}" for each in report.skipped
    ]
    lines.extend(shortened(skipped, "unscanned place", show_all=show_all))
    lines.append(_data(summary(report)))
    return "\n".join(lines) + "\n"


def _annotation(level: str, finding: Finding, words: str) -> str:
    place = f"file={_property(finding.path)},line={finding.line},col={finding.column}"
    return f"::{level} {place},title={_property(f'tokenguard {finding.kind}')}::{_data(f'{subject(finding)}: {words}')}"


def _data(text: str) -> str:
    return safe_text(text, one_line=True).replace("%", "%25").replace("::", ":%3A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
