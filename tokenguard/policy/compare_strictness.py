"""Which of two settings of a rule is the stricter one, and what both of them together demand."""

from collections.abc import Mapping
from typing import cast

from tokenguard.policy.catalogue import CATALOGUE, ParameterType
from tokenguard.policy.model import Parameter, Severity
from tokenguard.policy.windows import common, within

MORE_IS_STRICTER = frozenset({"quiet-consumers.days", "descriptive-name.segments", "presigned-lifetime.least"})
"""Of every other number the smaller one is the stricter one."""
_Parameters = Mapping[str, Parameter]
_Words = tuple[str, ...]
_Lists = Mapping[str, tuple[str, ...]]


def more_severe(one: Severity, other: Severity) -> Severity:
    """The graver of two severities."""
    return min(one, other, key=list(Severity).index)


def loosens(rule: str, name: str, base: _Parameters, wanted: _Parameters) -> bool:
    """Whether a wanted parameter asks for less than the base does; lists of words only ever add to it."""
    match CATALOGUE[rule].parameters[name]:
        case ParameterType.DAYS | ParameterType.COUNT | ParameterType.DAYS_BY_ENVIRONMENT:
            stricter = stricter_of_both(rule, name, base, wanted)
            if isinstance(stricter, Mapping):
                return any(stricter[key] != days for key, days in cast("Mapping[str, int]", wanted[name]).items())
            return stricter != wanted[name]
        case ParameterType.WINDOWS:
            return not within(cast("_Words", wanted[name]), cast("_Words", base[name]))
        case ParameterType.WORDS_BY_PURPOSE:
            allowed = cast("_Lists", base[name])
            return any(set(words) - set(allowed.get(key, words)) for key, words in cast("_Lists", wanted[name]).items())
        case ParameterType.ALLOWED_WORDS | ParameterType.COMMENTS:
            return bool(set(cast("tuple[str, ...]", wanted[name])) - set(cast("tuple[str, ...]", base[name])))
        case _:
            return False


def stricter_of_both(rule: str, name: str, base: _Parameters, wanted: _Parameters) -> Parameter:
    """What satisfies two settings of one parameter: the stricter number, all the words, the words both allow."""
    match CATALOGUE[rule].parameters[name]:
        case ParameterType.DAYS | ParameterType.COUNT:
            pick = max if f"{rule}.{name}" in MORE_IS_STRICTER else min
            return pick(cast("int", base[name]), cast("int", wanted[name]))
        case ParameterType.DAYS_LIST:
            return tuple(sorted({*cast("tuple[int, ...]", base[name]), *cast("tuple[int, ...]", wanted[name])})[::-1])
        case ParameterType.DAYS_BY_ENVIRONMENT:
            return _by_environment(base, cast("Mapping[str, int]", wanted[name]))
        case (
            ParameterType.WORDS
            | ParameterType.FIELDS
            | ParameterType.REACHES
            | ParameterType.FREEZES
            | ParameterType.OPERATIONS
        ):
            words = (*cast("_Words", base[name]), *cast("_Words", wanted[name]))
            return tuple(dict.fromkeys(words))
        case (ParameterType.WINDOWS | ParameterType.ALLOWED_WORDS | ParameterType.COMMENTS) as sort:
            narrower = common if sort is ParameterType.WINDOWS else _common
            return narrower(cast("_Words", wanted[name]), cast("_Words", base[name]))
        case (ParameterType.WORDS_BY_PURPOSE | ParameterType.WORDS_BY_CONTEXT) as sort:
            named, wishes = cast("_Lists", base[name]), cast("_Lists", wanted[name])
            chosen = _common if sort is ParameterType.WORDS_BY_PURPOSE else _joined
            return {**named, **{key: chosen(words, named.get(key)) for key, words in wishes.items()}}


def _joined(words: tuple[str, ...], others: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(others or ()), *words)))


def _by_environment(base: _Parameters, wanted: Mapping[str, int]) -> dict[str, int]:
    """An environment that the base does not name is held to what it says of all others."""
    named = cast("Mapping[str, int]", base["days"])
    others = cast("int", base.get("otherwise", max(wanted.values(), default=0)))
    return {**named, **{name: min(days, named.get(name, others)) for name, days in wanted.items()}}


def _common(words: tuple[str, ...], allowed: tuple[str, ...] | None) -> tuple[str, ...]:
    return words if allowed is None else tuple(word for word in words if word in allowed)
