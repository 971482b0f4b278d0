"""When the login in use ends, if a person has to replace it: told by `notify`, and shown by `doctor`."""

from datetime import datetime, timedelta
from typing import Protocol

from tokenguard.ports.store import underlying_store
from tokenguard.usecases.parts import HasClock, HasStore


class LoginEndParts(HasClock, HasStore, Protocol):
    """What this use case takes."""


def login_end(parts: LoginEndParts) -> datetime | None:
    """When it ends; None: not known, never, or it is renewed without a person."""
    left: float | None = getattr(underlying_store(parts.store), "login_ends_in", None)
    return None if left is None else parts.clock.now() + timedelta(seconds=left)
