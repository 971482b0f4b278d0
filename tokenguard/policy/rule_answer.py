"""The result of a rule for one token: holds (None), violated, or not evaluable, which is never a pass."""

from collections.abc import Callable

from tokenguard.domain.document import Document
from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen
from tokenguard.policy.context import InventoryContext
from tokenguard.policy.model import Policy, Rule


class Violated(Frozen, frozen=True):
    """The rule does not hold, and why."""

    text: str
    fix: str = ""
    """What ends it, where that depends on the token; empty: what the rule says."""


class NotEvaluable(Frozen, frozen=True):
    """Not evaluable, with the missing information."""

    reason: str


class Question(Frozen, frozen=True, kw_only=True):
    """One rule, asked of one token."""

    rule: Rule
    document: Document
    around: InventoryContext
    policy: Policy

    @property
    def record(self) -> Record:
        """The token's record."""
        return self.document.record


Answer = Violated | NotEvaluable | None
Check = Callable[[Question], Answer]
