"""The search for beginnings: one automaton over folded letters, and a table that tells what a place in it is.

Folding writes each byte as one of 31 signs, so that a state of the automaton takes 128 bytes instead of 512, and most
of them stay in the processor's cache. The search is what masking does for each byte, and folding saves a third of its
time. The table tells apart what folds alike.
"""

from collections.abc import Callable, Mapping, Sequence

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from tokenguard.redaction.patterns import Pattern

_CLASSES = 30
_ODD = bytes([_CLASSES])
FOLDED = bytes(byte % _CLASSES for byte in range(256))
"""How each byte is written to be searched; white space is left out."""
FOLDED_PLAIN = bytes(_CLASSES if byte in {0x1B, *range(128, 256)} else byte % _CLASSES for byte in range(256))
"""The same for data that may not be plain: each byte that is not is a candidate of its own."""
_FEW = 5_000
"""Anchors: those of about 300 values."""

Beginning = tuple[int, int, int]
"""Number, start and end of an anchor."""


class AnchorAutomaton:
    """Finds anchors; immutable, and safe to share between threads.

    Args:
        anchors: distinct byte strings without white space.
        lone: for some of them the only pattern that they begin; no needle begins like that.
    """

    __slots__ = ("_lone", "_numbers", "find")

    def __init__(self, anchors: Sequence[bytes], lone: Mapping[bytes, Pattern]) -> None:
        self._numbers = {anchor: number for number, anchor in enumerate(anchors)}
        folded: dict[bytes, list[bytes]] = {}
        for anchor in anchors:
            folded.setdefault(anchor.translate(FOLDED), []).append(anchor)
        folded[_ODD] = []
        alone = [(code, each[0]) for code, each in enumerate(folded.values()) if len(each) == 1 and each[0] in lone]
        self._lone = [(code, lone[anchor], lone[anchor].needs[0]) for code, anchor in alone]
        self.find = _search(list(folded))
        """Gives candidates in a folded text, in order of ends: the code of what an anchor folds to, start, end.

        Its second argument has to be True.
        """

    def with_needed(self, candidates: Sequence[Beginning], data: bytes, *, final: bool) -> Sequence[Beginning]:
        """The candidates without those that need a byte which is nowhere in the data, and cannot follow it."""
        for code, pattern, needed in self._lone:
            if needed not in data and (final or not pattern.may_follow(data)):
                if len(candidates) == 1 and candidates[0][0] == code:
                    return ()
                candidates = [each for each in candidates if each[0] != code]
        return candidates

    def confirmed(self, candidates: Sequence[Beginning], text: bytes) -> list[Beginning]:
        """The anchors among the candidates, by their numbers, in the text as it is."""
        numbers = self._numbers
        return [
            (number, start, end) for _, start, end in candidates if (number := numbers.get(text[start:end])) is not None
        ]


def _search(folded: Sequence[bytes]) -> Callable[..., Sequence[Beginning]]:
    if not folded:
        return lambda *_: ()
    # a full table is the fastest and grows with every anchor, so it is for an application's few values only
    kind = Implementation.DFA if len(folded) <= _FEW else None
    return BytesAhoCorasick(folded, matchkind=MatchKind.Standard, implementation=kind).find_matches_as_indexes
