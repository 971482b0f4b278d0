"""The page "approvals": every command of it, on a local store with the key slots of two people."""

import base64
import os
import re

import pytest

from tests.integration.page import DOCS, Page

_POLICY = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(tmp_path, monkeypatch, capfd, sandbox):
    monkeypatch.chdir(tmp_path)
    for person in ("alice", "bob"):
        (tmp_path / f"{person}.key").write_bytes(base64.b64encode(os.urandom(32)))
        (tmp_path / f"{person}.key").chmod(0o600)
    (policy,) = _POLICY.findall((DOCS / "approvals.md").read_text())
    (tmp_path / "policy.yaml").write_text(policy)
    config = tmp_path / "config.toml"
    config.write_text(
        '[policy]\nfile = "policy.yaml"\n'
        f'[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\ndeath_floor = 0.3\n'
    )
    config.chmod(0o600)
    page = Page(
        "approvals.md", tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store", TOKENGUARD_KEY_FILE="alice.key",
        TOKENGUARD_CONFIG=str(config), TOKENGUARD_ADMIN_AUTOPOSTING=sandbox.info.admin_key,
    )  # fmt: skip
    page.line("tokenguard init --no-input")
    page.line("tokenguard store add-slot --key-file bob.key")
    for name, purpose in (("upload", "uploads"), ("post", "posting"), ("control", "a control")):
        page.line(
            f"tokenguard add video/app/prod/{name} --provider autoposting --scope org:{sandbox.info.org_id} --env prod"
            f" --owner video --purpose '{purpose}' --made-by alice --deputy bob --no-consumers --issue"
        )
    return page


def test_every_command_of_the_page_does_what_the_page_says(page):
    said = {}
    for line in page.lines():
        page.line(line)
        said[line] = page.output
    assert (
        "another person runs: tokenguard approve sha256:"
        in said["tokenguard retire video/app/prod/upload --yes  # exit 3: not approved yet"]
    )
    listed = said["tokenguard request"]
    assert "video/app/prod/upload: retire" in listed
    page.line("tokenguard request")
    assert "nothing awaits" in page.output, "the second request ended with its operation, whose review is closed"
