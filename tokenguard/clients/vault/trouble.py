"""What can go wrong between us and a Vault: a closed list, each with our own sentence and hint."""

from enum import StrEnum, unique

from tokenguard.errors import Conflict, Unreachable
from tokenguard.http.pacing import too_long


@unique
class Reason(StrEnum):
    """Why a request brought nothing usable."""

    ABSENT = "absent"
    DELETED = "deleted"
    """There is an entry, and somebody deleted or destroyed its current version."""
    CAS = "cas"
    DENIED = "denied"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too-large"
    BEHIND = "behind"
    """A replica that has not seen our last write yet (412)."""
    THROTTLED = "throttled"
    STANDBY = "standby"
    SEALED = "sealed"
    UNINITIALISED = "uninitialised"
    SERVER = "server"
    REDIRECT = "redirect"
    MALFORMED = "malformed"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.ABSENT: ("the vault has nothing at that path", "check MOUNT and PREFIX of the store's address"),
    Reason.DELETED: (
        "somebody deleted an entry of the store in the vault",
        "a destroyed one is in snapshots only",
    ),
    Reason.CAS: ("another writer was first", "run the command again: it goes on from what is there now"),
    Reason.DENIED: (
        "the vault denies this to the login in use",
        "compare the role's policy with `tokenguard init --print-policy`",
    ),
    Reason.EXPIRED: (
        "the vault does not accept the login in use: it has expired or was revoked",
        "log in again, then go on with `tokenguard rotate --resume`",
    ),
    Reason.REFUSED: ("the vault refused a request as malformed", "check that the mount is KV version 2"),
    Reason.UNSUPPORTED: ("the vault does not know a request", "check that the mount is KV version 2"),
    Reason.TOO_LARGE: ("the vault refused an entry as too large", "keep notes and consumer lists of one token short"),
    Reason.BEHIND: ("the vault's replica is behind its leader", "try again, or set the leader's address"),
    Reason.THROTTLED: ("the vault asks for fewer requests (429)", "wait, or have the quota of the role raised"),
    Reason.STANDBY: ("the vault's node is a standby without a leader", "wait for the election, or set another address"),
    Reason.SEALED: ("the vault is sealed, or has no leader", "have it unsealed, then run the command again"),
    Reason.UNINITIALISED: ("the vault is not initialised", "check the address: nobody has set this server up"),
    Reason.SERVER: ("the vault failed to answer (5xx)", "see the server's log, then run the command again"),
    Reason.REDIRECT: (
        "the vault answered with a redirect, which is never followed",
        "set the address to the one that serves the API itself",
    ),
    Reason.MALFORMED: ("what answered is not a vault", "check the address, and what stands between"),
    Reason.CONNECT: ("the vault cannot be reached", "check address, network and proxy"),
    Reason.TLS: (
        "the vault's certificate is not accepted",
        "check `ca_bundle`, the host name in the address, and whether the certificate has expired",
    ),
    Reason.TIMEOUT: ("the vault did not answer in time", "check the server's health, then run the command again"),
    Reason.RESET: ("the connection to the vault broke off", "run the command again; what was begun is found again"),
}

_PASSING = frozenset(
    {
        Reason.BEHIND, Reason.THROTTLED, Reason.STANDBY, Reason.SEALED, Reason.SERVER,
        Reason.CONNECT, Reason.TIMEOUT, Reason.RESET,
    }
)  # fmt: skip
_UNDECIDED = frozenset({Reason.SERVER, Reason.TIMEOUT, Reason.RESET, Reason.SEALED, Reason.MALFORMED})


class VaultTrouble(Unreachable):
    """A request to a Vault that brought nothing usable; `because` makes one. Never quotes the other side."""

    def __init__(
        self, message: str, *, hint: str, reason: Reason = Reason.SERVER, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.retry_after = retry_after

    @classmethod
    def because(cls, reason: Reason, *, retry_after: float | None = None) -> "VaultTrouble":
        """The trouble of that reason; `retry_after`: seconds the server asked us to wait."""
        message, hint = _WORDS[reason]
        if retry_after is not None and too_long(retry_after):
            hint = f"it asks to wait {retry_after:,.0f} s; try again then"
        return cls(message, hint=hint, reason=reason, retry_after=retry_after)

    @classmethod
    def deleted(cls, mount: str, path: str) -> "VaultTrouble":
        """Somebody deleted the entry at a path of ours; says which one, and how it comes back."""
        at = f"-mount={mount} {path}"
        last, back = f"vault kv metadata get {at}", f"vault kv undelete -versions=N {at}"
        message, hint = _WORDS[Reason.DELETED]
        told = f"`{last}` tells its current_version N, `{back}` brings that back; {hint}"
        return cls(message, hint=told, reason=Reason.DELETED)

    @property
    def passing(self) -> bool:
        """Whether asking again soon may help."""
        return self.reason in _PASSING and not too_long(self.retry_after)

    @property
    def undecided(self) -> bool:
        """Whether a write may have taken effect all the same."""
        return self.reason in _UNDECIDED


class CasLost(Conflict):
    """An entry's version is not the expected one: another writer was first."""

    @classmethod
    def now(cls) -> "CasLost":
        """With the words that fit any entry; callers say what it was."""
        message, hint = _WORDS[Reason.CAS]
        return cls(message, hint=hint)


def reason_of(status: int, errors: str) -> Reason | None:
    """What an HTTP status means; None for success.

    Args:
        status: the HTTP status.
        errors: the server's own words, looked at for a few phrases and kept nowhere.
    """
    if status in {200, 204}:
        return None
    if status == 400:  # noqa: PLR2004 - HTTP
        phrases = {"check-and-set parameter did not match": Reason.CAS, "too large": Reason.TOO_LARGE}
        phrases |= {"high complexity": Reason.TOO_LARGE, "missing client token": Reason.EXPIRED}
        phrases["from non-versioned to versioned"] = Reason.BEHIND  # a mount that was made a moment ago
        return next((reason for phrase, reason in phrases.items() if phrase in errors), Reason.REFUSED)
    if status == 403:  # noqa: PLR2004 - HTTP
        return Reason.EXPIRED if "invalid token" in errors or "bad token" in errors else Reason.DENIED
    known = {
        404: Reason.ABSENT, 405: Reason.UNSUPPORTED, 412: Reason.BEHIND, 413: Reason.TOO_LARGE, 429: Reason.THROTTLED,
        472: Reason.STANDBY, 473: Reason.STANDBY, 501: Reason.UNINITIALISED, 503: Reason.SEALED,
    }  # fmt: skip
    if status in known:
        return known[status]
    if status // 100 == 3:  # noqa: PLR2004 - HTTP
        return Reason.REDIRECT
    return Reason.SERVER if status // 100 == 5 else Reason.MALFORMED  # noqa: PLR2004 - HTTP
