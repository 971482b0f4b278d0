"""T25: there are few doors to a terminal, and all of them are listed here with what they let through."""

import ast
from pathlib import Path

import tokenguard

ROOT = Path(tokenguard.__file__).parent
DOORS = {
    "cli/error_handler.py": "the error boundary, through safe_text",
    "__main__.py": "two lines of its own, before anything is imported",
    "shell/output.py": "the streams themselves, before anybody speaks",
    "shell/render.py": "standard output, through safe_text",
    "shell/progress.py": "standard error, through safe_text",
    "cli/sandbox.py": "one line of JSON of its own making",
    "cli/demo_person.py": "the demo, which shows what real commands print",
    "cli/demo_stage.py": "the demo, which shows what real commands print",
}
OTHER_PROCESSES = ("precommit/", "masking/", "streams/")
"""Programs of their own, and filters whose very business is somebody's output."""


def _speaks(path: Path) -> bool:
    return any(_is_door(node) for node in ast.walk(ast.parse(path.read_text())))


def _is_door(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id == "print"
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return (node.value.id, node.attr) in {
        ("sys", "stdout"), ("sys", "stderr"), ("sys", "__stdout__"), ("sys", "__stderr__"),
        ("click", "echo"), ("click", "secho"),
    }  # fmt: skip


def test_only_the_doors_speak():
    names = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if _speaks(path)}
    assert {name for name in names if not name.startswith(OTHER_PROCESSES)} <= set(DOORS)


def test_the_list_of_doors_is_true():
    for name in DOORS:
        assert _speaks(ROOT / name), name
