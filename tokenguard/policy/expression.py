"""A team's own condition in CEL: what it may be made of, so that none can hang a check or fill its memory.

CEL has no loops of its own, but its macros (`exists`, `map`, …) nest, and what they build can double with each one.
The library stops deep nesting and long iteration; what it does not count is capped here, before it sees the text:
length, macros, additions and list items. Patterns in `matches` are RE2's, and take linear time.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.catalogue import MAX_CONDITION
from tokenguard.policy.record_fields import SORTS

MAX_MACROS = 3
MAX_ADDITIONS = 8
MAX_COMMAS = 64
_TEXT = r"(?:[bB]?[rR]?[bB]?)(?:'''(?:.|\n)*?'''|\"\"\"(?:.|\n)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
_TEXTS = re.compile(_TEXT)
_PATTERN = re.compile(rf"\bmatches\s*\(\s*(?:[^,()\"']{{0,200}},\s*)?({_TEXT})\s*\)")
_MACRO = re.compile(r"\b(?:all|exists|exists_one|existsOne|map|filter|transform\w*)\s*\(")
_PLACE = re.compile(r"<input>:\d{1,6}:(\d{1,6}): ")
_FIELD = re.compile(r"\brecord\s*\.\s*(\w+)")
_TRUE_OR_FALSE = "BOOL"
_REASONS = {
    "undeclared reference": "unknown name",
    "no matching overload": "incompatible types",
    "yntax error": "not valid CEL",
    "recursion": "nested too deeply",
}


class Expression(Frozen, frozen=True):
    """A condition that was compiled; it is asked through an activation of `Expressions`."""

    text: str
    program: Any
    fields: tuple[str, ...]
    """The fields of a record that it names."""


def compiled(text: str) -> Expression:
    """Compile a condition.

    Raises:
        InputError: it is not CEL over a record, not true or false, or beyond the caps; or CEL is not installed.
    """
    check_caps(text)
    environment = _environment()
    try:
        program = environment.compile(text)
    except RuntimeError as error:
        raise _refused(_reason(str(error))) from None
    if program.return_type().name() != _TRUE_OR_FALSE:
        raise _refused("its result is not true or false")
    for pattern in _PATTERN.finditer(text):
        if environment.compile(f'"".matches({pattern[1]})').eval(data={}).type().name() != _TRUE_OR_FALSE:
            raise _refused("a pattern that RE2 does not accept")
    return Expression(text, program, tuple(dict.fromkeys(_FIELD.findall(_TEXTS.sub("''", text)))))


def implied(applies: Expression, holds: Expression) -> Expression:
    """One condition for two: what applies, holds. It is unknown only where neither decides it."""
    text = f"!({applies.text}) || ({holds.text})"
    return Expression(text, _environment().compile(text), tuple(dict.fromkeys((*applies.fields, *holds.fields))))


def check_caps(text: str) -> None:
    """Refuse (InputError) what could grow beyond all bounds, without loading CEL."""
    code = _TEXTS.sub("''", text)
    for count, most, what in (
        (len(text), MAX_CONDITION, "characters"),
        (len(_MACRO.findall(code)), MAX_MACROS, "macros such as exists and map"),
        (code.count("+"), MAX_ADDITIONS, "additions"),
        (code.count(","), MAX_COMMAS, "commas"),
    ):
        if count > most:
            raise _refused(f"more than {most:,} {what}")
    if "//" in code:  # it would swallow what follows where conditions are put together
        raise _refused("a comment, which belongs in `why`")


class Batch(Frozen, frozen=True):
    """Several conditions that are asked at once."""

    names: tuple[str, ...]
    program: Any

    @classmethod
    def of(cls, conditions: Mapping[str, Expression]) -> "Batch | None":
        """Compile them as one list; None if that is more than the library takes."""
        try:
            program = _environment().compile("[" + ", ".join(each.text for each in conditions.values()) + "]")
        except RuntimeError:
            return None
        return cls(tuple(conditions), program)

    def answers(self, facts: Any) -> dict[str, bool]:
        """The answer of each by its name; none at all where one of them cannot be computed."""
        try:
            found = self.program.eval(facts).plain_value()
        except RuntimeError:  # the iteration budget, which is for all of them together, is used up
            return {}
        return dict(zip(self.names, found, strict=True)) if isinstance(found, list) else {}


def activation(data: dict[str, Any]) -> Any:
    """A record's fields, ready for any number of conditions; fields that are not known are left out."""
    return _environment().Activation(data=data)


def evaluated(expression: Expression, facts: Any) -> bool | None:
    """Whether a condition holds; None where a field that decides it is not known, or it cannot be computed."""
    try:
        found = expression.program.eval(facts).value()
    except RuntimeError:  # the iteration budget is used up
        return None
    return found if isinstance(found, bool) else None


@cache
def _environment() -> Any:
    try:
        from cel_expr_python import cel  # 14 MB of machine code, for teams with rules of their own
    except ImportError:
        raise InputError(
            "the policy has rules in CEL, which is not installed here",
            hint="pip install cel-expr-python, where tokenguard is",
        ) from None
    types = {"text": cel.Type.STRING, "number": cel.Type.INT, "yes/no": cel.Type.BOOL}
    types["texts"] = cel.Type.List(cel.Type.STRING)
    return cel.NewEnv(variables={f"record.{name}": types[sort] for name, sort in SORTS.items()})


def _reason(error: str) -> str:
    """Our words for the library's first complaint, and where in the condition it is; nothing of it is quoted."""
    why = next((ours for theirs, ours in _REASONS.items() if theirs in error), "not valid CEL")
    place = _PLACE.search(error)
    return f"{why}, at character {place[1]}" if place else why


def _refused(reason: str) -> InputError:
    return InputError(reason, hint=f"record has: {', '.join(SORTS)}")
