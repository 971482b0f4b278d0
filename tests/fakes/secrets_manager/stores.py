"""Stores on the fake, as two processes would have them: each with a client of its own."""

from functools import cache

import botocore.session
import botocore.useragent

from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager.server import KEY_ID, FakeAws
from tokenguard.clients.aws.aws_settings import AwsSettings
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.http.address import Address
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.store import AwsStore, create_store, open_store

PREFIX = "video-team"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": "tgcanary-signing-key",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What botocore's default chain finds first."""


botocore.session.create_loader = cache(botocore.session.create_loader)
"""What botocore knows of AWS is read once for all sessions: the tests make hundreds, and reading is half of that."""

botocore.useragent.sanitize_user_agent_string_component = cache(botocore.useragent.sanitize_user_agent_string_component)
"""The same words are cleaned for each of thousands of requests."""

_sdk: dict[tuple[str, int], dict[str, object]] = {}


def client(aws: FakeAws, *, attempts: int = 1) -> AwsClient:
    """A client that asks the fake; without repetitions unless they are wanted, so that faults are cheap.

    boto3 takes most of a second to make a client, so those of one server are made once.
    """
    address = Address.parse(aws.url)
    made = AwsClient(AwsSettings(region=aws.region, endpoint=address, attempts=attempts, deadline=5))
    key = (aws.url, attempts)
    if key not in _sdk:
        _sdk[key] = {name: getattr(made, name) for name in ("_secrets_manager", "_sts")}
    made.__dict__.update(_sdk[key])
    return made


def place(aws: FakeAws, prefix: str = PREFIX) -> AwsPlace:
    return AwsPlace.parse(f"aws://{aws.region}/{prefix}")


def made(aws: FakeAws, prefix: str = PREFIX) -> AwsStore:
    return create_store(place(aws, prefix), client(aws), FakeClock())


def opened(aws: FakeAws, prefix: str = PREFIX, *, attempts: int = 1) -> AwsStore:
    return open_store(place(aws, prefix), client(aws, attempts=attempts), FakeClock())
