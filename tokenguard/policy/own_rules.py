"""Asks a team's own rules: each token's fields are handed over once, and all rules together have a time."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.errors import InputError
from tokenguard.policy.expression import Batch, Expression, activation, compiled, evaluated, implied
from tokenguard.policy.model import Policy, Rule
from tokenguard.policy.record_fields import Fact, facts
from tokenguard.policy.rule_answer import NotEvaluable, Violated

BUDGET = 30.0
"""Seconds for all of a team's own rules in one assessment; a check of 10,000 tokens takes less than one for twenty."""
_MOST_BATCHES = 32
_MOST_REMEMBERED = 4_096
_OVER = NotEvaluable("the team's own rules exceeded their time limit")


class OwnRules:
    """The compiled rules of one policy.

    Crossing into the library costs as much as a condition does, so those whose fields a token has are asked at once,
    and tokens that are alike in every field that a condition names are asked once.

    Args:
        policy: where they are.
        clock: seconds that never run backwards.

    Raises:
        InputError: a condition is not acceptable, or CEL is not installed.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = [(rule, _compiled(rule)) for rule in policy.rules if rule.holds]
        self._fields = tuple(dict.fromkeys(name for _, each in self._rules for name in each.fields))
        self._batches: dict[frozenset[str], Batch | None] = {}
        self._said: dict[tuple[object, ...], Sequence[tuple[Rule, Violated | NotEvaluable]]] = {}
        self._clock = clock
        self._end = clock() + BUDGET

    def answers(self, document: Document, now: datetime) -> Sequence[tuple[Rule, Violated | NotEvaluable]]:
        """The rules that are violated by a token, and those that are not evaluable for it."""
        found = facts(document, now, self._fields)
        key = (*found, *(tuple(fact) if isinstance(fact, list) else fact for fact in found.values()))
        if (said := self._said.get(key)) is not None:
            return said
        if self._clock() > self._end:
            return [(rule, _OVER) for rule, _ in self._rules]
        said = list(self._asked(found))
        if len(self._said) < _MOST_REMEMBERED and all(answer is not _OVER for _, answer in said):
            self._said[key] = said
        return said

    def _asked(self, found: dict[str, Fact]) -> Iterator[tuple[Rule, Violated | NotEvaluable]]:
        known, ready = frozenset(found), activation(found)
        batch = self._batch(known)
        together = batch.answers(ready) if batch is not None else {}
        for rule, expression in self._rules:
            holds = together.get(rule.id)
            if holds is None:
                if self._clock() > self._end:
                    yield rule, _OVER
                    continue
                holds = evaluated(expression, ready)
            if holds is None:
                yield rule, _unknown(expression, known)
            elif not holds:
                yield rule, Violated(rule.says)

    def _batch(self, known: frozenset[str]) -> Batch | None:
        """The rules that can be asked at once of tokens of which these fields are known."""
        if known not in self._batches and len(self._batches) < _MOST_BATCHES:
            self._batches[known] = Batch.of(
                {
                    rule.id: each
                    for rule, each in self._rules
                    if all(f"record.{field}" in known for field in each.fields)
                }
            )
        return self._batches.get(known)


def _compiled(rule: Rule) -> Expression:
    """The condition of a rule, which holds of every token that the rule does not apply to."""
    try:
        holds = compiled(rule.holds)
        return implied(compiled(rule.applies), holds) if rule.applies else holds
    except InputError as error:
        raise InputError(f"rule {rule.id}: {error.message}", hint=error.hint) from None


def _unknown(expression: Expression, known: frozenset[str]) -> NotEvaluable:
    missing = [name for name in expression.fields if f"record.{name}" not in known]
    return NotEvaluable(f"not recorded: {', '.join(missing)}" if missing else "it cannot be evaluated")
