"""Secrets Manager and STS through boto3: an explicit region, our own endpoint rule, timeouts, errors in our words."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address

_LOGGERS = ("boto3", "botocore", "botocore.endpoint", "botocore.parsers", "botocore.hooks", "botocore.auth", "urllib3")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d", re.ASCII)


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


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.ABSENT: ("AWS Secrets Manager has no such secret or version", "check REGION and PREFIX of the address"),
    Reason.EXISTS: ("another writer was first", "read it again"),
    Reason.LABEL: ("another writer was first", "read it again"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """A role that is taken with the identity which CI or a cluster gives a job."""

    role: str
    """Its ARN."""
    token: Callable[[], Secret]
    """Gets the job's identity; asked again whenever a session ends."""
    session: str = "tokenguard"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """One region, as one configuration sees it."""

    region: str
    endpoint: Address | None = None
    """Another place that speaks AWS's protocol; from the configuration only, never from the environment."""
    ca_bundle: Path | None = None
    proxy: Address | None = None
    connect_timeout: float = 5.0
    """Seconds."""
    read_timeout: float = 15.0
    """Seconds."""
    attempts: int = 4
    """How often a request is made at most; AWS's own back-off lies between."""
    identity: WebIdentity | None = None
    """Whom to be; None: what AWS's default chain finds."""
    keyless: bool = False
    """Whether credentials that never expire are refused."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise InputError("not an AWS region", hint="write aws://REGION/PREFIX, for example aws://eu-central-1/team")


class AwsClient:
    """Asks one region. `asked` counts the calls, for whoever promises to need few."""

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self.asked = 0

    def secrets(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call one operation of Secrets Manager (`get_secret_value`); AwsTrouble."""
        return self._call(self._secrets_manager, operation, params)

    @property
    def ends_unseen(self) -> bool:
        """Whether the credentials end at a time that AWS does not tell, and cannot be renewed here; asks nobody."""
        credentials = self._session.get_credentials()
        renews = hasattr(credentials, "refresh_needed")
        return credentials is not None and bool(credentials.token) and not renews

    def identity(self) -> str:
        """Who we are: the ARN that STS gives; AwsTrouble."""
        arn = self._call(self._sts, "get_caller_identity", {}).get("Arn")
        if not isinstance(arn, str):
            raise AwsTrouble(Reason.MALFORMED)
        return arn

    def _call(self, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with boto3
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        self.asked += 1
        try:
            answer: dict[str, Any] = getattr(client, operation)(**params)
        except ClientError as error:
            raise AwsTrouble(_reason_of(error.response)) from None
        except BotoCoreError as error:
            raise AwsTrouble(_reason_of_failure(error)) from None
        except (ResponseParserError, ValueError):
            raise AwsTrouble(Reason.MALFORMED) from None
        if not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise AwsTrouble(Reason.MALFORMED)  # the SDK takes any 200 for an answer; every one of AWS has an id
        return answer

    @cached_property
    def _secrets_manager(self) -> Any:
        return self._client("secretsmanager")

    @cached_property
    def _sts(self) -> Any:
        return self._client("sts")

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415 - slow to load

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)  # below that botocore writes whole requests
        session = boto3.session.Session(region_name=self.settings.region, botocore_session=self._assuming())
        if self.settings.keyless and self.settings.identity is None:
            _refuse_static(session)
        return session

    def _assuming(self) -> Any:
        """A session of botocore's that takes the role; None where its default chain is asked."""
        identity = self.settings.identity
        if identity is None:
            return None
        from tokenguard.clients.aws.web_identity import assuming  # noqa: PLC0415 - loads botocore

        return assuming(lambda: self._assume(identity))

    def _assume(self, identity: WebIdentity) -> dict[str, str]:
        """One session of a role, as botocore keeps it; AwsTrouble."""
        request = {
            "RoleArn": identity.role,
            "RoleSessionName": identity.session,
            "WebIdentityToken": identity.token().reveal(),
        }
        answer = self._call(self._unsigned_sts, "assume_role_with_web_identity", request)
        try:
            found = answer["Credentials"]
            return {
                "access_key": found["AccessKeyId"],
                "secret_key": found["SecretAccessKey"],
                "token": found["SessionToken"],
                "expiry_time": found["Expiration"].isoformat(),
            }
        except (KeyError, AttributeError, TypeError):
            raise AwsTrouble(Reason.MALFORMED) from None

    @cached_property
    def _unsigned_sts(self) -> Any:
        import boto3  # noqa: PLC0415 - slow to load
        from botocore import UNSIGNED  # noqa: PLC0415

        return self._client("sts", boto3.session.Session(region_name=self.settings.region), signature_version=UNSIGNED)

    def _client(self, service: str, session: Any = None, **how: Any) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - loaded with boto3
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        settings = self.settings
        try:
            return (session or self._session).client(
                service,
                endpoint_url=str(settings.endpoint) if settings.endpoint else None,
                verify=str(settings.ca_bundle) if settings.ca_bundle else True,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": settings.attempts},
                    connect_timeout=settings.connect_timeout,
                    read_timeout=settings.read_timeout,
                    ignore_configured_endpoint_urls=True,
                    proxies={"https": str(settings.proxy)} if settings.proxy else {},
                    user_agent_extra="tokenguard",
                    **how,
                ),
            )
        except BotoCoreError as error:
            raise AwsTrouble(_reason_of_failure(error)) from None


def _refuse_static(session: Any) -> None:
    """AwsTrouble if what the default chain finds carries no session token, which all that expires has."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - loaded with boto3

    try:
        found = session.get_credentials()
        static = found is not None and not found.get_frozen_credentials().token
    except BotoCoreError as error:
        raise AwsTrouble(_reason_of_failure(error)) from None
    if static:
        raise AwsTrouble(Reason.STATIC)


def _reason_of(response: dict[str, Any]) -> Reason:
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


def _reason_of_failure(error: Exception) -> Reason:
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
