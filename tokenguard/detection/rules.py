"""What detect-secrets finds in a text, exactly: same type, same secret, same line, under its default settings.

Its own plugins and filters decide what is a candidate; this module only leaves out calls whose answer is known to be
no, and tells candidates that the profile reports from those that it leaves out.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from tokenguard.detection import detect_secrets_adapter
from tokenguard.detection.budget import OutOfTime, limited
from tokenguard.detection.full_token import whole_token
from tokenguard.detection.match import LeftOut, TextMatch, Unscanned
from tokenguard.detection.prefilter import Candidates, prefilter
from tokenguard.detection.rebuilt import file_lines, keeps_order, may_rebuild, views
from tokenguard.detection.reporting import reported
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.profile import Profile
from tokenguard.domain.secret import Secret
from tokenguard.frozen import replace

_LINE_SECONDS = 0.5
_SHORT_LINE = (
    200  # characters: too few for a line to be hostile, and to begin and end a limit costs as much as the work
)
_REBUILD_SECONDS = 10.0
_HEURISTIC_LIMIT = 1000  # characters; detect-secrets does not judge longer lines
# The same answer as detect-secrets' own expression, whose optional beginning makes it cubic.
_INDIRECT = re.compile(r"(?::=?|[!=]{1,3})\s*[\w.-]+[\[(][^\v]*[\])]")
_BASE64_ENTROPY = ("Base64HighEntropyString", "HexHighEntropyString")

Hit = TextMatch | LeftOut | Unscanned


def scan_rules(text: str, path: str, profile: Profile) -> Iterator[Hit]:
    """Find what `detect_secrets.core.scan.scan_file` finds in a file of this name and content.

    Args:
        text: the content, with every line end as a line feed.
        path: as the team writes it; the name decides what is skipped and which rules hold.
        profile: decides what of it is reported.
    """
    data = _encoded(text)
    if may_rebuild(text, path):
        if (prefilter().worthwhile(data) or not keeps_order(text, path)) and not is_ignored(path):
            yield from _scan_views(text, data, path, profile)
        return
    candidates = prefilter().candidates(data)
    if candidates and not is_ignored(path):
        lines = file_lines(text)
        yield from _scan_lines(_by_index(data, candidates), lines, lines, path, profile)


def _scan_views(text: str, data: bytes, path: str, profile: Profile) -> Iterator[Hit]:
    """The first list of lines in which anything is found that is reported: a rebuilt one, the file's own."""
    own = file_lines(text)
    try:
        with limited(_REBUILD_SECONDS):
            chosen = views(text, path)
            lines = next(chosen)
        while True:
            told = False
            for each in _scan_lines(_candidates(lines), lines, own, path, profile):
                told = told or isinstance(each, TextMatch)
                yield each
            if told:
                return
            with limited(_REBUILD_SECONDS):
                following = next(chosen, None)
            if following is None:
                return
            lines = following
    except OutOfTime:
        yield Unscanned(line=1, reason="hostile-structure")
        yield from _scan_lines(_by_index(data, prefilter().candidates(data)), own, own, path, profile)


@lru_cache(maxsize=64)
def is_ignored(path: str) -> bool:
    """Whether detect-secrets passes over files of this name."""
    heuristic = detect_secrets_adapter.heuristic()
    return bool(heuristic.is_non_text_file(path) or heuristic.is_lock_file(path) or heuristic.is_swagger_file(path))


def _scan_lines(
    candidates: Iterable[tuple[int, Collection[str]]], lines: list[str], own: list[str], path: str, profile: Profile
) -> Iterator[Hit]:
    for index, plugins in candidates:
        line = lines[index].rstrip()
        try:
            with limited(_LINE_SECONDS) if len(line) > _SHORT_LINE else nullcontext():
                hits = _judge(line, lines, index, plugins, path)
        except OutOfTime:
            yield Unscanned(line=index + 1, reason="hostile-line")
            continue
        # the last line, which may have no line feed, is rated as it would be elsewhere
        raw = own[index].removesuffix("\n") + "\n" if index < len(own) else ""
        for kind, value in hits:
            match = _match(kind, value, index, line, own)
            if profile is not Profile.DETECT_SECRETS:
                match = _where_it_stands(match, line, own)
            yield reported(profile, match, raw if value.rstrip("\\") in raw else line, path)


def _candidates(lines: list[str]) -> list[tuple[int, Collection[str]]]:
    """The rebuilt lines that a plugin has to look at, in order, and which plugins."""
    stripped = [line.rstrip() for line in lines]
    # A block scalar is one "line" of several, which the line patterns do not cover.
    blocks = [index for index, line in enumerate(stripped) if "\n" in line]
    every = [
        (index, detect_secrets_adapter.PLUGINS) for index in blocks if prefilter().worthwhile(_encoded(stripped[index]))
    ]
    for index in blocks:
        stripped[index] = ""
    data = _encoded("\n".join(stripped))
    return sorted([*_by_index(data, prefilter().candidates(data)), *every], key=lambda candidate: candidate[0])


def _by_index(data: bytes, candidates: Candidates) -> Iterator[tuple[int, Collection[str]]]:
    """Candidates by their lines' numbers from 0, in order."""
    index = counted = 0
    for start in sorted(candidates):
        index += data.count(b"\n", counted, start)
        counted = start
        yield index, candidates[start]


def _judge(line: str, lines: list[str], index: int, plugins: Collection[str], path: str) -> list[tuple[str, str]]:
    """Type and secret of everything on one line, in the order of their types."""
    if _allowed(line, lines, index, path):
        return []
    if len(line) <= _HEURISTIC_LIMIT and _INDIRECT.search(line):
        return []
    found: list[tuple[str, str]] = []
    for name in sorted(plugins):
        plugin = detect_secrets_adapter.plugin(name)
        values = sorted(set(_values(name, plugin, line, path)))
        found += [(plugin.secret_type, value) for value in values if not _dropped(value, line, plugin)]
    return found


def _allowed(line: str, lines: list[str], index: int, path: str) -> bool:
    if "pragma:" not in line and (index == 0 or "pragma:" not in lines[index - 1]):
        return False
    context = detect_secrets_adapter.code_snippet().get_code_snippet(lines=lines, line_number=index + 1)
    return bool(detect_secrets_adapter.allowlist().is_line_allowlisted(path, line, context))


def _values(name: str, plugin: Any, line: str, path: str) -> Iterator[str]:
    if name == "KeywordDetector":
        yield from plugin.analyze_string(line, denylist_regex_to_group=_keyword_rules(path))
    elif name in _BASE64_ENTROPY:
        for value in plugin.analyze_string(line):
            if plugin.calculate_shannon_entropy(value) > plugin.entropy_limit:
                yield value
    else:
        yield from plugin.analyze_string(line)


def _keyword_rules(path: str) -> Any:
    keyword = detect_secrets_adapter.keyword()
    kind = detect_secrets_adapter.filetype().determine_file_type(path)
    return keyword.REGEX_BY_FILETYPE.get(kind, keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP)


def _dropped(value: str, line: str, plugin: Any) -> bool:
    heuristic = detect_secrets_adapter.heuristic()
    return bool(
        heuristic.is_not_alphanumeric_string(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_templated_secret(value)
        or heuristic.is_sequential_string(value)
        or heuristic.is_potential_uuid(value)
        or heuristic.is_likely_id_string(value, line, plugin)
    )


def _match(kind: str, value: str, index: int, line: str, own: list[str]) -> TextMatch:
    raw = own[index] if index < len(own) else ""
    return TextMatch(
        kind=FindingKind.RULE,
        type=kind,
        line=index + 1,
        column=max(raw.find(value), 0) + 1,
        value=Secret(value),
        whole=Secret(whole_token(kind, value, line, own, index)),
    )


def _where_it_stands(match: TextMatch, line: str, own: list[str]) -> TextMatch:
    """The match, on the line of a YAML block that has its value: detect-secrets tells the line of the block's key."""
    value, first = match.value.reveal(), match.line - 1
    for index in range(first, min(first + line.count("\n") + 2, len(own))):
        if value in own[index]:
            return match if index == first else replace(match, line=index + 1, column=own[index].find(value) + 1)
    return match


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
