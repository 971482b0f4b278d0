"""Writes the findings of `check` and `drift` in the requested format."""

from collections.abc import Sequence

from tokenguard.output.formats import OutputFormat
from tokenguard.policy.evaluation import Assessment

ASSESSMENT_FORMATS = (
    OutputFormat.TEXT,
    OutputFormat.JSON,
    OutputFormat.SARIF,
    OutputFormat.JUNIT,
    OutputFormat.MARKDOWN,
)


def write_assessment(assessments: Sequence[Assessment], chosen: OutputFormat, *, command: str = "check") -> str:
    """The assessments of one policy on one or more stores, ending with a line feed; loads only what is needed.

    Args:
        assessments: one or more.
        chosen: one of ASSESSMENT_FORMATS.
        command: which command found this, for the formats that have a title.
    """
    match chosen:
        case OutputFormat.TEXT:
            from tokenguard.report.assessment_text import text_of

            return text_of(assessments)
        case OutputFormat.JSON:
            from tokenguard.output.formats import json_text
            from tokenguard.report.assessment_content import content

            return json_text(content(assessments))
        case OutputFormat.SARIF:
            from tokenguard.output.sarif import sarif_text
            from tokenguard.report.assessment_results import results_of, rules_of

            return sarif_text(rules_of(assessments), results_of(assessments))
        case OutputFormat.JUNIT:
            from tokenguard.output.junit import junit_text
            from tokenguard.report.assessment_results import cases_of

            return junit_text(f"tokenguard {command}", cases_of(assessments))
        case OutputFormat.MARKDOWN:
            from tokenguard.report.assessment_markdown import markdown_of

            return markdown_of(assessments, command=command)
        case _:
            raise ValueError(f"an assessment cannot be written as {chosen}")
