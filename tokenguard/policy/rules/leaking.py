"""The rule about leaks: each is on record until it has ended."""

from tokenguard.policy.rule_answer import Answer, Question, Violated


def not_leaked(question: Question) -> Answer:
    """`leaked`: only a proven death, or a person with a reason, ends a leak."""
    leak = question.record.leaked
    if leak is None:
        return None
    name, older = question.record.name, question.record.live_leak is None
    whose = "an older value, " if older else ""
    fix = f"`tokenguard verify {name}`, or `tokenguard edit {name} --leak-ended REASON`" if older else ""
    if question.document.busy or question.document.accepted_again:  # a new rotation is refused until then
        fix = f"tokenguard rotate {name} --resume"
    where = f": {leak.where}" if leak.where else ""
    return Violated(f"{whose}since {leak.since:%Y-%m-%d}, {leak.reach.value}{where}", fix)
