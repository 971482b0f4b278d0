"""Saves the report of a scan to a file, in place of an earlier one only."""

from pathlib import Path

from tokenguard.domain.finding import Report
from tokenguard.files import read_limited
from tokenguard.output.formats import OutputFormat
from tokenguard.output.save_file import save_page
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.outputs.write_findings import rooted, write_findings
from tokenguard.scanning.root_paths import RootPaths

_MAX_BYTES = 256 << 20
_BY_LAST_LINE = frozenset({OutputFormat.TEXT, OutputFormat.GITHUB})
"""Formats whose beginning depends on what was found; their last line is the summary."""


def save_report(path: Path, report: Report, chosen: OutputFormat, reach: Reach, paths: RootPaths) -> None:
    """Write a complete report; InputError if the file cannot be written, or is something else than an earlier one."""
    of_hosts = chosen not in {OutputFormat.TEXT, OutputFormat.JSON}
    text = write_findings(rooted(report, paths) if of_hosts else report, chosen, reach, show_all=True)
    save_page(path, text, force=chosen in _BY_LAST_LINE and _is_report(path))


def _is_report(path: Path) -> bool:
    return path.is_file() and read_limited(path, _MAX_BYTES).rstrip(b"\n").rpartition(b"\n")[2].startswith(b"scanned ")
