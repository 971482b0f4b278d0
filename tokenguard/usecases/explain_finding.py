"""Why a scan reports a place, or leaves it out: `scan --explain`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.detection.match import Confidence, TextMatch
from tokenguard.domain.finding import SkippedContent
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.scanning.file_walk import read_file
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import FORMATS
from tokenguard.usecases.finding_place import parse_place


def explained_finding(place: str) -> list[dict[str, Any]]:
    """What was found at a place, with any profile, each with the reasons.

    Args:
        place: PATH:LINE or PATH:LINE:COLUMN, as a report has it.

    Raises:
        InputError: it is not a place, or its file cannot be read.
    """
    wanted = parse_place(place)
    source = read_file(Path(wanted.path))
    if isinstance(source, SkippedContent):
        raise InputError(f"the file was not read: {source.reason}", hint="name a file of the working tree")
    reported = {_identity(match) for match in _matches(source.data, source.path, Profile.DEFAULT)}
    every = {
        _identity(match): match
        for profile in (Profile.STRICT, Profile.DEFAULT)
        for match in _matches(source.data, source.path, profile)
        if wanted.is_at(match.line, match.column)
    }
    return [_words(match, reported=identity in reported) for identity, match in every.items()]


def _matches(data: bytes, path: str, profile: Profile) -> Iterator[TextMatch]:
    return (each for each in matches_of(data, path, Stages(profile=profile)) if isinstance(each, TextMatch))


def _identity(match: TextMatch) -> tuple[int, int, str]:
    return match.line, match.column, match.type


def _words(match: TextMatch, *, reported: bool) -> dict[str, Any]:
    return {
        "type": match.type,
        "place": f"line {match.line}, column {match.column}",
        "confidence": match.confidence.value,
        "default_profile": "reported" if reported else "left out",
        "reasons": list(_reasons(match)),
    }


def _reasons(match: TextMatch) -> Iterator[str]:
    if match.type in JUDGED:
        yield from match.reasons
        return
    form = next((each for each in FORMATS if each.type == match.type), None)
    if form is None:
        yield f"the rule {match.type} says what it is"
        return
    yield f"the format of {form.vendor}: {form.what}"
    if form.checksum:
        yield "its checksum is wrong" if match.confidence is Confidence.LOW else "its checksum is right"
    if form.end:
        yield f"how to end it: {form.end}"
