"""Which rules there are and which parameters each takes: all that reading a policy needs, without their code."""

from collections.abc import Mapping
from enum import StrEnum, unique

from tokenguard.frozen import Frozen


@unique
class ParameterType(StrEnum):
    """What a parameter holds."""

    DAYS = "days"
    """Whole days, 1 to 3,650."""
    COUNT = "count"
    """A whole number, 1 to 1,000,000."""
    DAYS_LIST = "days-list"
    DAYS_BY_ENVIRONMENT = "days-by-environment"
    WORDS = "words"
    ALLOWED_WORDS = "allowed-words"
    """Words that allow something: fewer are stricter."""
    FIELDS = "fields"
    """Names of fields of a record."""
    WORDS_BY_PURPOSE = "words-by-purpose"
    WORDS_BY_CONTEXT = "words-by-context"
    REACHES = "reaches"
    """How far a leaked value got."""
    WINDOWS = "windows"
    """When something may begin: `mon-fri 02:00-05:00`, in UTC. None: at any time."""
    FREEZES = "freezes"
    """Days on which it may not: `2026-12-20..2027-01-05`."""


MAX_CONDITION = 1_000
"""Characters of a condition in CEL."""
FIELDS = ("owner", "scope", "purpose", "environment", "made_by", "account", "deputy")


class RuleDescription(Frozen, frozen=True):
    """What a rule demands, and the parameters it must be given."""

    demands: str
    parameters: Mapping[str, ParameterType] = {}
    checked: bool = True
    """False: it sets a parameter for rotation, and `check` has nothing to ask."""
    repository: bool = False
    """It is asked of a repository's files, not of a token."""


CATALOGUE: Mapping[str, RuleDescription] = {
    "maximum-age": RuleDescription(
        "No live value is older than its environment allows, or past its own due date.",
        {"days": ParameterType.DAYS_BY_ENVIRONMENT, "otherwise": ParameterType.DAYS, "warn": ParameterType.DAYS_LIST},
    ),
    "age-unknown": RuleDescription("It is known how old every value is."),
    "leaked": RuleDescription(
        "No token is on record as leaked; an unattended rotation revokes first where the leak reached one of these.",
        {"revoke_first": ParameterType.REACHES},
    ),
    "unattended-rotation": RuleDescription(
        "Rotations that run without a person begin within these windows, outside freezes, and at most so many a day.",
        {"most": ParameterType.COUNT, "windows": ParameterType.WINDOWS, "freezes": ParameterType.FREEZES},
        checked=False,
    ),
    "late-due-date": RuleDescription("A due date of its own is not later than the maximum age would allow."),
    "quiet-consumers": RuleDescription(
        "Undeclared consumers are ruled out only by this many quiet days at the provider.",
        {"days": ParameterType.DAYS},
        checked=False,
    ),
    "required-fields": RuleDescription(
        "The fields that a full member of the inventory must have.", {"fields": ParameterType.FIELDS}
    ),
    "responsible-people": RuleDescription("The people behind a token are known.", {"fields": ParameterType.FIELDS}),
    "person-left": RuleDescription("Nobody who has left still stands behind a token.", {"people": ParameterType.WORDS}),
    "descriptive-name": RuleDescription(
        "A name says whose and what for, here and at the provider: enough segments, and none of these words.",
        {"segments": ParameterType.COUNT, "words": ParameterType.WORDS},
    ),
    "one-purpose": RuleDescription("There is one token for each scope, environment and purpose."),
    "shared-value": RuleDescription("No value is recorded under two names."),
    "shared-across-environments": RuleDescription("No value is used in two environments."),
    "one-drive-per-context": RuleDescription(
        "No Drive has tokens of two security contexts: lists of `owner:NAME`, `env:NAME` and beginnings of names.",
        {"contexts": ParameterType.WORDS_BY_CONTEXT},
    ),
    "tokens-per-scope": RuleDescription(
        "No Drive or organisation has more tokens than this.", {"most": ParameterType.COUNT}
    ),
    "concurrency-limit": RuleDescription(
        "The provider's own limit of live tokens is not nearly reached (in per cent of it).",
        {"percent": ParameterType.COUNT},
    ),
    "never-verified": RuleDescription("Every value was looked at through its provider at least once."),
    "verified-lately": RuleDescription(
        "The last look at a value is not older than this.", {"days": ParameterType.DAYS}
    ),
    "value-alive": RuleDescription("What the store hands out is accepted by its provider."),
    "right-scope": RuleDescription("A token leads to the Drive or organisation that its record names."),
    "scope-verified": RuleDescription("Where a token leads was verified, not only assumed."),
    "unused": RuleDescription(
        "A token that the provider has not seen for this long is ended.", {"days": ParameterType.DAYS}
    ),
    "expiry-missing": RuleDescription("Where the provider lets tokens expire, every token does."),
    "orphan": RuleDescription("Every token that the provider lists belongs to a record."),
    "least-privilege": RuleDescription(
        "A token has no permission beyond what its purpose needs, and never all of them.",
        {"permissions": ParameterType.WORDS_BY_PURPOSE},
    ),
    "session-kept": RuleDescription("Session tokens are neither kept as secrets nor given to consumers."),
    "consumers-declared": RuleDescription("Somebody has said who uses the token."),
    "no-consumer": RuleDescription("A token that nobody uses is retired."),
    "consumers-confirmed": RuleDescription("Every consumer is known to hold the new value since the last rotation."),
    "rotation-stuck": RuleDescription("No operation stays open longer than this.", {"days": ParameterType.DAYS}),
    "old-token-dead": RuleDescription("The token that a rotation replaced is proven dead, and stays dead."),
    "asserted-death": RuleDescription(
        "Where a death that has no control, and is only asserted, ends an operation with exit 0.",
        {"providers": ParameterType.ALLOWED_WORDS, "last_token": ParameterType.ALLOWED_WORDS},
        checked=False,
    ),
    "env-file-tracked": RuleDescription("Git does not track a file of environment variables.", repository=True),
    "env-file-ignored": RuleDescription("Git would not take a `.env` that somebody makes here.", repository=True),
    "secret-file-mode": RuleDescription("A file that holds values is readable by its owner alone.", repository=True),
    "vendor-credentials-mode": RuleDescription(
        "What vendors' programs keep in the home directory is readable by its owner alone.", repository=True
    ),
    "mcp-static-token": RuleDescription(
        "No MCP client holds a token in its configuration, and none at all where OAuth is offered.",
        {"oauth_hosts": ParameterType.WORDS},
        repository=True,
    ),
    "callback-url": RuleDescription(
        "A `callback_url` is https to a public host, without a login or a token in it.", repository=True
    ),
    "presigned-lifetime": RuleDescription(
        "A pre-signed URL lives long enough for its import and not longer (in hours).",
        {"least": ParameterType.COUNT, "most": ParameterType.COUNT},
        repository=True,
    ),
    "presigned-read-only": RuleDescription("A pre-signed URL allows reading, and nothing else.", repository=True),
    "presigned-reused": RuleDescription("Each import has a pre-signed URL of its own.", repository=True),
    "ci-long-lived-key": RuleDescription(
        "A CI job has no long-lived key where OIDC gives it a short-lived one.", repository=True
    ),
    "ci-token-echoed": RuleDescription("No CI script prints a token into its log.", repository=True),
}
"""In the order in which they are documented and reported."""

OWN = RuleDescription("A rule of the team's own, written in CEL.")


def about(rule: str) -> RuleDescription:
    """What a rule demands, also one of the team's own."""
    return CATALOGUE.get(rule, OWN)
