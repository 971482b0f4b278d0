"""Whether the lines that detect-secrets rebuilds from a YAML file can hold anything, by a parser 10 times as fast.

detect-secrets composes YAML in pure Python to learn on which line each scalar stands. Which scalars there are, libyaml
says much faster. So every line that could come out, with every comment that could hang on it, is judged first; only
where one of them would be a finding, or anything is unusual, the slow way decides.
"""

import re
from collections.abc import Callable, Iterator

_UNUSUAL = re.compile(r"__(?:line|value|original_key)__|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ufeff]|^%", re.MULTILINE)
_COMMENT = re.compile(r"(\s+#[\S ]*)")  # detect-secrets' own
_MOST_LINES = 20_000

Judge = Callable[[str], bool]
"""Whether a line would be a finding."""


class _Unusual(Exception):  # noqa: N818 - reads as what it says
    """The slow way has to decide."""


def holds_nothing(text: str, judge: Judge) -> bool:
    """Whether no line rebuilt from this YAML can be a finding. False says nothing.

    Args:
        text: a file in which escapes and binary scalars do not occur.
        judge: decides on one line.
    """
    if _UNUSUAL.search(text):
        return False
    try:
        pairs = set(_pairs(text))
    except _Unusual:
        return False
    comments = {"", *_comments(text)}
    if len(pairs) * len(comments) > _MOST_LINES:
        return False
    return not any(judge(line + comment) for line in pairs for comment in comments)


def _comments(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if "#" in line and (found := _COMMENT.search(line.strip())):
            yield found.group(0)


def _pairs(text: str) -> Iterator[str]:
    """Each key with its scalar value as detect-secrets writes them; _Unusual where the tree is not plain."""
    import yaml  # noqa: PLC0415 - only files that could hold something come here

    loader = getattr(yaml, "CSafeLoader", None)
    if loader is None:
        raise _Unusual
    open_mappings: list[bool] = []  # for each open collection: whether it is a mapping
    keys: list[str | None] = []
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.ScalarEvent):
                if not open_mappings or not open_mappings[-1]:
                    continue
                if keys[-1] is None:
                    keys[-1] = event.value
                else:
                    yield f'{keys[-1]}: "{event.value.replace(_QUOTE, _ESCAPED)}"'
                    keys[-1] = None
            elif isinstance(event, yaml.CollectionStartEvent):
                _begin(open_mappings, keys)
                open_mappings.append(isinstance(event, yaml.MappingStartEvent))
                keys.append(None)
            elif isinstance(event, yaml.CollectionEndEvent):
                open_mappings.pop()
                keys.pop()
            elif isinstance(event, yaml.AliasEvent) and open_mappings and open_mappings[-1]:
                raise _Unusual
    except (yaml.YAMLError, RecursionError, UnicodeError):
        raise _Unusual from None


_QUOTE, _ESCAPED = '"', '\\"'


def _begin(open_mappings: list[bool], keys: list[str | None]) -> None:
    """A collection stands where its parent expects something: a value, but not a key."""
    if not open_mappings or not open_mappings[-1]:
        return
    if keys[-1] is None:
        raise _Unusual
    keys[-1] = None
