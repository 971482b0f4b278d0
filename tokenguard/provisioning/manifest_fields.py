"""Which fields a token of a manifest may have, where each may stand and what it holds; the schema is made of it."""

from collections.abc import Mapping
from enum import StrEnum, unique

from tokenguard.domain import field_address
from tokenguard.domain.token import ConsumerKind, CredentialKind
from tokenguard.domain.token_fields import PEOPLE
from tokenguard.frozen import Frozen
from tokenguard.provisioning.manifest import DesiredState, Issue


@unique
class FieldType(StrEnum):
    """What a field holds."""

    WORD = "word"
    """One segment of a name."""
    LINE = "line"
    """One line of text; empty text clears the field."""
    SCOPE = "scope"
    KIND = "kind"
    STATE = "state"
    ISSUE = "issue"
    PERMISSIONS = "permissions"
    DAY = "day"
    DAYS = "days"
    CONSUMERS = "consumers"
    LOCATION = "location"
    """A field that others own."""


class FieldDescription(Frozen, frozen=True, kw_only=True):
    """One field."""

    sort: FieldType
    says: str
    hint: str
    inherited: bool = False
    """Whether `defaults` may hold it."""
    overlaid: bool = False
    """Whether an environment may change it."""
    required: bool = False
    ids: bool = False
    """Whether it may hold ids, which can be long and random without being secret."""


_WORD = "use a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at most 63 characters"
_LINE = "write one line of at most 200 plain characters"
_DAYS = "write a whole number of days, 1 to 365"

FIELDS: Mapping[str, FieldDescription] = {
    "provider": FieldDescription(sort=FieldType.WORD, says="The provider.", hint=_WORD, inherited=True, required=True),
    "kind": FieldDescription(
        sort=FieldType.KIND,
        says="The kind of credential.",
        hint=f"one of {', '.join(CredentialKind)}",
        inherited=True,
    ),
    "state": FieldDescription(
        sort=FieldType.STATE,
        says="The desired state: live, or retired for good.",
        hint=f"one of {', '.join(DesiredState)}",
    ),
    "scope": FieldDescription(
        sort=FieldType.SCOPE,
        says="Its scope at the provider.",
        hint="write KIND:ID, for example drive:8c1f2a",
        inherited=True,
        overlaid=True,
        required=True,
        ids=True,
    ),
    "scope_name": FieldDescription(
        sort=FieldType.LINE, says="The scope's display name.", hint=_LINE, inherited=True, overlaid=True, ids=True
    ),
    "environment": FieldDescription(
        sort=FieldType.WORD,
        says="Its environment: prod, staging, dev.",
        inherited=True,
        required=True,
        hint=f"{_WORD}; or list `environments` and choose one with --env",
    ),
    "owner": FieldDescription(sort=FieldType.WORD, says="The owning team.", hint=_WORD, inherited=True, required=True),
    "purpose": FieldDescription(
        sort=FieldType.LINE, says="What it is used for.", hint=_LINE, inherited=True, required=True
    ),
    "permissions": FieldDescription(
        sort=FieldType.PERMISSIONS,
        says="Its permissions.",
        hint="write a list such as [posts:read, posts:write]",
        inherited=True,
        overlaid=True,
    ),
    **{
        each.name: FieldDescription(
            sort=FieldType.LINE,
            says=each.help,
            hint=_LINE,
            inherited=True,
            overlaid=True,
            ids=each.role == "login",
        )
        for each in PEOPLE
    },
    "due": FieldDescription(
        sort=FieldType.DAY,
        says="Rotation deadline, if earlier than the policy's maximum age.",
        hint="write a date such as 2027-01-31",
        overlaid=True,
    ),
    "consumers": FieldDescription(
        sort=FieldType.CONSUMERS,
        says="Its consumers; an empty list means no consumers, omitting it means undeclared.",
        hint=f"write KIND:TARGET, as in dotenv:/ABSOLUTE/PATH#VARIABLE; the kinds are {', '.join(ConsumerKind)}",
        overlaid=True,
        ids=True,
    ),
    "location": FieldDescription(
        sort=FieldType.LOCATION,
        says="The Vault or AWS field that already has its value, and keeps it.",
        hint=field_address.FORM,
        overlaid=True,
        ids=True,
    ),
    "issue": FieldDescription(
        sort=FieldType.ISSUE,
        says="Source of its first value: the API, a person guided by tokenguard, or a person who adds a value.",
        hint=f"one of {', '.join(Issue)}",
        inherited=True,
    ),
    "value_within": FieldDescription(
        sort=FieldType.DAYS,
        says="Days within which a person should add its first value.",
        hint=_DAYS,
        inherited=True,
        overlaid=True,
    ),
    "notes": FieldDescription(sort=FieldType.LINE, says="Free text.", hint=_LINE, overlaid=True, ids=True),
}
"""In the order in which `fmt` writes them."""

INHERITED = tuple(name for name, about in FIELDS.items() if about.inherited)
OVERLAID = tuple(name for name, about in FIELDS.items() if about.overlaid)
REQUIRED = tuple(name for name, about in FIELDS.items() if about.required)
TOP = ("version", "include", "defaults", "environments", "tokens")
"""The keys of a manifest, in their order."""
INCLUDED = ("version", "include", "defaults", "tokens")
OVERLAY = ("tokens",)
