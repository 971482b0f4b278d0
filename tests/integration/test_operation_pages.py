"""The pages "schedules" and "notifications": every command of them, on a local store, with the page's own receiver."""

import base64
import importlib.util
import secrets
from http.server import BaseHTTPRequestHandler

import pytest

from tests.fakes.loopback import Loopback
from tests.integration.page import Page

SECRET = f"tgcanary{secrets.token_hex(24)}"


class PageReceiver(Loopback):
    """A web server whose POST is the function of the page."""

    def __init__(self):
        self.events, self.receive = [], None

    def handler(self):
        server = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(server.receive(self.headers.items(), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Answer


@pytest.fixture
def page(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)

    def opened(name: str) -> Page:
        page = Page(
            name, tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store", TOKENGUARD_KEY_FILE=str(key),
            VALUE=f"tgcanary-{secrets.token_hex(16)}", HOOK_SECRET=SECRET,
        )  # fmt: skip
        page.line("tokenguard init --no-input")
        page.line(
            "tokenguard add video/app/prod/upload --provider manual --scope drive:8c1f2a --env prod --owner video"
            " --purpose uploads --no-consumers --from-env VALUE --due 2026-01-01"
        )
        return page

    return opened


def test_every_command_of_the_page_on_schedules(page, tmp_path):
    opened = page("schedules.md")
    config = tmp_path / "config.toml"
    config.write_text(
        '[notify.routes.ops]\nwebhook = "https://alerts.example.org"\nsecret = "env:HOOK_SECRET"\n'
        'events = ["waiver-ends"]\n'  # of which the page has none: nothing is sent
    )
    config.chmod(0o600)
    opened.environ["TOKENGUARD_CONFIG"] = str(config)
    for line in opened.lines():
        opened.line(line)
    assert sorted(each.name for each in tmp_path.glob("tokenguard-*")) == [
        "tokenguard-notify.service", "tokenguard-notify.timer", "tokenguard-upkeep.service", "tokenguard-upkeep.timer",
    ]  # fmt: skip
    assert "kind: CronJob" in opened.output


def test_every_command_of_the_page_on_notifications_reaches_the_page_s_receiver(page, tmp_path):
    opened = page("notifications.md")
    config = tmp_path / "config.toml"
    with PageReceiver() as server:
        config.write_text(f'[notify.routes.ops]\nwebhook = "{server.url}/hook"\nsecret = "env:HOOK_SECRET"\n')
        config.chmod(0o600)
        opened.environ["TOKENGUARD_CONFIG"] = str(config)
        lines = list(opened.lines())
        spec = importlib.util.spec_from_file_location("receiver", tmp_path / "receiver.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        server.receive = module.receiver(SECRET, lambda event, data: server.events.append((event, data["token"])))
        for line in lines:
            opened.line(line)
    assert server.events == [("test", ""), ("overdue", "video/app/prod/upload"), ("waiting", "video/app/prod/upload")]
