"""AWS failures: a closed list, each with a message and a hint."""

from enum import StrEnum, unique
from typing import Any

from tokenguard.errors import Unreachable


@unique
class AwsFailure(StrEnum):
    """Why a request failed."""

    ABSENT = "absent"
    EXISTS = "exists"
    LABEL = "label"
    """A parameter does not match the current state, mostly because a label has moved."""
    DENIED = "denied"
    KMS = "kms"
    EXPIRED = "expired"
    CREDENTIALS = "credentials"
    """AWS refused them."""
    NO_CREDENTIALS = "no-credentials"
    NO_PROFILE = "no-profile"
    SETUP = "setup"
    """The SDK could not obtain credentials; AWS was not asked."""
    UNKNOWN_KEY = "unknown-key"
    """There is no active access key of this id."""
    STATIC = "static"
    """Credentials do not expire, but only expiring ones are allowed."""
    CLOCK = "clock"
    """The signature's time differs from AWS's clock."""
    DELETED = "deleted"
    """The secret is scheduled for deletion."""
    REPLICA = "replica"
    """The secret is a copy that AWS keeps of one in another region."""
    LIMIT = "limit"
    THROTTLED = "throttled"
    REFUSED = "refused"
    SERVER = "server"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    MALFORMED = "malformed"


_CHAIN = "set AWS_PROFILE, or run where a role is attached; AWS's default credential chain is used"
_NOT_ACCEPTED = ("AWS accepts none of the credentials found", _CHAIN)
_OTHER_WRITER = (
    "another writer changed the secret at the same time",
    "run the command again; it continues from the current state",
)
_WORDS: dict[AwsFailure, tuple[str, str]] = {
    AwsFailure.ABSENT: ("AWS Secrets Manager has no such secret or version", "check REGION and PREFIX of the address"),
    AwsFailure.EXISTS: _OTHER_WRITER,
    AwsFailure.LABEL: _OTHER_WRITER,
    AwsFailure.DENIED: (
        "AWS denied the request: the role in use lacks a permission",
        "compare the role's policy with `tokenguard init --print-policy`",
    ),
    AwsFailure.KMS: (
        "the KMS key is disabled, or the role in use may not use it",
        (
            "enable the key (`aws kms enable-key`; if it is pending deletion, first `aws kms cancel-key-deletion`), or "
            "allow the role kms:Decrypt and kms:GenerateDataKey"
        ),
    ),
    AwsFailure.EXPIRED: (
        "the AWS session has expired",
        "log in again (for example `aws sso login`)",
    ),
    AwsFailure.CREDENTIALS: _NOT_ACCEPTED,
    AwsFailure.UNKNOWN_KEY: _NOT_ACCEPTED,
    AwsFailure.NO_CREDENTIALS: ("no AWS credentials were found", _CHAIN),
    AwsFailure.NO_PROFILE: (
        "the configuration of the AWS SDK has no such profile",
        "check AWS_PROFILE, and the profiles in ~/.aws/config of the user who runs this",
    ),
    AwsFailure.SETUP: (
        "the AWS SDK could not obtain credentials as its configuration says",
        "check AWS_ variables and the profile in ~/.aws/config (source_profile, credential_process, sso_session)",
    ),
    AwsFailure.STATIC: (
        "these AWS credentials never expire, which the policy refuses in CI (ci-long-lived-key)",
        'let the job log in with its own identity: [aws] role and credential = "github-oidc:sts.amazonaws.com"',
    ),
    AwsFailure.CLOCK: (
        "AWS does not accept this machine's time",
        "set the clock (AWS allows five minutes)",
    ),
    AwsFailure.DELETED: (
        "a secret of the store is scheduled for deletion",
        "restore it (`aws secretsmanager restore-secret`)",
    ),
    AwsFailure.REPLICA: (
        "the secret is a replica of one in another region, and can be changed only there",
        "name its primary's region in the address, or detach it (`aws secretsmanager stop-replication-to-replica`)",
    ),
    AwsFailure.LIMIT: (
        "a limit of AWS Secrets Manager is reached: about 100 versions of one secret in 24 hours, or 20 labels",
        "wait a day",
    ),
    AwsFailure.THROTTLED: ("AWS asks for fewer requests", "wait a moment"),
    AwsFailure.REFUSED: ("AWS refused a request", "run `tokenguard doctor`"),
    AwsFailure.SERVER: ("AWS failed to answer (5xx)", "see AWS's status page"),
    AwsFailure.CONNECT: ("AWS cannot be reached", "check network, proxy and region"),
    AwsFailure.TLS: ("AWS's certificate is not accepted", "check `ca_bundle` of [network], and the proxy"),
    AwsFailure.TIMEOUT: ("AWS did not answer in time", "run the command again; it continues where it stopped"),
    AwsFailure.RESET: ("the connection to AWS broke off", "run the command again; it continues where it stopped"),
    AwsFailure.MALFORMED: ("the server that answered is not AWS", "check `endpoint` of [aws], and the proxy"),
}

_CODES: dict[str, AwsFailure] = {
    "ResourceNotFoundException": AwsFailure.ABSENT,
    "ResourceExistsException": AwsFailure.EXISTS,
    "InvalidParameterException": AwsFailure.LABEL,
    "ValidationException": AwsFailure.REFUSED,
    "InvalidRequestException": AwsFailure.REFUSED,
    "AccessDeniedException": AwsFailure.DENIED,
    "AccessDenied": AwsFailure.DENIED,
    "EncryptionFailure": AwsFailure.KMS,
    "DecryptionFailure": AwsFailure.KMS,
    "ExpiredTokenException": AwsFailure.EXPIRED,
    "ExpiredToken": AwsFailure.EXPIRED,
    "RequestExpired": AwsFailure.EXPIRED,
    "UnrecognizedClientException": AwsFailure.CREDENTIALS,
    "InvalidClientTokenId": AwsFailure.UNKNOWN_KEY,
    "NoSuchEntity": AwsFailure.ABSENT,
    "LimitExceeded": AwsFailure.LIMIT,
    "EntityTemporarilyUnmodifiable": AwsFailure.THROTTLED,
    "InvalidIdentityToken": AwsFailure.CREDENTIALS,
    "IDPRejectedClaim": AwsFailure.CREDENTIALS,
    "RequestTimeTooSkewed": AwsFailure.CLOCK,
    "InvalidSignatureException": AwsFailure.CREDENTIALS,
    "SignatureDoesNotMatch": AwsFailure.CREDENTIALS,
    "MissingAuthenticationTokenException": AwsFailure.CREDENTIALS,
    "LimitExceededException": AwsFailure.LIMIT,
    "ThrottlingException": AwsFailure.THROTTLED,
    "Throttling": AwsFailure.THROTTLED,
    "TooManyRequestsException": AwsFailure.THROTTLED,
    "RequestLimitExceeded": AwsFailure.THROTTLED,
    "InternalServiceError": AwsFailure.SERVER,
    "InternalServiceErrorException": AwsFailure.SERVER,
    "InternalFailure": AwsFailure.SERVER,
    "ServiceUnavailable": AwsFailure.SERVER,
}

_INVALID = {"delet": AwsFailure.DELETED, "replica": AwsFailure.REPLICA}
"""What an InvalidRequestException is about, by a word in AWS's text; the code has many meanings."""
_TIMES = ("Signature expired", "Signature not yet current")
"""AWS's text for a signature with a wrong time; the error code is that of any wrong signature."""
_UNDECIDED = frozenset(
    {AwsFailure.LABEL, AwsFailure.SERVER, AwsFailure.TIMEOUT, AwsFailure.RESET, AwsFailure.MALFORMED}
)


class AwsError(Unreachable):
    """A failed request to AWS. Never quotes AWS's response."""

    def __init__(self, reason: AwsFailure, *, region: str = "", secret: str = "", action: str = "") -> None:
        message, hint = _WORDS[reason]
        if action and reason is AwsFailure.DENIED:
            message = f"AWS denied {action}: the role in use lacks the permission"
        if secret and reason is AwsFailure.DELETED:
            message = f"the secret {secret} is scheduled for deletion"
            hint = f"restore it: `aws secretsmanager restore-secret --region {region} --secret-id '{secret}'`"
        if region and reason is AwsFailure.CONNECT:
            message = f"AWS cannot be reached in the region {region}"
        super().__init__(message, hint=hint)
        self.reason = reason

    @property
    def undecided(self) -> bool:
        """Whether a write may have taken effect nevertheless, also in an earlier try of a repeated request."""
        return self.reason in _UNDECIDED


def reason_of(response: dict[str, Any]) -> AwsFailure:
    """Classify an error response. Its text is only checked for known words and never kept."""
    error = response.get("Error", {})
    code = str(error.get("Code", "")).rpartition("#")[2]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = _CODES.get(code)
    if reason is None:
        reason = AwsFailure.SERVER if status // 100 == 5 else AwsFailure.REFUSED  # noqa: PLR2004 - HTTP
    text = str(error.get("Message", ""))
    if reason is AwsFailure.DENIED and "KMS" in text:
        return AwsFailure.KMS
    if code == "InvalidRequestException":
        return next((about for word, about in _INVALID.items() if word in text), reason)
    if reason is AwsFailure.CREDENTIALS and any(words in text for words in _TIMES):
        return AwsFailure.CLOCK
    return reason


def reason_of_failure(error: Exception) -> AwsFailure:
    """Classify a missing response."""
    from botocore import exceptions  # loaded with boto3

    kinds: tuple[tuple[Any, AwsFailure], ...] = (
        (exceptions.SSLError, AwsFailure.TLS),
        ((exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError), AwsFailure.CONNECT),
        (exceptions.ProxyConnectionError, AwsFailure.CONNECT),
        (exceptions.ReadTimeoutError, AwsFailure.TIMEOUT),
        (
            (exceptions.ConnectionClosedError, exceptions.HTTPClientError, exceptions.IncompleteReadError),
            AwsFailure.RESET,
        ),
        (exceptions.ParamValidationError, AwsFailure.REFUSED),
        (exceptions.NoCredentialsError, AwsFailure.NO_CREDENTIALS),
        (exceptions.ProfileNotFound, AwsFailure.NO_PROFILE),
        ((exceptions.SSOError, exceptions.TokenRetrievalError, exceptions.NoAuthTokenError), AwsFailure.EXPIRED),
        (getattr(exceptions, "LoginError", ()), AwsFailure.EXPIRED),  # since botocore 1.41: `aws login`
    )
    return next((reason for kind, reason in kinds if isinstance(error, kind)), AwsFailure.SETUP)
