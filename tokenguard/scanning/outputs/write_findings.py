"""Writes a report of findings in the format that was asked for."""

from tokenguard.domain.finding import Report
from tokenguard.output.formats import OutputFormat
from tokenguard.scanning.advice import Reach

FINDING_FORMATS = (
    OutputFormat.TEXT,
    OutputFormat.JSON,
    OutputFormat.SARIF,
    OutputFormat.JUNIT,
    OutputFormat.GITHUB,
)


def write_findings(report: Report, chosen: OutputFormat, reach: Reach, *, show_all: bool = False) -> str:
    """The report in one of FINDING_FORMATS, ending with a line feed. Only the module that is needed is loaded.

    JSON, SARIF and JUnit are complete; text and annotations are shortened, unless `show_all` is set.
    """
    match chosen:
        case OutputFormat.TEXT:
            from tokenguard.scanning.outputs.findings_text import findings_text

            return findings_text(report, reach, show_all=show_all)
        case OutputFormat.JSON:
            from tokenguard.output.formats import json_text
            from tokenguard.scanning.outputs.findings_content import content

            return json_text(content(report))
        case OutputFormat.SARIF:
            from tokenguard.output.sarif import sarif_text
            from tokenguard.scanning.outputs.findings_results import not_scanned, results_of, rules_of

            return sarif_text(rules_of(report), results_of(report, reach), not_scanned(report))
        case OutputFormat.JUNIT:
            from tokenguard.output.junit import junit_text
            from tokenguard.scanning.outputs.findings_results import cases_of

            return junit_text("tokenguard scan", cases_of(report, reach))
        case OutputFormat.GITHUB:
            from tokenguard.scanning.outputs.workflow_commands import workflow_commands

            return workflow_commands(report, reach, show_all=show_all)
        case _:
            raise ValueError(f"findings are not written as {chosen}")
