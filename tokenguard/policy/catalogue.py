"""Which rules there are and which parameters each takes: all that reading a policy needs, without their code."""

from collections.abc import Mapping
from enum import StrEnum, unique

from tokenguard.frozen import Frozen


@unique
class Sort(StrEnum):
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


class About(Frozen, frozen=True):
    """What a rule demands, and the parameters it must be given."""

    demands: str
    parameters: Mapping[str, Sort] = {}
    checked: bool = True
    """False: it sets a parameter for rotation, and `check` has nothing to ask."""
    repository: bool = False
    """It is asked of a repository's files, not of a token."""


CATALOGUE: Mapping[str, About] = {
    "maximum-age": About(
        "No live value is older than its environment allows, or past its own due date.",
        {"days": Sort.DAYS_BY_ENVIRONMENT, "otherwise": Sort.DAYS, "warn": Sort.DAYS_LIST},
    ),
    "age-unknown": About("It is known how old every value is."),
    "leaked": About(
        "No token is on record as leaked; an unattended rotation revokes first where the leak reached one of these.",
        {"revoke_first": Sort.REACHES},
    ),
    "unattended-rotation": About(
        "Rotations that run without a person begin within these windows, outside freezes, and at most so many a day.",
        {"most": Sort.COUNT, "windows": Sort.WINDOWS, "freezes": Sort.FREEZES},
        checked=False,
    ),
    "late-due-date": About("A due date of its own is not later than the maximum age would allow."),
    "quiet-consumers": About(
        "Undeclared consumers are ruled out only by this many quiet days at the provider.",
        {"days": Sort.DAYS},
        checked=False,
    ),
    "required-fields": About("The fields that a full member of the inventory must have.", {"fields": Sort.FIELDS}),
    "responsible-people": About("The people behind a token are known.", {"fields": Sort.FIELDS}),
    "person-left": About("Nobody who has left still stands behind a token.", {"people": Sort.WORDS}),
    "descriptive-name": About(
        "A name says whose and what for, here and at the provider: enough segments, and none of these words.",
        {"segments": Sort.COUNT, "words": Sort.WORDS},
    ),
    "one-purpose": About("There is one token for each scope, environment and purpose."),
    "shared-value": About("No value is recorded under two names."),
    "shared-across-environments": About("No value is used in two environments."),
    "one-drive-per-context": About(
        "No Drive has tokens of two security contexts: lists of `owner:NAME`, `env:NAME` and beginnings of names.",
        {"contexts": Sort.WORDS_BY_CONTEXT},
    ),
    "tokens-per-scope": About("No Drive or organisation has more tokens than this.", {"most": Sort.COUNT}),
    "concurrency-limit": About(
        "The provider's own limit of live tokens is not nearly reached (in per cent of it).", {"percent": Sort.COUNT}
    ),
    "never-verified": About("Every value was looked at through its provider at least once."),
    "verified-lately": About("The last look at a value is not older than this.", {"days": Sort.DAYS}),
    "value-alive": About("What the store hands out is accepted by its provider."),
    "right-scope": About("A token leads to the Drive or organisation that its record names."),
    "scope-verified": About("Where a token leads was verified, not only assumed."),
    "unused": About("A token that the provider has not seen for this long is ended.", {"days": Sort.DAYS}),
    "expiry-missing": About("Where the provider lets tokens expire, every token does."),
    "orphan": About("Every token that the provider lists belongs to a record."),
    "least-privilege": About(
        "A token has no permission beyond what its purpose needs, and never all of them.",
        {"permissions": Sort.WORDS_BY_PURPOSE},
    ),
    "session-kept": About("Session tokens are neither kept as secrets nor given to consumers."),
    "consumers-declared": About("Somebody has said who uses the token."),
    "no-consumer": About("A token that nobody uses is retired."),
    "consumers-confirmed": About("Every consumer is known to hold the new value since the last rotation."),
    "rotation-stuck": About("No operation stays open longer than this.", {"days": Sort.DAYS}),
    "old-token-dead": About("The token that a rotation replaced is proven dead, and stays dead."),
    "asserted-death": About(
        "Where a death that has no control, and is only asserted, ends an operation with exit 0.",
        {"providers": Sort.ALLOWED_WORDS, "last_token": Sort.ALLOWED_WORDS},
        checked=False,
    ),
    "env-file-tracked": About("Git does not track a file of environment variables.", repository=True),
    "env-file-ignored": About("Git would not take a `.env` that somebody makes here.", repository=True),
    "secret-file-mode": About("A file that holds values is readable by its owner alone.", repository=True),
    "vendor-credentials-mode": About(
        "What vendors' programs keep in the home directory is readable by its owner alone.", repository=True
    ),
    "mcp-static-token": About(
        "No MCP client holds a token in its configuration, and none at all where OAuth is offered.",
        {"oauth_hosts": Sort.WORDS},
        repository=True,
    ),
    "callback-url": About(
        "A `callback_url` is https to a public host, without a login or a token in it.", repository=True
    ),
    "presigned-lifetime": About(
        "A pre-signed URL lives long enough for its import and not longer (in hours).",
        {"least": Sort.COUNT, "most": Sort.COUNT},
        repository=True,
    ),
    "presigned-read-only": About("A pre-signed URL allows reading, and nothing else.", repository=True),
    "presigned-reused": About("Each import has a pre-signed URL of its own.", repository=True),
    "ci-long-lived-key": About(
        "A CI job has no long-lived key where OIDC gives it a short-lived one.", repository=True
    ),
    "ci-token-echoed": About("No CI script prints a token into its log.", repository=True),
}
"""In the order in which they are documented and reported."""

OWN = About("A rule of the team's own, written in CEL.")


def about(rule: str) -> About:
    """What a rule demands, also one of the team's own."""
    return CATALOGUE.get(rule, OWN)
