"""A person at the sandbox's settings page, in a real browser: fills in the form, copies the value, clicks Revoke."""

from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

_FLAGS = (
    "--headless",
    "--no-sandbox",  # a container's root has no user namespaces to put it in
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but this machine can even be named
    "--window-size=1000,800",
)


def start(chromium: str, driver: str, profile: Path) -> webdriver.Chrome:
    """A headless browser with an empty profile."""
    options = Options()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    browser.set_page_load_timeout(20)
    return browser


class SettingsPage:
    """What a person can see and do at `Settings > API tokens`."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        self._url = url

    def create(self, name: str, drive: str) -> str:
        """Create a token and copy its value, which is shown this once."""
        self.submit(name, drive)
        return self.browser.find_element(By.ID, "new-token").text

    def submit(self, name: str, drive: str) -> None:
        self.browser.get(self._url)
        field = self.browser.find_element(By.ID, "name")
        field.send_keys(name)
        Select(self.browser.find_element(By.ID, "drive_id")).select_by_visible_text(drive)
        self._click(self.browser.find_element(By.ID, "create-token"))

    def revoke(self, name: str) -> None:
        """Click Revoke in every row of that name; there must be one."""
        self.browser.get(self._url)
        assert self._named(name)
        while rows := self._named(name):
            self._click(rows[0].find_element(By.TAG_NAME, "button"))

    def listed(self) -> list[tuple[str, str]]:
        """Name and Drive of each token in the list."""
        self.browser.get(self._url)
        return [tuple(self._cells(row)[:2]) for row in self._rows()]

    def _click(self, button) -> None:
        """Send a form, and wait until another page is there: it has the same address."""
        before = self._page()
        button.click()
        # Asked in the middle of the change, the driver complains in words of its own.
        waiting = WebDriverWait(self.browser, 20, poll_frequency=0.05, ignored_exceptions=(WebDriverException,))
        waiting.until(lambda _browser: self._page() != before)

    def _page(self):
        return self.browser.find_element(By.TAG_NAME, "html")

    def _named(self, name: str) -> list:
        return [row for row in self._rows() if self._cells(row)[0] == name]

    def _rows(self):
        return self.browser.find_elements(By.CSS_SELECTOR, "tr[data-token-id]")

    @staticmethod
    def _cells(row) -> list[str]:
        return [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
