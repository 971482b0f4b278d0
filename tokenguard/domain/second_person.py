"""Operations for which a policy may ask for the approval of a second person, and what an approval of one covers."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from tokenguard.domain.names import TokenId, TokenName
from tokenguard.frozen import Frozen

_ASSUMED = ":assumed-role/"


@unique
class SensitiveKind(StrEnum):
    """Kinds of operations that the policy rule `second-person` may name."""

    COMPROMISED = "compromised"
    """A rotation that revokes first: its consumers fail until they have the new value."""
    RETIRE = "retire"
    DESTINATION = "destination"
    """A place that the token's value was not sent to before."""
    OWNER = "owner"
    PERMISSIONS = "permissions"
    """Permissions that the token did not have, or is not known to have."""
    WAIVER = "waiver"
    """A leaked value that scans skip until a date."""
    MIGRATE = "migrate"
    """The whole store."""
    REVEAL = "reveal"

    @property
    def words(self) -> str:
        """The operation in words, as people read it."""
        return _TITLES[self]


_TITLES = {
    SensitiveKind.COMPROMISED: "rotation that revokes first",
    SensitiveKind.RETIRE: "retirement",
    SensitiveKind.DESTINATION: "new destination",
    SensitiveKind.OWNER: "change of owner",
    SensitiveKind.PERMISSIONS: "wider permissions",
    SensitiveKind.WAIVER: "waiver of a leak",
    SensitiveKind.MIGRATE: "migration of the store",
    SensitiveKind.REVEAL: "disclosure of the value",
}
LOOSENED = "end of the second-person rule for"
"""The title of the fact that a change of a record ends protection; the facts beside it say what changes."""
SELECTED_BY = ("environment", "name", "provider")
"""The fields by which overrides of the policy select tokens; the facts name those that change."""


class SensitiveOperation(Frozen, frozen=True, kw_only=True):
    """One operation as a second person judges it."""

    kind: SensitiveKind
    token: TokenId = TokenId("")
    """Empty: a token that has no record yet, or the whole store."""
    name: TokenName = TokenName("")
    facts: tuple[tuple[str, str], ...] = ()
    """What is judged besides the name, each with its title: provider, scope, environment, the new destination."""

    @property
    def words(self) -> str:
        """The operation on one line, as an approval keeps it."""
        return f"{self.kind}{self._facts}"

    @property
    def described(self) -> str:
        """The operation on one line, for people."""
        return f"{self.title}{self._facts}"

    @property
    def _facts(self) -> str:
        facts = ", ".join(
            f"{title} " + ", ".join(json.dumps(each, ensure_ascii=False) if ", " in each else each for each in found)
            for title, joined in self.by_title.items()
            if joined and (found := joined.split("\n"))
        )
        return f" ({facts})" if facts else ""

    @property
    def title(self) -> str:
        """What is done, without its facts."""
        titles = self.by_title
        if LOOSENED not in titles:
            return self.kind.words
        return f"change of {' and '.join(each for each in SELECTED_BY if f'new {each}' in titles)}"

    @property
    def by_title(self) -> dict[str, str]:
        """The facts for programs; several of one title are a line each."""
        titles = dict.fromkeys(title for title, _ in self.facts)
        return {title: "\n".join(fact for found, fact in self.facts if found == title) for title in titles}

    def digest(self, store: str, requester: str) -> str:
        """SHA-256 (hex) over the operation, its store and the identity that will run it."""
        body = msgspec.json.encode((1, "second-person", store, requester, self), order="deterministic")
        return hashlib.sha256(body).hexdigest()


class OpenReview(Frozen, frozen=True, kw_only=True):
    """An operation that was begun with `--break-glass` and that no other person has reviewed."""

    digest: str
    name: TokenName
    """Empty: the whole store."""
    operation: str
    by: str
    at: datetime
    reason: str


class ExpiredRequest(Frozen, frozen=True, kw_only=True):
    """A request that was not approved in time, or whose approval was not used in time."""

    digest: str
    name: TokenName
    """Empty: the whole store."""
    operation: str
    by: str
    at: datetime
    ended: datetime
    approved: bool

    @property
    def why(self) -> str:
        """When it ended, and what was lacking."""
        lacking = "its approval was not used" if self.approved else "it was not approved"
        return f"expired on {self.ended:%Y-%m-%d}, because {lacking}"


RENEW = "run the command again if it is still needed; it files a new request"
"""What a requester does about a request that expired."""


def same_person(one: str, other: str) -> bool:
    """Whether two identities may be the same person's.

    A session of an AWS role is named by its user, or by the caller: the same role counts as the same person, and so
    does the same session name in another role.
    """
    return bool(_parts(one) & _parts(other))


def _parts(identity: str) -> set[str]:
    role, separator, rest = identity.partition(_ASSUMED)
    name, _, session = rest.partition("/")
    return {f"{role}{_ASSUMED}{name}", f"{role} {session}"} if separator else {identity}
