"""One browser for all tests of this folder, and for each of them a household: sandbox, store, consumer, terminal."""

import base64
import os
import secrets
import shutil

import pytest

from tests.browser.settings_browser import SettingsPage, start
from tests.browser.sitting import Sitting, asked_drive, asked_label
from tokenguard.cli.error_handler import run
from tokenguard.domain.names import token_name
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

NAME = "video/publisher/prod/upload"


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """The browser; where there is none the tests are skipped aloud, except in CI, where that is a failure."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        missing = "NOT TESTED: guided rotation in a browser needs Chromium and its driver"
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    chrome = start(browser, driver, tmp_path_factory.mktemp("profile"))
    yield chrome
    chrome.quit()


class Household:
    """A store with one token of the Marketing Drive in it, whose consumer is a `.env` file."""

    def __init__(self, directory, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._sittings: list[Sitting] = []
        self.dotenv = directory / "app" / ".env"
        self.dotenv.parent.mkdir(mode=0o700)
        self._write(directory / "key", base64.b64encode(secrets.token_bytes(32)).decode())
        self._write(directory / "config.toml", f'[providers.descript]\nbase_url = "{sandbox.info.descript_url}"\n')
        self.environ = {
            **os.environ,
            "TOKENGUARD_KEY_FILE": str(directory / "key"),
            "TOKENGUARD_CONFIG": str(directory / "config.toml"),
            "TOKENGUARD_STATE_DIR": str(directory / "state"),
            "TOKENGUARD_STORE": f"local://{directory}/store",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        assert self.run("init") == 0

    def add(self, *consumers: str) -> str:
        """The token that will be rotated, known at the provider as `upload`; returns its value.

        Its consumer is the `.env` file; those that are named besides get nothing before the next rotation.
        """
        drive = self.drive_id("Marketing")
        value = self.sandbox.world.create_token("upload", drive).secret.reveal()
        self._write(self.dotenv, f"# settings\nDESCRIPT_API_TOKEN={value}\n")
        self.environ["PASTED"] = value
        dotenv = f"dotenv:{self.dotenv}#DESCRIPT_API_TOKEN"
        code = self.run(
            "add", NAME, "--provider", "descript", "--scope", f"drive:{drive}", "--scope-name", "Marketing",
            "--env", "prod", "--owner", "video", "--purpose", "upload", "--label", "upload",
            "--from-env", "PASTED", "--deliver", dotenv,
        )  # fmt: skip
        del self.environ["PASTED"]
        assert code == 0
        if consumers:
            declared = (part for target in (dotenv, *consumers) for part in ("--deliver", target))
            assert self.run("edit", NAME, *declared) == 0
        return value

    def drive_id(self, name: str) -> str:
        return next(drive_id for drive_id, known in self.sandbox.info.drives if known == name)

    def run(self, *arguments: str) -> int:
        """A command that asks nobody, in this process."""
        return run(arguments, self._wiring())

    def sit_down(self, *arguments: str) -> Sitting:
        """A command on a terminal with a person in front of it."""
        sitting = Sitting(arguments, self.environ)
        self._sittings.append(sitting)
        return sitting

    def document(self, name: str = NAME):
        return self._wiring().store.find(token_name(name)).document

    def live_value(self, name: str = NAME) -> str:
        store = self._wiring().store
        return store.read_live(store.find(token_name(name)).id).value.token.reveal()

    def consumer_value(self) -> str:
        comment, line = self.dotenv.read_text().splitlines()
        assert comment == "# settings"
        return line.removeprefix("DESCRIPT_API_TOKEN=")

    def alive(self, value: str) -> bool:
        return self.sandbox.world.alive(value)

    def check_nothing_was_shown(self) -> None:
        """No value, and no half of one, was ever on any screen."""
        for sitting in self._sittings:
            parts = (part for value in self.sandbox.world.values for part in value.split(":"))
            assert not any(part in sitting.screen for part in parts), "a value was on the screen"

    def clean_up(self) -> None:
        for sitting in self._sittings:
            sitting.child.close(force=True)

    def _wiring(self) -> Wiring:
        wiring = Wiring(environ=self.environ)
        wiring.tty = None
        return wiring

    @staticmethod
    def _write(path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)


@pytest.fixture
def household(tmp_path):
    with Sandbox() as sandbox:
        home = Household(tmp_path, sandbox)
        yield home
        home.clean_up()
    home.check_nothing_was_shown()


@pytest.fixture
def settings(chromium, household):
    """The settings page in the browser."""
    return SettingsPage(chromium, household.sandbox.info.settings_url)


@pytest.fixture
def as_asked(settings):
    """Makes the token that the screen asks for, and returns its value."""
    return lambda shown: settings.create(asked_label(shown), asked_drive(shown))
