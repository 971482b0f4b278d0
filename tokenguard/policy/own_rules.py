"""Asks a team's own rules: each token's fields are handed over once, and all rules together have a time."""

import time
from collections.abc import Callable, Iterable, Mapping

from tokenguard.domain.document import Document
from tokenguard.errors import InputError
from tokenguard.policy.answer import Answer, Check, NotEvaluable, Question, Violated
from tokenguard.policy.expression import Batch, Expression, activation, compiled, evaluated, implied
from tokenguard.policy.model import Policy, Rule
from tokenguard.policy.record_fields import facts

BUDGET = 30.0
"""Seconds for all of a team's own rules in one assessment; a check of 10,000 tokens takes less than one for twenty."""
_MOST_BATCHES = 32
_OVER = NotEvaluable("the time for the team's own rules was used up")


class OwnRules:
    """The compiled rules of one policy.

    Crossing into the library costs as much as a condition does, so those whose fields a token has are asked at once.

    Args:
        policy: where they are.
        clock: seconds that never run backwards.

    Raises:
        InputError: a condition is not acceptable, or CEL is not installed.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = {rule.id: _compiled(rule) for rule in policy.rules if rule.holds}
        self._fields = tuple(dict.fromkeys(name for each in self._rules.values() for name in each.fields))
        self._batches: dict[frozenset[str], Batch | None] = {}
        self._clock = clock
        self._end = clock() + BUDGET
        self._document: Document | None = None
        self._known: frozenset[str] = frozenset()
        self._facts: object = None
        self._answers: Mapping[str, bool] = {}

    @property
    def checks(self) -> Mapping[str, Check]:
        """Which function answers for which of them."""
        return dict.fromkeys(self._rules, self._ask)

    def _ask(self, question: Question) -> Answer:
        if question.document is not self._document:
            if self._clock() > self._end:
                return _OVER
            self._turn_to(question)
        rule = self._rules[question.rule.id]
        holds = self._answers.get(question.rule.id)
        if holds is None:
            if self._clock() > self._end:
                return _OVER
            holds = evaluated(rule, self._facts)
        if holds is None:
            return self._unknown(rule.fields)
        return None if holds else Violated(question.rule.says)

    def _turn_to(self, question: Question) -> None:
        found = facts(question.document, question.around.now, self._fields)
        self._document, self._known, self._facts = question.document, frozenset(found), activation(found)
        if self._known not in self._batches and len(self._batches) < _MOST_BATCHES:
            self._batches[self._known] = Batch.of(
                {
                    name: rule
                    for name, rule in self._rules.items()
                    if all(f"record.{field}" in self._known for field in rule.fields)
                }
            )
        batch = self._batches.get(self._known)
        self._answers = batch.answers(self._facts) if batch is not None else {}

    def _unknown(self, fields: Iterable[str]) -> NotEvaluable:
        missing = [name for name in fields if f"record.{name}" not in self._known]
        return NotEvaluable(f"not recorded: {', '.join(missing)}" if missing else "it cannot be computed")


def _compiled(rule: Rule) -> Expression:
    """The condition of a rule, which holds of every token that the rule does not apply to."""
    try:
        holds = compiled(rule.holds)
        return implied(compiled(rule.applies), holds) if rule.applies else holds
    except InputError as error:
        raise InputError(f"rule {rule.id}: {error.message}", hint=error.hint) from None
