"""Values that look like the vendors' own and are unmistakably a sandbox's."""

import base64
import random
import secrets
import string
import uuid

GROUP = "5a4db0c5"
"""First group of every UUID in a Descript-like value."""
KEY_PREFIX = "sk-social-sandbox"
_SESSION_HEADER = base64.b64encode(b'{"sandbox":true}').decode().rstrip("=")
_RANDOM = random.SystemRandom()
_KEY_LETTERS = 57  # with `sandbox` the 64 letters that real keys are believed to have


def descript_token() -> str:
    """A fresh `dx_bearer_…:dx_secret_…` value."""
    return f"dx_bearer_{_uuid()}:dx_secret_{_uuid()}"


def autoposting_key() -> str:
    """A fresh `sk-social-sandbox…` value."""
    return KEY_PREFIX + "".join(_RANDOM.choices(string.ascii_letters, k=_KEY_LETTERS))


def session_token() -> str:
    """A fresh session of the form `HEADER.CLAIMS.SIGNATURE`; its header says that it is a sandbox's."""
    return f"{_SESSION_HEADER}.{secrets.token_hex(16)}.{secrets.token_hex(16)}"


def webhook_secret() -> str:
    """A fresh signing secret of a webhook."""
    return f"whsec_sandbox_{secrets.token_hex(24)}"


def _uuid() -> str:
    return GROUP + str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))[8:]
