"""The page "recovery": every command of it, on a local store that lost its key, its state, and then everything."""

import base64
import secrets

import pytest

from tests.integration.page import Page


@pytest.fixture
def page(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    store = tmp_path / "store"
    page = Page(
        "recovery.md", tmp_path, capfd, STORE_DIRECTORY=str(store), TOKENGUARD_STORE=f"local://{store}",
        TOKENGUARD_KEY_FILE=str(key), VALUE=f"tgcanary-{secrets.token_hex(16)}",
    )  # fmt: skip
    page.line("tokenguard init --no-input")
    page.line(
        "tokenguard add video/app/prod/upload --provider manual --scope drive:8c1f2a --env prod --owner video"
        " --purpose uploads --no-consumers --from-env VALUE"
    )
    return page


def test_every_command_of_the_page_does_what_the_page_says(page, tmp_path):
    lost = []
    for line in page.lines():
        if line.startswith("unset"):
            (tmp_path / "key").unlink()
            page.typed["tokenguard store add-slot --key-file"] = ((tmp_path / "recovery").read_text().strip(),)
        page.line(line)
        if line.startswith("tokenguard list") and "exit" not in line:
            assert "video/app/prod/upload" in page.output
        if line.startswith("rm -r"):
            lost.append(line)
            assert not (tmp_path / "state").exists()
    assert len(lost) == 2
    assert (tmp_path / "recovery-2").exists()
    assert "video/app/prod/upload" in page.output


def test_the_code_that_a_rekey_replaced_opens_nothing_and_a_code_can_be_used_again(page, tmp_path):
    page.line("tokenguard store add-slot --recovery-file ./recovery")
    del page.environ["TOKENGUARD_KEY_FILE"]
    page.typed["tokenguard list"] = ((tmp_path / "recovery").read_text().strip(),)
    page.line("tokenguard list")
    page.line("tokenguard list")
    page.environ["TOKENGUARD_KEY_FILE"] = str(tmp_path / "key")
    page.line("tokenguard store rekey --recovery-file ./recovery-2")
    del page.environ["TOKENGUARD_KEY_FILE"]
    page.line("tokenguard list  # exit 4")
