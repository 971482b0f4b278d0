"""Decides which candidates are reported: the one place where a profile has a say, and where the judge is asked.

A candidate is asked about as soon as a rule has it, so that a rebuilt text in which nothing is reported does not keep
the file's own lines from being looked at. Own tokens and vendors' shapes are never asked about.
"""

import re

from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.detection.made_up_tokens import consists_of_words, is_identifier, is_made_up
from tokenguard.detection.match import Confidence, LeftOut, TextMatch
from tokenguard.detection.pins import is_image, is_pinned
from tokenguard.detection.stand_ins import is_continued_by_placeholder, is_published, repeats, stands_for_another
from tokenguard.domain.profile import Profile
from tokenguard.frozen import replace
from tokenguard.token_formats.table import format_of, has_prefix_only

_ARMOUR = re.compile(r"-----[A-Z0-9 ]+-----")
_KEY_BEGINS, _KEY_ENDS = "-----BEGIN", "-----END"
_LINE_END = re.compile(r"(?<!\\)\\+[nr]")
_SEPARATORS = re.compile(r"[-_.:/=]")
_LEAST_KEY = 40
"""Characters of the shortest private key: one of a curve with 32 bytes, without anything round it."""
_GOES_ON = re.compile(r"[+/][A-Za-z0-9+/]{30}")
"""More of a block of base64."""
_LEAST_WORDS = 7
_NAMELESS = frozenset({"Hex High Entropy String", "Base64 High Entropy String"})
_NAMED_BY_PLACE = frozenset({"Secret Keyword", "Basic Auth Credentials", "Private Key", *JUDGED}) - _NAMELESS
"""What stands in a place for secrets, which no digest is by chance."""


def reported(
    profile: Profile, candidate: TextMatch, line: str, path: str, at: int | None = None
) -> TextMatch | LeftOut:
    """The candidate as it is told, or that it is left out.

    Args:
        profile: what the run was asked to report.
        candidate: what a rule found.
        line: where it stands, as the file has it; or as it was rebuilt, if it does not stand there as it is.
        path: of the file.
        at: where on the line the value begins, if that is known.
    """
    if profile is Profile.DETECT_SECRETS:
        return candidate
    if profile is Profile.DEFAULT and pinned(candidate, line, path):
        return LeftOut(line=candidate.line)
    if candidate.type not in JUDGED:
        left_out = profile is Profile.DEFAULT and _stands_for_another(candidate, line)
        return LeftOut(line=candidate.line) if left_out else candidate
    from tokenguard.detection.judging.judge import judged  # most commits have nothing to judge

    value = JudgedValue(value=candidate.value.reveal(), line=line, path=path, source=candidate.type, at=at)
    judgement = judged(value)
    if profile is Profile.DEFAULT and judgement.confidence is Confidence.LOW:
        return LeftOut(line=candidate.line)
    facts = candidate.facts | {"confidence": judgement.confidence.value}
    return replace(candidate, confidence=judgement.confidence, reasons=judgement.reasons, facts=facts)


def _stands_for_another(candidate: TextMatch, line: str) -> bool:
    """Whether what a rule for one vendor, or for private keys, found is a placeholder."""
    whole = candidate.whole.reveal()
    if candidate.type == "Private Key":
        begin = max(whole.find(_KEY_BEGINS), 0)
        end = whole.find(_KEY_ENDS, begin)
        body = _LINE_END.sub("", _ARMOUR.sub("", whole[begin:end]))
        return end >= 0 and (len(body) < _LEAST_KEY or "..." in body)
    if is_continued_by_placeholder(line.partition(whole)[2]):
        return True
    if candidate.type == "Artifactory Credentials" and len(whole) < _LEAST_KEY and not any(map(str.isdigit, whole)):
        return True  # its rule takes any name of a program that begins with AP
    if has_prefix_only(whole) or (not whole.startswith("eyJ") and _is_part_of_a_word(whole, line)):
        return True
    shape = format_of(whole)
    if shape is not None:
        return is_made_up(shape, whole)
    last = _SEPARATORS.split(whole)[-1]
    of_words = len(last) >= _LEAST_WORDS and last.isalpha() and consists_of_words(last)
    typed = repeats(last) or of_words or is_identifier(last)
    return typed or stands_for_another(whole) or is_published(whole)


def _is_part_of_a_word(value: str, line: str) -> bool:
    at = line.find(value)
    if at < 0:
        return False
    end = at + len(value)
    edges = line[at - 1 : at] + line[end : end + 1]
    return _GOES_ON.match(line, end) is not None or any(char.isalnum() and char.isascii() for char in edges)


def pinned(candidate: TextMatch, line: str, path: str) -> bool:
    """Whether what a rule found says which content is meant, and opens nothing."""
    value = candidate.value.reveal()
    if candidate.type in _NAMED_BY_PLACE:
        return is_image(value)
    return is_pinned(value, line, path, named=candidate.type in _NAMELESS)
