"""Text from outside stays text in every form of a report: nothing of it acts on a page, a table, a sheet, a terminal."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from tests.unit.report_world import FORMULAS, HOSTILE, hostile_posture, number, posture_of
from tokenguard.output.formats import OutputFormat
from tokenguard.report.page import as_page
from tokenguard.report.posture_forms import as_csv, as_json, as_markdown
from tokenguard.report.write_assessment import ASSESSMENT_FORMATS, write_assessment
from tokenguard.text import safe_text

_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ue000\U000e0041]")
_COMMAND = re.compile(r"(?m)^\s*::(?!(?:error|warning|notice) )|##\w*\[")
"""What a runner of builds acts on: all but our own annotations."""
_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "p", "time", "nav", "ul", "li", "main",
    "section", "dl", "div", "dt", "dd", "figure", "figcaption", "svg", "desc", "g", "rect", "line", "text", "details",
    "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "code", "wbr",
}  # fmt: skip
_ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "tabindex", "datetime", "aria-label",
    "aria-labelledby", "aria-describedby", "role", "scope", "viewbox", "transform", "x", "y", "dy", "x1", "x2", "y1", "y2", "width",
    "height", "stroke", "stroke-width", "text-anchor", "dx",
}  # fmt: skip


class Shape(HTMLParser):
    """The tags of a page, in order, with all attributes and all text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.links, self.texts = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def posture():
    return hostile_posture()


def test_the_page_has_our_tags_and_no_other(posture):
    page = as_page(posture)
    shape = Shape(page)
    assert set(shape.tags) <= _TAGS
    assert shape.attributes <= _ATTRIBUTES
    assert all(link.startswith("#") for link in shape.links)
    assert not _INVISIBLE.search(page)
    assert page.count("<style>") == page.count("</style>") == 1
    harmless = as_page(posture_of([number(n) for n in range(3)]))
    assert set(Shape(harmless).tags) - {"p"} <= set(shape.tags)


def test_what_was_written_can_still_be_read(posture):
    text = "".join(Shape(as_page(posture)).texts)
    for attack in HOSTILE:
        assert safe_text(attack, one_line=True) in text, attack


def test_markdown_stays_text(posture):
    from markdown_it import MarkdownIt

    markdown = as_markdown(posture)
    assert not _INVISIBLE.search(markdown)
    assert not _COMMAND.search(markdown)
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").parse(markdown)
    kinds = {token.type for token in tokens} | {child.type for t in tokens for child in t.children or ()}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence", "blockquote_open", "hr"}
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert headings == [line for line in as_markdown(posture_of([])).splitlines() if line.startswith("#")]
    widths = {
        line.replace("\\|", "").count("|")
        for line in re.findall(r"(?m)^## Waivers\n\n((?:\|.*\n)+)", markdown)[0].splitlines()
    }
    assert len(widths) == 1


def test_no_cell_of_a_sheet_is_a_formula(posture):
    rows = list(csv.reader(io.StringIO(as_csv(posture)), strict=True))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@|%\t\r]", cell) and not re.fullmatch(r"-?\d+", cell)]
    assert not _INVISIBLE.search(as_csv(posture))
    for attack in FORMULAS:
        assert any(safe_text(attack, one_line=True) in cell for cell in cells), attack


def test_programs_get_what_was_written_in_ascii(posture):
    text = json.dumps(as_json(posture))
    assert text.isascii()
    assert "\\u202e" in text


@pytest.mark.parametrize("form", ASSESSMENT_FORMATS)
def test_a_check_breaks_out_of_no_format(posture, form):
    text = write_assessment(posture.assessments, form)
    assert not _INVISIBLE.search(text.replace("\\u202e", ""))
    assert not _COMMAND.search(text)
    if form in {OutputFormat.JSON, OutputFormat.SARIF}:
        assert text.isascii()
        json.loads(text)
    if form is OutputFormat.JUNIT:
        import xml.etree.ElementTree as ET

        assert {element.tag for element in ET.fromstring(text).iter()} <= {
            "testsuite",
            "testcase",
            "failure",
            "skipped",
        }
