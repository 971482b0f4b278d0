"""What can go wrong between us and AWS: a closed list, each with our own sentence and hint."""

from enum import StrEnum, unique
from typing import Any

from tokenguard.errors import Unreachable


@unique
class Reason(StrEnum):
    """Why a request brought nothing usable."""

    ABSENT = "absent"
    EXISTS = "exists"
    LABEL = "label"
    """A parameter does not fit the state, most of all: a label is not where it was."""
    DENIED = "denied"
    KMS = "kms"
    EXPIRED = "expired"
    CREDENTIALS = "credentials"
    STATIC = "static"
    """Credentials were found that do not expire, where only such as do are let in."""
    CLOCK = "clock"
    """The signature's date is not now, as AWS sees it."""
    DELETED = "deleted"
    LIMIT = "limit"
    THROTTLED = "throttled"
    REFUSED = "refused"
    SERVER = "server"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    MALFORMED = "malformed"


_OTHER_WRITER = ("another writer was first", "run the command again: it goes on from what is there now")
_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.ABSENT: ("AWS Secrets Manager has no such secret or version", "check REGION and PREFIX of the address"),
    Reason.EXISTS: _OTHER_WRITER,
    Reason.LABEL: _OTHER_WRITER,
    Reason.DENIED: (
        "AWS denies this to the role in use",
        "compare the role's policy with `tokenguard init --print-policy`",
    ),
    Reason.KMS: (
        "the KMS key denies this to the role in use, or is disabled",
        "let the role use the key (kms:Decrypt, kms:GenerateDataKey), then go on with `tokenguard rotate --resume`",
    ),
    Reason.EXPIRED: (
        "the AWS session has expired",
        "log in again (for example `aws sso login`), then go on with `tokenguard rotate --resume`",
    ),
    Reason.CREDENTIALS: (
        "there are no AWS credentials that are accepted",
        "set AWS_PROFILE, or run where a role is attached; AWS's default chain is asked",
    ),
    Reason.STATIC: (
        "these AWS credentials never expire, and the policy refuses such in CI (ci-long-lived-key)",
        'let the job log in with its own identity: [aws] role and credential = "github-oidc:sts.amazonaws.com"',
    ),
    Reason.CLOCK: (
        "AWS does not accept this machine's time",
        "set the clock (AWS allows five minutes), then go on with `tokenguard rotate --resume`",
    ),
    Reason.DELETED: (
        "a secret of the store is scheduled for deletion",
        "have it restored (`aws secretsmanager restore-secret`), then run the command again",
    ),
    Reason.LIMIT: (
        "a limit of AWS Secrets Manager is reached: about 100 versions of one secret in 24 hours, or 20 labels",
        "wait a day, then go on with `tokenguard rotate --resume`",
    ),
    Reason.THROTTLED: ("AWS asks for fewer requests", "wait, then go on with `tokenguard rotate --resume`"),
    Reason.REFUSED: ("AWS refused a request", "run `tokenguard doctor`"),
    Reason.SERVER: ("AWS failed to answer (5xx)", "see AWS's status page, then run the command again"),
    Reason.CONNECT: ("AWS cannot be reached", "check network, proxy and region"),
    Reason.TLS: ("AWS's certificate is not accepted", "check `ca_bundle` of [network], and what stands between"),
    Reason.TIMEOUT: ("AWS did not answer in time", "run the command again; what was begun is found again"),
    Reason.RESET: ("the connection to AWS broke off", "run the command again; what was begun is found again"),
    Reason.MALFORMED: ("what answered is not AWS", "check `endpoint` of [aws], and what stands between"),
}

_CODES: dict[str, Reason] = {
    "ResourceNotFoundException": Reason.ABSENT,
    "ResourceExistsException": Reason.EXISTS,
    "InvalidParameterException": Reason.LABEL,
    "ValidationException": Reason.REFUSED,
    "InvalidRequestException": Reason.DELETED,
    "AccessDeniedException": Reason.DENIED,
    "AccessDenied": Reason.DENIED,
    "EncryptionFailure": Reason.KMS,
    "DecryptionFailure": Reason.KMS,
    "ExpiredTokenException": Reason.EXPIRED,
    "ExpiredToken": Reason.EXPIRED,
    "RequestExpired": Reason.EXPIRED,
    "UnrecognizedClientException": Reason.CREDENTIALS,
    "InvalidClientTokenId": Reason.CREDENTIALS,
    "InvalidIdentityToken": Reason.CREDENTIALS,
    "IDPRejectedClaim": Reason.CREDENTIALS,
    "RequestTimeTooSkewed": Reason.CLOCK,
    "InvalidSignatureException": Reason.CREDENTIALS,
    "SignatureDoesNotMatch": Reason.CREDENTIALS,
    "MissingAuthenticationTokenException": Reason.CREDENTIALS,
    "LimitExceededException": Reason.LIMIT,
    "ThrottlingException": Reason.THROTTLED,
    "Throttling": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "RequestLimitExceeded": Reason.THROTTLED,
    "InternalServiceError": Reason.SERVER,
    "InternalServiceErrorException": Reason.SERVER,
    "InternalFailure": Reason.SERVER,
    "ServiceUnavailable": Reason.SERVER,
}

_TIMES = ("Signature expired", "Signature not yet current")
"""How AWS words a signature of another time; the code is that of any wrong signature."""
_UNDECIDED = frozenset({Reason.LABEL, Reason.SERVER, Reason.TIMEOUT, Reason.RESET, Reason.MALFORMED})


class AwsTrouble(Unreachable):
    """A request to AWS that brought nothing usable. Never quotes the other side."""

    def __init__(self, reason: Reason) -> None:
        message, hint = _WORDS[reason]
        super().__init__(message, hint=hint)
        self.reason = reason

    @property
    def undecided(self) -> bool:
        """Whether a write may have taken effect all the same (also in an earlier try of a repeated request)."""
        return self.reason in _UNDECIDED


def reason_of(response: dict[str, Any]) -> Reason:
    """What an error answer means. Its text is looked at for a few words, and nothing of it is kept."""
    error = response.get("Error", {})
    code = str(error.get("Code", "")).rpartition("#")[2]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = _CODES.get(code)
    if reason is None:
        reason = Reason.SERVER if status // 100 == 5 else Reason.REFUSED  # noqa: PLR2004 - HTTP
    text = str(error.get("Message", ""))
    if reason is Reason.DENIED and "KMS" in text:
        return Reason.KMS
    if reason is Reason.CREDENTIALS and any(words in text for words in _TIMES):
        return Reason.CLOCK
    return reason


def reason_of_failure(error: Exception) -> Reason:
    """What it means that there was no answer."""
    from botocore import exceptions  # noqa: PLC0415 - loaded with boto3

    kinds: tuple[tuple[Any, Reason], ...] = (
        (exceptions.SSLError, Reason.TLS),
        ((exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError), Reason.CONNECT),
        (exceptions.ProxyConnectionError, Reason.CONNECT),
        (exceptions.ReadTimeoutError, Reason.TIMEOUT),
        ((exceptions.ConnectionClosedError, exceptions.HTTPClientError), Reason.RESET),
        (exceptions.ParamValidationError, Reason.REFUSED),
    )
    return next((reason for kind, reason in kinds if isinstance(error, kind)), Reason.CREDENTIALS)
