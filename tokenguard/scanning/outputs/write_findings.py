"""Writes a report of findings in the format that was asked for."""

from collections.abc import Iterable

from tokenguard.domain.finding import Finding, Report
from tokenguard.frozen import replace
from tokenguard.output.formats import OutputFormat
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.root_paths import RootPaths

FINDING_FORMATS = (
    OutputFormat.TEXT,
    OutputFormat.JSON,
    OutputFormat.SARIF,
    OutputFormat.JUNIT,
    OutputFormat.GITHUB,
)


def rooted(report: Report, paths: RootPaths) -> Report:
    """The report with the paths that a code host knows, wherever it was made."""

    def placed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(each, path=paths.shown(each.path)) for each in findings)

    skipped = tuple(replace(each, path=paths.shown(each.path)) for each in report.skipped)
    return replace(report, findings=placed(report.findings), waived=placed(report.waived), skipped=skipped)


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
            raise ValueError(f"findings cannot be written as {chosen}")
