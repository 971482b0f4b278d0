"""Asks a team's own rules: each token's fields are handed over once, and all rules together have a time."""

import time
from collections.abc import Callable, Mapping

from tokenguard.domain.document import Document
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.answer import Answer, Check, NotEvaluable, Question, Violated
from tokenguard.policy.expression import Expression, activation, compiled, evaluated
from tokenguard.policy.model import Policy, Rule
from tokenguard.policy.record_fields import facts

BUDGET = 30.0
"""Seconds for all of a team's own rules in one assessment; a check of 10,000 tokens takes about one for twenty."""
_OVER = NotEvaluable("the time for the team's own rules was used up")


class _Compiled(Frozen, frozen=True):
    applies: Expression | None
    holds: Expression


class OwnRules:
    """The compiled rules of one policy.

    Args:
        policy: where they are.
        clock: seconds that never run backwards.

    Raises:
        InputError: a condition is not acceptable, or CEL is not installed.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = {rule.id: _compiled(rule) for rule in policy.rules if rule.holds}
        self._clock = clock
        self._end = clock() + BUDGET
        self._document: Document | None = None
        self._facts: object = None

    @property
    def checks(self) -> Mapping[str, Check]:
        """Which function answers for which of them."""
        return dict.fromkeys(self._rules, self._ask)

    def _ask(self, question: Question) -> Answer:
        rule = self._rules[question.rule.id]
        if self._clock() > self._end:
            return _OVER
        if question.document is not self._document:
            self._document = question.document
            self._facts = activation(facts(question.document, question.around.now))
        if rule.applies is not None:
            applies = evaluated(rule.applies, self._facts)
            if applies is not True:
                return None if applies is False else _unknown(rule.applies, question)
        holds = evaluated(rule.holds, self._facts)
        if holds is None:
            return _unknown(rule.holds, question)
        return None if holds else Violated(question.rule.says)


def _compiled(rule: Rule) -> _Compiled:
    try:
        return _Compiled(compiled(rule.applies) if rule.applies else None, compiled(rule.holds))
    except InputError as error:
        raise InputError(f"rule {rule.id}: {error.message}", hint=error.hint) from None


def _unknown(expression: Expression, question: Question) -> NotEvaluable:
    known = facts(question.document, question.around.now)
    missing = [name for name in expression.fields if f"record.{name}" not in known]
    return NotEvaluable(f"not recorded: {', '.join(missing)}" if missing else "it cannot be computed")
