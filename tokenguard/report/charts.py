"""Bar charts as static SVG: no script, no style of their own, with descriptions for screen readers.

The library writes plain shapes with attributes; colours come from the page's style, so that they follow dark mode and
print. Labels are fixed words and dates, never external text.
"""

import html
import re
from collections.abc import Sequence

from tokenguard.frozen import Frozen

WIDTH = 400
_BAR, _MARGIN = 22, 60
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
    drawn.add_bars([(count, label) for label, count in chart.bars])
    ticks = _ticks(max((count for _, count in chart.bars), default=0))
    drawn.add_x_scale(0, ticks[-1])
    drawn.add_x_axis(ticks=ticks, tick_formatter=lambda number, *_: f"{number:,}")
    height = _MARGIN + _BAR * len(chart.bars)
    text = drawn.to_svg(width=WIDTH, height=height)
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{chart.id}-title" aria-describedby="{chart.id}-text">'
        f'<title id="{chart.id}-title">{html.escape(chart.title)}</title>'
        f'<desc id="{chart.id}-text">{html.escape(chart.described)}</desc>'
    )
    plain = _LIBRARY_LOOK.sub("", _LONG.sub(lambda found: f"{float(found[0]):.1f}", text))
    return _HEAD.sub(lambda _: head, plain, count=1)


def _ticks(highest: int) -> range:
    """Zero and two to six round, whole numbers; the last is not below the highest bar."""
    step = 1
    while step * 10 < highest:
        step *= 10
    if step * 5 < highest:
        step *= 2
    return range(0, max(highest, 1) + step, step)
