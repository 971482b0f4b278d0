"""The formats by name."""

from enum import StrEnum, unique

from tokenguard.domain.finding import Report
from tokenguard.scanning.advice import Reach


@unique
class Format(StrEnum):
    """How a report may be written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


def render(report: Report, format_: Format, reach: Reach) -> str:
    """The report in that format, ending with a line feed. Only the module that is needed is loaded."""
    match format_:
        case Format.TEXT:
            from tokenguard.scanning.outputs import text  # noqa: PLC0415

            return text.render(report, reach)
        case Format.JSON:
            from tokenguard.scanning.outputs import document  # noqa: PLC0415

            return document.render(report)
        case Format.SARIF:
            from tokenguard.scanning.outputs import sarif  # noqa: PLC0415

            return sarif.render(report, reach)
        case Format.JUNIT:
            from tokenguard.scanning.outputs import junit  # noqa: PLC0415

            return junit.render(report, reach)
        case Format.GITHUB:
            from tokenguard.scanning.outputs import github  # noqa: PLC0415

            return github.render(report, reach)
