"""Every process of ours is closed to core dumps before it holds a value, and runs nothing of the working directory."""

import ast
import contextlib
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tokenguard

ROOT = Path(tokenguard.__file__).parent
SCRIPTS = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]["scripts"]
BIN = Path(sys.executable).parent
MODULES = {
    "tokenguard/__main__.py": "the command line",
    "tokenguard/streams/helper.py": 'the helper of `install(fds="helper")`',
    "tokenguard/detection/clean_text_writer.py": "a tool of ours, which reads tables and no value",
    "tokenguard/detection/rule_table.py": "a tool of ours, which reads a dependency and no value",
}
"""What `python -m` can run."""
WAITING = {
    "tokenguard": [BIN / "tokenguard", "redact"],
    "tokenguard-hook": [BIN / "tokenguard-hook", "--pre-receive"],
    "python -P -m tokenguard": [sys.executable, "-P", "-m", "tokenguard", "redact"],
}
"""Each way in, as it waits for its standard input."""
_SOME = 1 << 20
_DUMPS_ALLOWED = [
    sys.executable, "-c",
    f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_CORE, ({_SOME}, {_SOME})); os.execv(sys.argv[1], sys.argv[1:])",
]  # fmt: skip
"""Before a command: its process may leave a core file when it begins."""
linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: reads /proc")


def test_the_ways_in_are_these():
    assert set(SCRIPTS) <= set(WAITING)
    runs = {str(path.relative_to(ROOT.parent)) for path in ROOT.rglob("*.py") if _runs(path)}
    assert runs == set(MODULES)


def _runs(path: Path) -> bool:
    return path.name == "__main__.py" or any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in ast.parse(path.read_text()).body
    )


@contextlib.contextmanager
def _started(command, directory: Path, *, stdout=subprocess.DEVNULL):
    with subprocess.Popen(
        [*_DUMPS_ALLOWED, *command],
        cwd=directory, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def _core_limits(pid: int | str) -> list[str]:
    (line,) = (line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core"))
    return line.split()[4:6]


def _dumped(process) -> bool:
    """Whether the process, ended by a crash, left a core file or gave its memory to who collects them."""
    os.kill(process.pid, signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert process.returncode == -signal.SIGSEGV
    return os.WCOREDUMP(status)


@linux
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("way", WAITING)
def test_a_process_that_waits_for_input_leaves_no_core_when_it_crashes(way, tmp_path, until_it_reads):
    with _started(WAITING[way], tmp_path) as process:
        until_it_reads(process)
        assert _core_limits(process.pid) == ["0", "0"]
        assert not _dumped(process)
    assert not list(tmp_path.iterdir())


@linux
def test_a_process_of_others_would_have_left_one(tmp_path, until_it_reads):
    """The control: here a crash does leave a core, so that the test above can fail."""
    with _started([sys.executable, "-c", "import sys; sys.stdin.read()"], tmp_path) as process:
        until_it_reads(process)
        assert _core_limits(process.pid) == [str(_SOME), str(_SOME)]
        if not _dumped(process):
            pytest.skip("NOT TESTED: this machine takes no core dumps, so only limits were checked")


@linux
@pytest.mark.usefixtures("unmeasured")
def test_the_masking_helper_holds_no_value_without_the_limits(tmp_path):
    """It has acknowledged the first value when `install` returns. The program itself stays as it was."""
    script = (
        "import os, sys, tokenguard\n"
        "tokenguard.install(values={'v': 'tgcanary-helper-value'}, fds='helper')\n"
        "print(os.getpid(), flush=True)\nsys.stdin.read()\n"
    )
    with _started([sys.executable, "-P", "-c", script], tmp_path, stdout=subprocess.PIPE) as process:
        pid = process.stdout.readline().strip()
        (helper,) = _children(pid)
        assert _core_limits(pid) == [str(_SOME), str(_SOME)]
        assert _core_limits(helper) == ["0", "0"]
        process.stdin.close()
        assert process.wait() == 0


def _children(parent: str) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == parent:
                found.append(stat.parent.name)
    return found


@linux
@pytest.mark.usefixtures("unmeasured")
def test_a_worker_process_has_the_limits_of_who_forked_it(tmp_path):
    script = (
        "import ctypes, os, resource, time\nfrom pathlib import Path\n"
        "from tokenguard.process import harden\nfrom tokenguard.domain.finding import Report\n"
        "from tokenguard.scanning import worker_processes as workers\n"
        "from tokenguard.scanning.scan_budget import ScanBudget\n"
        "harden()\n"
        "def scan(part, budget):\n"
        "    limits = resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3)\n"
        "    Path(str(os.getpid())).write_text(repr(limits))\n"
        "    while len(list(Path().iterdir())) < 2: time.sleep(0.01)\n"
        "    return Report(files=0, bytes=0)\n"
        "workers._second_processor = lambda: True\n"
        "workers.shared([[n] for n in range(64)], scan, ScanBudget(), known=1 << 30)\n"
    )
    command = [*_DUMPS_ALLOWED, sys.executable, "-P", "-c", script]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert [each.read_text() for each in tmp_path.iterdir()] == ["((0, 0), 0)"] * 2


# ---- the working directory

PLANTED = ("click.py", "typing.py", "gc.py", "tokenguard_entry.py", "sitecustomize.py", "encodings.py", "json.py")


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("planted", [*PLANTED, "tokenguard/__init__.py", "importlib.py"])
@pytest.mark.parametrize("way", WAITING)
def test_no_way_in_runs_what_lies_in_the_working_directory(way, planted, tmp_path):
    _plant(tmp_path, planted)
    done = subprocess.run([*WAITING[way][:-1], "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("planted", [None, *PLANTED])
@pytest.mark.parametrize("options", [[], ["-E"], ["-s"], ["-X", "dev"]])
def test_python_m_without_p_refuses_before_it_imports_anything(planted, options, tmp_path):
    """What Python itself imports before any code of ours (`importlib`, `tokenguard`) no code of ours can prevent."""
    if planted:
        _plant(tmp_path, planted)
    argument = "tgcanary-argument"
    command = [sys.executable, *options, "-m", "tokenguard", "show", argument]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert "python -P -m tokenguard" in hint
    assert argument not in done.stderr
    assert not (tmp_path / "ran").exists()


def _plant(directory: Path, name: str) -> None:
    trap = directory / name
    trap.parent.mkdir(exist_ok=True)
    trap.write_text(f"open({str(directory / 'ran')!r}, 'w').close()\n")
