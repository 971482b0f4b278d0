"""Each limit on what people and repositories give, reached by the real program: one error, one hint, little memory."""

import base64
import io
import os
import re
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_MIB = 1 << 20
POLICY = "format: 1\nname: x\nextends: default\n"
MANIFEST = "version: 1\ndefaults: {provider: manual, owner: x, environment: dev, scope: 'org:x', purpose: x}\n"
FACTS = (
    "--provider",
    "manual",
    "--scope",
    "org:x",
    "--env",
    "dev",
    "--owner",
    "x",
    "--purpose",
    "x",
    "--no-consumers",
    "--no-verify",
)


@dataclass(frozen=True)
class Limit:
    """A limit, what is one more than it allows, and the command that meets that."""

    name: str
    command: tuple[str, ...]
    more: Callable[[Path, int], str | None]
    """Writes so much into a directory; what the command reads on standard input, if that is it."""
    code: int = 2

    @property
    def allows(self) -> int:
        module, _, constant = self.name.partition(":")
        return getattr(import_module(f"tokenguard.{module}"), constant)


def file(name: str, *, begin: str = "", fill: str = "#") -> Callable[[Path, int], None]:
    """A file of so many bytes."""

    def write(at: Path, size: int) -> None:
        (at / name).write_text(begin + "\n" + fill * (size - len(begin) - 2) + "\n")
        (at / name).chmod(0o600)

    return write


def hole(name: str) -> Callable[[Path, int], None]:
    """A file of so many bytes that takes no room."""

    def write(at: Path, size: int) -> None:
        with (at / name).open("wb") as sparse:
            sparse.truncate(size)

    return write


def text(name: str, make: Callable[[int], str]) -> Callable[[Path, int], None]:
    def write(at: Path, count: int) -> None:
        (at / name).write_text(make(count))

    return write


def typed(make: Callable[[int], str]) -> Callable[[Path, int], str]:
    return lambda _at, count: make(count)


def _includes(at: Path, count: int) -> None:
    for number in range(count):
        (at / f"m{number}.yaml").write_text(MANIFEST + "tokens: {}\n")
    (at / "tokens.yaml").write_text(
        MANIFEST + f"include: [{', '.join(f'm{n}.yaml' for n in range(count))}]\ntokens: {{}}\n"
    )


def _large_includes(at: Path, total: int) -> None:
    count = 8
    for number in range(count):
        head = MANIFEST + "tokens: {}\n"
        (at / f"m{number}.yaml").write_text(head + "#" * (total // count - len(head) + count) + "\n")
    (at / "tokens.yaml").write_text(
        MANIFEST + f"include: [{', '.join(f'm{n}.yaml' for n in range(count))}]\ntokens: {{}}\n"
    )


def _chain(at: Path, depth: int) -> None:
    for number in range(depth + 1):
        below = f"include: [m{number + 1}.yaml]\n" if number < depth else ""
        (at / (f"m{number}.yaml" if number else "tokens.yaml")).write_text(MANIFEST + below + "tokens: {}\n")


def _nested_zip(at: Path, depth: int) -> None:
    data = b"nothing"
    for number in range(depth + 1):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(f"{number}.zip" if number else "a.txt", data)
        data = made.getvalue()
    (at / "nested.zip").write_bytes(data)


def _layers(at: Path, count: int) -> None:
    for number in range(count + 1):
        (at / f"p{number}.yaml").write_text(
            f"format: 1\nname: p{number}\nextends: {f'p{number + 1}.yaml' if number < count else 'default'}\n"
        )


LIMITS = (
    Limit("shell.config:MAX_BYTES", ("--config", "c.toml", "list"), file("c.toml")),
    Limit("policy.loader:MAX_BYTES", ("policy", "lint", "p.yaml"), file("p.yaml", begin="format: 1\nname: x\nextends: default")),
    Limit("documents:MAX_DEPTH", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: "format: 1\nname: x\nrules: " + "[" * n + "]" * n)),
    Limit("documents:MAX_NODES", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: f"format: 1\nname: x\nrules: [{'1,' * n}]")),
    Limit("policy.policy_tests:MAX_BYTES", ("policy", "test", "t.yaml"), file("t.yaml", begin="format: 1")),
    Limit("policy.repository_overrides:MAX_BYTES", ("check", "."), file(".tokenguard.toml")),
    Limit("provisioning.folder:MAX_FILE", ("plan",), file("tokens.yaml", begin=MANIFEST + "tokens: {}")),
    Limit("provisioning.folder:MAX_FILES", ("plan",), _includes),
    Limit("provisioning.folder:MAX_TOTAL", ("plan",), _large_includes),
    Limit("provisioning.layers:MAX_DEPTH", ("plan",), _chain),
    Limit("provisioning.layers:MAX_TOKENS", ("plan",), text("tokens.yaml", lambda n: MANIFEST + "tokens:\n" + "".join(f"  a/n{i}: {{}}\n" for i in range(n)))),
    Limit("provisioning.manifest_source:MAX_NODES", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens: {{}}\nx: [{'1,' * n}]")),
    Limit("provisioning.parse:MAX_LINE", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens:\n  a/b: {{purpose: {'x' * n}}}\n")),
    Limit("provisioning.parse:MAX_ITEMS", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens:\n  a/b: {{permissions: [{', '.join(f'p{i}' for i in range(n))}]}}\n")),
    Limit("providers.generic.loading:_MAX_BYTES", ("provider", "lint", "a.yaml"), file("a.yaml", begin="name: a")),
    Limit("providers.generic.mapping_reader:_MAX_TEXT", ("provider", "lint", "a.yaml"), text("a.yaml", lambda n: f"name: a\nbase_url: https://{'x' * n}\n")),
    Limit("inventory.readers:MAX_BYTES", ("import", "a.env"), file("a.env")),
    Limit("inventory.readers:MAX_DRAFTS", ("import", "--dry-run", "a.env"), text("a.env", lambda n: "".join(f"A_TOKEN_{i}=tgcanary{i:012}\n" for i in range(n)))),
    Limit("inventory.list_reading:MAX_BYTES", ("verify", "--reconcile", "manual", "--from-file", "l.txt"), file("l.txt", fill=" ")),
    Limit("inventory.list_reading:MAX_ROWS", ("verify", "--reconcile", "manual", "--from-file", "l.txt"), text("l.txt", lambda n: "".join(f"n{i}\n" for i in range(n)))),
    Limit("scanning.foreign_reports:MAX_BYTES", ("respond", "r.json", "--reach", "log", "--where", "x"), hole("r.json")),
    Limit("scanning.foreign_reports:_MAX_NODES", ("respond", "r.json", "--reach", "log", "--where", "x"), text("r.json", lambda n: "[" + "1," * n + "1]")),
    Limit("scanning.detect_secrets_baseline:_MAX_BYTES", ("baseline", "import", "b.json"), hole("b.json")),
    Limit("scanning.baseline_file:_MAX_BYTES", ("scan", "."), hole(".tokenguard-baseline")),
    Limit("scanning.windows:LARGEST", ("scan", "--strict", "."), hole("large.bin"), code=1),
    Limit("scanning.content:MAX_BYTES", ("scan", "--strict", "--stdin"), typed(lambda n: "x\n" * (n // 2 + 1))),
    Limit("scanning.archives:MAX_DEPTH", ("scan", "--strict", "."), _nested_zip, code=1),
    Limit("policy.loader:_MAX_LAYERS", ("policy", "lint", "p0.yaml"), _layers),
    Limit("policy.section:MAX_TEXT", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + f"rules:\n  - {{id: leaked, why: {'x' * n}}}\n")),
    Limit("policy.section:MAX_DAYS", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + f"rules:\n  - {{id: maximum-age, otherwise: {n}}}\n")),
    Limit("policy.repository_overrides:_MAX_PATTERNS", ("scan", "."), text(".tokenguard.toml", lambda n: f"[scan]\nexclude = {[f'p{i}' for i in range(n)]}\n")),
    Limit("inventory.record_changes:MAX_TEXT", ("add", "a/b", *FACTS, "--stdin", "--purpose", "REASON"), typed(lambda n: "tgcanary" * 4)),
    Limit("scanning.baseline_file:MAX_REASON", ("baseline", "accept", "a.py:1", "--reason", "REASON"), text("a.py", lambda n: "connect('sk-social-" + "aB3" * 20 + "')\n")),
    Limit("scanning.union_merge:_MAX_BYTES", ("baseline", "update"), file(".gitattributes")),
    Limit("provisioning.server_setup.server_file:MAX_BYTES", ("setup", "s.yaml", "--emit", "terraform"), file("s.yaml")),
    Limit("domain.shape:MAX_LENGTH", ("add", "a/b", *FACTS, "--stdin"), typed(lambda n: "tgcanary" + "x" * (n - 8))),
    Limit("domain.names:MAX_SEGMENTS", ("add", "NAME", *FACTS, "--stdin"), typed(lambda n: "tgcanary" * 4)),
    Limit("shell.unlock:_LARGEST_KEY_FILE", ("list",), file("key", fill=" ")),
    Limit("cli.rotate:_MAX_REASON", ("rotate", "a/b", "--compromised", "--reason", "REASON"), typed(lambda n: "")),
)  # fmt: skip


def _ran(limit: Limit, at: Path, amount: int) -> subprocess.CompletedProcess[bytes]:
    (at / "repository").mkdir()
    given = limit.more(at / "repository", amount)
    if "--reconcile" in limit.command:
        _tokenguard(at, "add", "a/b", *FACTS, "--stdin", stdin=b"tgcanary-a-value")
    if limit.name.endswith("KEY_FILE"):
        (at / "repository" / "key").replace(at / "key")
    words = {"NAME": "/".join(["a"] * min(amount, 99)), "REASON": "x" * min(amount, 999)}
    subprocess.run(["git", "init", "-q", at / "repository"], check=True)
    return subprocess.run(
        ["prlimit", f"--data={700 * _MIB}", sys.executable, "-P", "-m", "tokenguard", "--no-input",
         *(words.get(word, word) for word in limit.command)],
        cwd=at / "repository", env=_environ(at), input=(given or "").encode(), capture_output=True, check=False, timeout=100,
    )  # fmt: skip


def _environ(at: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin", "HOME": str(at), "PYTHONPATH": str(ROOT), "TOKENGUARD_STORE": f"local://{at}/store",
        "TOKENGUARD_KEY_FILE": str(at / "key"), "TOKENGUARD_STATE_DIR": str(at / "state"), "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip


def _tokenguard(at: Path, *arguments: str, stdin: bytes = b"") -> None:
    command = [sys.executable, "-P", "-m", "tokenguard", *arguments]
    subprocess.run(command, env=_environ(at), input=stdin, check=True, capture_output=True)


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    (tmp_path / "key").chmod(0o600)
    _tokenguard(tmp_path, "init", "--no-input")
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the unit of memory is Linux's")
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_one_more_than_the_limit_is_refused(limit, runner):
    done = _ran(limit, runner, limit.allows + 1)
    said = done.stderr.decode()
    assert done.returncode == limit.code, (said[-2000:], done.stdout[-2000:])
    assert "Traceback" not in said
    if limit.code == 2:
        assert re.search(r"^error: .*\n(.*\n)*hint: ", said, re.MULTILINE), said
    told = said + done.stdout.decode()
    assert any(words in told for words in (f"{limit.allows:,}", "too-large", "archive-too-deep")), told
    assert len(told) < 20_000
