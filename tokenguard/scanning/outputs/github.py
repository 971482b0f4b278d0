"""A report as workflow commands, which GitHub shows beside the lines of a pull request."""

from tokenguard.domain.finding import Report
from tokenguard.scanning.advice import Reach, advice
from tokenguard.scanning.outputs.text import summary
from tokenguard.text import safe_text


def render(report: Report, reach: Reach) -> str:
    """One `::error` for each finding, one `::warning` for each thing that was not scanned, then the summary."""
    lines = []
    for finding in report.findings:
        place = f"file={_property(finding.path)},line={finding.line},col={finding.column}"
        message = _data(f"{finding.type}: {advice(finding, reach)}")
        lines.append(f"::error {place},title={_property(f'tokenguard {finding.kind}')}::{message}")
    lines.extend(
        f"::warning file={_property(skipped.path)}::{_data(f'not scanned: {skipped.reason}')}"
        for skipped in report.skipped
    )
    lines.append(_data(summary(report)))
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return safe_text(text, one_line=True).replace("%", "%25").replace("::", ":%3A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
