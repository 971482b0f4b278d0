"""Lines that a comment (`pragma: allowlist secret`) silences: counted, so that they can be limited."""

from collections.abc import Callable, Collection, Iterable

from tokenguard.detection.match import TextMatch
from tokenguard.detection.rules import Hit

_MARK, _BLIND = "pragma:", "pragma;"


def silenced(rules: Callable[[str], Iterable[Hit]], text: str, found: Collection[int]) -> set[int]:
    """The lines on which detect-secrets' rules would find something if they did not read the comments.

    Args:
        rules: look at a text.
        text: the content, with every line end as a line feed.
        found: the lines on which something was found all the same.
    """
    if _MARK not in text:
        return set()
    blind = rules(text.replace(_MARK, _BLIND))
    return {match.line for match in blind if isinstance(match, TextMatch)} - set(found)
