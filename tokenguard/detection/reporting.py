"""Decides which candidates are reported: the one place where a profile has a say, and where the judge is asked.

A candidate is asked about as soon as a rule has it, so that a rebuilt text in which nothing is reported does not keep
the file's own lines from being looked at. Own tokens and vendors' shapes are never asked about.
"""

from tokenguard.detection.extras import stands_for_another
from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.detection.match import Confidence, LeftOut, TextMatch
from tokenguard.detection.pins import is_image, is_pinned
from tokenguard.domain.profile import Profile
from tokenguard.frozen import replace

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
        stand_in = candidate.type != "Private Key" and stands_for_another(candidate.whole.reveal())
        return LeftOut(line=candidate.line) if profile is Profile.DEFAULT and stand_in else candidate
    from tokenguard.detection.judging.judge import judged  # most commits have nothing to judge

    value = JudgedValue(value=candidate.value.reveal(), line=line, path=path, source=candidate.type, at=at)
    judgement = judged(value)
    if profile is Profile.DEFAULT and judgement.confidence is Confidence.LOW:
        return LeftOut(line=candidate.line)
    facts = candidate.facts | {"confidence": judgement.confidence.value}
    return replace(candidate, confidence=judgement.confidence, reasons=judgement.reasons, facts=facts)


def pinned(candidate: TextMatch, line: str, path: str) -> bool:
    """Whether what a rule found says which content is meant, and opens nothing."""
    value = candidate.value.reveal()
    if candidate.type in _NAMED_BY_PLACE:
        return is_image(value)
    return is_pinned(value, line, path, named=candidate.type in _NAMELESS)
