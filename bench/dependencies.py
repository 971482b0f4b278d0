"""Dependencies: reason, size, what each brings, CPU time of its import, maintainer; and what each way in loads.

`python -m bench dependencies` prints the tables; `python -m bench.dependencies` writes them to docs/supply-chain.md.
"""

import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "supply-chain.md"
_TABLE = re.compile(r"(<!-- dependencies -->\n).*?(<!-- /dependencies -->)", re.DOTALL)
_FOOTPRINT = re.compile(r"(<!-- footprint -->\n).*?(<!-- /footprint -->)", re.DOTALL)
_REASON = re.compile(r'^\s*(?:\w+ = \[)?"([A-Za-z0-9_.-]+)[^"]*"\]?,? +# (.+)$', re.MULTILINE)
_RUNS = 7
_MODULES = {
    "cel-expr-python": "cel_expr_python.cel",
    "cryptography": "cryptography.hazmat.primitives.ciphers.aead",
    "google-re2": "re2",
    "markdown-it-py": "markdown_it",
    "opentelemetry-sdk": "opentelemetry.sdk.trace",
    "PyNaCl": "nacl.public",
    "python-dotenv": "dotenv",
    "PyYAML": "yaml",
    "rich": "rich.console",
}
"""What is imported of a package, where that is not its name."""
_MEBI = 1 << 20
_HOOK = frozenset({"ahocorasick-rs", "detect-secrets", "google-re2", "msgspec", "platformdirs", "PyYAML"})
"""What the hook requires itself; `tests/integration/test_hook_start.py` lists them with what they require."""
_DOORS = {
    **{
        f"`tokenguard-hook` on {what}": f"import sys; sys.argv = ['tokenguard-hook', '--', {name!r}]; "
        "from tokenguard_entry import hook\ntry: hook()\nexcept SystemExit: pass"
        for what, name in (
            ("a file without anything like a secret", "app.py"),
            ("a file with an assignment", "login.py"),
        )
    },
    "`tokenguard.install()` in a program": "import tokenguard; tokenguard.install(values={'A': 'tgcanary-footprint'})",
    "`tokenguard --help`": "import sys; sys.argv = ['tokenguard', '--help']; "
    "from tokenguard_entry import command\ntry: command()\nexcept SystemExit: pass",
}
_PROBE = """
import sys
before = set(sys.modules)
CODE
import json
from importlib.metadata import packages_distributions
known = packages_distributions()
loaded = {name for each in set(sys.modules) - before for name in known.get(each.partition(".")[0], ())}
print(json.dumps(sorted(loaded)), file=sys.stderr)
"""


def declared() -> list[tuple[Requirement, str, str]]:
    """Each dependency with its reason, as pyproject.toml says it, and the extra that it belongs to."""
    text = (ROOT / "pyproject.toml").read_text()
    reasons = {canonicalize_name(name): reason for name, reason in _REASON.findall(text)}
    project = tomllib.loads(text)["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    found = [(Requirement(each), extra) for extra, given in groups.items() for each in given]
    return [(each, reasons[canonicalize_name(each.name)], extra) for each, extra in found]


def row(requirement: Requirement, reason: str, extra: str) -> str:
    """One line of the table."""
    size = sum(_size(name) for name in _closure(requirement.name))
    wanted = f"`{requirement.name}{requirement.specifier}`" + (f" (extra `{extra}`)" if extra else "")
    cost = f"{_seconds(_MODULES.get(requirement.name, requirement.name.replace('-', '_'))) * 1000:.0f} ms"
    others = len(_closure(requirement.name)) - 1
    return f"| {wanted} | {reason} | {size / _MEBI:.1f} MB | {others} | {cost} | {_owner(requirement.name)} |"


def footprint(door: str, code: str) -> str:
    """What one way in loads."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["git", "init", "-q", place], check=True)
        (Path(place) / "app.py").write_text("x = 1\n")
        (Path(place) / "login.py").write_text(f"password = '{secrets.token_hex(16)}'\n")
        subprocess.run(["git", "-C", place, "add", "app.py", "login.py"], check=True)
        probe = _PROBE.replace("CODE", code)
        done = subprocess.run([sys.executable, "-c", probe], cwd=place, capture_output=True, text=True, check=True)
    loaded = [name for name in json.loads(done.stderr.splitlines()[-1]) if not name.startswith("tokenguard")]
    size = sum(_size(name) for name in loaded) / _MEBI
    return f"| {door} | {len(loaded)} | {size:.1f} MB | {', '.join(f'`{name}`' for name in loaded) or 'none'} |"


def render() -> str:
    """The page with both tables as they are measured now."""
    head = "| Requirement | Reason | Size | Brings | Import | Maintainer |\n|---|---|---|---|---|---|\n"
    table = head + "".join(f"{row(*each)}\n" for each in declared())
    head = "| Way in | Packages loaded | Their size | Which |\n|---|---|---|---|\n"
    every = {name for each, _, extra in declared() if not extra for name in _closure(each.name)}
    head += _installed("an installation without extras", every)
    head += _installed("an installation of the hook alone", {name for each in _HOOK for name in _closure(each)})
    doors = head + "".join(f"{footprint(*each)}\n" for each in _DOORS.items())
    text = _TABLE.sub(lambda found: f"{found[1]}{table}{found[2]}", PAGE.read_text())
    return _FOOTPRINT.sub(lambda found: f"{found[1]}{doors}{found[2]}", text)


def _installed(what: str, packages: set[str]) -> str:
    """A row for what pip installs: tokenguard's own files and these packages."""
    own = (each for each in (ROOT / "tokenguard").rglob("*") if each.is_file() and each.suffix != ".pyc")
    size = sum(map(_size, packages)) + sum(each.stat().st_size for each in own)
    return f"| {what} | {len(packages)} installed | {size / _MEBI:.0f} MB with tokenguard | |\n"


def _closure(name: str) -> set[str]:
    """A package and everything that its installation brings."""
    found, todo = set(), [canonicalize_name(name)]
    while todo:
        each = todo.pop()
        if each in found:
            continue
        found.add(each)
        for text in metadata.requires(each) or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                todo.append(canonicalize_name(wanted.name))
    return found


def _size(name: str) -> int:
    """Bytes of its files, without what Python compiles."""
    files = metadata.files(name) or []
    return sum(each.size or 0 for each in files if each.suffix != ".pyc")


def _seconds(module: str) -> float:
    """How much more CPU a fresh interpreter takes that imports it: the median of differences, pair by pair."""
    return max(statistics.median(_run(f"import {module}") - _run("") for _ in range(_RUNS)), 0.0)


def _run(code: str) -> float:
    child = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, code
    return usage.ru_utime + usage.ru_stime


def _owner(name: str) -> str:
    """Who maintains it, by what the index shows of its metadata."""
    about = metadata.metadata(name)
    fields = ("Maintainer", "Author", "Maintainer-email", "Author-email")
    said = next((about[field] for field in fields if about.get(field)), "not stated")
    return re.sub(r"\s*<[^>]*>", "", said).replace('"', "").replace("|", "/").strip()


def main() -> None:
    """Both tables, in Markdown."""
    print(render())


if __name__ == "__main__":
    PAGE.write_text(render())
