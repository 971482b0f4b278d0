"""Client for Secrets Manager and STS over boto3, with explicit region and endpoint, timeouts and own errors."""

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from tokenguard.clients.aws.answer_types import has_types
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure, reason_of, reason_of_failure
from tokenguard.clients.aws.aws_settings import AwsSettings, WebIdentity
from tokenguard.waiting import SILENCE, notify_if_slow

_LOGGERS = ("boto3", "botocore", "botocore.endpoint", "botocore.parsers", "botocore.hooks", "botocore.auth", "urllib3")
_OF_OTHER_TYPES = (ValueError, TypeError, AttributeError, LookupError, RuntimeError, ArithmeticError)
"""What the SDK raises at an answer whose parts are not of the types that it expects, or are nested too deep."""


class AwsClient:
    """Client for one region. `asked` counts the requests, so that tests can assert request budgets."""

    told: Callable[[str], None] = staticmethod(lambda _text: None)
    """Notified when a response from AWS takes long."""

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self.asked = 0

    def secrets(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call one operation of Secrets Manager (`get_secret_value`); AwsError."""
        return self._call(self._secrets_manager, operation, params)

    @property
    def ends_unseen(self) -> bool:
        """Whether the credentials expire at a time that AWS does not report and cannot be renewed; sends no request."""
        credentials = self._session.get_credentials()
        renews = hasattr(credentials, "refresh_needed")
        return credentials is not None and bool(credentials.token) and not renews

    def identity(self) -> str:
        """Return the caller's ARN from STS; AwsError."""
        arn = self._call(self._sts, "get_caller_identity", {}).get("Arn")
        if not isinstance(arn, str):
            raise AwsError(AwsFailure.MALFORMED)
        return arn

    def _call(self, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # loaded with boto3
        from botocore.parsers import ResponseParserError

        from tokenguard.clients.aws.transport import time_limit

        method = client.meta.method_to_api_mapping[operation]
        self.asked += 1
        slow = notify_if_slow(lambda: self.told(f"AWS has not answered for {SILENCE:.0f} s; still trying"))
        try:
            with slow, time_limit(self.settings.total):
                answer: dict[str, Any] = getattr(client, operation)(**params)
        except ClientError as error:
            named = str(params.get("SecretId") or params.get("Name") or "")
            action = f"{client.meta.service_model.service_name}:{method}"
            reason = reason_of(error.response)
            raise AwsError(reason, region=self.settings.region, secret=named, action=action) from None
        except BotoCoreError as error:
            raise AwsError(reason_of_failure(error), region=self.settings.region) from None
        except (ResponseParserError, *_OF_OTHER_TYPES):
            raise AwsError(AwsFailure.MALFORMED) from None
        if not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise AwsError(AwsFailure.MALFORMED)  # the SDK accepts any 200; every response from AWS has a request id
        shape = client.meta.service_model.operation_model(method).output_shape
        if shape is not None and not has_types(answer, shape):
            raise AwsError(AwsFailure.MALFORMED)
        return answer

    @cached_property
    def _secrets_manager(self) -> Any:
        return self._client("secretsmanager")

    @cached_property
    def _sts(self) -> Any:
        return self._client("sts")

    @cached_property
    def _session(self) -> Any:
        session = self._new_session(self._assuming())
        if self.settings.keyless and self.settings.identity is None:
            _refuse_static(session)
        return session

    def _new_session(self, session: Any = None) -> Any:
        """Return a session of boto3 whose every request goes through our transport."""
        import boto3  # slow to load
        import botocore.session
        from botocore.exceptions import BotoCoreError

        from tokenguard.clients.aws.transport import through

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)  # below that botocore writes whole requests
        try:
            sending = through(session or botocore.session.get_session(), self.settings)
            return boto3.session.Session(region_name=self.settings.region, botocore_session=sending)
        except BotoCoreError as error:
            raise AwsError(reason_of_failure(error)) from None
        except ValueError:  # a number of the environment or of ~/.aws/config is none
            raise AwsError(AwsFailure.SETUP) from None

    def _assuming(self) -> Any:
        """Return a botocore session that assumes the role; None to use the default chain."""
        identity = self.settings.identity
        if identity is None:
            return None
        from tokenguard.clients.aws.web_identity import assuming  # loads botocore

        return assuming(lambda: self._assume(identity))

    def _assume(self, identity: WebIdentity) -> dict[str, str]:
        """Return the credentials of one role session for botocore; AwsError."""
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
            raise AwsError(AwsFailure.MALFORMED) from None

    @cached_property
    def _unsigned_sts(self) -> Any:
        from botocore import UNSIGNED  # loaded with boto3

        from tokenguard.clients.aws.web_identity import anonymous

        return self._client("sts", self._new_session(anonymous()), signature_version=UNSIGNED)

    def _client(self, service: str, session: Any = None, *, keys: Mapping[str, str] | None = None, **how: Any) -> Any:
        from botocore.config import Config  # loaded with boto3
        from botocore.exceptions import BotoCoreError

        settings = self.settings
        try:
            return (session or self._session).client(
                service,
                endpoint_url=str(settings.endpoint) if settings.endpoint else None,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": settings.attempts},
                    connect_timeout=settings.connect_timeout,
                    read_timeout=settings.deadline,
                    ignore_configured_endpoint_urls=True,
                    defaults_mode="legacy",  # "auto" of the environment would ask the machine's metadata service
                    user_agent_extra="tokenguard",
                    **how,
                ),
                **(keys or {}),
            )
        except BotoCoreError as error:
            raise AwsError(reason_of_failure(error)) from None
        except ValueError:  # where credentials are looked for is not an address, or one that botocore refuses
            raise AwsError(AwsFailure.SETUP) from None


def _refuse_static(session: Any) -> None:
    """Raise AwsError if the default chain's credentials have no session token, so never expire."""
    from botocore.exceptions import BotoCoreError  # loaded with boto3

    try:
        found = session.get_credentials()
        static = found is not None and not found.get_frozen_credentials().token
    except BotoCoreError as error:
        raise AwsError(reason_of_failure(error)) from None
    if static:
        raise AwsError(AwsFailure.STATIC)
