"""Least privilege as data: what each role may do, from which both the printed policies and the preflight are made."""

from dataclasses import dataclass
from enum import StrEnum, unique

from tokenguard.stores.vault.layout import VaultAddress

_READ = ("read",)
_LIST = ("list",)
_WRITE = ("create", "read", "update")
_EVERYTHING = ("create", "read", "update", "delete", "list")


@unique
class VaultStoreRole(StrEnum):
    """Who uses a store."""

    CI_READER = "ci-reader"
    """A consumer: reads live values and nothing else."""
    ROTATOR = "rotator"
    """Adds, rotates, retires."""
    INVENTORY = "inventory"
    """Lists and shows every token, finds the owner of a leak; reads no value."""
    AUDITOR = "auditor"
    """Reads documents and audit trails; no value, no key."""
    SCANNER = "scanner"
    """A developer or a build: reads the bundle of fingerprints and its key, and nothing else."""
    PUBLISHER = "publisher"
    """Publishes fingerprints: reads every value, writes what the team shares."""
    PLANNER = "planner"
    """Plans on a pull request: reads documents; no audit trail, no value, no key."""
    APPROVER = "approver"
    """Approves plans and operations: what a planner may, and writes approvals, which no other role may."""
    BREAK_GLASS = "break-glass"
    """Makes the store, undeletes, repairs. For a login that is given out for an hour, by two people."""


@dataclass(frozen=True, slots=True)
class _Rule:
    endpoint: str
    below: str
    able: tuple[str, ...]
    asked: bool = True
    """Whether a rotation cannot be made without it."""


_SELF = (
    ("auth/token/lookup-self", _READ),
    ("auth/token/renew-self", ("update",)),
    ("sys/capabilities-self", ("update",)),
)
_DOCUMENTS = (
    _Rule("data", "meta/store", _READ),
    _Rule("data", "doc/*", _READ),
    _Rule("data", "log/*", _READ),
    _Rule("data", "name/*", _READ),
    _Rule("data", "idx/*", _READ),
    _Rule("metadata", "doc/*", _LIST),
    _Rule("detailed-metadata", "doc/*", _LIST),
    _Rule("metadata", "dirty/*", _LIST),
    _Rule("metadata", "idx/*", _LIST),
)
_PLANNING = tuple(rule for rule in _DOCUMENTS if rule.below not in {"log/*", "name/*"})
_APPROVALS = "shared/approvals"
"""Below it a server holds to this rule instead of that for `shared/*`, which is less exact."""
_OUTBOX = "shared/outbox"
"""It names tokens with what is wrong with them: not for those who read what counts as public, nor for them to write."""
_REQUESTS = "shared/requests"
"""It names tokens with what is planned for them: as the outbox."""
_NOT_PUBLIC = tuple(_Rule("data", f"{folder}/*", ("deny",), asked=False) for folder in (_OUTBOX, _REQUESTS))
_NOT_TO_PUBLISH = tuple(_Rule("data", f"{folder}/*", _READ, asked=False) for folder in (_APPROVALS, _OUTBOX, _REQUESTS))
"""For a role that reads every value and verifies every trail, and writes what else is shared."""
_RULES: dict[VaultStoreRole, tuple[_Rule, ...]] = {
    VaultStoreRole.CI_READER: (_Rule("data", "live/*", _READ),),
    VaultStoreRole.INVENTORY: (
        *_DOCUMENTS,
        _Rule("data", "key/fingerprint", _READ),
        _Rule("metadata", "fp/*", _LIST),
        _Rule("data", "shared/*", _READ),
    ),
    VaultStoreRole.AUDITOR: (*_DOCUMENTS, _Rule("data", "shared/*", _READ)),
    VaultStoreRole.SCANNER: (
        _Rule("data", "meta/store", _READ),
        _Rule("data", "shared/*", _READ),
        *_NOT_PUBLIC,
    ),
    VaultStoreRole.PUBLISHER: (
        *_DOCUMENTS,
        _Rule("data", "cand/*", _READ),
        _Rule("data", "live/*", _READ),
        _Rule("data", "shared/*", _WRITE),
        *_NOT_TO_PUBLISH,
    ),
    VaultStoreRole.PLANNER: _PLANNING,
    VaultStoreRole.APPROVER: (
        *_PLANNING,
        _Rule("data", f"{_APPROVALS}/*", _WRITE),
        _Rule("data", f"{_REQUESTS}/*", _READ, asked=False),
    ),
    VaultStoreRole.ROTATOR: (
        _Rule("data", "meta/store", _READ),
        _Rule("data", "key/fingerprint", _READ),
        *(_Rule("data", f"{folder}/*", _WRITE) for folder in ("doc", "name", "idx", "cand", "live", "log")),
        _Rule("data", "dirty/*", ("create",)),
        _Rule("data", "fp/*", ("create", "update")),
        _Rule("metadata", "doc/*", _LIST),
        _Rule("detailed-metadata", "doc/*", _LIST),
        _Rule("metadata", "idx/*", _LIST),
        _Rule("metadata", "dirty/*", ("list", "delete")),
        _Rule("metadata", "fp/*", ("list", "delete")),
        _Rule("metadata", "live/*", ("create", "update")),
        _Rule("destroy", "cand/*", ("create", "update")),
        _Rule("data", "shared/*", _READ, asked=False),
        _Rule("data", f"{_OUTBOX}/*", _WRITE, asked=False),
        _Rule("data", f"{_REQUESTS}/*", _WRITE, asked=False),
    ),
    VaultStoreRole.BREAK_GLASS: tuple(
        _Rule(endpoint, "*", _EVERYTHING)
        for endpoint in ("data", "metadata", "detailed-metadata", "delete", "undelete", "destroy")
    ),
}


def policy(role: VaultStoreRole, place: VaultAddress) -> str:
    """The role's policy for one store, in the language of Vault and OpenBao."""
    rules = [(f"{place.mount}/{rule.endpoint}/{place.at(rule.below)}", rule.able) for rule in _RULES[role]]
    if role is not VaultStoreRole.CI_READER:
        rules += [(f"{place.mount}/config", _READ), *_SELF]
    return "\n".join(f'path "{path}" {{ capabilities = [{_listed(able)}] }}' for path, able in rules) + "\n"


def needs(role: VaultStoreRole, place: VaultAddress) -> dict[str, tuple[str, ...]]:
    """What the role must be able to do, as paths to ask about.

    What only some servers have is left out, and what no rotation needs: a login of an older policy goes on rotating.
    """
    return {
        f"{place.mount}/{rule.endpoint}/{place.at(rule.below.replace('*', 'x'))}": rule.able
        for rule in _RULES[role]
        if rule.asked and rule.endpoint != "detailed-metadata"
    }


def _listed(able: tuple[str, ...]) -> str:
    return ", ".join(f'"{each}"' for each in able)
