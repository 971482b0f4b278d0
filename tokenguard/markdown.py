"""Writes Markdown in which text from outside can only ever be text or code: no markup, no HTML, no links."""

import re
from collections.abc import Iterable, Sequence

from tokenguard.text import safe_text

_ANYWHERE = re.compile(r"([\\`*_\[\]<|~&$@])")
_ACTS = re.compile(r"[\\`*\[\]<|~$@]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown, or a host of repositories, acts on in a word: an underscore between letters is not among it."""
_AT_START = re.compile(r"(?:[#>+=:-]|\d+(?=[.)]))")
_LINK = re.compile(r"(?i)(:)(?=//)|(?<=\bwww)(\.)")  # GitHub turns bare addresses into links
_WORDS = re.compile(r"(?P<code>\(?`[^`|]+`[.,;:)]*(?= |$))|[^ ]+")
_RUN = re.compile(r"`+")


def plain(text: str, *, limit: int = 300) -> str:
    """`text` in one line, as it reads without a renderer: a word that Markdown would act on stands in inline code.

    What is in backticks already, as commands in our own sentences are, stays as it is. Only a word with a backtick or
    a pipe of its own is escaped, since code cannot hold them everywhere.
    """
    shown = safe_text(text, one_line=True, limit=limit)
    words = list(_WORDS.finditer(shown))
    return " ".join(
        found[0] if found["code"] else _word(found[0], first=number == 0) for number, found in enumerate(words)
    )


def _word(word: str, *, first: bool) -> str:
    start = _AT_START.match(word) if first else None
    if start is None and not _ACTS.search(word) and not _LINK.search(word):
        return word
    if "`" not in word and "|" not in word:
        return code(word)
    escaped = _LINK.sub(r"\\\g<0>", _ANYWHERE.sub(r"\\\1", word))
    if start is None:
        return escaped
    head = start.group()
    return (f"{head}\\" if head.isdigit() else f"\\{head}") + escaped[len(head) :]


def exact(text: str) -> str:
    """`text` as inline code where that is possible even in a table, so that it can be copied; else escaped."""
    return plain(text) if "`" in text or "|" in text or not text.strip() else code(text)


def code(text: str) -> str:
    """`text` as inline code; for names and commands, whose copying must be exact."""
    shown = safe_text(text, one_line=True)
    fence = "`" * (1 + max((len(run) for run in _RUN.findall(shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def inert(text: str) -> str:
    """`text` as inline code in any place, for what a host of repositories must neither link nor notify anybody of.

    Escapes do not hold there: mentions, issue numbers and commits are looked for after the Markdown was rendered, but
    never in code. A pipe would end a table's cell even in code, so it is shown broken.
    """
    return code(text.replace("|", "\u00a6")) if text.strip() else ""


def block(lines: Iterable[str]) -> str:
    """Lines to be typed, as a fenced block."""
    shown = [safe_text(line, one_line=True) for line in lines]
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in _RUN.findall(line)), default=0))
    return "\n".join([f"{fence}sh", *shown, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    return "\n".join(
        "| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in (head, ["---"] * len(head), *rows)
    )


def numbered(items: Iterable[str]) -> str:
    """A numbered list of one-line items that are Markdown already."""
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def bullets(items: Iterable[str]) -> str:
    """A list of one-line items that are Markdown already."""
    return "\n".join(f"- {item}" for item in items)
