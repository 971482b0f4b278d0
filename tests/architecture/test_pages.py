"""The pages that people read: each can be found from the README, and none hides who does what."""

import re
from pathlib import Path

import pytest

from tokenguard.errors import ExitCode
from tokenguard.token_formats.table import FORMATS

ROOT = Path(__file__).parents[2]
GENERATED = {"commands.md", "policies.md"}
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.parent.name != "adr" and page.name not in GENERATED
    ),
]
_CODE = re.compile(
    r"^ *```.*?^ *```$|<!-- channels -->.*?<!-- /channels -->|`[^`\n]+`|\"[^\"\n]+\"", re.MULTILINE | re.DOTALL
)
_UNNAMED = re.compile(r"\b(?:nobody|somebody|whoever|everybody|anybody)\b", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_who_acts(page):
    assert _UNNAMED.findall(_CODE.sub("", page.read_text())) == []


def test_every_page_is_linked_from_the_readme():
    linked = {(ROOT / path).resolve() for path in re.findall(r"\]\(([\w/.-]+\.md)", (ROOT / "README.md").read_text())}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr"}
    assert pages - linked == set()


def test_each_line_of_the_readmes_first_commands_is_a_target_of_make():
    """A comment that was wrapped is a command to whoever copies the block."""
    lines = re.search(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1].splitlines()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(lines) > 1
    assert [line for line in lines if re.sub(r" +#.*", "", line) not in {f"make {each}" for each in targets}] == []


def test_the_exit_codes_of_the_readme_are_those_there_are():
    table = (ROOT / "README.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == set(ExitCode)


def test_every_install_line_has_a_source():
    """What a public index has under the name of the command is another project."""
    installs = [line for page in PAGES for line in re.findall(r"pip install ([^`\n]+)", page.read_text())]
    assert installs
    assert [line for line in installs if not re.match(r"""["']?(\.|\S+ @ )""", line)] == []


def test_the_number_of_vendor_formats_is_the_table_s():
    said = {int(number) for page in PAGES for number in re.findall(r"(\d+) vendor formats", page.read_text())}
    assert said == {len(FORMATS)}
