"""The name of what decides which candidates of the rules a scan reports."""

from enum import StrEnum, unique


@unique
class Profile(StrEnum):
    """Which of the rules' candidates are findings. The team's own tokens and vendors' shapes always are."""

    DEFAULT = "default"
    """All but pinned revisions (commits, image digests, hashes of lock files) and what is of low confidence."""
    DETECT_SECRETS = "detect-secrets"
    """All that detect-secrets reports, under its own names."""
    STRICT = "strict"
    """Everything that looks like a secret, at any confidence."""

    def __or__(self, other: str) -> "Profile":
        """The one of both that reports more."""
        order = list(Profile)
        return max(self, Profile(other), key=order.index)
