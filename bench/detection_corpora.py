"""Public corpora of secrets for scanners, read from a folder of checkouts: each as its maintainers mark what is one.

Nothing of them is kept here. The folder holds one checkout per repository, under the repository's name.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tokenguard.frozen import Frozen

_GO_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_PLAIN_ENOUGH = 6
"""Characters of the shortest example that is more than a separator."""


class Example(Frozen, frozen=True):
    """One file to scan, and whether its corpus says that it holds a secret."""

    path: str
    data: bytes
    valid: bool
    risks: int = 0
    """How many lines with secrets the corpus counts, where it counts them."""


def readers() -> dict[str, Callable[[Path], Iterator[Example]]]:
    """The reader of each corpus by the name of its repository."""
    return {
        "leaky-repo": _leaky_repo,
        "fake-leaks": _fake_leaks,
        "noseyparker": _rule_files,
        "titus": _rule_files,
        "kingfisher": _rule_files,
        "secretlint": _secretlint,
        "gitleaks": _go_rules,
        "betterleaks": _go_rules,
        "detect-secrets": _detect_secrets,
    }


def _leaky_repo(root: Path) -> Iterator[Example]:
    """`.leaky-meta/secrets.csv` counts lines with secrets, file by file; a file with none is a valid negative."""
    for line in (root / ".leaky-meta" / "secrets.csv").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, risks, _ = line.split(",")
        for path in (root / name, root / name.replace(".docker/.dockercfg", ".dockercfg")):
            if path.is_file():
                yield Example(str(path.relative_to(root)), path.read_bytes(), int(risks) > 0, int(risks))
                break


def _fake_leaks(root: Path) -> Iterator[Example]:
    """Files below a folder `valid` or `invalid`."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        marks = {"valid", "invalid"} & set(parts[:-1])
        if path.is_file() and len(marks) == 1:
            yield Example("/".join(parts), path.read_bytes(), "valid" in marks)


def _rule_files(root: Path) -> Iterator[Example]:
    """`examples` and `negative_examples` of the rules; each is a file of its own."""
    files = sorted(path for path in root.rglob("*.yml") if {"rule", "rules"} & set(path.parts))
    for path in files:
        read = yaml.safe_load(path.read_text())
        for rule in (read or {}).get("rules", ()) if isinstance(read, dict) else ():
            for key, valid in (("examples", True), ("negative_examples", False)):
                for number, text in enumerate(rule.get(key) or ()):
                    yield _row(f"{rule['id']}-{'yes' if valid else 'no'}-{number}", str(text), valid=valid)


def _secretlint(root: Path) -> Iterator[Example]:
    """Inputs of snapshots, named `ng.` for what must be told and `ok.` for what must not."""
    for path in sorted(root.glob("packages/@secretlint/secretlint-rule-*/test/snapshots/*/input*")):
        mark, rule = path.parent.name[:3], path.parts[-5].removeprefix("secretlint-rule-")
        if path.is_file() and mark in ("ng.", "ok.") and rule not in _NO_SECRETS:
            data = path.read_bytes()
            yield Example(f"{rule}/{path.parent.name}/{path.name}", data, mark == "ng.")


_NO_SECRETS = ("no-homedir", "no-dotenv", "pattern", "filter-comments", "example", "no-k8s-kind-secret")
"""Rules of secretlint that tell something else than a secret, or what a user configures."""


def _go_rules(root: Path) -> Iterator[Example]:
    """The strings in `tps` and `fps` of the rules; what their programs generate at run time is left out."""
    for path in sorted((root / "cmd" / "generate" / "config" / "rules").glob("*.go")):
        for number, (kind, text) in enumerate(_go_examples(path.read_text())):
            yield _row(f"{path.stem}-{kind}-{number}", text, valid=kind == "tps")


def _go_examples(text: str) -> Iterator[tuple[str, str]]:
    for start in re.finditer(r"\b(tps|fps)\s*:?=\s*\[\]string\s*\{", text):
        for entry in _entries(text, start.end()):
            found = _GO_STRING.fullmatch(entry)
            if found:
                literal = found.group()
                value = literal[1:-1] if literal[0] == "`" else json.loads(_as_json(literal))
                if len(value) >= _PLAIN_ENOUGH:
                    yield start.group(1), value


def _entries(text: str, at: int) -> Iterator[str]:
    """The elements of a list that begins at an index, without comments."""
    depth, entry = 0, ""
    while at < len(text):
        literal = _GO_STRING.match(text, at)
        if literal:
            entry += literal.group()
            at = literal.end()
            continue
        if text.startswith("//", at):
            at = text.index("\n", at)
            continue
        char = text[at]
        depth += (char in "({[") - (char in ")}]")
        if depth < 0 or (depth == 0 and char == ","):
            if entry.strip():
                yield entry.strip()
            entry = ""
            if depth < 0:
                return
        else:
            entry += char
        at += 1


def _as_json(literal: str) -> str:
    return literal.replace("\t", "\\t").replace("\\x", "\\u00").replace("\\a", "\\u0007")


def _detect_secrets(root: Path) -> Iterator[Example]:
    """Parameters of the plug-ins' tests: a line, and whether (or which secret) is to be found in it."""
    for path in sorted((root / "tests" / "plugins").glob("*_test.py")):
        tree = ast.parse(path.read_text())
        known = dict[str, Any]()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                known[node.targets[0].id] = _value(node.value, known)
        for number, (line, valid) in enumerate(_parameters(tree, known)):
            yield _row(f"{path.stem.removesuffix('_test')}-{number}", line, valid=valid)


def _parameters(tree: ast.AST, known: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("parametrize"):
            continue
        given = [_value(each, known) for each in (*call.args, *(each.value for each in call.keywords))]
        if len(given) < 2 or not isinstance(given[1], list | tuple):
            continue
        for row in given[1]:
            cells = row if isinstance(row, tuple) else (row,)
            if isinstance(cells[0], str) and len(cells[0]) >= _PLAIN_ENOUGH:
                yield cells[0], not (len(cells) > 1 and (cells[1] is False or cells[1] is None or cells[1] == 0))


def _value(node: ast.AST, known: dict[str, Any]) -> Any:
    """What an expression of literals is worth; None for every other one."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return known.get(node.id)
        case ast.List() | ast.Tuple():
            values = [_value(each, known) for each in node.elts]
            return values if isinstance(node, ast.List) else tuple(values)
        case ast.BinOp(op=ast.Add()):
            left, right = _value(node.left, known), _value(node.right, known)
            return left + right if type(left) is type(right) and left is not None else None
        case ast.Call(func=ast.Attribute(attr="format", value=written)):
            text, values = _value(written, known), [_value(each, known) for each in node.args]
            named = {each.arg or "": _value(each.value, known) for each in node.keywords}
            complete = isinstance(text, str) and all(isinstance(each, str) for each in (*values, *named.values()))
            return text.format(*values, **named) if complete else None
        case _:
            return None


def _row(name: str, text: str, *, valid: bool) -> Example:
    return Example(re.sub(r"[^\w.-]", "_", name) + ".txt", text.encode("utf-8", "surrogateescape"), valid)
