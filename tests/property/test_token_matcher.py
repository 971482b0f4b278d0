"""The gate of the token formats is only faster: it finds what every expression finds at every place of its literal."""

import re
from collections.abc import Iterator
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from tokenguard.detection.token_matcher import spellings, token_spans
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import CLASSES, Run, pieces
from tokenguard.token_formats.token_format import TokenFormat, assignment, expression, shape_expression

Span = tuple[int, int, str]
SHAPES = [(kind, template) for kind in FORMATS for template in kind.shapes]
MEMBERS = {name: re.findall(f"[{chars}]", "".join(map(chr, range(128)))) for name, chars in CLASSES.items()}
BESIDE = ["", " ", "\n", '"', "'", "=", "%2F", "%3d", "%", ".", "_", "-", "/", "a", "Z", "0", "é", "\x00", "\\n"]
WORDS = sorted({word for kind in FORMATS for word in (*kind.names, *kind.near)})


def leads_to(template: str) -> tuple[str, tuple[int, ...]] | None:
    """The literal by which a shape is looked for, and the distances of its beginning."""
    leads: tuple[int, ...] = (0,)
    for piece in pieces(template):
        if isinstance(piece, Run):
            leads = tuple(lead + length for lead in leads for length in range(piece.least, piece.most + 1))
        elif len(piece) >= 2 and len(leads) <= 4:
            return piece, leads
        else:
            leads = tuple(lead + len(piece) for lead in leads)
    return None


LEADS = {template: leads_to(template) for _, template in SHAPES}
compiled = cache(re.compile)


def by_literal(kind: TokenFormat, template: str, text: str) -> Iterator[Span]:
    literal, leads = LEADS[template] or ("", ())
    if literal not in text:
        return
    pattern = compiled(shape_expression(kind, template))
    for found in re.finditer(f"(?={re.escape(literal)})", text):
        for lead in leads:
            match = pattern.match(text, found.start() - lead) if found.start() >= lead else None
            line = text[max(text.rfind("\n", 0, found.start() - lead) + 1, found.start() - lead - 120) :]
            line = line[: len(line) - len(text) + found.start() - lead].lower()
            if match and (not kind.names or any(word in line for word in kind.names)):
                yield *match.span("value"), kind.id
                break


def by_word(kind: TokenFormat, text: str) -> Iterator[Span]:
    words = {each for word in kind.names or kind.near for each in spellings(word)}
    words = {word for word in words if word in text}
    if not kind.names:
        places = compiled(expression(kind)).finditer(text) if words else ()
        yield from ((*each.span("value"), kind.id) for each in places)
        return
    for word in words:
        for found in re.finditer(f"(?={re.escape(word)})", text):
            start = found.start()
            before = text[start - 1 : start]
            inside = before.isalpha() and len(word) < 6 and not (before.islower() and text[start].isupper())
            match = None if inside else compiled(assignment(kind)).match(text, start + len(word))
            if match:
                yield *match.span("value"), kind.id


def by_every_expression(text: str) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for kind in FORMATS:
        for template in kind.shapes:
            spans = by_literal(kind, template, text) if LEADS[template] else by_word(kind, text)
            found |= {(start, name) for start, _, name in spans}
    return found


@st.composite
def almost_tokens(draw: st.DrawFn) -> str:
    """A value of a shape, or one that misses it by a character, between characters that may or may not stand there."""
    kind, template = draw(st.sampled_from(SHAPES))
    parts = []
    for piece in pieces(template):
        if isinstance(piece, str):
            parts.append(piece)
            continue
        length = draw(st.integers(max(piece.least - 1, 0), min(piece.most + 1, piece.least + 30)))
        parts.append("".join(draw(st.lists(st.sampled_from(MEMBERS[piece.name]), min_size=length, max_size=length))))
    value = "".join(parts)
    cut = draw(st.integers(0, 3))
    if cut == 0 and value:
        at = draw(st.integers(0, len(value) - 1))
        value = value[:at] + draw(st.sampled_from(BESIDE)) + value[at + 1 :]
    name = draw(st.sampled_from([*(kind.names or kind.near), "", ""])) if kind.names or kind.near else ""
    name = draw(st.sampled_from([str.lower, str.upper, str.capitalize]))(name)
    assigns = draw(st.sampled_from(["=", ": ", '="', " ", ""])) if name else ""
    return name + assigns + draw(st.sampled_from(BESIDE)) + value + draw(st.sampled_from(BESIDE))


@given(st.lists(st.one_of(almost_tokens(), st.sampled_from(WORDS), st.text(max_size=12)), max_size=5))
def test_the_gate_finds_what_every_expression_finds(parts: list[str]) -> None:
    text = "".join(parts)
    assert {(span.start, span.kind.id) for span in token_spans(text)} == by_every_expression(text)


def test_the_ends_of_a_text_are_no_neighbours() -> None:
    """A negative index would take a character from the other end for the one before."""
    for kind, template in SHAPES:
        least = "".join(
            piece if isinstance(piece, str) else MEMBERS[piece.name][-1] * piece.least for piece in pieces(template)
        )
        texts = [least, least + "%", "a" + least, "%a" + least, "ab" + least, "%2f" + least, least[1:], least[:-1]]
        texts += [f"{word} = {least}" for word in (*kind.names, *kind.near)[:1]]
        for text in texts:
            assert {(span.start, span.kind.id) for span in token_spans(text)} == by_every_expression(text), (
                kind.id,
                text,
            )
