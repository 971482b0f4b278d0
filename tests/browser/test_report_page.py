"""The report as a browser sees it: inert, self-contained, accessible in every light and size; a large one is a page."""

import base64
from pathlib import Path

import axe_core_python
import pytest

from tests.unit.report_world import DAY, hostile_posture, number, posture_of
from tests.unit.test_policy_rules import DONE, NOW
from tokenguard.domain.journal import Stage
from tokenguard.frozen import replace
from tokenguard.policy.loader import default_policy
from tokenguard.policy.model import PolicyWaiver, RuleSelector
from tokenguard.report.page import as_page
from tokenguard.report.report_tables import MAX_ROWS

TEXT = "return document.querySelector('main').textContent"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
WAYS = {
    "light": (1280, "light", ""),
    "dark": (1280, "dark", ""),
    "phone": (360, "dark", ""),
    "print": (740, "light", "print"),
}


def ordinary(count):
    """Tokens of every age, some without an owner, some rotated, one of those stuck; a waiver that ends soon."""
    documents = []
    for n in range(count):
        document = number(n, rotated_at=NOW - DAY * (n % 120), owner="" if n % 11 == 0 else f"team{n % 7}")
        journal = replace(DONE, stage=Stage.REVOKED, proof=None, updated_at=NOW - 5 * DAY) if n % 50 == 0 else DONE
        documents.append(replace(document, journal=journal if n % 2 == 0 else None))
    waiver = PolicyWaiver(
        rule="maximum-age", match=RuleSelector(token="team1/*"), owner="o", reason="r", until=NOW + 9 * DAY
    )
    return posture_of(documents, policy=replace(default_policy(), waivers=(waiver,)))


@pytest.fixture
def opened(chromium, tmp_path):
    def open_page(posture, way="light"):
        text = as_page(posture)
        target = tmp_path / "report.html"
        target.write_text(text)
        width, scheme, media = WAYS[way]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        chromium.get_log("browser")
        chromium.get(target.as_uri())
        return text

    yield open_page
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize("tokens", [1_200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_large_report_is_a_page_that_loads_and_runs_nothing(chromium, opened, tokens):
    text = opened(ordinary(tokens))
    assert len(text.encode()) < 3_000_000
    assert chromium.title == "Token report: default"
    assert chromium.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert chromium.execute_script("return document.querySelectorAll('img, script, iframe, link').length") == 0
    rows = chromium.execute_script(
        "return Math.max(...[...document.querySelectorAll('table')].map(t => t.rows.length))"
    )
    assert rows == MAX_ROWS + 1
    assert "in the JSON and CSV formats" in chromium.execute_script(TEXT)
    assert not [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]


def violated(chromium, options="{}"):
    chromium.execute_script(AXE)
    found = chromium.execute_async_script(f"axe.run({options}).then(arguments[0])")["violations"]
    return {each["id"]: (each["impact"], each["nodes"][0]["html"][:200]) for each in found}


def test_nothing_keeps_anybody_from_reading_it(chromium, opened):
    """axe-core, with every rule that it has."""
    opened(ordinary(12))
    assert violated(chromium) == {}


@pytest.mark.parametrize("way", ["dark", "phone", "print"])
def test_it_can_be_read_in_every_light_and_size(chromium, opened, way):
    opened(ordinary(12), way)
    assert violated(chromium, "{runOnly: ['color-contrast', 'scrollable-region-focusable']}") == {}
    assert chromium.execute_script("return document.documentElement.scrollWidth <= innerWidth")


CHARTS = """return [...document.querySelectorAll('figure svg')].map(svg => {
  const texts = [...svg.querySelectorAll('text')].map(each => each.getBoundingClientRect());
  const bars = [...svg.querySelectorAll('.series rect')].sort((a, b) => a.getBoundingClientRect().top
    - b.getBoundingClientRect().top).map(each => getComputedStyle(each).fill);
  return {left: Math.min(...texts.map(each => each.left)), right: Math.max(...texts.map(each => each.right),
    svg.getBoundingClientRect().right), height: Math.min(...texts.map(each => each.height)), bars: bars}})"""


@pytest.mark.parametrize("way", WAYS)
def test_charts_are_whole_and_legible_in_every_size(chromium, opened, way):
    """Nothing scrolls or is cut: each label is within the window, and no smaller than the text of a footnote."""
    opened(ordinary(12), way)
    drawn = chromium.execute_script(CHARTS)
    assert [len(each["bars"]) for each in drawn] == [7, 14]
    assert all(each["left"] >= 0 and each["right"] <= WAYS[way][0] and each["height"] >= 11 for each in drawn)


@pytest.mark.parametrize("way", ["light", "dark"])
def test_what_is_overdue_stands_out_at_the_top_of_its_chart(chromium, opened, way):
    opened(ordinary(130), way)
    first, *others = chromium.execute_script(CHARTS)[1]["bars"]
    assert first not in others
    assert len(set(others)) == 1


def test_axe_would_find_a_page_that_cannot_be_read(chromium, opened, tmp_path):
    text = opened(ordinary(3)).replace("--soft: #59636e", "--soft: #eeeeee").replace('lang="en"', "")
    target = tmp_path / "worse.html"
    # with another style the hash no longer fits: without its policy the page shows the style all the same
    target.write_text(text.replace("Content-Security-Policy", "x"))
    chromium.get(target.as_uri())
    assert {"color-contrast", "html-has-lang"} <= violated(chromium).keys()


def test_a_screen_reader_gets_names_and_numbers(chromium, opened):
    opened(ordinary(12))
    tree = chromium.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in tree}
    assert {("image", "Age of live values"), ("img", "Age of live values")} & named
    assert any(role == "table" and str(name).startswith("Violations: ") for role, name in named)
    headings = chromium.execute_script("return [...document.querySelectorAll('h1, h2')].map(h => h.tagName + h.id)")
    assert headings[:4] == ["H1", "H2glance", "H2owners", "H2violations"]
    targets = chromium.execute_script("return [...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
    assert set(targets) == {each[2:] for each in headings if each.startswith("H2")} - {"glance"}


def test_attacks_in_every_field_do_nothing(chromium, opened):
    opened(hostile_posture())
    assert chromium.title == "Token report: default"
    assert (
        chromium.execute_script("return document.querySelectorAll('img, script, iframe, link, b, [onerror]').length")
        == 0
    )
    assert chromium.execute_script("return performance.getEntriesByType('resource').length") == 0
    shown = chromium.execute_script(TEXT)
    assert "<script>alert(1)</script>" in shown
    assert "\\u202egnp.exe" in shown
    assert not [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_policy_of_the_page_is_what_keeps_it_inert(chromium, opened, tmp_path):
    """Even if something broke out: no script runs, no style is added, nothing is loaded, no form is sent."""
    text = opened(ordinary(3))
    broken = tmp_path / "broken.html"
    attack = (
        "<script>document.title='owned'</script><img src='/x.png'><style>body{display:none}</style>"
        "<div style='position:fixed' onclick='1'></div><base href='http://192.0.2.1/'><form action='/x'></form>"
    )
    broken.write_text(text.replace("<main", attack + "<main", 1))
    chromium.get(broken.as_uri())
    assert chromium.title == "Token report: default"
    assert chromium.execute_script("return getComputedStyle(document.body).display") == "block"
    assert chromium.execute_script("return document.images[0].naturalWidth") == 0
    assert chromium.execute_script("return document.baseURI.startsWith('file:')")


def test_it_prints_without_what_paper_cannot_use(chromium, opened):
    opened(ordinary(12), "print")
    hidden = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert chromium.execute_script(hidden, "nav") == chromium.execute_script(hidden, "details") == "none"
    printed = base64.b64decode(chromium.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")
