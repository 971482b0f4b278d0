"""Selects the findings that a person is shown: a file of generated values would otherwise hide all others."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tokenguard.domain.finding import Finding, FindingKind
from tokenguard.text import pluralize

MOST, MOST_OF_A_FILE = 1000, 100


def printed(findings: Sequence[Finding]) -> list[Finding]:
    """The findings to print, in their order; the team's own tokens are selected first."""
    if len(findings) <= MOST_OF_A_FILE:
        return list(findings)
    of_file: Counter[str] = Counter()
    chosen = set[int]()
    for number in sorted(range(len(findings)), key=lambda each: findings[each].kind is not FindingKind.OWN):
        if len(chosen) == MOST:
            break
        if of_file[findings[number].path] < MOST_OF_A_FILE:
            of_file[findings[number].path] += 1
            chosen.add(number)
    return [findings[number] for number in sorted(chosen)]


def by_line(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings of each line of a file together, in their order; those of another commit apart."""
    groups: dict[tuple[str, int, str], list[Finding]] = {}
    for finding in findings:
        commit = finding.origin.commit if finding.origin is not None else ""
        groups.setdefault((finding.path, finding.line, commit), []).append(finding)
    return list(groups.values())


def shortened(lines: list[str], noun: str, *, show_all: bool) -> list[str]:
    """At most `MOST` lines of a list, and a count of the rest."""
    if show_all or len(lines) <= MOST:
        return lines
    return [*lines[:MOST], not_printed(len(lines) - MOST, noun)]


def not_printed(number: int, noun: str) -> str:
    """A line that counts the rest."""
    return f"not shown: {pluralize(number, noun)} (--show-all prints them, --format json lists them)"
