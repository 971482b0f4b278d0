"""Text for people: what acts on a terminal, or on the runner that reads a build's log, is made visible.

Counts, suggestions and diffs are written here too.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_KEEP = frozenset("\n\t")
# Cc: C0 and C1 controls (ESC, BEL, CSI). Cf: bidi overrides, zero width, tags. Cs: lone surrogates.
# Co, Cn: private and unassigned, whose rendering is undefined. Zl, Zp: line breaks that hide as text.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_text(text: str, *, one_line: bool = False, limit: int | None = None, commands: bool = False) -> str:
    """Return `text` with every character that a terminal or a build's runner could act on written as a visible escape.

    Args:
        text: anything, also with lone surrogates.
        one_line: also escape newline and tab.
        limit: cut to this many characters (after escaping), the last being an ellipsis.
        commands: leave commands to a build's runner: the text is one of ours, with all that is foreign escaped.
    """
    shown = (
        text if text.isascii() and text.isprintable() else "".join(_visible(char, one_line=one_line) for char in text)
    )
    if not commands:
        shown = _without_commands(shown)
    if limit is not None and len(shown) > limit:
        return shown[: max(limit - 1, 0)] + "…"
    return shown


def inert_json(document: str) -> str:
    """A JSON document of ASCII, in which nothing acts on a terminal or a build's runner; a program reads the same."""
    return document.replace("\x7f", "\\u007f").replace("##", "#\\u0023")


def inert_xml(document: str) -> str:
    """An XML document, in which nothing acts on a build's runner; a program reads the same."""
    return document.replace("##", "#&#35;")


def is_plain_line(text: str) -> bool:
    """Whether it is one line that holds nothing a terminal could act on."""
    return safe_text(text, one_line=True, commands=True) == text


def _visible(char: str, *, one_line: bool) -> str:
    if char in _KEEP and not one_line:
        return char
    if unicodedata.category(char) not in _UNSAFE:
        return char
    code = ord(char)
    if code <= 0xFF:  # noqa: PLR2004 - the range that \xNN can name
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _without_commands(text: str) -> str:
    """Runners of builds act on `##name[` anywhere in a line, and on `::name` at its start: in any text."""
    if "##" in text:
        text = re.sub(r"#(?=#\w*\[)", r"\\x23", text)
    return re.sub(r"(?m)^(\s*):(?=:[A-Za-z])", r"\1\\x3a", text) if "::" in text else text


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `2 files`; `plural` for a noun that takes more than a plain s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known word that an unknown one is most like, for a hint; empty if none is as like as `cutoff` (0 to 1)."""
    import difflib  # only a mistyped word needs it

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


def suggestion(word: str, known: Iterable[str]) -> str:
    """The beginning of a hint: which of the known words an unknown one was meant to be; empty if none is like it."""
    near = nearest(word[:40], known)
    return f"did you mean {near}? " if near else ""


def diff_lines(path: str, before: str | None, after: str, *, context: int = 3) -> Iterator[str]:
    """A unified diff of a file, line by line.

    Args:
        path: how the file is named.
        before: its text; None for a file that is new.
        after: its text with the changes.
        context: lines that are shown around a change.
    """
    import difflib  # few commands show one

    origin = path if before is not None else "/dev/null"
    yield from difflib.unified_diff((before or "").splitlines(), after.splitlines(), origin, path, "", "", context, "")
