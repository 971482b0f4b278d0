"""AWS IAM: access keys of a user, of which there are at most two; a key is deactivated before it is deleted.

A class and not a provider file: requests are signed with the key, answers are XML, and keys have no names.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from tokenguard.clients.aws.access_keys import KEY_ID, AccessKeyClients, AccessKeyOwner
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.aws_settings import AwsSettings
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.domain.token import CredentialKind
from tokenguard.http.address import Address, proxy_at
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Issuer, Method
from tokenguard.providers.aws_iam_issuer import SCOPE_KIND, AccessKeyIssuer
from tokenguard.providers.probe_result import compare, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience

BASE_URL = "https://iam.amazonaws.com"
_REGION = "us-east-1"  # of IAM, which has one endpoint for all regions
_USER = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):user/(?:[^/]+/)*([^/]+)", re.ASCII)
_KEY = re.compile(r"AKIA[A-Z2-7]{12,124}", re.ASCII)
_PROPAGATION = timedelta(seconds=30)
"""IAM is eventually consistent, and documents no time; a minute and a half in all are waited for."""


class AwsIam:
    """IAM at AWS, or at an emulator."""

    name = "aws-iam"
    source: ClassVar[Mapping[str, str]] = {
        "documentation": "https://docs.aws.amazon.com/IAM/latest/APIReference/",
        "contract": "service model of boto3 (iam 2010-05-08, sts 2011-06-15)",
        "checked": "2026-11-29",
    }
    admin_permissions: ClassVar[Mapping[str, str]] = {
        "iam:CreateAccessKey": "creates keys",
        "iam:UpdateAccessKey": "deactivates a key before it is deleted",
        "iam:DeleteAccessKey": "deletes keys",
        "iam:ListAccessKeys": "finds keys, and shows that a deleted key no longer exists",
        "iam:GetAccessKeyLastUsed": "reads the date of a key's last use",
        "iam:ListUserTags": "reads the labels of keys, which are tags of the user",
        "iam:TagUser": "writes the label of a key",
        "iam:UntagUser": "removes the label of a deleted key",
    }

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        base = Address.parse(settings.base_url or BASE_URL)
        self._base = base
        self._clock = clock
        self._patience = patience(base, settings.death_floor)
        settings_of_aws = AwsSettings(
            region=_REGION,
            endpoint=None if str(base) == BASE_URL else base,
            proxy=proxy_at(settings.proxy),
            ca_bundle=settings.ca_bundle,
            attempts=1,  # a create that is repeated makes a second key
        )
        self._clients = AccessKeyClients(settings_of_aws)

    @property
    def base_url(self) -> str:
        """Its address."""
        return str(self._base)

    @property
    def capabilities(self) -> Capabilities:
        """Unattended, with at most two keys of a user."""
        lag = timedelta(0) if self._base.loopback else _PROPAGATION
        return Capabilities(
            mint=Method.API,
            revoke=Method.API,
            probe=True,
            lists=True,
            hints=False,
            lists_per_scope=True,
            verifies_scope=True,
            scope_kind=SCOPE_KIND,
            kind=CredentialKind.API_KEY,
            revoke_lag=lag,
            activate_lag=lag,
            death_floor=self._patience.floor,
            confirm_after=self._patience.confirm_after,
            max_active=2,
            last_used=True,
            fields=(KEY_ID, TOKEN_FIELD),
            admin_fields=(KEY_ID, TOKEN_FIELD),
            list_lag=self._patience.floor,
        )

    def issuer(self, admin: Value, scope: Scope | None) -> Issuer | None:
        """Makes and deletes keys of the scope's user with the admin's access key; None if that key has no id."""
        return AccessKeyIssuer(AccessKeyOwner(self._clients, admin), scope) if KEY_ID in admin.names else None

    def runner_issuer(self, scope: Scope | None) -> Issuer:
        """Makes and deletes keys with the identity that AWS's default chain finds, as stores on AWS do."""
        return AccessKeyIssuer(AccessKeyOwner(self._clients, None), scope)

    def guide(self) -> Guide:
        """For a runner without an admin credential."""
        return Guide(
            "https://console.aws.amazon.com/iam > Users",
            create=(
                "open the user of {scope}, Security credentials, and choose Create access key",
                "enter {label} as description tag",
                "copy id and secret: the secret is shown only this once",
            ),
            revoke=(
                "open the user of {scope}, Security credentials",
                "find the access key with the description {label}, deactivate it, and delete it",
            ),
        )

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether the id differs from that of a long-lived access key."""
        if KEY_ID in value.names and _KEY.fullmatch(value.field(KEY_ID).reveal()):
            return ()
        return ("it does not look like a long-lived access key (AKIA…); AWS decides whether it is valid",)

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """Ask STS who the key belongs to (GetCallerIdentity), which no policy can deny."""
        at = self._clock.now()
        if KEY_ID not in value.names:
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason="incomplete-value")
        try:
            found = _USER.fullmatch(AccessKeyOwner(self._clients, value).arn())
        except AwsError as error:
            dead = error.reason is AwsFailure.UNKNOWN_KEY
            return Observation(verdict=Verdict.DEAD if dead else Verdict.UNKNOWN, at=at, reason=str(error.reason))
        scope = scope_of(SCOPE_KIND, f"{found[1]}.{found[2]}") if found else None
        return Observation(
            verdict=Verdict.ALIVE,
            at=at,
            reason="identity",
            scope=scope,
            scope_verdict=compare(scope, expected),
        )
