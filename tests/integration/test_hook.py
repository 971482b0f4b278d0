"""The hook in a real repository: plain git, pre-commit, prek, a push; and what a hostile repository may try."""

import os
import re
import secrets
import string
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.hook_runners import RUNNERS, command, hook, runner

HOOK = str(Path(sys.executable).with_name("tokenguard-hook"))
"""With its own start, for what depends on that; the other tests have `hook()`."""
LETTERS = string.ascii_letters + string.digits


def token() -> str:
    return "sk-social-" + "".join(secrets.choice(LETTERS) for _ in range(64))


def test_a_clean_commit_passes_and_says_what_was_scanned(repo: Repository) -> None:
    repo.stage("app.py", "print('hello')\n")
    done = repo.run(HOOK)
    assert (done.returncode, done.stdout) == (
        0,
        "note: known tokens not searched for: no scan key\nscanned 1 file, 15 bytes: 0 findings\n",
    )


def test_a_staged_token_fails_with_its_place_and_without_its_value(repo: Repository) -> None:
    value = token()
    repo.stage("app.py", f"import x\nx.connect('{value}')\n")
    done = repo.run(HOOK)
    assert done.returncode == 1
    assert "app.py:2:12: " in done.stdout
    assert "Autoposting API Key" in done.stdout
    assert "git reset --" in done.stdout
    assert value not in done.stdout + done.stderr


def test_the_index_is_scanned_and_not_the_working_tree(repo: Repository) -> None:
    repo.stage("app.py", f"key = '{token()}'\n")
    repo.write("app.py", "key = None\n")
    assert repo.run(hook()).returncode == 1
    repo.git("add", "app.py")
    repo.write("app.py", f"key = '{token()}'\n")
    assert repo.run(hook()).returncode == 0


UNREAD = {
    "closed output": ">&-",
    "closed errors": "2>&-",
    "closed streams": "<&- >&- 2>&-",
    "a reader that left": "| true; exit ${PIPESTATUS[0]}",
    "a full disk": ">/dev/full",
}


@pytest.mark.parametrize("redirect", UNREAD)
@pytest.mark.parametrize("text", ["x = 1\n", None], ids=["clean", "a token"])
def test_a_report_that_nobody_reads_changes_nothing_of_the_answer(
    repo: Repository, text: str | None, redirect: str
) -> None:
    repo.stage("app.py", text or f"key = '{token()}'\n")
    done = repo.run("bash", "-c", f"{HOOK} {UNREAD[redirect]}")
    clean = 4 if redirect == "a full disk" else 0  # what it says beside a clean answer is lost
    assert done.returncode == (clean if text else 1)
    assert ("Traceback" in done.stderr, "bug" in done.stderr) == (False, False)


def test_only_what_the_commit_changes_is_scanned_unless_files_are_named(repo: Repository) -> None:
    repo.write("old.py", f"key = '{token()}'\n")
    repo.commit("leak")
    repo.stage("new.py", "x = 1\n")
    assert repo.run(hook()).returncode == 0
    assert repo.run(hook(), "old.py", "new.py").returncode == 1


def test_named_files_of_which_none_can_be_read_are_bad_usage_and_not_a_pass(repo: Repository) -> None:
    done = repo.run(hook(), "nowhere.py")
    assert done.returncode == 2
    assert done.stderr.startswith("error: none of the named files could be read")


def test_outside_a_repository_it_is_bad_usage(tmp_path: Path) -> None:
    done = subprocess.run([HOOK], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: this is not a git repository")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["-x"], ["--since"], ["--history", "x.py"]])
def test_an_unknown_option_is_bad_usage_and_not_a_pass(repo: Repository, arguments: list[str]) -> None:
    assert repo.run(hook(), *arguments).returncode == 2


@pytest.mark.parametrize("option", ["--baseline", "--commit-msg", "--since", "--profile"])
def test_a_value_in_place_of_what_an_option_takes_is_not_quoted(repo: Repository, option: str) -> None:
    value = token()
    done = repo.run(hook(), option, value)
    assert done.returncode == 2
    assert value[10:] not in done.stdout + done.stderr


def test_the_first_commit_of_a_repository_is_scanned_whole(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new")
    repository.stage("a.py", f"key = '{token()}'\n")
    assert repository.run(hook()).returncode == 1


NAMES = [
    "a b.py",
    "new\nline.py",
    "-n.py",
    "\x1b[31mred.py",
    "ünïcode.py",
    "tab\t.py",
    "--strict",
    "quote'\".py",
    "$(id).py",
    ":(top)x.py",
    "*.py",
    "::stop-commands::x",
    "##vso[task.prependpath]x",
    "##teamcity[buildStatus status='SUCCESS']",
]


def test_no_file_name_hides_a_token_or_writes_to_the_terminal(repo: Repository) -> None:
    for name in NAMES:
        repo.stage(name, f"key = '{token()}'\n")
    for arguments, notes in (([], 1), (["--", *NAMES], 0)):
        done = repo.run(hook(), *arguments)
        assert done.returncode == 1, done
        assert "\x1b" not in done.stdout
        assert not re.search(r"(?m)^\s*::|##\w*\[", done.stdout), "a build's runner would act on it"
        assert done.stdout.count("Autoposting API Key") == len(NAMES)
        assert len(done.stdout.splitlines()) == len(NAMES) + 4 + notes


@pytest.mark.parametrize("form", ["a.py", "./a.py", "below/../a.py", "{top}/a.py", "."])
def test_a_single_file_is_found_in_any_form_of_its_name(repo: Repository, form: str) -> None:
    """`tokenguard-hook -- FILE` is the entry for editors and CI; they give whole paths too."""
    repo.stage("a.py", "x = 1\n")
    arguments = ("--strict", "--", form.format(top=repo.path))
    assert repo.run(hook(), *arguments).returncode == 0
    repo.stage("a.py", f"key = '{token()}'\n")
    done = repo.run(hook(), *arguments)
    assert done.returncode == 1
    assert "not scanned" not in done.stdout


@pytest.mark.parametrize("name", ["--own-only", "--history", "--baseline", "-n.py"])
def test_a_file_named_like_an_option_is_not_taken_for_one(repo: Repository, name: str) -> None:
    """As runners give names: after the options, without anything between."""
    repo.stage("a.py", f"key = '{token()}'\n")
    repo.stage(name, "x = 1\n")
    for arguments in ([name, "a.py"], ["a.py", name]):
        done = repo.run(hook(), *arguments)
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "error: a file in this directory is named like an option",
        )


def test_a_name_that_is_not_utf8_is_scanned(repo: Repository) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    repo.stage(name, f"key = '{token()}'\n")
    done = repo.run(hook())
    assert done.returncode == 1
    assert "caf\\udce9.py" in done.stdout


EVASIONS = {
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "utf-16 big": lambda text: text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32"),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "a mark of utf-16 before none": lambda text: b"\xff\xfe" + text.encode(),
    "utf-16 after a long beginning": lambda text: b"a line of a log\n" * 500 + text.encode("utf-16-le"),
    "a zero byte": lambda text: b"\x00" + text.encode(),
    "not utf-8": lambda text: b"\xff\xfe\xfd"[::-1] + text.encode(),
    "carriage returns": lambda text: text.replace("\n", "\r").encode(),
    "windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "binary around": lambda text: secrets.token_bytes(500) + b"\n" + text.encode() + b"\n" + secrets.token_bytes(500),
    "one long line": lambda text: b"x" * 1_000_000 + b" " + text.encode(),
}


def test_no_encoding_hides_a_token(repo: Repository) -> None:
    for number, encode in enumerate(EVASIONS.values()):
        repo.stage(f"{number}.txt", encode(f"\nkey = '{token()}'\n"))
    shown = repo.run(hook()).stdout
    assert [how for number, how in enumerate(EVASIONS) if f"\n{number}.txt:" not in f"\n{shown}"] == []


def test_no_kind_of_file_is_passed_over(repo: Repository) -> None:
    repo.stage(".gitattributes", f"* binary -text -diff filter=evil\n# {token()}\n")
    names = [".gitattributes", "x.png", "yarn.lock", "swagger.json", "a.svg", "a.min.js", "Makefile", ".env"]
    for name in names[1:]:
        repo.stage(name, f"key = '{token()}'\n")
    shown = repo.run(hook()).stdout
    assert [name for name in names if f"{name}:" not in shown] == []


def test_a_renamed_file_is_scanned(repo: Repository) -> None:
    repo.write("a.txt", "line\n" * 100)
    repo.commit("a")
    repo.git("mv", "a.txt", "b.txt")
    repo.stage("b.txt", "line\n" * 100 + f"key = '{token()}'\n")
    assert repo.run(hook()).returncode == 1


def test_a_fifo_a_link_and_a_submodule_do_not_hang_and_are_said(repo: Repository) -> None:
    os.mkfifo(repo.path / "pipe")
    (repo.path / "link").symlink_to("/dev/zero")
    repo.git("add", "link")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    done = repo.run(hook())
    assert done.returncode == 0
    assert "not scanned: module (submodule)" in done.stdout
    assert repo.run(hook(), "--strict").returncode == 1


def test_a_repository_cannot_make_git_start_anything(repo: Repository) -> None:
    """core.fsmonitor, hooks, text conversion, external diffs, filters, pagers and lazy fetches all stay silent."""
    trap = repo.path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch '{repo.path / 'sprung'}'\n")
    trap.chmod(0o755)
    repo.stage("data.txt", "harmless\n")
    repo.stage(".gitattributes", "* diff=evil filter=evil\n")
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{'2' * 40},missing.txt")
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "attributes").write_text("* diff=evil filter=evil\n")
    for key in (
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "diff.external", "diff.evil.textconv",
        "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "uploadpack.packObjectsHook",
        "gpg.program", "alias.diff-index", "alias.cat-file", "pager.log", "pager.cat-file", "credential.helper",
    ):  # fmt: skip
        repo.git("config", key, str(trap))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "core.hooksPath", str(repo.path))
    repo.git("config", "extensions.partialClone", "evil")
    repo.git("config", "remote.evil.promisor", "true")
    repo.git("config", "remote.evil.url", f"ext::{trap}")
    repo.git("config", "protocol.ext.allow", "always")
    (repo.path / "sprung").unlink(missing_ok=True)
    done = repo.run(hook())
    assert "not scanned: missing.txt (missing-object)" in done.stdout
    repo.run(hook(), "--history")
    subprocess.run([command(), "scan", "."], cwd=repo.path, check=False, capture_output=True)
    assert not (repo.path / "sprung").exists()


def test_modules_planted_in_the_repository_are_not_imported(repo: Repository) -> None:
    for name in ("yaml", "re2", "json", "detect_secrets", "msgspec", "click", "sitecustomize"):
        repo.stage(f"{name}.py", f"open({str(repo.path / 'sprung')!r}, 'w')\n")
    repo.stage("leak.yaml", f"password: {secrets.token_hex(16)}\n")
    assert repo.run(HOOK).returncode == 1
    assert not (repo.path / "sprung").exists()


def test_history_finds_what_was_taken_out_again_and_says_since_when(repo: Repository) -> None:
    repo.write("a.py", f"key = '{token()}'\n")
    repo.commit("leak")
    leak = repo.git("rev-parse", "HEAD").strip()
    repo.write("a.py", "key = None\n")
    repo.commit("clean")
    done = repo.run(hook(), "--history")
    assert done.returncode == 1
    assert f"(since {leak[:12]}, 20" in done.stdout
    assert repo.run(hook(), "--history", "--since", leak).returncode == 0
    assert repo.run(hook(), "--history", "--since", "no-such-revision").returncode == 2


def test_what_no_remote_has_is_said_to_be_committed_only(repo: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", repo.path, tmp_path / "server.git"], check=True)
    repo.write("a.py", f"key = '{token()}'\n")
    repo.commit("pushed")
    repo.git("remote", "add", "origin", str(tmp_path / "server.git"))
    repo.git("push", "-q", "origin", "HEAD:main")
    repo.write("b.py", f"key = '{token()}'\n")
    repo.commit("here")
    shown = repo.run(hook(), "--history").stdout
    assert [line.partition("reach ")[2].split()[0] for line in shown.splitlines() if ", reach " in line] == [
        "pushed",
        "committed",
    ]
    assert "it is in a commit that was not pushed" in shown
    assert "rewriting history does not revoke it" in shown
    repo.git("remote", "remove", "origin")
    assert "reach" not in repo.run(hook(), "--history").stdout


def test_a_commit_message_and_another_branch_are_history_too(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "side")
    repo.write("b.py", f"key = '{token()}'\n")
    repo.commit(f"with {token()} in it")
    repo.git("checkout", "-q", "-")
    done = repo.run(hook(), "--history")
    assert done.stdout.count("Autoposting API Key") == 2
    assert "(message of " in done.stdout


def test_the_messages_of_commits_that_add_nothing_are_history_too(repo: Repository) -> None:
    repo.write("b.py", "x = 1\n")
    repo.commit("add")
    (repo.path / "b.py").unlink()
    repo.commit(f"take away what {token()} was for")
    repo.git("commit", "-q", "--allow-empty", "-m", f"again: {token()}")
    assert repo.run(hook(), "--history").stdout.count("Autoposting API Key") == 2


def test_a_push_with_a_token_is_refused_by_the_pre_receive_hook(repo: Repository, tmp_path: Path) -> None:
    server = tmp_path / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", server], check=True)
    file = server / "hooks" / "pre-receive"
    file.write_text(f"#!/bin/sh\nexec '{hook()}' --pre-receive\n")
    file.chmod(0o755)
    assert repo.run("git", "push", "-q", str(server), "HEAD:main").returncode == 0
    repo.write("a.py", f"key = '{token()}'\n")
    repo.commit("leak")
    refused = repo.run("git", "push", "-q", str(server), "HEAD:main")
    assert refused.returncode != 0
    assert "Autoposting API Key" in refused.stderr


def test_a_push_whose_refs_another_program_has_read_is_refused(repo: Repository, tmp_path: Path) -> None:
    """Git gives a hook one line for each ref, once: with none left, nothing would be scanned and all let through."""
    server = tmp_path / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", server], check=True)
    file = server / "hooks" / "pre-receive"
    file.write_text(f"#!/bin/sh\nwhile read -r line; do :; done\nexec '{hook()}' --pre-receive\n")
    file.chmod(0o755)
    repo.write("a.py", f"key = '{token()}'\n")
    repo.commit("leak")
    refused = repo.run("git", "push", "-q", str(server), "HEAD:main")
    assert refused.returncode != 0
    assert "standard input names no pushed ref" in refused.stderr


def test_what_brings_no_commit_is_let_through(repo: Repository, tmp_path: Path) -> None:
    server = tmp_path / "server.git"
    subprocess.run(["git", "clone", "-q", "--bare", repo.path, server], check=True)
    file = server / "hooks" / "pre-receive"
    file.write_text(f"#!/bin/sh\nexec '{hook()}' --pre-receive\n")
    file.chmod(0o755)
    done = repo.run("git", "push", "-q", str(server), "HEAD:refs/heads/another")
    assert done.returncode == 0, done
    assert repo.run(hook(), "--history", "--since", "HEAD").returncode == 0


def test_a_plain_git_hook_blocks_the_commit(repo: Repository) -> None:
    file = repo.path / ".git" / "hooks" / "pre-commit"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\nexec '{HOOK}'\n")
    file.chmod(0o755)
    repo.stage("a.py", f"key = '{token()}'\n")
    assert repo.run("git", "commit", "-qm", "leak").returncode != 0
    repo.stage("a.py", "key = None\n")
    assert repo.run("git", "commit", "-qm", "clean").returncode == 0


@pytest.mark.parametrize("name", RUNNERS)
def test_a_real_runner_blocks_the_commit_and_lets_a_clean_one_pass(repo: Repository, name: str, tmp_path: Path) -> None:
    program = runner(name)
    repo.write(
        ".pre-commit-config.yaml",
        "repos:\n- repo: local\n  hooks:\n  - id: tokenguard\n    name: tokenguard\n"
        f"    entry: {HOOK}\n    language: system\n    require_serial: true\n",
    )
    repo.commit("configuration")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "PREK_HOME": str(tmp_path / "cache")}
    repo.stage("a.py", f"key = '{token()}'\n")
    blocked = repo.run(program, "run", **home)
    assert blocked.returncode == 1, blocked
    assert "Autoposting API Key" in blocked.stdout
    repo.stage("a.py", "key = None\n")
    assert repo.run(program, "run", **home).returncode == 0
    assert repo.run(program, "run", "--all-files", **home).returncode == 0
