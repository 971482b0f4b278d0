"""Removes duplicates: each token is reported once, and a known token absorbs what rules and patterns find of it."""

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence

from tokenguard.detection.assignments import ASSIGNED
from tokenguard.detection.match import TextMatch
from tokenguard.frozen import replace

_TELLS_LITTLE = {
    name: number
    for number, name in enumerate(
        (
            "Secret Keyword",
            "Login in an Address",
            "Login on a Command Line",
            "Assigned Secret",
            "Base64 High Entropy String",
            "Hex High Entropy String",
        ),
        start=1,
    )
}
"""Rules that say less about a value than those for one kind of token do, by how little."""
_LEAST = 8
"""Characters of a value: fewer may be in any token by chance."""
_LEAST_END = 4
"""The same of its beginning or end, where its writing goes over several lines, as in the text beside a hex dump."""


class ByLine:
    """Matches by the lines on which they are."""

    def __init__(self, matches: Iterable[TextMatch] = ()) -> None:
        self._known: dict[int, dict[str, TextMatch]] = {}
        for match in matches:
            self.add(match)

    def add(self, match: TextMatch) -> None:
        """One more."""
        for value in _writings_of(match):
            self._known.setdefault(match.line, {}).setdefault(value, match)

    def same(self, match: TextMatch) -> TextMatch | None:
        """One that is of the same token on the same line, or of a part of it."""
        known = self._known.get(match.line, {})
        for value in _writings_of(match) if known else ():
            if value in known:
                return known[value]
            found = next((other for whole, other in known.items() if whole in value or value in whole), None)
            if found is not None:
                return found
        return None


def _writings_of(match: TextMatch) -> tuple[str, ...]:
    """The token, and how it is written where that is another way."""
    if match.written is None:
        return (match.whole.reveal(),)
    return match.whole.reveal(), match.written.reveal()


def by_detect_secrets_names(shapes: Sequence[TextMatch], by_rules: Sequence[TextMatch]) -> Iterator[TextMatch]:
    """Every match of a rule as detect-secrets tells it, then the vendors' tokens that it does not know."""
    known = ByLine(shapes)
    for match in by_rules:
        shape = known.same(match)
        yield replace(match, facts={"vendor": shape.type}) if shape else match
    told = ByLine(by_rules)
    yield from (match for match in shapes if not told.same(match))


def by_most_telling_name(shapes: Sequence[TextMatch], by_rules: Sequence[TextMatch]) -> Iterator[TextMatch]:
    """Each value once for each place: as its vendor's token, else by the rule that says most about it."""
    told = ByLine(shapes)
    placed = {match.whole.reveal() for match in by_rules if match.type == ASSIGNED}
    yield from shapes
    for match in sorted(by_rules, key=lambda match: _TELLS_LITTLE.get(match.type, 0)):
        if not told.same(match) and not _is_of_rebuilt_block(match, placed):
            told.add(match)
            yield match


def _is_of_rebuilt_block(match: TextMatch, placed: Container[str]) -> bool:
    """Whether it is told on the first line of a text block, and another match on the line where it stands."""
    if match.column != 1 or not match.type.endswith(("Entropy String", "Keyword")):
        return False
    value = match.whole.reveal().rstrip("\\\n ")
    return value in placed


class OwnMatches:
    """The team's own tokens of one content."""

    def __init__(self, matches: Iterable[TextMatch]) -> None:
        self._matches = list(matches)
        self._by_line: dict[int, list[int]] = {}
        self._within: dict[int, int] = {}
        """The lines of which a disguise takes up all: the token whose it is."""
        self._condensed: dict[int, tuple[str, int]] = {}
        for index, match in enumerate(self._matches):
            last = match.line + self._writing(match)[1]
            for line in {match.line, last}:
                self._by_line.setdefault(line, []).append(index)
            if match.line + 1 not in self._within:
                self._within |= dict.fromkeys(range(match.line + 1, last), index)
        self._lines = sorted(self._by_line)

    def __iter__(self) -> Iterator[TextMatch]:
        return iter(self._matches)

    def takes(self, match: TextMatch, fact: str) -> bool:
        """Whether a match is of a known token, which then says under `fact` what else found it."""
        index = self._holder(match)
        if index is None:
            return False
        own = self._matches[index]
        known = own.facts[fact].split(", ") if fact in own.facts else []
        if match.type not in known:
            self._matches[index] = replace(own, facts=own.facts | {fact: ", ".join([*known, match.type])})
        return True

    def _holder(self, match: TextMatch) -> int | None:
        """The known token that the match has some of, as it is or as it is written there.

        White space and padding say nothing: a rebuilt block has it elsewhere, a disguise ends before it.
        """
        if match.line in self._within:
            return self._within[match.line]
        value = "".join(match.value.reveal().split()).rstrip("=")
        tells = len(value) >= _LEAST
        for index in self._by_line.get(match.line, ()):
            if self._matches[index].whole == match.whole:  # of some tokens a rule takes a few characters only
                return index
            if any(writing in value or (tells and value in writing) for writing in self._writings(index)):
                return index
            if self._ends_with(index, value):
                return index
        if len(value) < len(match.value.reveal()):  # maybe a block of several lines, which is told on the first
            following = bisect_right(self._lines, match.line)
            for index in self._by_line[self._lines[following]] if following < len(self._lines) else ():
                if any(writing in value for writing in self._writings(index)):
                    return index
        return None

    def _ends_with(self, index: int, value: str) -> bool:
        """Whether a token over several lines begins or ends with a value."""
        match = self._matches[index]
        if len(value) < _LEAST_END or not self._writing(match)[1]:
            return False
        return match.whole.reveal().startswith(value) or match.whole.reveal().endswith(value)

    def _writings(self, index: int) -> tuple[str, ...]:
        match = self._matches[index]
        written, _ = self._writing(match)
        return (match.whole.reveal(), written) if written else (match.whole.reveal(),)

    def _writing(self, match: TextMatch) -> tuple[str, int]:
        """How it is written, without white space, and over how many line ends; many tokens may share a writing."""
        if match.written is None:
            return "", 0
        if id(match.written) not in self._condensed:
            text = match.written.reveal()
            self._condensed[id(match.written)] = "".join(text.split()), text.count("\n")
        return self._condensed[id(match.written)]
