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


def write_findings(report: Report, chosen: OutputFormat, reach: Reach) -> str:
    """The report in one of FINDING_FORMATS, ending with a line feed. Only the module that is needed is loaded."""
    match chosen:
        case OutputFormat.TEXT:
            from tokenguard.scanning.outputs.findings_text import findings_text  # noqa: PLC0415

            return findings_text(report, reach)
        case OutputFormat.JSON:
            from tokenguard.output.formats import json_text  # noqa: PLC0415
            from tokenguard.scanning.outputs.findings_content import content  # noqa: PLC0415

            return json_text(content(report))
        case OutputFormat.SARIF:
            from tokenguard.output.sarif import sarif_text  # noqa: PLC0415
            from tokenguard.scanning.outputs.findings_results import not_scanned, results_of, rules_of  # noqa: PLC0415

            return sarif_text(rules_of(report), results_of(report, reach), not_scanned(report))
        case OutputFormat.JUNIT:
            from tokenguard.output.junit import junit_text  # noqa: PLC0415
            from tokenguard.scanning.outputs.findings_results import cases_of  # noqa: PLC0415

            return junit_text("tokenguard scan", cases_of(report, reach))
        case OutputFormat.GITHUB:
            from tokenguard.scanning.outputs.workflow_commands import workflow_commands  # noqa: PLC0415

            return workflow_commands(report, reach)
        case _:
            raise ValueError(f"findings are not written as {chosen}")
