"""Each reason for which a channel does not send has a meaning for people."""

import pytest

from tokenguard.http.answer import TransportFailure
from tokenguard.notifications.send_failures import explained

REASONS = (
    *TransportFailure,
    "failed",
    "refused",
    "no-starttls",
    "recipients-refused",
    "some-recipients-refused",
    "disconnected",
    "no-login",
    "smtp-451",
    "http-500",
    "http-404",
    "smtp-535",
)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_explained(reason):
    said = explained(str(reason))
    assert said.startswith(f"{reason} (")
    assert len(said) > len(reason) + 10
