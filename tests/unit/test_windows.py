"""Without POSIX: what is written to run on Windows runs, and everything else says that it does not, in two lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokenguard.cli.app import COMMANDS, PORTABLE

ROOT = Path(__file__).parents[2]
CANARY = "tgcanary-0123456789abcdef"
EVERY_COMMAND = """
import contextlib, io, json, sys
from tokenguard.cli.error_handler import run

answers = {}
for name in json.loads(sys.argv[1]):
    error = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(error):
        code = run([*name.split(), *sys.argv[2:]])
    answers[name] = [code, error.getvalue()]
print(json.dumps(answers))
"""
LOGGING = """
import logging, sys
import tokenguard

tokenguard.install(values={"canary": sys.argv[1]}, stdio=True)
logging.getLogger("a").warning("one %s", sys.argv[1])
print("two", sys.argv[1])
try:
    tokenguard.install(fds="helper")
except Exception as error:
    print(type(error).__name__, error.exit_code)
"""
HOOK = "import sys\nfrom tokenguard.precommit.hook import run\nsys.exit(run(sys.argv[1:]))"
COMMAND = "import sys\nfrom tokenguard.cli.error_handler import run_process\nsys.exit(run_process(sys.argv[1:]))"


@pytest.fixture
def without_posix(tmp_path):
    """Runs a program as Windows would find it."""

    def run(program, *arguments, cwd=tmp_path, **how):
        file = tmp_path / "program.py"
        file.write_text(program)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LOCALAPPDATA": str(tmp_path / "local"),
            "APPDATA": str(tmp_path / "roaming"),
        }
        return subprocess.run(
            [sys.executable, "-m", "tests.fakes.windows", file, *arguments],
            cwd=cwd, env=environment, capture_output=True, text=True, check=False, **how,
        )  # fmt: skip

    return run


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    for arguments in (["init", "-q"], ["config", "user.email", "a@example.com"], ["config", "user.name", "a"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    leak = "AKIA" + "Z7PQ2XNWLK4RTY6B"
    (folder / "leak.py").write_text(f'key = "{leak}"\n')
    (folder / "clean.py").write_text("x = 1\n")
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    return folder


@pytest.mark.usefixtures("unmeasured")
def test_each_command_that_needs_posix_says_so_with_one_error_and_one_hint(without_posix):
    others = sorted(COMMANDS.keys() - PORTABLE)
    done = without_posix(EVERY_COMMAND, json.dumps(others))
    answers = json.loads(done.stdout)
    assert answers.keys() == set(others)
    for name, (code, error) in answers.items():
        assert code == 2, (name, error)
        assert [line.partition(":")[0] for line in error.splitlines()] == ["error", "hint"], name


@pytest.mark.usefixtures("unmeasured")
def test_what_asks_for_a_store_says_so_too(without_posix):
    done = without_posix(EVERY_COMMAND, json.dumps(["redact --all"]))
    ((code, error),) = json.loads(done.stdout).values()
    assert code == 2
    assert [line.partition(":")[0] for line in error.splitlines()] == ["error", "hint"]


@pytest.mark.usefixtures("unmeasured")
def test_help_and_the_help_of_portable_commands_are_there(without_posix):
    done = without_posix(EVERY_COMMAND, json.dumps(["", *sorted(PORTABLE)]), "--help")
    assert {code for code, _ in json.loads(done.stdout).values()} == {0}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("arguments", [[], ["--history"], ["--staged"], ["leak.py"]], ids=" ".join)
def test_scan_finds(without_posix, repository, arguments):
    subprocess.run(["git", "commit", "-qm", "x"], cwd=repository, check=True) if "--history" in arguments else None
    done = without_posix(COMMAND, "scan", *arguments, "--format", "json", cwd=repository)
    assert done.returncode == 1, done.stderr
    assert {finding["path"] for finding in json.loads(done.stdout)["findings"]} == {"leak.py"}


@pytest.mark.usefixtures("unmeasured")
def test_scan_of_standard_input_and_acceptance_in_a_baseline(without_posix, repository):
    assert without_posix(COMMAND, "scan", "--stdin", input="x = 1\n", cwd=repository).returncode == 0
    done = without_posix(COMMAND, "baseline", "accept", "leak.py:1", "--reason", "example", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert without_posix(COMMAND, "baseline", "update", cwd=repository).returncode == 0
    assert without_posix(COMMAND, "scan", cwd=repository).returncode == 0


@pytest.mark.usefixtures("unmeasured")
def test_the_hook_scans_what_is_staged_and_named_files(without_posix, repository):
    assert without_posix(HOOK, cwd=repository).returncode == 1
    assert without_posix(HOOK, "--", "clean.py", cwd=repository).returncode == 0
    done = without_posix(HOOK, "--", "leak.py", cwd=repository)
    assert done.returncode == 1, done.stderr
    assert "leak.py:1" in done.stdout


@pytest.mark.usefixtures("unmeasured")
def test_redact_masks_what_comes_through_it(without_posix, monkeypatch):
    monkeypatch.setenv("CANARY", CANARY)
    done = without_posix(COMMAND, "redact", "--from-env", "CANARY", input=f"a {CANARY} b\nrest")
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout
    assert done.stdout.startswith("a [tokenguard:")
    assert done.stdout.endswith(" b\nrest")


@pytest.mark.usefixtures("unmeasured")
def test_fmt_formats_a_manifest_and_reads_no_file_through_a_link(without_posix, tmp_path):
    manifest, part = tmp_path / "tokens.yaml", tmp_path / "parts" / "a.yaml"
    part.parent.mkdir()
    part.write_text("version: 1\n")
    manifest.write_text("include: [parts/a.yaml]\nversion: 1\n")
    done = without_posix(COMMAND, "fmt", str(manifest))
    assert done.returncode == 0, done.stderr
    assert manifest.read_text().startswith("version: 1\n")
    part.rename(tmp_path / "elsewhere.yaml")
    part.symlink_to(tmp_path / "elsewhere.yaml")
    done = without_posix(COMMAND, "fmt", str(manifest))
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


@pytest.mark.usefixtures("unmeasured")
def test_the_log_filter_masks(without_posix):
    done = without_posix(LOGGING, CANARY)
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert done.stdout.splitlines()[0].startswith("two [tokenguard:")
    assert "one [tokenguard:" in done.stderr
    assert done.stdout.splitlines()[1] == "InputError 2"
