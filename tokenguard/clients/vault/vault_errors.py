"""Vault failures: a closed list, each with a message and a hint."""

import re
from enum import StrEnum, unique

from tokenguard.errors import Conflict, Unreachable
from tokenguard.http.pacing import too_long


@unique
class VaultFailure(StrEnum):
    """Why a request failed."""

    ABSENT = "absent"
    DELETED = "deleted"
    """The current version of the entry was deleted or destroyed."""
    ENDING = "ending"
    """What was just written will be deleted by the server itself."""
    CAS = "cas"
    DENIED = "denied"
    EXPIRED = "expired"
    SPENT = "spent"
    """The login was accepted for one request, and is not any more."""
    UNSEEN = "unseen"
    """The login is accepted, and may not look itself up."""
    NAMESPACE = "namespace"
    """There is no such namespace."""
    NO_ROUTE = "no-route"
    """Not even what every login may ask for is there."""
    CLAIM = "claim"
    """A job's identity is genuine, and a claim of it is not the one that the role is bound to."""
    NO_ROLE = "no-role"
    SIGNATURE = "signature"
    """A job's identity is not signed by whom the login method trusts."""
    LOGIN = "login"
    """A role_id with its secret_id, or another stored credential, is not accepted."""
    WRAPPING = "wrapping"
    """A wrapping token was used before, or has expired."""
    UNWRAPPED = "unwrapped"
    """What should be a wrapping token is a secret_id."""
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too-large"
    BEHIND = "behind"
    """A replica that has not seen our last write yet (412)."""
    THROTTLED = "throttled"
    STANDBY = "standby"
    SEALED = "sealed"
    UNINITIALISED = "uninitialised"
    RECOVERY = "recovery"
    """A secondary for disaster recovery, which serves no request."""
    SERVER = "server"
    GATEWAY = "gateway"
    """A 5xx of something before the vault: it has no body of a vault."""
    REDIRECT = "redirect"
    MALFORMED = "malformed"
    CONNECT = "connect"
    TLS = "tls"
    HANDSHAKE = "handshake"
    TIMEOUT = "timeout"
    RESET = "reset"


_WORDS: dict[VaultFailure, tuple[str, str]] = {
    VaultFailure.ABSENT: ("the vault has nothing at that path", "check MOUNT and PREFIX of the store's address"),
    VaultFailure.DELETED: (
        "an entry of the store was deleted in the vault",
        "a destroyed entry can only be restored from a snapshot",
    ),
    VaultFailure.ENDING: (
        "the vault will delete by itself what is written to the store's mount (delete_version_after)",
        (
            "switch that off (`vault write MOUNT/config delete_version_after=0s`, and for the entry "
            "`vault kv metadata put -delete-version-after=0s -mount=MOUNT PATH`), then run the command again"
        ),
    ),
    VaultFailure.CAS: (
        "another writer changed the entry at the same time",
        "run the command again; it continues from the current state",
    ),
    VaultFailure.DENIED: (
        "the vault denied the request: the login in use lacks a permission",
        "compare the role's policy with `tokenguard init --print-policy`",
    ),
    VaultFailure.EXPIRED: (
        "the vault does not accept the login in use: it has expired or was revoked",
        "log in again",
    ),
    VaultFailure.SPENT: (
        "the login was valid for one request only: it is a wrapping token, or a token with a limited number of uses",
        (
            "give the token that is wrapped (`bao unwrap`), or one without such a limit; what a wrapping token held is "
            "lost with it: have it issued again"
        ),
    ),
    VaultFailure.UNSEEN: (
        "the vault accepts the login, but denies it lookup-self: its identity and expiry are unknown",
        'add to its policy: `path "auth/token/lookup-self" { capabilities = ["read"] }` (ci-reader needs none)',
    ),
    VaultFailure.NAMESPACE: (
        "the vault has no such namespace",
        "check `namespace` of [vault], or VAULT_NAMESPACE; `bao namespace list` lists them",
    ),
    VaultFailure.NO_ROUTE: (
        "the server does not have this path of the Vault API",
        "check the path in the address: give only the server, without /v1 or /ui",
    ),
    VaultFailure.CLAIM: (
        "a claim of the job's identity does not match the role's bound claims",
        "compare the role's bound_claims with the job",
    ),
    VaultFailure.NO_ROLE: ("the vault's login method has no such role", "check `role` and `auth_mount` of [vault]"),
    VaultFailure.SIGNATURE: (
        "the job's identity is not signed by an issuer that the vault's login method trusts",
        "check `auth_mount` of [vault], and which issuer or key that method is set up with",
    ),
    VaultFailure.LOGIN: (
        "the vault does not accept the credential of [vault] with this role and login method",
        "check `auth`, `auth_mount`, `role` and `credential` of [vault]; a secret_id may be used up or expired",
    ),
    VaultFailure.WRAPPING: (
        "the wrapping token is not valid: it was unwrapped before, or has expired",
        "create a new one; if none of your jobs unwrapped it, the secret_id is compromised: destroy it",
    ),
    VaultFailure.UNWRAPPED: (
        "the credential of [vault] is a plain secret_id, but `wrapped = true` requires a wrapping token",
        "remove `wrapped = true` from [vault], or give the wrapping token (`bao write -wrap-ttl=5m -f …/secret-id`)",
    ),
    VaultFailure.REFUSED: ("the vault refused a request as malformed", "check that the mount is KV version 2"),
    VaultFailure.UNSUPPORTED: ("the vault does not support a request", "check that the mount is KV version 2"),
    VaultFailure.TOO_LARGE: (
        "the vault refused an entry as too large",
        "keep notes and consumer lists of one token short",
    ),
    VaultFailure.BEHIND: ("the vault's replica is behind its leader", "try again, or set the leader's address"),
    VaultFailure.THROTTLED: ("the vault asks for fewer requests (429)", "wait, or raise the role's quota"),
    VaultFailure.STANDBY: (
        "the vault's node is a standby without a leader",
        "wait for the election, or set another address",
    ),
    VaultFailure.SEALED: ("the vault is sealed, or has no leader", "unseal it"),
    VaultFailure.UNINITIALISED: ("the vault is not initialised", "check the address, or initialise the server"),
    VaultFailure.RECOVERY: (
        "the server is a disaster-recovery secondary, which answers no request but its promotion",
        "set the address of the primary cluster",
    ),
    VaultFailure.GATEWAY: (
        "a proxy or load balancer answered in place of the vault (5xx)",
        "check that the vault behind it is up, and the address",
    ),
    VaultFailure.SERVER: ("the vault failed to answer (5xx)", "see the server's log"),
    VaultFailure.REDIRECT: (
        "the vault answered with a redirect, which is never followed",
        "set the address of the server that serves the API itself",
    ),
    VaultFailure.MALFORMED: (
        "the server that answered is not a vault",
        "check the address, also http or https, and the proxy",
    ),
    VaultFailure.CONNECT: ("the vault cannot be reached", "check address, network and proxy"),
    VaultFailure.TLS: (
        "the vault's certificate is not accepted",
        "name its authority in VAULT_CACERT or `ca_bundle`; also check the host name in the address and the expiry",
    ),
    VaultFailure.HANDSHAKE: (
        "no TLS connection with the vault can be made",
        "check scheme and port of the address (a development server has http://), and whether TLS 1.2 is spoken there",
    ),
    VaultFailure.TIMEOUT: ("the vault did not answer in time", "check the server's health"),
    VaultFailure.RESET: (
        "the connection to the vault broke off",
        "run the command again; it continues where it stopped",
    ),
}

_CLAIM = re.compile(
    r"claim \"([A-Za-z0-9_./:-]{1,64})\" (?:does not match|is missing)"
    r"|invalid [a-z ]{1,32} \((aud|sub|iss|exp|nbf|iat)\) claim"
)
_PHRASES: dict[int, dict[str, VaultFailure]] = {
    400: {
        "check-and-set parameter did not match": VaultFailure.CAS,
        "too large": VaultFailure.TOO_LARGE,
        "high complexity": VaultFailure.TOO_LARGE,
        "missing client token": VaultFailure.EXPIRED,
        "* invalid token": VaultFailure.EXPIRED,  # where the token ended with this request
        "replication DR secondary": VaultFailure.RECOVERY,
        "from non-versioned to versioned": VaultFailure.BEHIND,  # a mount that was made a moment ago
        "wrapping token is not valid": VaultFailure.WRAPPING,
        "could not be found": VaultFailure.NO_ROLE,
        "token signature": VaultFailure.SIGNATURE,
        "invalid role or secret": VaultFailure.LOGIN,
    },
    403: {"invalid token": VaultFailure.EXPIRED, "bad token": VaultFailure.EXPIRED},
    404: {"namespace not found": VaultFailure.NAMESPACE},
}
_BY_STATUS = {
    400: VaultFailure.REFUSED,
    403: VaultFailure.DENIED,
    404: VaultFailure.ABSENT,
    405: VaultFailure.UNSUPPORTED,
    412: VaultFailure.BEHIND,
    413: VaultFailure.TOO_LARGE,
    429: VaultFailure.THROTTLED,
    472: VaultFailure.STANDBY,
    473: VaultFailure.STANDBY,
    501: VaultFailure.UNINITIALISED,
    503: VaultFailure.SEALED,
}
_PASSING = frozenset(
    {
        VaultFailure.BEHIND, VaultFailure.THROTTLED, VaultFailure.STANDBY, VaultFailure.SEALED, VaultFailure.SERVER,
        VaultFailure.GATEWAY, VaultFailure.CONNECT, VaultFailure.TIMEOUT, VaultFailure.RESET,
    }
)  # fmt: skip
_UNDECIDED = frozenset(
    {
        VaultFailure.SERVER, VaultFailure.GATEWAY, VaultFailure.TIMEOUT, VaultFailure.RESET, VaultFailure.SEALED,
        VaultFailure.MALFORMED,
    }
)  # fmt: skip


class VaultError(Unreachable):
    """A failed request to a Vault, created by `because`. Never quotes the server's response."""

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        reason: VaultFailure = VaultFailure.SERVER,
        retry_after: float | None = None,
        claim: str = "",
        version: int = 0,
        by_policy: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.claim = claim
        self.version = version
        """The number of a deleted version; 0: unknown, or nothing was deleted."""
        self.by_policy = by_policy
        """Whether a policy of a login that the server knows denied the request."""
        self.reason = reason
        self.retry_after = retry_after

    @classmethod
    def because(
        cls,
        reason: VaultFailure,
        *,
        retry_after: float | None = None,
        claim: str = "",
        at: str = "",
        version: int = 0,
        by_policy: bool = False,
    ) -> "VaultError":
        """Return the error for a reason.

        Args:
            reason: what failed.
            retry_after: seconds to wait.
            claim: the identity claim it is about.
            at: the address that gave no answer.
            version: the number of a deleted version.
            by_policy: whether a policy denied it.
        """
        message, hint = _WORDS[reason]
        if at and reason in {VaultFailure.CONNECT, VaultFailure.TIMEOUT}:
            message = f"the vault at {at} {message.removeprefix('the vault ')}"
        if retry_after is not None and too_long(retry_after):
            hint = f"it asks to wait {retry_after:,.0f} s; try again then"
        return cls(
            message,
            hint=hint,
            reason=reason,
            retry_after=retry_after,
            claim=claim,
            version=version,
            by_policy=by_policy,
        )

    @classmethod
    def deleted(cls, mount: str, path: str, version: int = 0) -> "VaultError":
        """Return the error for a deleted entry, with the commands that restore it."""
        at = f"-mount={mount} {path}"
        last, back = f"vault kv metadata get {at}", f"vault kv undelete -versions=N {at}"
        message, hint = _WORDS[VaultFailure.DELETED]
        told = f"`{last}` shows its current_version N, and `{back}` restores it; {hint}"
        return cls(message, hint=told, reason=VaultFailure.DELETED, version=version)

    @classmethod
    def ending(cls, mount: str, path: str) -> "VaultError":
        """Return the error for an entry that was written and will be deleted, with the command that prevents it."""
        message, hint = _WORDS[VaultFailure.ENDING]
        return cls(message, hint=hint.replace("MOUNT", mount).replace("PATH", path), reason=VaultFailure.ENDING)

    @property
    def passing(self) -> bool:
        """Whether a retry may help."""
        return self.reason in _PASSING and not too_long(self.retry_after)

    @property
    def undecided(self) -> bool:
        """Whether a write may have taken effect nevertheless."""
        return self.reason in _UNDECIDED


class CasLost(Conflict):
    """An entry's version is not the expected one: another writer changed the entry."""

    @classmethod
    def now(cls) -> "CasLost":
        """With the words that fit any entry; callers say what it was."""
        message, hint = _WORDS[VaultFailure.CAS]
        return cls(message, hint=hint)


def is_by_policy(errors: str) -> bool:
    """Whether a server's words deny a request of a login that it knows; of an unknown one it says less."""
    return "* permission denied" in errors and "invalid token" not in errors


def claim_in(errors: str) -> str:
    """The claim of a job's identity that a server's words are about; empty: they are about none."""
    found = _CLAIM.search(errors)
    return (found[1] or found[2]) if found else ""


def reason_of(status: int, errors: str) -> VaultFailure | None:
    """What an HTTP status means; None for success.

    Args:
        status: the HTTP status.
        errors: the server's own words, looked at for a few phrases and kept nowhere.
    """
    if status in {200, 204}:
        return None
    if claim_in(errors):
        return VaultFailure.CLAIM
    for phrase, reason in _PHRASES.get(status, {}).items():
        if phrase in errors:
            return reason
    if status // 100 == 3:  # noqa: PLR2004 - HTTP
        return VaultFailure.REDIRECT
    return _BY_STATUS.get(status) or (VaultFailure.SERVER if status // 100 == 5 else VaultFailure.MALFORMED)  # noqa: PLR2004 - HTTP
