"""The result of a rule about a repository: violations and places that are not evaluable."""

from collections.abc import Callable, Iterable
from datetime import datetime

from tokenguard.frozen import Frozen
from tokenguard.policy.model import Rule
from tokenguard.policy.repository_view import RepositoryView


class RepositoryViolation(Frozen, frozen=True):
    """The rule does not hold at this place."""

    path: str
    line: int
    """From 1; 0: the file as a whole."""
    text: str


class RepositoryNotEvaluable(Frozen, frozen=True):
    """The rule is not evaluable in this file, with the reason."""

    path: str
    reason: str


class RepositoryQuestion(Frozen, frozen=True, kw_only=True):
    """One rule, asked of a whole repository."""

    rule: Rule
    view: RepositoryView
    now: datetime


RepositoryAnswer = Iterable[RepositoryViolation | RepositoryNotEvaluable]
RepositoryCheck = Callable[[RepositoryQuestion], RepositoryAnswer]
