"""The texts of a record: how each is named, asked for, declared and shown. A new one needs a row here and its field.

`Record`, `RecordChanges` and `Declared` have the fields; options, columns, the manifest, rules and pages take the rest
from this table.
"""

from typing import TYPE_CHECKING

from tokenguard.frozen import Frozen

if TYPE_CHECKING:  # the table itself needs no record
    from tokenguard.domain.token import Record


class TextField(Frozen, frozen=True, kw_only=True):
    """One text of a record."""

    name: str
    option: str
    metavar: str
    help: str
    label: str
    """As `show` and the pages call it."""
    word: bool = False
    """One segment of a name, not a line."""
    ids: bool = True
    """Whether it may hold ids, which can be long and random without being secret."""
    declared: bool = True
    """Whether a manifest may say it."""
    role: str = ""
    """What a person who is named there is for the token."""
    missing: str = ""
    """What a policy says is not recorded; empty: its name."""
    page: str = ""
    """As the runbook calls it."""
    maker: bool = False
    """Whether who is named there created the value, and may know it."""
    successor: str = ""
    """Who takes over from a person that leaves: `person`, `login` or `owner` of the successors."""

    def of(self, record: "Record") -> str:
        """What a record has there."""
        text: str = getattr(record, self.name)
        return text


FIELDS = (
    TextField(
        name="scope_name", option="--scope-name", metavar="TEXT", label="scope name",
        help="Display name of the scope.",
    ),
    TextField(
        name="environment", option="--env", metavar="E", label="environment", word=True, ids=False,
        help="Environment: prod, staging, dev, ...",
    ),
    TextField(
        name="owner", option="--owner", metavar="TEAM", label="owner", word=True, ids=False,
        role="owner", successor="owner", page="Team", help="The owning team.",
    ),
    TextField(
        name="purpose", option="--purpose", metavar="TEXT", label="purpose", ids=False,
        help="What the token is used for.",
    ),
    TextField(
        name="made_by", option="--made-by", metavar="PERSON", label="created by",
        role="creator", maker=True, successor="person", missing="the person who created it",
        page="Person who created it", help="The person who created it.",
    ),
    TextField(
        name="account", option="--account", metavar="LOGIN", label="account",
        role="login", maker=True, successor="login", missing="the login account",
        page="Provider login it was created with", help="The provider login it was created with.",
    ),
    TextField(
        name="deputy", option="--deputy", metavar="PERSON", label="deputy",
        role="deputy", successor="person", missing="a deputy", page="Deputy, if the team cannot be reached",
        help="The deputy, who acts if the owner cannot be reached.",
    ),
    TextField(
        name="label", option="--label", metavar="TEXT", label="label", declared=False,
        help="The token's name at the provider, shown in the provider's settings.",
    ),
    TextField(name="notes", option="--notes", metavar="TEXT", label="notes", ids=False, help="Free text."),
)  # fmt: skip
ROLES = tuple(each for each in FIELDS if each.role)
"""Who is named in a record: a person, a login or a team."""
PEOPLE = tuple(each for each in ROLES if not each.word)
"""The same without the team."""
MAKERS = tuple(each for each in PEOPLE if each.maker)
STAND_INS = tuple(each for each in PEOPLE if not each.maker)
"""Whom to reach if the owner cannot be reached."""
BY_NAME = {each.name: each for each in FIELDS}
