"""What the documentation points at is there: pages, headings, files, tests, benches, targets, options, exit codes."""

import re
import subprocess
from functools import cache
from pathlib import Path

import msgspec
import pytest

from docs.generate import commands
from tokenguard.cli.app import app
from tokenguard.errors import ExitCode
from tokenguard.policy.repository_overrides import read_tightening
from tokenguard.precommit import arguments
from tokenguard.shell import config
from tokenguard.shell.configuration import load_settings

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_OURS = re.compile(r"(?<![\w./])(?:tests|tokenguard|docs|policies|pipelines|bench|requirements)/[\w./-]*[\w/]")
_FOREIGN = {  # options of other programs, by the page that speaks of them
    "respond.md": {"--json", "--redact", "--show-secrets"},  # of the scanners whose reports are read
    "scanning.md": {"--pre-commit", "--exclude-lines", "--exclude-files", "--exclude-secrets"},  # others', translated
    "ci.md": {"--jq"},  # gh's
    "deliveries.md": {"--server-side"},  # kubectl's
    "policies.md": {"--cached"},  # of `git rm`
    "ten-minutes.md": {"--jq"},  # gh's
}


def pages():
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES]


@cache
def text_of(page: Path) -> str:
    return page.read_text()


@cache
def prose_of(page: Path) -> str:
    return _FENCED.sub("", text_of(page))


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """The anchors of its headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", each)).lower() for each in headings]
    return frozenset(each.strip().replace(" ", "-") for each in plain)


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_to_a_page_and_a_heading(page):
    for target in _LINK.findall(prose_of(page)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        led = (page.parent / path).resolve() if path else page
        assert led.exists(), target
        assert not anchor or anchor in anchors_of(led), target


@pytest.mark.parametrize("page", pages())
def test_every_file_that_is_named_exists(page):
    names = {each for each in _OURS.findall(prose_of(page)) if "NAME" not in each} - {"tokenguard/1/"}  # a label
    assert {each for each in names if not (ROOT / each).exists()} == set()
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", prose_of(page)):
        assert re.search(rf"^\s*def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name
    tests = {path.name for path in (ROOT / "tests").rglob("*.py")}
    assert set(re.findall(r"\b(test_\w+\.py)\b", prose_of(page))) <= tests


@pytest.mark.parametrize("page", pages())
def test_every_bench_and_every_target_exists(page):
    benches = {path.stem for path in (ROOT / "bench").glob("*.py") if "def main(" in path.read_text()}
    assert set(re.findall(r"python -m bench (\w+)", text_of(page))) <= benches
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", text_of(page))) <= targets


@pytest.mark.parametrize("page", pages())
def test_every_exit_code_is_one_of_ours(page):
    said = {int(each) for each in re.findall(r"\bexits?(?: code)?(?: with)? (\d+)\b", text_of(page))}
    assert said <= set(ExitCode)


OPTIONS = {
    option
    for path, command in commands(app, ("tokenguard",))
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
} | {"--help", "--version", *arguments._FLAGS, *arguments._VALUES}


@pytest.mark.parametrize("page", pages())
def test_every_option_in_a_sentence_is_one_of_some_command(page):
    said = {word for each in _SPAN.findall(prose_of(page)) for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", each)}
    assert said - OPTIONS <= _FOREIGN.get(page.name, set())


def configurations():
    for page in PAGES:
        for number, block in enumerate(
            re.findall(r"^ *```toml\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL)
        ):
            yield pytest.param(block, id=f"{page.name}-{number}")


@pytest.mark.parametrize("block", list(configurations()))
def test_every_configuration_is_one_that_is_read(block, tmp_path):
    if "strict = true" in block:  # a repository's own file
        read_tightening(block.encode())
        return
    file = tmp_path / "config.toml"
    file.write_text(block)
    file.chmod(0o600)
    load_settings(str(file), {})


def test_every_key_of_the_configuration_is_shown():
    shown = "\n".join(block.values[0] for block in configurations())
    tables = [each for each in vars(config).values() if isinstance(each, type) and issubclass(each, config._Strict)]
    keys = {field.name for table in tables if table is not config._File for field in msgspec.structs.fields(table)}
    assert {
        key for key in keys if not re.search(rf"^ *(?:# )?(?:{key} = |\[(?:[\w-]+\.)*{key}[.\]])", shown, re.MULTILINE)
    } == set()
    for table in msgspec.structs.fields(config._File):
        assert re.search(rf"^ *\[{table.name}[].]", shown, re.MULTILINE), table.name


def test_every_variable_is_in_the_guide():
    sources = "".join(path.read_text() for path in (ROOT / "tokenguard").rglob("*.py"))
    known = set(re.findall(r"\W(TOKENGUARD_[A-Z_]*[A-Z])\b", sources)) - {"TOKENGUARD_ID_TOKEN"}  # a pipeline's own
    assert known - set(re.findall(r"`(TOKENGUARD_[A-Z_]+)`", (ROOT / "docs/guide.md").read_text())) == set()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_no_file_of_the_repository_is_a_link_which_could_lead_to_one_machine():
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--stage"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    entries = listed.stdout.splitlines()
    assert entries
    assert [entry for entry in entries if entry.startswith("120000 ")] == []
