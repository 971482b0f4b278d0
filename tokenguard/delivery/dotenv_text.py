"""The text of a .env file: find a variable, replace its value, and keep every other character.

Dialects differ (python-dotenv, Node, Docker, `sh`), so a value is written only in a form that all of them read
alike; what cannot be written so is refused, and what is already there but ambiguous is refused too.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique

from tokenguard.errors import InputError

BOM = "\ufeff"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=-]+", re.ASCII)
_NOT_IN_DOUBLE = frozenset('"\\$`')
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_UNQUOTED = re.compile(r"[^\r\n]*?(?=\s+#|\s*(?:[\r\n]|\Z))")
_OTHER_FORMAT = re.compile(
    r"^[ \t]*(?:---\s*$|\[(?:\s*$|[{\"])|\{[ \t]*[\"}]|<|\[{1,2}[^\s\[\]][^\n\[\]]*\]{1,2}\s*$"
    r"|(?:-[ \t]+)*[\"']?[A-Za-z_][\w./-]*[\"']?[ \t]*:(?:\s|$))",
    re.MULTILINE,
)
"""A line of YAML (such as a Kubernetes manifest), JSON, XML, or a section of an INI or TOML file. A `{` alone begins
the body of a function in a shell's profile, too."""
_LINE_END = re.compile(r"\r\n|\n|\r")


@unique
class Quote(StrEnum):
    """How a value is written."""

    NONE = ""
    SINGLE = "'"
    DOUBLE = '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Binding:
    """One stretch of the file: blank lines and comments before it belong to it."""

    key: str | None
    value: str | None
    text: str
    line: int
    unreadable: bool


def values_of(text: str, variable: str) -> tuple[str, ...]:
    """Every value the file gives `variable`, in order; InputError where a line of it cannot be read."""
    found = [binding for binding in _bindings(text) if _assigns(binding, variable)]
    for binding in found:
        _parts(binding)
    return tuple(binding.value or "" for binding in found)


def is_other_format(text: str) -> bool:
    """Whether a file is in a format in which no program reads an appended `VARIABLE=value`."""
    odd = (each for each in _bindings(text) if each.unreadable or (each.key is not None and each.value is None))
    return any(_OTHER_FORMAT.search(each.text) for each in odd)


def with_value(text: str, variable: str, value: str) -> str:
    """`text` with `variable` set to `value`, all else unchanged.

    A variable that is set several times gets the value everywhere, because dialects differ in which line wins.
    One that is not set yet is appended. A byte order mark directly before it is dropped: some programs read it as
    part of the name. The result is parsed again and must say exactly this, or nothing is
    returned: InputError.
    """
    before = list(_bindings(text))
    pieces = [_replaced(binding, value) if _assigns(binding, variable) else binding.text for binding in before]
    result = "".join(pieces)
    if not any(_assigns(binding, variable) for binding in before):
        result = _appended(result, f"{variable}={_written(value, Quote.NONE)}")
    _check_result(result, variable, value, before)
    return BOM + result if text.startswith(BOM) and not is_behind_bom(BOM + result, variable) else result


def is_behind_bom(text: str, variable: str) -> bool:
    """Whether `variable` is set directly after a byte order mark, so that some programs see another name."""
    first = next(_bindings(text), None) if text.startswith(BOM) else None
    return first is not None and _assigns(first, variable) and not re.match(r"\s*?[\r\n]", first.text)


def _bindings(text: str) -> Iterator[_Binding]:
    from dotenv.parser import parse_stream  # only for those who deliver into a file

    for parsed in parse_stream(io.StringIO(text.removeprefix(BOM))):
        yield _Binding(
            key=parsed.key,
            value=parsed.value,
            text=parsed.original.string,
            line=parsed.original.line,
            unreadable=parsed.error,
        )


def _assigns(binding: _Binding, variable: str) -> bool:
    """Whether this is `variable=…`; a bare `export variable` sets nothing."""
    if binding.unreadable and re.search(rf"\b{variable}['\"]?\s*=", binding.text, re.ASCII):
        raise _ambiguous(variable, binding.line)
    return binding.key == variable and binding.value is not None


def _replaced(binding: _Binding, value: str) -> str:
    head, old, tail = _parts(binding)
    space = " " if tail.startswith("#") else ""  # a `#` that touches the value is part of it for a shell
    quote = Quote(old[0]) if old[:1] in {Quote.SINGLE, Quote.DOUBLE} else Quote.NONE
    return head + _written(value, quote) + space + tail


def _parts(binding: _Binding) -> tuple[str, str, str]:
    """What is before the value, the value with its quotes, and what comes after it."""
    variable = str(binding.key)
    match = re.match(rf"\s*(?:export[^\S\r\n]+)?(?:'{variable}'|{variable})[^\S\r\n]*=[^\S\r\n]*", binding.text)
    if match is None:
        raise _ambiguous(variable, binding.line)
    head, rest = match.group(), binding.text[match.end() :]
    comment_only = rest.startswith("#") and not head.endswith("=")
    old = "" if comment_only else _old_value(rest, variable, binding.line)
    return head, old, rest[len(old) :]


def _old_value(rest: str, variable: str, line: int) -> str:
    match = (_QUOTED if rest.startswith(("'", '"')) else _UNQUOTED).match(rest)
    if match is None:
        raise _ambiguous(variable, line)
    old = match.group()
    open_backtick = old.startswith("`") and (len(old) == 1 or not old.endswith("`"))
    if open_backtick or (old.endswith("\\") and not old.startswith(("'", '"'))):
        raise _ambiguous(variable, line)  # goes on in the next line for Node, or for a shell
    return old


def _written(value: str, quote: Quote) -> str:
    if quote is Quote.DOUBLE and not _NOT_IN_DOUBLE.intersection(value):
        return f'"{value}"'
    if quote is Quote.NONE and _PLAIN.fullmatch(value):
        return value
    if value.endswith("\\") or any(part in value for part in ("'", "${", "\\\\")):
        raise _unwritable()
    return f"'{value}'"


def _appended(text: str, line: str) -> str:
    found = _LINE_END.search(text)
    end = found.group() if found else "\n"
    joint = "" if text == "" or text.endswith(("\n", "\r")) else end
    return f"{text}{joint}{line}{end}"


def _check_result(text: str, variable: str, value: str, before: list[_Binding]) -> None:
    after = list(_bindings(text))
    if {binding.value for binding in after if _assigns(binding, variable)} != {value}:
        raise _unwritable()
    if _others(after, variable) != _others(before, variable):
        raise InputError(
            "setting the variable would change what other lines of the file mean",
            hint="look for an unclosed quote in the file",
        )


def _others(bindings: list[_Binding], variable: str) -> list[tuple[str, str | None]]:
    return [(b.key, b.value) for b in bindings if b.key is not None and not _assigns(b, variable)]


def _ambiguous(variable: str, line: int) -> InputError:
    return InputError(
        f"the file sets {variable} near line {line} in a form that programs read differently",
        hint=f"write it on one line: {variable}='…'",
    )


def _unwritable() -> InputError:
    return InputError(
        "the value has characters that .env dialects read differently",
        hint="deliver it with a command (`command:NAME`), which takes the value on stdin",
    )
