"""Which rules there are and which parameters each takes: all that reading a policy needs, without their code."""

from collections.abc import Mapping
from enum import StrEnum, unique

from tokenguard.domain.token_fields import PEOPLE
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
    COMMENTS = "comments"
    """Comments of other scanners that silence a line: fewer are stricter."""
    FIELDS = "fields"
    """Names of fields of a record."""
    WORDS_BY_PURPOSE = "words-by-purpose"
    WORDS_BY_CONTEXT = "words-by-context"
    REACHES = "reaches"
    """How far a leaked value got."""
    WINDOWS = "windows"
    """When something may begin: `mon-fri 02:00-05:00`, in UTC. None: at any time."""
    OPERATIONS = "operations"
    """Operations for which a second person is asked."""
    FREEZES = "freezes"
    """Days on which it may not: `2026-12-20..2027-01-05`."""


MAX_CONDITION = 1_000
"""Characters of a condition in CEL."""
DEMANDED = ("owner", "scope", "purpose", "environment", *(each.name for each in PEOPLE))
"""The fields that a policy can demand."""


class RuleDescription(Frozen, frozen=True):
    """What a rule demands, and the parameters it must be given."""

    demands: str
    parameters: Mapping[str, ParameterType] = {}
    checked: bool = True
    """False: it sets a parameter for rotation, and `check` has nothing to ask."""
    repository: bool = False
    """It is asked of a repository's files, not of a token."""
    may_lack: tuple[str, ...] = ()
    """Parameters that policies of older versions do not have: nothing is allowed there."""


CATALOGUE: Mapping[str, RuleDescription] = {
    "maximum-age": RuleDescription(
        "No live value is older than the limit of its environment, or past its own due date.",
        {"days": ParameterType.DAYS_BY_ENVIRONMENT, "otherwise": ParameterType.DAYS, "warn": ParameterType.DAYS_LIST},
    ),
    "age-unknown": RuleDescription("The age of every value is known."),
    "leaked": RuleDescription(
        "No token is recorded as leaked; an unattended rotation revokes first if the leak reached one of these.",
        {"revoke_first": ParameterType.REACHES},
    ),
    "unattended-rotation": RuleDescription(
        "Unattended rotations start within these windows, outside freezes, and at most this many within 24 hours; "
        "tokens of these providers get a new value in place.",
        {
            "most": ParameterType.COUNT,
            "windows": ParameterType.WINDOWS,
            "freezes": ParameterType.FREEZES,
            "in_place": ParameterType.ALLOWED_WORDS,
        },
        checked=False,
        may_lack=("in_place",),
    ),
    "late-due-date": RuleDescription("A token's own due date is not later than the maximum age allows."),
    "quiet-consumers": RuleDescription(
        "If consumers are undeclared, the provider must report no use for this many days.",
        {"days": ParameterType.DAYS},
        checked=False,
    ),
    "required-fields": RuleDescription("Every active token has these fields.", {"fields": ParameterType.FIELDS}),
    "responsible-people": RuleDescription(
        "The people responsible for a token are recorded.", {"fields": ParameterType.FIELDS}
    ),
    "person-left": RuleDescription("No former employee is responsible for a token.", {"people": ParameterType.WORDS}),
    "descriptive-name": RuleDescription(
        "The record's name and the name at the provider are descriptive: enough segments, and none of these words.",
        {"segments": ParameterType.COUNT, "words": ParameterType.WORDS},
    ),
    "one-purpose": RuleDescription("There is one token for each scope, environment and purpose."),
    "shared-value": RuleDescription("No value is recorded under two names."),
    "shared-across-environments": RuleDescription("No value is used in two environments."),
    "one-drive-per-context": RuleDescription(
        "No Drive has tokens of two security contexts (lists of `owner:NAME`, `env:NAME` and name prefixes).",
        {"contexts": ParameterType.WORDS_BY_CONTEXT},
    ),
    "tokens-per-scope": RuleDescription(
        "No Drive or organisation has more tokens than this.", {"most": ParameterType.COUNT}
    ),
    "concurrency-limit": RuleDescription(
        "The number of live tokens stays below this percentage of the provider's limit.",
        {"percent": ParameterType.COUNT},
    ),
    "never-verified": RuleDescription("Every value was verified with its provider at least once."),
    "verified-lately": RuleDescription(
        "The last verification of a value is not older than this.", {"days": ParameterType.DAYS}
    ),
    "value-alive": RuleDescription("The provider accepts the value that the store serves."),
    "right-scope": RuleDescription("A token belongs to the Drive or organisation that its record names."),
    "scope-verified": RuleDescription("The scope of a token was verified with the provider."),
    "unused": RuleDescription(
        "Every token was used at the provider within this many days.", {"days": ParameterType.DAYS}
    ),
    "expiry-missing": RuleDescription("Every token expires, if the provider supports expiry."),
    "orphan": RuleDescription("Every token that the provider lists has a record."),
    "least-privilege": RuleDescription(
        "A token has only the permissions that its purpose needs, and no wildcard.",
        {"permissions": ParameterType.WORDS_BY_PURPOSE},
    ),
    "session-kept": RuleDescription("Session tokens are neither stored nor delivered to consumers."),
    "consumers-declared": RuleDescription("The consumers of every token are declared."),
    "no-consumer": RuleDescription("Every token that is not retired has a consumer."),
    "consumers-confirmed": RuleDescription(
        "Every consumer was verified to hold the live value since the last rotation."
    ),
    "rotation-stuck": RuleDescription("No operation stays open longer than this.", {"days": ParameterType.DAYS}),
    "old-token-dead": RuleDescription("A replaced token is proven dead, and stays dead."),
    "asserted-death": RuleDescription(
        "For these providers a rotation exits 0 even if the revocation is only asserted, without a control.",
        {"providers": ParameterType.ALLOWED_WORDS, "last_token": ParameterType.ALLOWED_WORDS},
        checked=False,
    ),
    "second-person": RuleDescription(
        "These operations run only with the approval of another person; operations with `--break-glass` are "
        "reviewed by another person.",
        {"operations": ParameterType.OPERATIONS},
    ),
    "env-file-tracked": RuleDescription("Git does not track a file of environment variables.", repository=True),
    "env-file-ignored": RuleDescription("Git ignores `.env` files.", repository=True),
    "secret-file-mode": RuleDescription("Only the owner can read files with values.", repository=True),
    "vendor-credentials-mode": RuleDescription(
        "Only the owner can read credentials that vendors' programs keep in the home directory.",
        repository=True,
    ),
    "mcp-static-token": RuleDescription(
        "No MCP client has a token in its configuration if the server offers OAuth.",
        {"oauth_hosts": ParameterType.WORDS},
        repository=True,
    ),
    "agent-reads-env": RuleDescription(
        "No settings of a coding agent let it read a `.env` file without asking.", repository=True
    ),
    "agent-hooks-off": RuleDescription(
        "No settings of a repository switch off the hooks of a coding agent.", repository=True
    ),
    "callback-url": RuleDescription(
        "A `callback_url` is https to a public host, without a login or a token in it.", repository=True
    ),
    "presigned-lifetime": RuleDescription(
        "The lifetime of a pre-signed URL is within these limits (in hours).",
        {"least": ParameterType.COUNT, "most": ParameterType.COUNT},
        repository=True,
    ),
    "presigned-read-only": RuleDescription("A pre-signed URL is read-only.", repository=True),
    "presigned-reused": RuleDescription("Each import has its own pre-signed URL.", repository=True),
    "ci-long-lived-key": RuleDescription("A CI job uses OIDC instead of a long-lived key.", repository=True),
    "ci-token-echoed": RuleDescription("No CI script prints a token.", repository=True),
    "scan-narrowing": RuleDescription(
        "A repository's `.tokenguard.toml` may exclude only paths, and disable only kinds of findings, that match "
        "these patterns (an empty list allows none), and may exclude at most this many files from a scan.",
        {"exclude": ParameterType.ALLOWED_WORDS, "disable": ParameterType.ALLOWED_WORDS, "most": ParameterType.COUNT},
        checked=False,
    ),
    "scan-comments": RuleDescription(
        "These comments of other scanners silence a line as `pragma: allowlist secret` does.",
        {"words": ParameterType.COMMENTS},
        checked=False,
    ),
}
"""In the order in which they are documented and reported."""

OWN = RuleDescription("A rule of the team's own, written in CEL.")


def rule_description(rule: str) -> RuleDescription:
    """What a rule demands, also one of the team's own."""
    return CATALOGUE.get(rule, OWN)
