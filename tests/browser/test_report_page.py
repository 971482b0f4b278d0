"""The report as a browser sees it: nothing runs, nothing is loaded, and a large one is still a page."""

from datetime import timedelta

from tests.unit.test_policy_rules import DONE, GOOD, NOW
from tokenguard.cli.runbook_page import page
from tokenguard.domain.document import Document
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.policy.evaluation import assess
from tokenguard.policy.loader import default_policy
from tokenguard.policy.surroundings import Surroundings
from tokenguard.report.posture import MAX_ROWS, Posture, as_markdown

TOKENS = 2_000
ATTACK = "<img src=x onerror=document.title='owned'>"


def test_a_large_report_opens_and_is_inert(chromium, tmp_path):
    records = [
        replace(
            GOOD,
            name=token_name(f"team{number % 7}/service{number}/upload"),
            owner=f"team{number % 7}" if number % 2 else ATTACK,
            purpose=f"purpose {number}",
            fingerprint=f"{number:032x}",
            provider_id=f"id{number}",
            rotated_at=NOW - timedelta(days=number % 120),
        )
        for number in range(TOKENS)
    ]
    around = Surroundings([Document(record=record, journal=DONE) for record in records], NOW)
    posture = Posture(at=NOW, assessments=[assess(default_policy(), around)], records=records)
    text = page("default", as_markdown(posture), kind="Token report")
    assert len(text.encode()) < 3_000_000
    target = tmp_path / "report.html"
    target.write_text(text)
    chromium.get(target.as_uri())
    assert chromium.title == "Token report: default"
    assert chromium.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert chromium.execute_script("return document.querySelectorAll('img, script, iframe, link, a').length") == 0
    assert ATTACK in chromium.execute_script("return document.body.innerText")
    headings = chromium.execute_script("return [...document.querySelectorAll('h2')].map(each => each.textContent)")
    assert headings[:3] == ["Owners", "Violations", "Due within 90 days"]
    rows = chromium.execute_script(
        "return Math.max(...[...document.querySelectorAll('table')].map(t => t.rows.length))"
    )
    assert rows == MAX_ROWS + 1
    assert not [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
