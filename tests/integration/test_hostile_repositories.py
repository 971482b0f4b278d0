"""Repositories that would run programs or call hosts, if what is in them were obeyed: no command of ours does.

Each trap runs a program that leaves a mark, or names a server that counts connections. Git's own traps have a control:
the plain git command that steps into them, so that a trap that has rusted is seen.
"""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository

ROOT = Path(__file__).parents[2]
TRACER = ROOT / "tests" / "fakes" / "tracing"
COMMANDS = {
    "scan": ("tokenguard", "scan", "."),
    "scan of what is staged": ("tokenguard", "scan", "--staged"),
    "scan of the history": ("tokenguard", "scan", "--history"),
    "hook": ("tokenguard-hook",),
    "check": ("tokenguard", "check", "."),
    "check of the tokens": ("tokenguard", "check"),
    "doctor": ("tokenguard", "doctor"),
    "fmt": ("tokenguard", "fmt", "--check", "tokens.yaml"),
    "plan": ("tokenguard", "plan"),
    "baseline": ("tokenguard", "baseline", "update"),
    "baseline import": ("tokenguard", "baseline", "import", ".secrets.baseline"),
    "policy lint": ("tokenguard", "policy", "lint", "policy.yaml"),
    "provider lint": ("tokenguard", "provider", "lint", "acme.yaml"),
}


@dataclass
class Trap:
    """What the hostile author has: a program, what it leaves when it runs, and a server."""

    repository: Repository
    program: Path
    mark: Path
    server: str

    def write(self, name: str, text: str) -> None:
        self.repository.write(name, text)

    def configure(self, *settings: str) -> None:
        for setting in settings:
            name, _, text = setting.partition("=")
            self.repository.git("config", name, text)

    def module(self) -> str:
        """Python that leaves the mark."""
        return f"open({str(self.mark)!r}, 'w').close()\n"


def configuration(trap: Trap) -> None:
    p = trap.program
    trap.configure(f"core.fsmonitor={p}", f"core.pager={p}", f"core.editor={p}", f"core.sshCommand={p}", f"diff.external={p}",
                   f"core.askPass={p}", f"credential.helper=!{p}", f"alias.ls-files=!{p}", f"alias.diff-index=!{p}",
                   f"gpg.program={p}", "log.showSignature=true", f"core.alternateRefsCommand={p}")  # fmt: skip


def hooks(trap: Trap) -> None:
    for name in ("pre-commit", "post-index-change", "post-checkout", "reference-transaction", "pre-auto-gc", "pre-push",
                 "fsmonitor-watchman"):  # fmt: skip
        for folder in (".git/hooks", "hooks"):
            trap.write(f"{folder}/{name}", trap.program.read_text())
            (trap.repository.path / folder / name).chmod(0o755)
    trap.configure("core.hooksPath=hooks", "core.fsmonitor=hooks/fsmonitor-watchman")


def filters(trap: Trap) -> None:
    trap.write("a.txt", "a\n")
    trap.repository.commit("before the filter")
    trap.write(".gitattributes", "* filter=x diff=x merge=x\n")
    trap.configure(f"filter.x.clean={trap.program}", f"filter.x.smudge={trap.program}", f"filter.x.process={trap.program}",
                   f"diff.x.textconv={trap.program}", f"diff.x.command={trap.program}", f"merge.x.driver={trap.program}",
                   "filter.x.required=true")  # fmt: skip
    trap.write("a.txt", "b\n")


def included(trap: Trap) -> None:
    trap.write("more", f"[core]\n\tfsmonitor = {trap.program}\n[diff]\n\texternal = {trap.program}\n")
    trap.configure("include.path=../more", f"includeIf.gitdir:{trap.repository.path}/.path=../more")


def submodules(trap: Trap) -> None:
    inner = Repository(trap.repository.path / "inner")
    inner.write("a.txt", "a\n")
    inner.commit("inner")
    inner.git("config", "core.fsmonitor", str(trap.program))
    trap.write(".gitmodules", f'[submodule "inner"]\n\tpath = inner\n\turl = ext::{trap.program}\n')
    trap.configure(f"submodule.inner.url=ext::{trap.program}", f"submodule.inner.update=!{trap.program}", "protocol.ext.allow=always",
                   "submodule.recurse=true", "diff.submodule=log")  # fmt: skip
    trap.repository.commit("a submodule")
    inner.write("a.txt", "b\n")


def links(trap: Trap) -> None:
    outside = trap.program.parent / "outside"
    outside.mkdir()
    (outside / "module.py").write_text(trap.module())
    os.mkfifo(outside / "fifo")
    for name, target in (("tokens.yaml", outside / "fifo"), (".tokenguard.toml", outside / "fifo"), ("away", outside),
                         ("program.py", outside / "module.py"), (".tokenguard-baseline", outside / "fifo"),
                         ("policy.yaml", outside / "fifo"), ("acme.yaml", outside / "fifo"), ("circle", Path("circle"))):  # fmt: skip
        (trap.repository.path / name).unlink(missing_ok=True)
        (trap.repository.path / name).symlink_to(target)


def large_files(trap: Trap) -> None:
    trap.write("big.bin", "b\n")
    trap.repository.commit("before the filter")
    trap.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    trap.write(".lfsconfig", f"[lfs]\n\turl = {trap.server}\n\tconcurrenttransfers = 8\n")
    trap.configure(f"filter.lfs.clean={trap.program}", f"filter.lfs.smudge={trap.program}", f"filter.lfs.process={trap.program}",
                   f"lfs.url={trap.server}", f"lfs.customtransfer.x.path={trap.program}", "lfs.standalonetransferagent=x")  # fmt: skip
    trap.write("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n")


def tool_configuration(trap: Trap) -> None:
    trap.write(
        ".tokenguard.toml",
        f'[providers.acme]\nbase_url = "{trap.server}"\nfile = "acme.yaml"\n[commands.x]\nargv = ["{trap.program}"]\n'
        f'[vault]\naddress = "{trap.server}"\n[network]\nproxy = "{trap.server}"\n[scan]\nplugins = ["evil.py"]\n',
    )
    trap.write("config.toml", f'[commands.x]\nargv = ["{trap.program}"]\n[store]\nurl = "vault://secret/x"\n')


def modules(trap: Trap) -> None:
    for name in ("sitecustomize", "usercustomize", "tokenguard", "json", "yaml", "click", "detect_secrets", "keyring", "conftest",
                 "secrets", "evil"):  # fmt: skip
        trap.write(f"{name}.py", trap.module())
    trap.write("tokenguard/__init__.py", trap.module())
    trap.write("evil.pth", f"import os; {trap.module()}")


def plug_ins(trap: Trap) -> None:
    trap.write("setup.py", trap.module())
    trap.write("evil.py", trap.module())
    trap.write(
        "pyproject.toml",
        f'[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n[project]\nname = "x"\nversion = "1"\n'
        f'[project.entry-points."tokenguard.providers"]\nx = "evil"\n[project.entry-points."keyring.backends"]\nx = "evil"\n'
        f'[tool.tokenguard]\nplugins = ["evil"]\nconfig = "config.toml"\nstore = "{trap.server}"\n'
        '[tool.detect-secrets]\nplugins = ["evil.py"]\n',
    )
    trap.write("x.egg-info/entry_points.txt", "[keyring.backends]\nx = evil\n[tokenguard.providers]\nx = evil\n")
    trap.write("x.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: x\nVersion: 1\n")
    trap.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: local\n  hooks:\n  - {{id: x, name: x, entry: {trap.program}, language: system}}\n",
    )


def policies(trap: Trap) -> None:
    trap.write(
        "policy.yaml",
        f"format: 1\nname: x\nextends: {trap.server}/policy\nrules:\n  - !!python/object/apply:os.system [{trap.program}]\n",
    )
    trap.write(".tokenguard.toml", f'[policy]\nname = "{trap.server}/policy"\nfile = "policy.yaml"\n')


def provider_files(trap: Trap) -> None:
    trap.write(
        "acme.yaml",
        f"name: acme\nbase_url: {trap.server}\nkind: api_key\nscope_kind: x\nauth: bearer\nprobe: {{request: GET /}}\n",
    )
    trap.write(
        "providers/acme.yaml", f"name: !!python/object/apply:os.system [{trap.program}]\nbase_url: {trap.server}\n"
    )
    trap.write(".tokenguard.toml", '[providers.acme]\nfile = "acme.yaml"\n')


def baselines(trap: Trap) -> None:
    trap.write("evil.py", trap.module())
    tree = {
        "version": "1.5.0",
        "plugins_used": [{"name": "Evil", "path": f"file://{trap.repository.path}/evil.py"}],
        "filters_used": [{"path": f"file://{trap.repository.path}/evil.py::is_ours"}, {"path": "evil.is_ours"}],
        "results": {"evil.py": [{"type": "Evil", "filename": "evil.py", "hashed_secret": "0" * 40, "line_number": 1}]},
        "generated_at": "2026-11-01T00:00:00Z",
    }
    for name in (".secrets.baseline", ".tokenguard-baseline"):
        trap.write(name, json.dumps(tree))


def agents(trap: Trap) -> None:
    hook = {"hooks": [{"type": "command", "command": str(trap.program)}]}
    settings = {"hooks": {"UserPromptSubmit": [hook], "SessionStart": [hook]}, "apiKeyHelper": str(trap.program),
                "statusLine": {"type": "command", "command": str(trap.program)}, "env": {"PATH": "."}}  # fmt: skip
    for name in (
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".cursor/hooks.json",
        ".codex/hooks.json",
        ".github/hooks/x.json",
    ):
        trap.write(name, json.dumps(settings))
    servers = {"mcpServers": {"x": {"command": str(trap.program)}, "y": {"type": "http", "url": trap.server}}}
    for name in (".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json"):
        trap.write(name, json.dumps(servers))


def missing_objects(trap: Trap) -> None:
    trap.write("away.txt", "away\n")
    trap.repository.commit("away")
    oid = trap.repository.git("rev-parse", "HEAD:away.txt").strip()
    (trap.repository.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    trap.configure("core.repositoryformatversion=1", "extensions.partialClone=origin", "remote.origin.promisor=true",
                   f"remote.origin.url=ext::{trap.program}", "protocol.ext.allow=always", f"remote.origin.uploadpack={trap.program}",
                   f"url.{trap.server}.insteadOf=https://example.com", f"http.proxy={trap.server}")  # fmt: skip


def manifests(trap: Trap) -> None:
    trap.write(
        "tokens.yaml",
        f"version: 1\ninclude: [{trap.server}/more.yaml, ../outside.yaml]\ndefaults: {{provider: acme, owner: x, environment: prod}}\n"
        f"tokens:\n  a/b: {{scope: 'org:x', purpose: x, consumers: ['command:{trap.program}', 'dotenv:/etc/passwd#X'], issue: true,\n"
        f"        location: 'vault://{trap.server}/x#y', base_url: '{trap.server}'}}\n",
    )
    trap.write(".env", f"VAULT_ADDR={trap.server}\nTOKENGUARD_CONFIG=config.toml\n")
    trap.write(".envrc", str(trap.program))
    trap.write(".vault", f'token_helper = "{trap.program}"\n')
    trap.write(".netrc", "machine 127.0.0.1 login x password tgcanary-x\n")


HOSTILE: dict[Callable[[Trap], None], tuple[str, ...]] = {
    configuration: ("git", "status"), hooks: ("git", "status"), filters: ("git", "diff"), included: ("git", "status"),
    submodules: ("git", "status"), links: (), large_files: ("git", "diff"), tool_configuration: (),
    modules: (sys.executable, "-c", "import click"), plug_ins: (), policies: (), provider_files: (), baselines: (), agents: (),
    missing_objects: ("git", "show", "HEAD"), manifests: (),
}  # fmt: skip
"""Each with the command of others that steps into it, if one does."""
PAIRS = [(make, command) for make in HOSTILE for command in COMMANDS]
FEW = [pair for number, pair in enumerate(PAIRS) if number % 7 == 0]


@dataclass
class Scene:
    """A directory for one hostile repository, and the runner's own store."""

    trap: Trap
    home: Path
    connections: list[str]

    def run(self, *command: str) -> list[str]:
        """Run it in the repository; the programs that it started itself."""
        trace = self.home / "trace"
        trace.unlink(missing_ok=True)
        way = (
            ("-m", "tokenguard")
            if command[0] == "tokenguard"
            else ("-c", "import tokenguard_entry; tokenguard_entry.hook()")
        )
        done = subprocess.run(
            [sys.executable, "-P", *way, *command[1:]], cwd=self.trap.repository.path, stdin=subprocess.DEVNULL, capture_output=True, timeout=100,
            check=False, env={**_environ(self.home), "PYTHONPATH": f"{TRACER}:{ROOT}", "TRACE": str(trace)},
        )  # fmt: skip
        assert done.returncode != 70, done.stderr
        assert b"Traceback" not in done.stderr, done.stderr
        events = [json.loads(line) for line in trace.read_text().splitlines()]
        assert [each for each in events if "address" in each] == []
        return [each["argv"][0] for each in events if "argv" in each]


def _environ(home: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin", "HOME": str(home), "TOKENGUARD_STORE": f"local://{home}/store", "TOKENGUARD_KEY_FILE": str(home / "key"),
        "TOKENGUARD_STATE_DIR": str(home / "state"), "GIT_CONFIG_SYSTEM": os.devnull, "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A runner with a store."""
    home = tmp_path_factory.mktemp("runner")
    (home / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    (home / "key").chmod(0o600)
    environ = {**_environ(home), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-P", "-m", "tokenguard", "init", "--no-input"], env=environ, check=True, capture_output=True
    )
    return home


@pytest.fixture
def scene(tmp_path: Path, home: Path) -> Iterator[Scene]:
    connections: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_count, args=(server, connections), daemon=True).start()
        program, mark = tmp_path / "program", tmp_path / "mark"
        program.write_text(f"#!/bin/sh\n: > {mark}\n")
        program.chmod(0o755)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        repository = Repository(tmp_path / "repository")
        for name in ("README.md", "tokens.yaml", "policy.yaml", "acme.yaml", ".secrets.baseline"):
            repository.write(name, "")
        repository.commit("first")
        yield Scene(Trap(repository, program, mark, url), home, connections)


def _count(server: socket.socket, connections: list[str]) -> None:
    while True:
        try:
            connection, address = server.accept()
        except OSError:
            return
        connections.append(str(address))
        connection.close()


def _unharmed(scene: Scene, make: Callable[[Trap], None], command: str) -> None:
    make(scene.trap)
    scene.trap.repository.run("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "add", "-A")
    scene.trap.mark.unlink(missing_ok=True)
    scene.connections.clear()
    started = scene.run(*COMMANDS[command])
    assert not scene.trap.mark.exists(), "a program of the repository ran"
    assert set(started) <= {"/usr/bin/git"}
    assert scene.connections == []


@pytest.mark.parametrize(("make", "command"), FEW, ids=lambda each: getattr(each, "__name__", each))
def test_nothing_of_it_runs_and_nothing_is_sent(scene, make, command):
    _unharmed(scene, make, command)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "command"), [pair for pair in PAIRS if pair not in FEW], ids=lambda each: getattr(each, "__name__", each)
)
def test_nothing_of_it_runs_with_each_other_command(scene, make, command):
    _unharmed(scene, make, command)


def test_a_few_of_them_are_each_repository_and_each_command():
    assert len(HOSTILE) >= 15
    assert {make for make, _ in FEW} == set(HOSTILE)
    assert {command for _, command in FEW} == set(COMMANDS)


@pytest.mark.parametrize("make", [make for make, control in HOSTILE.items() if control], ids=lambda each: each.__name__)
def test_the_trap_is_set(scene, make):
    """The control: the plain command does step into it."""
    make(scene.trap)
    scene.trap.mark.unlink(missing_ok=True)
    scene.trap.repository.run(*HOSTILE[make], GIT_TERMINAL_PROMPT="0", PYTHONPATH=str(scene.trap.repository.path))
    assert scene.trap.mark.exists()
