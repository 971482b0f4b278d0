"""The comments of other scanners that say that a line holds no secret."""

from enum import StrEnum, unique


@unique
class SilencingComment(StrEnum):
    """What such a comment contains; it counts only where the organisation's policy lists it."""

    GITLEAKS = "gitleaks:allow"
    GITGUARDIAN = "ggignore"
    TRUFFLEHOG = "trufflehog:ignore"
