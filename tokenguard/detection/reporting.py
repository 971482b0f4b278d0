"""Decides which candidates of the rules are reported: the one place where a profile has a say.

A candidate is asked about as soon as a rule has it, so that a rebuilt text in which nothing is reported does not keep
the file's own lines from being looked at. Own tokens and vendors' shapes are never asked about.
"""

from tokenguard.detection.match import TextMatch
from tokenguard.detection.pins import is_image, is_pinned
from tokenguard.domain.profile import Profile

_NAMELESS = frozenset({"Hex High Entropy String", "Base64 High Entropy String"})
_NAMED_BY_PLACE = frozenset({"Secret Keyword", "Basic Auth Credentials", "Private Key"})
"""What stands in a place for secrets, which no digest is by chance."""


def reports(profile: Profile, candidate: TextMatch, line: str, path: str) -> bool:
    """Whether the candidate is a finding.

    Args:
        profile: what the run was asked to report.
        candidate: what a rule of detect-secrets found.
        line: where it stands, as the file has it; or as it was rebuilt, if it does not stand there as it is.
        path: of the file.
    """
    if profile is not Profile.DEFAULT:
        return True
    value = candidate.value.reveal()
    if candidate.type in _NAMED_BY_PLACE:
        return not is_image(value)
    return not is_pinned(value, line, path, named=candidate.type in _NAMELESS)
