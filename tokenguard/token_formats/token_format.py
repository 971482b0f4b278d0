"""What is known of the tokens of one kind: whose they are, how they look, and how to end one."""

import re
from functools import cache

from tokenguard.frozen import Frozen
from tokenguard.token_formats.template import Run, expression_of, pieces

_NAME_TAIL = r"[A-Za-z0-9_.\-]{0,40}"
_ASSIGNS = r"[\"'\]\)]{0,3}[ \t]{0,16}(?:=>|:=|\?=|[:=,(>]|[ \t])[ \t]{0,16}(?:\\?[\"'`(>]){0,3}"
_UNQUOTED_LEFT = "A-Za-z0-9_"


class TokenFormat(Frozen, frozen=True, kw_only=True):
    """One kind of token. `id` is stable: waivers, baselines and teams' settings may name it."""

    id: str
    type: str
    """The name under which a finding is told."""
    vendor: str
    what: str
    """What the token opens, in a few words."""
    shapes: tuple[str, ...]
    """Templates (see `template`), any of which is enough."""
    names: tuple[str, ...] = ()
    """Words of the name to which it must be assigned; none: the shape says enough by itself."""
    near: tuple[str, ...] = ()
    """Words of which one must stand within 400 characters."""
    absent: tuple[str, ...] = ()
    """Words which must not be in that name, in small letters: they say that such a value is public."""
    checksum: str = ""
    """A name in `checksum.CHECKSUMS`; empty if the vendor publishes none."""
    entropy: float = 2.5
    """The least Shannon entropy of the random part, in bits a character."""
    left: str = _UNQUOTED_LEFT
    """Characters that must not stand right before it, as the inside of a character class."""
    only_ci: bool = False
    """Only in files that configure a build."""
    masked: bool = True
    """Whether output is masked by this shape too; a shape that needs words around it never is."""
    end: str
    """How to end one: a page, a command, or a sentence."""
    source: str
    """Where the vendor, or else a public list of formats, says so."""

    @property
    def stands_alone(self) -> bool:
        """Whether the shape says enough by itself."""
        return not (self.names or self.near or self.only_ci)


def shape_expression(kind: TokenFormat, template: str) -> str:
    """A Python regex of one shape, with what must not stand right before or behind it; the token is group `value`."""
    return (
        rf"(?:(?<![{kind.left}])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
        rf"(?P<value>{expression_of(template)})(?![{_right(template)}])"
    )


def assignment(kind: TokenFormat) -> str:
    """A Python regex for what follows a word of the name: the rest of the name, what assigns, and group `value`."""
    shapes = "|".join(f"{expression_of(each)}(?![{_right(each)}])" for each in kind.shapes)
    return rf"{_NAME_TAIL}{_ASSIGNS}(?P<value>{shapes})"


@cache
def expression(kind: TokenFormat) -> str:
    """A Python regex that finds the format anywhere in a text; the token is its group `value`."""
    if kind.names:
        words = "|".join(map(re.escape, kind.names))
        return rf"(?i:{words}){assignment(kind)}"
    shapes = "|".join(f"{expression_of(each)}(?![{_right(each)}])" for each in kind.shapes)
    return rf"(?:(?<![{kind.left}])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))(?P<value>{shapes})"


@cache
def random_runs(template: str) -> re.Pattern[str]:
    """The template with a group for each of its runs, to take the random part out of a match."""
    parts = (re.escape(each) if isinstance(each, str) else f"({each.expression})" for each in pieces(template))
    return re.compile("".join(parts))


def random_part(kind: TokenFormat, value: str) -> str:
    """What of a token is random: its runs, without the literals of its shape."""
    for template in kind.shapes:
        found = random_runs(template).fullmatch(value)
        if found is not None:
            return "".join(found.groups())
    return value


def _right(template: str) -> str:
    last = pieces(template)[-1]
    return f"{last.chars}A-Za-z0-9_" if isinstance(last, Run) else "A-Za-z0-9_"
