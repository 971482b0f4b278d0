"""A report of 10,000 tokens: its size, what making it costs beside assessing, and how long the browser is ever busy."""

import shutil
import tempfile
import time
from pathlib import Path

from tests.browser.settings_browser import start
from tests.browser.test_report_page import ordinary
from tokenguard.policy.evaluation import assess
from tokenguard.report.page import as_page
from tokenguard.report.posture import Posture

TOKENS = 10_000
_OBSERVE = """
const done = arguments[0], seen = [];
new PerformanceObserver(list => seen.push(...list.getEntries().map(e => [e.startTime, e.duration])))
  .observe({type: 'longtask', buffered: true});
const end = performance.getEntriesByType('navigation')[0].loadEventEnd;
let y = 0;
const step = () => { y += innerHeight * 4; scrollTo(0, y);
  if (y < document.body.scrollHeight) requestAnimationFrame(step);
  else setTimeout(() => done(seen.filter(e => e[0] >= end).map(e => e[1])), 300); };
requestAnimationFrame(step);
"""


def main() -> None:
    """Print sizes and ratios; the browser's part only where there is one."""
    posture = ordinary(TOKENS)
    started = time.process_time()
    assess(posture.policy, posture.surroundings[0])
    assessed = time.process_time()
    fresh = Posture(at=posture.at, assessments=posture.assessments, surroundings=posture.surroundings)
    text = as_page(fresh)
    made = time.process_time()
    size = len(text.encode())
    print(f"page: {size / 1e6:.2f} MB ({size / 3e6:.2f} of what is allowed)")
    print(f"making it: {(made - assessed) / (assessed - started):.2f} of assessing the inventory")
    browser, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if browser is None or driver is None:
        print("no Chromium here: long tasks were not looked at")
        return
    with tempfile.TemporaryDirectory() as directory:
        longest = _longest(browser, driver, Path(directory), text)
    print(f"longest task after load, while scrolling to the end: {longest:.2f} of 200 ms")


def _longest(browser: str, driver: str, directory: Path, text: str) -> float:
    (directory / "report.html").write_text(text)
    chrome = start(browser, driver, directory / "profile")
    try:
        chrome.set_script_timeout(60)
        chrome.get((directory / "report.html").as_uri())
        return max(chrome.execute_async_script(_OBSERVE), default=0) / 200
    finally:
        chrome.quit()
