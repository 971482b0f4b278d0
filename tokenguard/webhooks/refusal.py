"""Reasons to refuse a webhook, with the HTTP status to answer."""

from enum import StrEnum, unique
from http import HTTPStatus

from tokenguard.errors import InputError


@unique
class Reason(StrEnum):
    """Which check failed. A closed list, fit for a log and a metric."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    HEADERS = "headers"
    """One is missing, there twice, or not in its form."""
    STALE = "stale"
    FUTURE = "future"
    SIGNATURE = "signature"
    REPLAY = "replay"
    UNKNOWN_JOB = "unknown-job"
    WRONG_DRIVE = "wrong-drive"
    NOT_CONFIRMED = "not-confirmed"
    """The provider, asked about it, says something else."""

    @property
    def status(self) -> HTTPStatus:
        """The status to answer with: after a 4xx the sender need not retry; a replay counts as handled."""
        return _STATUS.get(self, HTTPStatus.BAD_REQUEST)


_STATUS = {
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.STALE: HTTPStatus.UNAUTHORIZED,
    Reason.FUTURE: HTTPStatus.UNAUTHORIZED,
    Reason.SIGNATURE: HTTPStatus.UNAUTHORIZED,
    Reason.REPLAY: HTTPStatus.OK,
    Reason.UNKNOWN_JOB: HTTPStatus.NOT_FOUND,
    Reason.WRONG_DRIVE: HTTPStatus.FORBIDDEN,
    Reason.NOT_CONFIRMED: HTTPStatus.FORBIDDEN,
}
_WORDS = {
    Reason.TOO_LARGE: "the body is too large",
    Reason.MALFORMED: "the body is not a webhook's JSON",
    Reason.HEADERS: "a header is missing, duplicated or malformed",
    Reason.STALE: "its signature is too old",
    Reason.FUTURE: "its timestamp is in the future",
    Reason.SIGNATURE: "its signature does not match any of the secrets",
    Reason.REPLAY: "it was received before",
    Reason.UNKNOWN_JOB: "it is about an unknown job",
    Reason.WRONG_DRIVE: "it is about another Drive",
    Reason.NOT_CONFIRMED: "the provider does not confirm it",
}


class Refused(InputError):
    """What was received must not be acted upon.

    Args:
        reason: which check failed; `reason.status` is the HTTP status to answer with.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"webhook refused: {_WORDS[reason]}", hint="answer with the reason's status and do nothing")
        self.reason = reason

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return int(self.reason.status)
