"""The formats of `check` by name."""

from collections.abc import Sequence
from enum import StrEnum, unique

from tokenguard.policy.evaluation import Assessment


@unique
class Format(StrEnum):
    """How an assessment may be written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def render(assessments: Sequence[Assessment], format_: Format, *, command: str = "check") -> str:
    """The assessments of one policy on one or more stores, ending with a line feed; loads only what is needed.

    Args:
        assessments: one or more.
        format_: how to write them.
        command: which command found this, for the formats that have a title.
    """
    match format_:
        case Format.TEXT:
            from tokenguard.report import text  # noqa: PLC0415

            return text.render(assessments)
        case Format.JSON:
            from tokenguard.report import document  # noqa: PLC0415

            return document.render(assessments)
        case Format.SARIF:
            from tokenguard.report import sarif  # noqa: PLC0415

            return sarif.render(assessments)
        case Format.JUNIT:
            from tokenguard.report import junit  # noqa: PLC0415

            return junit.render(assessments, command=command)
        case Format.MARKDOWN:
            from tokenguard.report import markdown  # noqa: PLC0415

            return markdown.render(assessments, command=command)
