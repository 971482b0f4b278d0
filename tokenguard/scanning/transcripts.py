"""Transcripts and caches of coding agents: read in pieces, since a session may be large, with session and time."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tokenguard.domain.finding import Report, SkippedContent
from tokenguard.frozen import Frozen, replace
from tokenguard.scanning.content import Blob
from tokenguard.scanning.file_walk import Named, read_file, whole_tree
from tokenguard.scanning.scanner import Stages, Tagger, merged, scan

_PIECE = 16 << 20
"""Bytes that are scanned at once; a piece ends with a line, if it has any."""
_OVERLAP = 1 << 16
"""Bytes of a piece without lines that the next one begins with."""
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_SESSION_NAMES = ("sessionId", "session_id")
_TIME_NAMES = ("timestamp", "ts", "time")
_MILLISECONDS = 10**11


class TranscriptEntry(Frozen, frozen=True, kw_only=True):
    """A file or directory with what an agent keeps."""

    agent: str
    path: Path


def scan_transcripts(records: Iterable[TranscriptEntry], stages: Stages, notes: tuple[str, ...]) -> Report:
    """Scan everything for known tokens and vendors' formats; findings say the agent, the session and the time.

    Rules without a vendor's format are left out: transcripts are full of ids.
    """
    stages = replace(stages, nameless=False, comments_silence_shapes=False)
    tagger = Tagger()
    reports = []
    for record in records:
        for named in whole_tree(record.path) if record.path.is_dir() else ((str(record.path), False),):
            reports += [_scanned(record, piece, stages, tagger) for piece in _pieces(named)]
    return merged(reports, notes)


class _Piece(Frozen, frozen=True):
    """Some lines of a file, or why there are none."""

    content: Blob | SkippedContent
    lines_before: int = 0


def _pieces(named: Named) -> Iterator[_Piece]:
    whole = named if isinstance(named, SkippedContent) else read_file(named[0])
    if not (isinstance(whole, SkippedContent) and whole.reason == "too-large"):
        yield _Piece(whole)
        return
    before, rest = 0, b""
    with Path(whole.path).open("rb") as file:
        while chunk := file.read(_PIECE):
            data = rest + chunk
            end = data.rfind(b"\n") + 1 or len(data)
            yield _Piece(Blob(path=whole.path, data=data[:end]), before)
            rest = data[end:] if data[end - 1 : end] == b"\n" else data[-_OVERLAP:]
            before += data.count(b"\n", 0, end)
        if rest:
            yield _Piece(Blob(path=whole.path, data=rest), before)


def _scanned(record: TranscriptEntry, piece: _Piece, stages: Stages, tagger: Tagger) -> Report:
    report = scan([piece.content], stages, tagger=tagger)
    if not (report.findings or report.waived) or not isinstance(piece.content, Blob):
        return report
    lines = piece.content.data.split(b"\n")
    told = [
        replace(
            each,
            line=each.line + piece.lines_before,
            facts={
                **each.facts,
                "agent": record.agent,
                **_when(piece.content.path, lines[min(each.line, len(lines)) - 1]),
            },
        )
        for each in (*report.findings, *report.waived)
    ]
    return replace(report, findings=tuple(told), waived=())


def _when(path: str, line: bytes) -> dict[str, str]:
    """Session and time of a line of a transcript; of the file where the line says nothing.

    Only what has the form of an id or a time is told: a line may hold anything.
    """
    facts: dict[str, str] = {}
    fields = _fields(line)
    session = next((text for name in _SESSION_NAMES if (text := str(fields.get(name, "")))), "")
    ids = _SESSION.findall(session) or _SESSION.findall(path)
    if ids:
        facts["session"] = ids[-1]
    said = next((fields[name] for name in _TIME_NAMES if name in fields), None)
    time = _time(said)
    if not time:
        try:
            time = _time(Path(path).stat().st_mtime)
        except OSError:
            time = ""
    return facts | ({"time": time} if time else {})


def _fields(line: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _time(said: object) -> str:
    if isinstance(said, str) and (found := _TIME.match(said)):
        return f"{found[0]}Z"
    if isinstance(said, int | float) and not isinstance(said, bool):
        try:
            return datetime.fromtimestamp(said / 1000 if said > _MILLISECONDS else said, UTC).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            )
        except (ValueError, OverflowError, OSError):
            return ""
    return ""
