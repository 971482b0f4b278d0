"""The output formats by name; each command takes those that it can write."""

import json
from enum import StrEnum, unique
from typing import Any

from tokenguard.text import inert_json


@unique
class OutputFormat(StrEnum):
    """How a command may write what it found."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"
    HTML = "html"
    CSV = "csv"
    ICS = "ics"


def json_text(content: dict[str, Any]) -> str:
    """One JSON document. ASCII only, so that nothing in it can act on a terminal."""
    return inert_json(json.dumps(content, ensure_ascii=True, indent=2)) + "\n"
