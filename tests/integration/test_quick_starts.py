"""The two quick starts, followed by their own text: a developer in a repository, and an engineer at 3 a.m."""

import re
import secrets

import pytest

from tests.integration.page import Page

TOKEN = "social/scheduler/prod/posts"


def test_the_page_for_developers(tmp_path, capfd):
    page = Page("quickstart-developer.md", tmp_path, capfd)
    (tmp_path / "legacy.py").write_text(f"connect('sk-social-{secrets.token_hex(32)}')\n")
    (tmp_path / ".gitignore").write_text("state/\n")
    for line in ("git init -q -b main", "git add .", "git commit -q -m legacy", "git branch origin/main"):
        page.line(line)
    written = []
    for line in page.lines():
        page.line(line)
        written.append(page.output)
        if "app.py" in line:
            assert "sent [tokenguard:" in page.output
    assert page.environ["DESCRIPT_API_TOKEN"] not in "".join(written)
    assert len(written) > 10
    assert not re.search(r"sk-social-[0-9a-f]", "".join(written))
    assert "exec tokenguard-hook" in (tmp_path / ".git/hooks/pre-commit").read_text()


def test_the_plain_hook_accepts_the_baseline_as_the_page_says(tmp_path, capfd):
    page = Page("quickstart-developer.md", tmp_path, capfd)
    (tmp_path / "legacy.py").write_text(f"connect('sk-social-{secrets.token_hex(32)}')\n")
    (tmp_path / ".gitignore").write_text("state/\n")
    for line in (
        "git init -q -b main",
        "tokenguard doctor --install-hook",
        "git add .",
        "git commit -q -m legacy  # exit 1",
    ):
        page.line(line)
    for line in ("tokenguard baseline update", "git add ."):
        page.line(line)
    page.line("git commit -q -m legacy")


@pytest.fixture
def on_call(sandbox, tmp_path, monkeypatch, capfd):
    """The page for who is on call, over a local store with the token of its examples, which lives at the sandbox."""
    monkeypatch.chdir(tmp_path)
    info = sandbox.info
    configuration = tmp_path / "config.toml"
    configuration.write_text(
        f'[providers.autoposting]\nbase_url = "{info.autoposting_url}"\nadmin = "env:ADMIN_KEY"\ndeath_floor = 0.3\n'
    )
    configuration.chmod(0o600)
    page = Page(
        "quickstart-on-call.md", tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store",
        TOKENGUARD_CONFIG=str(configuration), ADMIN_KEY=info.admin_key, TOKENGUARD_KEY_FILE="./key",
    )  # fmt: skip
    page.line("(umask 077; head -c 32 /dev/urandom | base64 > ./key)")
    page.line("tokenguard init --no-input")
    for name in (TOKEN, "social/scheduler/prod/stats"):
        page.line(
            f"tokenguard add {name} --provider autoposting --scope org:{info.org_id} --env prod --owner social"
            " --purpose posts --permission posts:read --no-consumers --issue"
        )
    return page


def value_of(page):
    page.line(f"tokenguard env -t {TOKEN}=LEAKED --format dotenv > ./leaked")
    return (page.directory / "leaked").read_text().strip().partition("=")[2]


def test_the_page_for_on_call(on_call):
    leaked = value_of(on_call)
    on_call.typed["tokenguard respond"] = (leaked, "pushed", "a ticket", "no")
    seen = {}
    for line in on_call.lines():
        if line.startswith("tokenguard respond --output"):
            on_call.typed[line] = on_call.typed.pop("tokenguard respond")[:3]
        on_call.line(line)
        seen[line] = on_call.output
        assert leaked not in on_call.output
    assert leaked != value_of(on_call)
    assert (on_call.directory / "incident.md").read_text()
    assert leaked not in (on_call.directory / "incident.md").read_text()
    assert TOKEN in seen["tokenguard respond  # exit 1"]
    assert f"tokenguard rotate {TOKEN} --resume" in seen


def test_a_rotation_that_an_outage_stopped_is_owed_until_it_is_resumed_as_the_page_says(on_call, sandbox):
    compromised = next(line for line in on_call.lines() if '--compromised --reason "' in line)
    sandbox.knobs.global_401 = True
    on_call.line(f"{compromised}  # exit 4 or 5")
    sandbox.knobs.global_401 = False
    on_call.line(f"tokenguard rotate {TOKEN} --resume")
    on_call.line(f"tokenguard rotate {TOKEN} --resume")
