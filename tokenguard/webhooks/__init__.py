"""For programs that receive webhooks: which callbacks and deliveries are genuine, and which URLs may receive any.

    from tokenguard.webhooks import DescriptCallbacks, AutopostingDeliveries, validate_callback_url

Nothing here logs, keeps or quotes what was received; a refusal says which check failed, in words of our own.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenguard.domain.secret import Secret as Secret
    from tokenguard.http.callback import CallbackUrl as CallbackUrl
    from tokenguard.http.callback import validate_callback_url as validate_callback_url
    from tokenguard.webhooks.descript_callbacks import DescriptCallbacks as DescriptCallbacks
    from tokenguard.webhooks.descript_callbacks import Job as Job
    from tokenguard.webhooks.refusal import Reason as Reason
    from tokenguard.webhooks.refusal import Refused as Refused
    from tokenguard.webhooks.replays import Replays as Replays
    from tokenguard.webhooks.signed_deliveries import AutopostingDeliveries as AutopostingDeliveries
    from tokenguard.webhooks.signed_deliveries import NotificationDeliveries as NotificationDeliveries
    from tokenguard.webhooks.signed_deliveries import WebhookDelivery as WebhookDelivery

__all__ = [
    "AutopostingDeliveries",
    "CallbackUrl",
    "DescriptCallbacks",
    "Job",
    "NotificationDeliveries",
    "Reason",
    "Refused",
    "Replays",
    "Secret",
    "WebhookDelivery",
    "validate_callback_url",
]
_LAZY = {
    "AutopostingDeliveries": "tokenguard.webhooks.signed_deliveries",
    "CallbackUrl": "tokenguard.http.callback",
    "WebhookDelivery": "tokenguard.webhooks.signed_deliveries",
    "DescriptCallbacks": "tokenguard.webhooks.descript_callbacks",
    "Job": "tokenguard.webhooks.descript_callbacks",
    "NotificationDeliveries": "tokenguard.webhooks.signed_deliveries",
    "Reason": "tokenguard.webhooks.refusal",
    "Refused": "tokenguard.webhooks.refusal",
    "Replays": "tokenguard.webhooks.replays",
    "Secret": "tokenguard.domain.secret",
    "validate_callback_url": "tokenguard.http.callback",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: a receiver of one vendor's calls does not pay for the other's."""
    if name not in _LAZY:
        raise AttributeError(f"module 'tokenguard.webhooks' has no attribute {name!r}")
    import importlib  # the same reason

    return getattr(importlib.import_module(_LAZY[name]), name)
