"""Tokens in texts that are about to leave this machine: found over all of them at once, named, and masked in place.

Comments such as `pragma: allowlist secret` mean nothing here, nor does a baseline or a waiver: they are about code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tokenguard.detection.compressed_data import decompressed
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.match import Confidence, TextMatch, Unscanned
from tokenguard.domain.secret import Secret
from tokenguard.errors import TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.scanning.decoding import decoded

if TYPE_CHECKING:  # it loads all rules
    from tokenguard.scanning.scanner import OwnStage

_EDGE = 4_096
"""Characters at either end of a text in which a token may begin or end that goes on in the text beside it."""
_ROUNDS = 3
"""How often a text is masked again: one token may stand in the writing of another."""
_CODE = 12
_MASK = re.compile(r"\[tokenguard:[0-9a-z-]{3,64}\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a pair, as JSON may hold it: no engine takes it, and no token has one."""
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} )?PRIVATE KEY-----[^-]{32,}(?:-----END (?:[A-Z0-9]{1,12} )?PRIVATE KEY-----)?"
)


class FoundToken(Frozen, frozen=True, kw_only=True):
    """One token in some texts."""

    name: str
    """How a sentence names it; never a value."""
    own: bool
    mask: str
    written: Secret
    """How it stands in the text."""


class Incomplete(TokenguardError):
    """The search for known tokens had to be given up somewhere."""


class TokenSearch:
    """Finds tokens of the team by their fingerprints, and those of vendors by their formats.

    Args:
        own: finds the team's own tokens; None: they are not searched for.
    """

    def __init__(self, own: "OwnStage | None") -> None:
        self._own = own
        self.broken = ""
        """The kind of the error with which the search for formats has failed; known tokens are found without it."""

    def find(
        self, texts: Sequence[str], names: Sequence[str] = (), rows: Iterable[Sequence[str]] = ()
    ) -> list[FoundToken]:
        """The tokens in texts and names, each once, and those that are split over texts beside each other.

        Args:
            texts: in their order.
            names: searched each by itself.
            rows: texts among these that are beside each other for those who read them.

        Raises:
            Incomplete: known tokens could not be searched for everywhere.
        """
        found = list(self._in_text("\n".join((*texts, *names))))
        for row in (texts, *rows):
            found += [each for each in self._over_seams(row) if each.name not in {known.name for known in found}]
        return list({(each.name, each.written.reveal()): each for each in found}.values())

    @property
    def knows_own(self) -> bool:
        """Whether the team's own tokens are searched for."""
        return self._own is not None

    def find_in_file(self, data: bytes, path: str, *, own_only: bool) -> list[FoundToken]:
        """The tokens in the content of a file, compressed content too, as of a PDF; Incomplete as above."""
        inside = decompressed(data)
        own = [*self._known(data), *(self._known(inside.data) if inside else ())]
        return own if own_only else [*own, *self._by_format(decoded(data).text, path)]

    def masked(
        self, texts: Sequence[str], names: Sequence[str] = (), rows: Iterable[Sequence[str]] = ()
    ) -> dict[str, str]:
        """Texts and names that hold a token, with what takes their place; arguments as of `find`.

        A text in which masks do not hide all known tokens is replaced as a whole. Incomplete as above.
        """
        changed = {text: self._masked(text) for text in dict.fromkeys((*texts, *names))}
        for row in (texts, *rows):
            for token in self._over_seams([changed[text] for text in row]):
                withheld = _withheld(token.name)
                changed |= dict.fromkeys(_parts(token.written.reveal(), row), withheld)
        return {text: masked for text, masked in changed.items() if masked != text}

    def _masked(self, text: str) -> str:
        masked = text
        for _ in range(_ROUNDS):
            masks = {each.written.reveal(): each.mask for each in self._in_text(masked)}
            if not masks:
                return masked
            masked = _replaced(masked, masks)
        left = next((each for each in self._in_text(masked)), None)
        return masked if left is None else _withheld(left.name)

    def _in_text(self, text: str) -> Iterator[FoundToken]:
        yield from self._known(text.encode("utf-8", "surrogatepass"))
        yield from self._by_format(text, "")

    def _known(self, data: bytes) -> Iterator[FoundToken]:
        for match in self._own(data) if self._own else ():
            if isinstance(match, Unscanned):
                raise Incomplete(
                    f"the search for known tokens is incomplete ({match.reason})",
                    hint="leave out the encoded part, or send less data",
                )
            yield _own_token(match)

    def _by_format(self, text: str, path: str) -> Iterator[FoundToken]:
        try:
            found = [
                each
                for each in scan_extras(_SURROGATE.sub("\ufffd", text), path)
                if isinstance(each, TextMatch) and each.confidence is not Confidence.LOW
            ]
        except Exception as error:  # noqa: BLE001 - formats of vendors are a help; known tokens are the promise
            self.broken = type(error).__name__
            return
        for match in found:
            yield FoundToken(
                name=f"{_article(match.type)} {match.type}",
                own=False,
                mask=f"[tokenguard:{_slug(match.type)}]",
                written=match.written or match.value,
            )
        for block in _PRIVATE_KEY.finditer(text) if "PRIVATE KEY-----" in text else ():
            yield FoundToken(name="a private key", own=False, mask="[tokenguard:private-key]", written=Secret(block[0]))

    def _over_seams(self, texts: Sequence[str]) -> Iterator[FoundToken]:
        """Known tokens of which one text has the beginning and the next ones have the rest."""
        if self._own is None or len(texts) < 2:  # noqa: PLR2004 - a seam has two sides
            return
        glued = "".join(each if len(each) <= 2 * _EDGE else f"{each[:_EDGE]}\n{each[-_EDGE:]}" for each in texts)
        yield from self._known(glued.encode("utf-8", "surrogatepass"))


def holds_mask(texts: Iterable[str]) -> bool:
    """Whether a mask of ours is among the texts."""
    return any("[tokenguard:" in text and _MASK.search(text) for text in texts)


def sentence(found: Iterable[FoundToken]) -> str:
    """The tokens as a sentence lists them."""
    names = list(dict.fromkeys(each.name for each in sorted(found, key=lambda each: not each.own)))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004


def _own_token(match: TextMatch) -> FoundToken:
    facts = match.facts
    state = f"revoked since {facts['since']}" if "since" in facts else "live"
    how = f", written as {facts['as']}" if "as" in facts else ""
    return FoundToken(
        name=f"a known token (report code {facts['token'][:_CODE]}, {state}{how})",
        own=True,
        mask=f"[tokenguard:{facts['token'][:8]}]",
        written=match.written or match.value,
    )


def _replaced(text: str, masks: Mapping[str, str]) -> str:
    """The text with masks in place of all these parts of it, in one pass; of two at one place the longer one counts."""
    from ahocorasick_rs import AhoCorasick, MatchKind  # loaded with the formats

    written = [*masks]
    parts: list[str] = []
    at = 0
    places = AhoCorasick(written, matchkind=MatchKind.LeftmostLongest)
    for number, start, end in places.find_matches_as_indexes(_SURROGATE.sub("\ufffd", text)):
        parts += (text[at:start], masks[written[number]])
        at = end
    return "".join((*parts, text[at:]))


def _withheld(name: str) -> str:
    return f"[tokenguard: withheld: {name}]"


def _parts(value: str, texts: Sequence[str]) -> list[str]:
    """The texts that hold a part of a value that is split over them; all, where the parts cannot be told."""
    ends = [text for text in texts if text and (_overlap(text, value) or _overlap(value, text) or text in value)]
    return ends or [*texts]


def _overlap(first: str, second: str) -> bool:
    """Whether the end of one is the beginning of the other."""
    return any(first.endswith(second[:size]) for size in range(min(len(first), len(second)), 3, -1))


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeio" else "a"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
