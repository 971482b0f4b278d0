"""Faults that are injected before the vendor handles a request."""

from collections.abc import Callable
from http import HTTPStatus

from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.wire import Reply, page

Refusal = Callable[[int], Reply]
"""Makes a vendor's own error reply for a status."""

_PORTAL = "<!doctype html><title>Guest network</title><h1>Sign in to the guest network</h1>"


def injected_fault(knobs: FaultSettings, refusal: Refusal) -> Reply | None:
    """The reply of a portal, an outage or a fault burst in place of the vendor's, if one is active."""
    if knobs.captive_portal:
        return page(_PORTAL)
    if knobs.global_401:
        return refusal(HTTPStatus.UNAUTHORIZED)
    storm = knobs.next_fault()
    if storm is None:
        return None
    bare = refusal(storm.status)
    headers = (*bare.headers, *((("Retry-After", storm.retry_after),) if storm.retry_after else ()))
    return Reply(status=bare.status, body=bare.body, headers=headers)
