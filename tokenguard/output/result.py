"""What a command found, as its writers take it: results of rules, each at a place."""

from tokenguard.frozen import Frozen


class ResultRule(Frozen, frozen=True, kw_only=True):
    """A rule that results refer to by its id."""

    id: str
    summary: str
    level: str
    """`error`, `warning`, `note` or `none`."""
    name: str = ""
    explanation: str = ""
    fix: str = ""
    url: str = ""
    """A page about it."""
    severity: str = ""
    """0.1 to 10.0, for rules about security; empty for others."""


class ResultPlace(Frozen, frozen=True, kw_only=True):
    """Where a result is: in a file (`path` is a quoted URI), or at a named resource."""

    path: str = ""
    line: int = 0
    column: int = 0
    resource: str = ""
    relative_to: str = ""
    """The base of `path` by its SARIF name, such as `%SRCROOT%`; empty if it is not said."""


class Result(Frozen, frozen=True, kw_only=True):
    """One result of one rule."""

    rule: str
    level: str
    message: str
    place: ResultPlace
    fingerprints: dict[str, str]
    """By the name of how each was made; the same for the same result in another run."""
    waived: str = ""
    """Why it does not count; empty if it does."""


class NotScanned(Frozen, frozen=True, kw_only=True):
    """A file that was left out, with the reason."""

    path: str
    reason: str
