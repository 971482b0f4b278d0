"""The rule about leaks: each is on record until it has ended."""

from tokenguard.policy.rule_answer import Answer, Question, Violated


def not_leaked(question: Question) -> Answer:
    """`leaked`: only a proven death, or a person with a reason, ends a leak."""
    leak = question.record.leaked
    if leak is None:
        return None
    return Violated(f"leaked since {leak.since:%Y-%m-%d}, {leak.reach.value}{f': {leak.where}' if leak.where else ''}")
