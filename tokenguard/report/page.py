"""A report as one self-contained HTML page without scripts, for screens, paper and screen readers."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Sequence

from tokenguard.report.charts import Chart, svg
from tokenguard.report.gathering import summary
from tokenguard.report.page_style import STYLE
from tokenguard.report.posture import Posture, ages, calendar
from tokenguard.report.report_tables import MAX_ROWS, Cell, Figure, Table, figures, sections
from tokenguard.text import safe_text

_LONGEST = 300
_CODE = re.compile(r"`([^`]+)`")
"""A command in our own words about a table."""
_SHORT, _LONG, _DATE = 24, 40, 12
"""Characters up to which a name is kept in one line, from which on words are given room, and which a date has."""


def as_page(posture: Posture) -> str:
    """The whole document. External text is escaped, made visible, cut, and isolated."""
    tables = list(sections(posture))
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Token report: {_text(posture.policy.name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        '<a class="skip" href="#main">Skip to the report</a>',
        *_header(posture, tables),
        '<main id="main" tabindex="-1">',
        *_overview(posture),
        *(line for each in tables for line in _section(each)),
        "</main>\n</body>\n</html>",
    ]
    return "\n".join(parts) + "\n"


def charts(posture: Posture) -> list[Chart]:
    """The pictures of a report."""
    return [
        Chart(id="ages", title="Age of live values", what="age in days", bars=ages(posture)),
        Chart(id="calendar", title="Due in the next 13 weeks", what="week that begins on", bars=calendar(posture)),
    ]


def _header(posture: Posture, tables: list[Table]) -> Iterator[str]:
    said = _text(summary(posture.assessments))
    yield f"<header>\n<h1>Token report: {_text(posture.policy.name)}</h1>"
    yield f"<p>{said[:1].upper()}{said[1:]}.</p>"
    moment = f'<time datetime="{posture.at:%Y-%m-%dT%H:%MZ}">{posture.at:%Y-%m-%d %H:%M} UTC</time>'
    yield f'<p class="about">As of {moment}.'
    yield " ".join(f"{_text(each[:1].upper() + each[1:])}." for each in posture.remarks) + "</p>"
    yield '<nav aria-label="Sections"><ul>'
    yield from (f'<li><a href="#{each.id}">{_text(each.title)}</a></li>' for each in tables)
    yield "</ul></nav>\n</header>"


def _overview(posture: Posture) -> Iterator[str]:
    yield '<section><h2 id="glance">At a glance</h2>\n<dl class="figures">'
    yield from (_figure(each) for each in figures(posture))
    yield '</dl>\n<div class="charts">'
    for chart in charts(posture):
        yield f'<figure id="{chart.id}"><figcaption>{_text(chart.title)}</figcaption>'
        yield svg(chart)
        yield f"<details><summary>{_text(chart.title)}: the numbers</summary><table><thead><tr>"
        yield f'<th scope="col">{_text(chart.what)}</th><th scope="col" class="number">tokens</th></tr></thead><tbody>'
        yield from (
            f'<tr><th scope="row">{_text(name)}</th><td class="number">{count:,}</td></tr>'
            for name, count in chart.bars
        )
        yield "</tbody></table></details></figure>"
    yield "</div></section>"


def _figure(figure: Figure) -> str:
    tone = f' class="{figure.tone}"' if figure.tone else ""
    return f"<div><dt>{_text(figure.label)}</dt><dd{tone}>{_text(figure.value)}</dd></div>"


def _section(table: Table) -> Iterator[str]:
    yield f'<section><h2 id="{table.id}" tabindex="-1">{_text(table.title)}</h2>'
    about = _CODE.sub(r"<code>\1</code>", _text(table.about))
    yield f'<p class="about">{about}</p>'
    if not table.rows:
        yield f"<p>{_text(table.empty)}</p></section>"
        return
    rows = table.rows[:MAX_ROWS]
    columns = [_column([row[place] for row in rows]) for place in range(len(table.head))]
    # a region that can be scrolled must be reachable by keyboard, and have a name
    yield f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{table.id}"><table>'
    yield f'<caption class="unseen">{_text(table.title)}: {_text(table.about)}</caption><thead><tr>'
    for name, column in zip(table.head, columns, strict=True):
        yield f'<th scope="col"{_class(column)}>{_text(name)}</th>'
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, columns, strict=True)) + "</tr>"
    yield "</tbody></table></div>"
    yield f"<p>{_text(table.beyond)}</p></section>" if table.beyond else "</section>"


def _column(cells: Sequence[Cell]) -> str:
    """The style of a column, by its content."""
    kind, longest = cells[0].kind, max(len(cell.text) for cell in cells)
    if kind == "number":
        return "number"
    if kind == "exact":
        return "short" if longest <= _SHORT else "name"
    if longest <= _DATE:
        return "short"
    return "long" if longest >= _LONG else ""


def _cell(cell: Cell, column: str) -> str:
    text = _text(cell.text)
    # a path may be broken after a slash; what is copied has no break in it
    shown = f"<code>{text.replace('/', '/<wbr>')}</code>" if cell.kind == "exact" and text else text
    return f"<td{_class(column, cell.tone)}>{shown}</td>"


def _class(*names: str) -> str:
    given = " ".join(name for name in names if name)
    return f' class="{given}"' if given else ""


def _text(text: str) -> str:
    return html.escape(safe_text(text, one_line=True, limit=_LONGEST))
