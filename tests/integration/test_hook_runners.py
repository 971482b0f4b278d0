"""The configurations that the docs print, under real pre-commit and real prek, with every hook type installed."""

import re
import secrets
from pathlib import Path

import pytest
import yaml

from tests.fakes.git_repository import leak
from tests.integration.hook_runners import BIN, HOOK_TYPES, ROOT, RUNNERS, Clone, documented, hook_source, runner

PAGES = {str(page.relative_to(ROOT)): page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}
CONFIGURATIONS = {f"{name}-{at}": text for name, page in PAGES.items() for at, text in enumerate(documented(page))}
(_SECOND_HOOK,) = re.findall(r"`(- id: tokenguard-commit-msg)`", PAGES["docs/scanning.md"].read_text())
CONFIGURATIONS["with commit-msg"] = f"{CONFIGURATIONS['docs/quickstart-developer.md-0']}      {_SECOND_HOOK}\n"
ALONE = """\
default_install_hook_types: [pre-commit, prepare-commit-msg]
repos:
  - repo: ADDRESS-OF-THIS-REPOSITORY
    rev: THE-RELEASE-YOU-USE
    hooks:
      - id: tokenguard
"""


@pytest.fixture(params=RUNNERS)
def program(request: pytest.FixtureRequest) -> str:
    return runner(request.param)


def configured(text: str, tmp_path: Path) -> str:
    """With the commit of a release, as `autoupdate --freeze` writes it; the first commit holds this file itself."""
    source = hook_source(tmp_path / "source")
    frozen = f"{source.git('rev-parse', 'HEAD').strip()}  # frozen: v1"
    return text.replace("ADDRESS-OF-THIS-REPOSITORY", str(source.path)).replace("THE-RELEASE-YOU-USE", frozen)


def test_the_pages_that_print_a_configuration_are_found() -> None:
    assert "docs/quickstart-developer.md-0" in CONFIGURATIONS


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_with_every_hook_type_installed_clean_work_passes_and_a_token_does_not(
    text: str, program: str, tmp_path: Path
) -> None:
    clone = Clone(tmp_path / "work", program, configured(text, tmp_path), *HOOK_TYPES)
    assert "Passed" in clone.git("commit", "-m", "configuration")
    clone.repository.stage("app.py", leak())
    assert "Autoposting API Key" in clone.refused("commit", "-m", "leak")
    clone.repository.stage("app.py", "x = 1\n")
    clone.git("commit", "-m", "clean")
    clone.git("commit", "--amend", "-m", "clean, told better")
    if "tokenguard-commit-msg" in text:
        clone.refused("commit", "--allow-empty", "-m", f"with {leak()}")
    _merge_rebase_and_push(clone, tmp_path)


def _merge_rebase_and_push(clone: Clone, tmp_path: Path) -> None:
    """What starts the other hooks."""
    clone.git("checkout", "-b", "side", "HEAD~1")
    clone.repository.stage("side.py", "y = 1\n")
    clone.git("commit", "-m", "side")
    clone.git("checkout", "main")
    clone.git("merge", "--no-ff", "-m", "merge", "side")
    clone.git("checkout", "-b", "late", "HEAD~1")
    clone.repository.stage("late.py", "z = 1\n")
    clone.git("commit", "-m", "late")
    clone.git("rebase", "main")
    clone.git("init", "-q", "--bare", str(tmp_path / "server.git"))
    clone.git("push", str(tmp_path / "server.git"), "main", "late")


def test_the_hook_alone_passes_with_the_types_that_its_configuration_installs(program: str, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "work", program, configured(ALONE, tmp_path), forks=False)
    clone.git("commit", "-m", "configuration")
    clone.repository.stage("app.py", leak())
    clone.refused("commit", "-m", "leak")


def test_a_merge_that_brings_a_token_is_refused(program: str, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "work", program, configured(ALONE, tmp_path), "pre-commit", "pre-merge-commit")
    clone.git("commit", "-m", "configuration")
    clone.git("checkout", "-b", "side")
    clone.repository.stage("side.py", leak())
    clone.git("commit", "--no-verify", "-m", "past the hook")
    clone.git("checkout", "main")
    clone.repository.stage("app.py", f"x = {secrets.randbelow(9)}\n")
    clone.git("commit", "-m", "another")
    clone.refused("merge", "--no-ff", "-m", "merge", "side")


def test_each_hook_that_is_offered_says_when_it_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert all(hook["stages"] for hook in hooks)
    by_id = {hook["id"]: hook for hook in hooks}
    messages = {"commit-msg", "prepare-commit-msg"}
    assert not messages & set(by_id["tokenguard"]["stages"])
    assert by_id["tokenguard-commit-msg"]["stages"] == ["commit-msg"]


def test_a_refusal_is_silenced_as_it_says_and_settings_of_the_repository_count(program: str, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "work", program, configured(ALONE, tmp_path))
    clone.git("commit", "-m", "configuration")
    clone.repository.stage("app.py", leak())
    command = re.search("run `(.+?)`", clone.refused("commit", "-m", "leak"))[1].replace("TEXT", "fixture").split()
    assert clone.run(str(BIN / command[0]), *command[1:]).returncode == 0
    clone.git("add", ".tokenguard-baseline", ".gitattributes")
    assert "Passed" in clone.git("commit", "-m", "accepted")
    clone.repository.stage("tests/fixture.py", leak())
    clone.refused("commit", "-m", "a fixture")
    clone.repository.stage(".tokenguard.toml", '[scan]\nexclude = ["tests/"]\n')
    assert "Passed" in clone.git("commit", "-m", "excluded")
    clone.repository.write("new.py", "x = 1\n")
    done = clone.run(program, "run", "--files", "new.py")
    assert done.returncode != 0
    assert "git add" in done.stdout
