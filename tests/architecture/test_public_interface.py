"""What is public is listed by `__all__` and docs/api.md; examples use nothing else; manual pages are the commands."""

import ast
import inspect
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

import tokenguard
from docs import api, manual
from docs.generate import commands
from tokenguard import webhooks
from tokenguard.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PUBLIC = {name: set(import_module(name).__all__) for name in api.MODULES}
BESIDE = {"DISTRIBUTION", "TYPE_CHECKING"}
"""Of the package itself, read before anything of it is loaded."""


def test_the_page_of_the_interface_is_written_from_the_modules():
    assert api.PAGE.read_text() == api.render(), "run `make docs`"


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_there_and_documented(name):
    module = import_module(name)
    for each in PUBLIC[name]:
        assert inspect.getdoc(getattr(module, each)), each


def test_importing_everything_from_the_package_gives_the_public_names_and_no_other():
    found = {}
    exec("from tokenguard import *", found)
    assert set(found) - {"__builtins__"} == PUBLIC["tokenguard"]
    names = {name for name in vars(tokenguard) if not name.startswith("_")}
    modules = {path.stem for path in (ROOT / "tokenguard").iterdir()}
    assert names - PUBLIC["tokenguard"] - modules == BESIDE


def test_what_is_loaded_when_it_is_used_is_public():
    assert set(webhooks.__all__) == set(webhooks._LAZY)
    assert set(tokenguard.__all__) == set(tokenguard._LAZY)


def imports(source):
    """Each name of ours that a program imports, as `module.name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tokenguard":
            yield from ((node.module, each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names if each.name.split(".")[0] == "tokenguard")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tokenguard":
            yield "tokenguard", node.attr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_use_the_public_interface_only(page):
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        for module, name in imports(block):
            is_module = f"{module}.{name}" in PUBLIC
            assert module in PUBLIC, (module, name)
            assert not name or is_module or name in PUBLIC[module], (module, name)


def test_the_manual_pages_are_written_from_the_commands():
    for name, text in manual.render().items():
        assert (manual.FOLDER / name).read_text() == text, "run `make docs`"


def test_the_manual_has_every_command_and_says_nothing_to_the_formatter_by_accident():
    text = (manual.FOLDER / "tokenguard.1").read_text()
    for path, _ in commands(app, ("tokenguard",)):
        assert f".SS {' '.join(path)}".replace("-", r"\-") in text, path
    known = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi"}
    assert {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))} <= known
    assert text.isascii()


@pytest.mark.skipif(shutil.which("groff") is None, reason="NOT TESTED: groff is not installed")
@pytest.mark.parametrize("name", sorted(manual.render()))
def test_the_formatter_has_nothing_to_say_of_a_manual_page(name):
    command = ["groff", "-man", "-Tutf8", "-z", "-ww", str(manual.FOLDER / name)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert [line for line in said.splitlines() if "cannot adjust line" not in line] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_names_the_variable_that_click_reads(shell):
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)(app, {}, "tokenguard", "_TOKENGUARD_COMPLETE").source()
    assert f"_TOKENGUARD_COMPLETE={shell}_complete" in script
