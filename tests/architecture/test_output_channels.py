"""T25: few modules write to a terminal, and all of them are listed here with what they write."""

import ast
from pathlib import Path

import tokenguard

ROOT = Path(tokenguard.__file__).parent
WRITERS = {
    "cli/error_handler.py": "the error handler, through safe_text",
    "__main__.py": "two lines of its own, before anything is imported",
    "shell/output.py": "the streams themselves, before anything is written",
    "shell/render.py": "standard output, through safe_text",
    "shell/progress.py": "standard error, through safe_text",
    "cli/agent.py": "the answer of a hook, as JSON in ASCII and through safe_text",
    "cli/sandbox.py": "one line of JSON of its own making",
    "cli/demo_person.py": "the demo, which shows what real commands print",
    "cli/demo_stage.py": "the demo, which shows what real commands print",
}
OTHER_PROCESSES = ("precommit/", "masking/", "streams/")
"""Programs of their own, and filters of another program's output."""


def _writes(path: Path) -> bool:
    return any(_is_output(node) for node in ast.walk(ast.parse(path.read_text())))


def _is_output(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id == "print"
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return (node.value.id, node.attr) in {
        ("sys", "stdout"), ("sys", "stderr"), ("sys", "__stdout__"), ("sys", "__stderr__"),
        ("click", "echo"), ("click", "secho"),
    }  # fmt: skip


def test_only_the_listed_modules_write():
    names = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if _writes(path)}
    assert {name for name in names if not name.startswith(OTHER_PROCESSES)} <= set(WRITERS)


def test_each_listed_module_writes():
    for name in WRITERS:
        assert _writes(ROOT / name), name
