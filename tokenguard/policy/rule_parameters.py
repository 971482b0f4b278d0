"""How each type of a rule's parameter is read."""

from collections.abc import Callable, Mapping
from functools import partial

from tokenguard.domain.leak import Spread
from tokenguard.domain.names import SEGMENT
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.domain.silencing_comment import SilencingComment
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.policy.catalogue import DEMANDED, ParameterType
from tokenguard.policy.model import Parameter
from tokenguard.policy.windows import check_freeze, check_window

MAX_DAYS = 3_650
MAX_COUNT = 1_000_000


def read_parameter(section: MappingReader, key: str, sort: ParameterType) -> Parameter:
    """A parameter of a rule, which must be there."""
    if key not in section:
        section.refuse("this is missing", key)
    return _READERS[sort](section, key)


def _number(section: MappingReader, key: str, most: int) -> int:
    return section.whole(section.tree(key), key, least=1, most=most)


def _days_list(section: MappingReader, key: str) -> tuple[int, ...]:
    days = (section.whole(each, key, least=1, most=MAX_DAYS) for each in section.items(key))
    return tuple(sorted(days, reverse=True))


def _days_by_environment(section: MappingReader, key: str) -> dict[str, int]:
    found = section.table(key)
    if not all(SEGMENT.fullmatch(name) for name in found):
        section.refuse("this must be a mapping of environments to days", key)
    return {name: section.whole(each, key, least=1, most=MAX_DAYS) for name, each in found.items()}


def _words_by_name(section: MappingReader, key: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, words in section.table(key).items():
        if not isinstance(words, list):
            section.refuse("this must be a mapping of names to lists", key)
        found[section.line(name, key)] = tuple(section.line(each, key) for each in words)
    return found


def _fields(section: MappingReader, key: str) -> tuple[str, ...]:
    given = section.peek(key)
    found = section.words(key, DEMANDED)
    if not isinstance(given, list) or not 0 < len(given) == len(found):
        section.refuse("this must be a list of fields, each named once", key)
    return found


def _times(section: MappingReader, key: str, read: Callable[[str], str]) -> tuple[str, ...]:
    words = section.texts(key)
    try:
        return tuple(dict.fromkeys(map(read, words)))
    except InputError as error:
        section.refuse(error.message, key, hint=error.hint)


_READERS: Mapping[ParameterType, Callable[[MappingReader, str], Parameter]] = {
    ParameterType.DAYS: partial(_number, most=MAX_DAYS),
    ParameterType.COUNT: partial(_number, most=MAX_COUNT),
    ParameterType.DAYS_LIST: _days_list,
    ParameterType.DAYS_BY_ENVIRONMENT: _days_by_environment,
    ParameterType.WORDS: MappingReader.texts,
    ParameterType.ALLOWED_WORDS: MappingReader.texts,
    ParameterType.COMMENTS: partial(MappingReader.words, allowed=tuple(SilencingComment)),
    ParameterType.FIELDS: _fields,
    ParameterType.WORDS_BY_PURPOSE: _words_by_name,
    ParameterType.WORDS_BY_CONTEXT: _words_by_name,
    ParameterType.REACHES: partial(MappingReader.words, allowed=tuple(Spread)),
    ParameterType.OPERATIONS: partial(MappingReader.words, allowed=tuple(SensitiveKind)),
    ParameterType.WINDOWS: partial(_times, read=check_window),
    ParameterType.FREEZES: partial(_times, read=check_freeze),
}
