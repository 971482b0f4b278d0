"""P9: a listing of AWS that leads back to a page before it never ends, and is no complete one."""

import contextlib
import itertools
from types import SimpleNamespace

import pytest
from botocore import exceptions

from tests.fakes.clock import FakeClock
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure, reason_of_failure
from tokenguard.clients.aws.secrets import Secrets
from tokenguard.errors import Unreachable
from tokenguard.providers.aws_iam_issuer import AccessKeyIssuer


def test_secrets_whose_pages_repeat_are_no_listing():
    tokens = itertools.cycle(["a", "b"])
    client = SimpleNamespace(secrets=lambda _operation, **_asked: {"SecretList": [], "NextToken": next(tokens)})
    with pytest.raises(AwsError) as caught:
        list(Secrets(client, FakeClock()).pages())
    assert caught.value.reason is AwsFailure.MALFORMED


def test_access_keys_whose_pages_repeat_are_no_list():
    pages = itertools.cycle(["a", "b"])

    def keys(_operation, **_asked):
        return {"AccessKeyMetadata": [], "IsTruncated": True, "Marker": next(pages)}

    issuer = AccessKeyIssuer.__new__(AccessKeyIssuer)
    issuer._admin = SimpleNamespace(keys=keys)
    with pytest.raises(Unreachable):
        issuer._pages("list_access_keys", "AccessKeyMetadata", "user")


def test_a_failure_is_named_with_the_oldest_boto3_that_is_allowed(monkeypatch):
    """`aws login` and its error came with botocore 1.41."""
    if hasattr(exceptions, "LoginError"):
        assert reason_of_failure(exceptions.LoginError()) is AwsFailure.EXPIRED
    monkeypatch.delattr(exceptions, "LoginError", raising=False)
    found = None
    with contextlib.suppress(AttributeError):
        found = reason_of_failure(exceptions.NoCredentialsError())
    assert found is AwsFailure.NO_CREDENTIALS
