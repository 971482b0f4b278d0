"""Bar charts as static SVG: no script, no style of their own, with descriptions for screen readers.

The library writes plain shapes with attributes; colours come from the page's style, so that they follow dark mode and
print. Labels are fixed words and dates, never external text.
"""

import html
import re
from collections.abc import Sequence

from tokenguard.frozen import Frozen

HEIGHT = 240
_BAR, _MARGIN = 52, 100
_LONG = re.compile(r"-?\d+\.\d{2,}")
_LIBRARY_LOOK = re.compile(r' (?:fill|font-family|font-size)="[^"]*"')
_HEAD = re.compile(r"<svg [^>]*>")


class Chart(Frozen, frozen=True, kw_only=True):
    """One chart, and the numbers behind it."""

    id: str
    title: str
    what: str
    """The heading of the first column of its table of numbers."""
    bars: Sequence[tuple[str, int]]

    @property
    def described(self) -> str:
        """The chart in one sentence, for screen readers."""
        highest = max(self.bars, key=lambda bar: bar[1], default=("", 0))
        total = sum(count for _, count in self.bars)
        if not total:
            return f"{self.title}: none."
        return f"{self.title}: {total:,} in all, most of them ({highest[1]:,}) in {highest[0]}."


def svg(chart: Chart) -> str:
    """The chart as an inline SVG element with a role, a title and a description."""
    import leather  # only a page needs it

    drawn = leather.Chart()
    drawn.add_columns(list(chart.bars))
    drawn.add_y_scale(0, _ceiling(max((count for _, count in chart.bars), default=0)))
    width = _MARGIN + _BAR * len(chart.bars)
    text = drawn.to_svg(width=width, height=HEIGHT)
    head = (
        f'<svg viewBox="0 0 {width} {HEIGHT}" role="img" '
        f'aria-labelledby="{chart.id}-title" aria-describedby="{chart.id}-text">'
        f'<title id="{chart.id}-title">{html.escape(chart.title)}</title>'
        f'<desc id="{chart.id}-text">{html.escape(chart.described)}</desc>'
    )
    plain = _LIBRARY_LOOK.sub("", _LONG.sub(lambda found: f"{float(found[0]):.1f}", text))
    return _HEAD.sub(lambda _: head, plain, count=1)


def _ceiling(highest: int) -> int:
    """The smallest round number that fits the highest bar."""
    step = 1
    while step * 10 < highest:
        step *= 10
    return max(step * -(-highest // step), 1)
