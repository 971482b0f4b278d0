"""When detect-secrets looks at lines it rebuilt from YAML or INI instead of the file's own, and which these are.

Its parsers are the slowest part of it. They run here only where they could succeed, and only after the prefilter
found that there may be something to find at all.
"""

import io
import os
import re
from collections.abc import Iterator

from tokenguard.detection import detect_secrets_adapter

_FIRST_LINE = re.compile(r"^[^\S\n]*([^\s#;].*)$", re.MULTILINE)
_SECTION = re.compile(r"\[.+\]")
# One such line, at the left margin and without a delimiter, makes configparser reject the whole text.
_NOT_INI = re.compile(r"^[^\s#;\[=:][^=:\n]*$", re.MULTILINE)
KNOWN_TYPES = frozenset(
    {
        *(".cls", ".example", ".eyaml", ".go", ".java", ".js", ".m", ".php", ".py", ".pyi", ".swift", ".tf", ".yaml"),
        *(".yml", ".cs", ".c", ".cpp", ".cnf", ".conf", ".cfg", ".cf", ".ini", ".properties", ".toml"),
    }
)
"""The ends of names whose type detect-secrets knows."""
# What may write characters into a rebuilt line that do not stand in the file in that order.
_ESCAPES = re.compile(r"\\[xuUNLP_/\r\n\x85\u2028\u2029]")
# A binary scalar, whose tag may be spelled with percent escapes or through a directive.
_BINARY = re.compile(r"!\S*(?:binary|%)|^%TAG", re.MULTILINE)

_TRACEBACKS = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)
"""What detect-secrets would end with on some texts."""


class _NamedText(io.StringIO):
    """What detect-secrets takes for an open file."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def file_lines(text: str) -> list[str]:
    """The lines as a text file gives them, each with its line feed."""
    plain = text.isascii() and not any(each in text for each in _OTHER_BREAKS)
    return text.splitlines(keepends=True) if plain else _by_feed(text)


_OTHER_BREAKS = "\r\v\f\x1c\x1d\x1e"


def _by_feed(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def is_yaml(path: str) -> bool:
    """Whether detect-secrets takes it for YAML by its name."""
    return path.endswith((".yaml", ".yml", ".eyaml"))


def may_rebuild(text: str, path: str) -> bool:
    """Whether any line that is looked at could differ from the file's own."""
    return is_yaml(path) or starts_with_section(text) or _may_be_ini(text, path)


def _may_be_ini(text: str, path: str) -> bool:
    """Whether it may be read as INI below a section of its own, as files without a known type are."""
    return os.path.splitext(path)[1] not in KNOWN_TYPES and _NOT_INI.search(text) is None  # noqa: PTH122 - as it asks


def keeps_order(text: str, path: str) -> bool:
    """Whether every scalar of a rebuilt line stands in the file unchanged, so that the cores decide for it too."""
    if is_yaml(path):
        tagged = "!" in text and ("binary" in text or "%" in text)
        return not (_ESCAPES.search(text) or ((tagged or "%TAG" in text) and _BINARY.search(text)))
    return "%" not in text  # configparser's interpolation


def independent_parts(text: str, path: str) -> dict[str, str] | None:
    """The parts of the text of which each rebuilt line comes from one alone; None if unknown.

    Their texts by what of them is looked at, so that what differs in a line of comment only is one part.
    """
    if not is_yaml(path) or starts_with_section(text) or "PRIVATE" in text:  # a key may go on over several
        return None
    from tokenguard.detection.yaml_lines import independent_entries  # only where it may hold something

    entries = independent_entries(text)
    return None if entries is None else dict(entries)


def views(text: str, path: str) -> Iterator[list[str]]:
    """The lists of lines to look at: the next one only if the one before held nothing."""
    lines = None
    if starts_with_section(text):
        lines = _rebuild(text, path)
    elif is_yaml(path):
        from tokenguard.detection.yaml_lines import rebuilt_yaml  # only where it may hold something

        lines = rebuilt_yaml(text)
        if lines is None:
            lines = _rebuild(text, path)
    yield lines or file_lines(text)
    if _may_be_ini(text, path):
        lines = _by_ini(text)
        if lines:
            yield lines


def starts_with_section(text: str) -> bool:
    """Whether configparser could read it as it is."""
    first = _FIRST_LINE.search(text)
    return bool(first and _SECTION.match(first.group(1).strip()))


def _by_ini(text: str) -> list[str] | None:
    from tokenguard.detection.ini_lines import rebuilt_ini  # few files are without sections and can be read as INI

    detect_secrets_adapter.transformers().get_transformers()  # makes `configparser` quick about what it cannot read
    try:
        return rebuilt_ini(text)
    except _TRACEBACKS:
        return None


def _rebuild(text: str, path: str) -> list[str] | None:
    try:
        found: list[str] | None = detect_secrets_adapter.transformers().get_transformed_file(_NamedText(text, path))
    except _TRACEBACKS:
        return None
    return found
