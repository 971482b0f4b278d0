"""Reads finding files: our own, and those of gitleaks, trufflehog, kingfisher and ggshield, by their documented forms.

Values in them are held as secrets, long enough to take their fingerprints; nothing else of a file is kept but places.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.secret import MASK, Secret
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace

MAX_BYTES = 32 << 20
_MAX_NODES = 2_000_000
_MAX_TEXT = 300
_REDACTED = re.compile(r"REDACTED|\*\*\*|\.\.\.\Z")


class ReportedLeak(Frozen, frozen=True, kw_only=True):
    """One place where something leaked, as a scanner reported it. All texts are from outside."""

    scanner: str
    path: str = ""
    line: int = 0
    commit: str = ""
    since: str = ""
    """When it was committed, as the scanner wrote it."""
    values: tuple[Secret, ...] = ()
    token: str = ""
    """For findings of our own: the token's id, code or name instead of a value."""
    revoked_on: str = ""
    """For findings of our own: since when the value opens nothing, if the fingerprints say so."""

    @property
    def place(self) -> str:
        """`path:line`, or what there is of it."""
        return f"{self.path}:{self.line}" if self.path and self.line else self.path or "unknown"


def read_report(data: bytes, *, source: str) -> list[ReportedLeak]:
    """The sightings of a finding file.

    Args:
        data: the file's bytes: one JSON document, or one a line.
        source: how errors name the file.

    Raises:
        InputError: it is not JSON within the caps, or not of a known scanner; nothing of it is quoted.
    """
    sightings: list[ReportedLeak] = []
    for document in _documents(data, source):
        for node in _items(document):
            reader = next((read for knows, read in _READERS if knows(node)), None)
            if reader is None:
                raise InputError(
                    "the format of the findings file is not known",
                    hint="give JSON of `tokenguard scan`, gitleaks, trufflehog, kingfisher or ggshield",
                )
            sightings += map(_masked, reader(node))
    return sightings


def _documents(data: bytes, source: str) -> Iterator[JsonTree]:
    """One document, or one a line (trufflehog, kingfisher's jsonl)."""
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in lines):
        if len(data) > MAX_BYTES:
            raise InputError("the findings file is too large", hint=f"at most {MAX_BYTES:,} bytes are read")
        for line in lines:
            yield load_json(line, source=source, max_bytes=MAX_BYTES, max_nodes=_MAX_NODES)
    elif lines:
        yield load_json(data, source=source, max_bytes=MAX_BYTES, max_nodes=_MAX_NODES)


def _items(document: JsonTree) -> Iterable[dict[str, Any]]:
    nodes = document if isinstance(document, list) else [document]
    return [node if isinstance(node, dict) else {} for node in nodes]


def _ours(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    """Where a rule has noticed a known token too, that is one leak: the finding that knows its token stands for it."""
    findings = _dicts(node["findings"])
    owned = {_spot(found) for found in findings if found.get("kind") == "own" and _number(found, "column")}
    for found in findings:
        if found.get("kind") != "own" and _spot(found) in owned:
            continue
        yield ReportedLeak(
            scanner="tokenguard",
            path=_text(found, "path"),
            line=_number(found, "line"),
            commit=_text(found, "commit"),
            since=_text(found, "author_date"),
            token=(_text(found, "report") or _text(found, "token")) if found.get("kind") == "own" else "",
            revoked_on=_text(found, "since") if found.get("state") == "revoked" else "",
        )


def _spot(found: dict[str, Any]) -> tuple[str, int, int, str]:
    return _text(found, "path"), _number(found, "line"), _number(found, "column"), _text(found, "commit")


def _gitleaks(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    yield ReportedLeak(
        scanner="gitleaks",
        path=_text(node, "File"),
        line=_number(node, "StartLine"),
        commit=_text(node, "Commit"),
        since=_text(node, "Date"),
        values=_values(node, "Secret", "Match"),
    )


def _trufflehog(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    data = _dict(_dict(node, "SourceMetadata"), "Data")
    where = next(iter(_dicts(list(data.values()))), {})  # one entry, named after the kind of source
    yield ReportedLeak(
        scanner="trufflehog",
        path=_text(where, "file") or _text(where, "link"),
        line=_number(where, "line"),
        commit=_text(where, "commit"),
        since=_text(where, "timestamp"),
        values=_values(node, "Raw", "RawV2"),
    )


def _kingfisher_one(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    found = _dict(node, "finding")
    commit = _dict(_dict(found, "git_metadata"), "commit")
    yield ReportedLeak(
        scanner="kingfisher",
        path=_text(found, "path"),
        line=_number(found, "line"),
        commit=_text(commit, "id"),
        since=_text(commit, "date"),
        values=_values(found, "snippet"),
    )


def _kingfisher(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    for found in _dicts(node["findings"]):
        yield from _kingfisher_one(found)


def _ggshield(node: dict[str, Any]) -> Iterator[ReportedLeak]:
    """Sub-scans (one a commit, its id being the hash) have the shape of the whole."""
    open_scans = [node]
    while open_scans:
        scan = open_scans.pop()
        open_scans += _dicts(scan.get("scans"))
        commit = _text(scan, "id") if scan.get("type") == "commit" else ""
        for entity in _dicts(scan.get("entities_with_incidents")):
            for incident in _dicts(entity.get("incidents")):
                for occurrence in _dicts(incident.get("occurrences")):
                    yield ReportedLeak(
                        scanner="ggshield",
                        path=_text(entity, "filename"),
                        line=_number(occurrence, "line_start"),
                        commit=commit,
                        since=_text(_dict(scan, "extra_info"), "date"),
                        values=_values(occurrence, "match"),
                    )


_Knows = Callable[[dict[str, Any]], bool]
_READERS: tuple[tuple[_Knows, Callable[[dict[str, Any]], Iterator[ReportedLeak]]], ...] = (
    (lambda node: "scanned" in node and "findings" in node, _ours),
    (lambda node: "SourceMetadata" in node, _trufflehog),
    (lambda node: "RuleID" in node and "Secret" in node, _gitleaks),
    (lambda node: "rule" in node and "finding" in node, _kingfisher_one),
    (lambda node: isinstance(node.get("findings"), list) and "scanned" not in node, _kingfisher),
    (lambda node: isinstance(node.get("findings"), int) and "kingfisher" in node, lambda _node: iter(())),
    (lambda node: "entities_with_incidents" in node or "total_incidents" in node or "scans" in node, _ggshield),
)


def _masked(sighting: ReportedLeak) -> ReportedLeak:
    """A file may be named after what it holds: what is shown never holds a value."""
    return replace(
        sighting,
        path=_without(sighting.path, sighting.values),
        commit=_without(sighting.commit, sighting.values),
        since=_without(sighting.since, sighting.values),
        revoked_on=sighting.revoked_on[:_MAX_TEXT],
    )


def _without(text: str, values: Iterable[Secret]) -> str:
    for value in values:
        text = text.replace(value.reveal(), MASK)
    return text[:_MAX_TEXT]


def _values(node: dict[str, Any], *names: str) -> tuple[Secret, ...]:
    """The values under these names, unless the scanner was told to leave them out."""
    texts = (_text(node, name) for name in names)
    return tuple(Secret(text) for text in texts if text and not _REDACTED.search(text))


def _text(node: dict[str, Any], name: str) -> str:
    text = node.get(name)
    return text if isinstance(text, str) else ""


def _number(node: dict[str, Any], name: str) -> int:
    number = node.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else 0


def _dict(node: dict[str, Any], name: str) -> dict[str, Any]:
    found = node.get(name)
    return found if isinstance(found, dict) else {}


def _dicts(node: Any) -> list[dict[str, Any]]:
    return [each for each in node if isinstance(each, dict)] if isinstance(node, list) else []
