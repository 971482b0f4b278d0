"""A clean commit is answered before the scanner is loaded, in the very words of a whole scan; any other is scanned."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tokenguard.precommit import clean_commit, full_scan, hook
from tokenguard.scanning.staged_blobs import staged_blobs

CLEAN = "def main() -> None:\n    print('hello')\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> Repository:
    """Its first commit holds nothing of note, and the note about known tokens has been shown."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    full_scan.scanned([])
    capfd.readouterr()
    return repository


def by_hook(arguments: list[str], monkeypatch, capfd) -> tuple[int, str, bool]:
    """Exit code, output, and whether the scanner was asked."""
    asked = []
    scan = full_scan.scanned
    monkeypatch.setattr(full_scan, "scanned", lambda *given: asked.append(given) or scan(*given))
    code = hook.run(arguments)
    monkeypatch.setattr(full_scan, "scanned", scan)
    out, err = capfd.readouterr()
    return code, out + err, bool(asked)


def by_scan(arguments: list[str], capfd) -> tuple[int, str]:
    code = full_scan.scanned(arguments)
    out, err = capfd.readouterr()
    return code, out + err


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"app.py": CLEAN}, []), ({"app.py": CLEAN}, ["app.py"]), ({"app.py": CLEAN}, ["--", "app.py"]), ({}, []), ({}, ["README.md"]),
        ({"a.py": CLEAN, "sub/b.py": CLEAN, "c d.txt": "x\n", "ü.txt": "y\n"}, []), ({"empty": ""}, []), ({"a.py": CLEAN}, ["--"]),
        ({f"f{number}.txt": f"{number}\n" for number in range(60)}, []),
    ],
)  # fmt: skip
def test_it_says_what_a_scan_says_and_loads_no_scanner(repo, monkeypatch, capfd, files, arguments):
    for name, content in files.items():
        repo.stage(name, content)
    code, output, asked = by_hook(arguments, monkeypatch, capfd)
    assert (code, output) == by_scan(arguments, capfd)
    assert not asked


def findings(repo: Repository) -> None:
    repo.stage("app.py", leak())


def a_baseline(repo: Repository) -> None:
    repo.stage(".tokenguard-baseline", "damaged\n")


def demands(repo: Repository) -> None:
    repo.stage(".tokenguard.toml", "[scan]\nstrict = true\n")


def a_submodule(repo: Repository) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")


def a_conflict(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "other")
    repo.write("README.md", "one\n")
    repo.commit("one")
    repo.git("checkout", "-q", "main")
    repo.write("README.md", "two\n")
    repo.commit("two")
    subprocess.run(["git", "merge", "-q", "other"], cwd=repo.path, capture_output=True, check=False)


def a_missing_object(repo: Repository) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},gone.py")


def much(repo: Repository) -> None:
    repo.stage("big.txt", "some words\n" * 120_000)


def many(repo: Repository) -> None:
    for number in range(110):
        repo.write(f"f{number}.txt", f"{number}\n")
    repo.git("add", "-A")


def a_key(repo: Repository) -> None:
    os.environ["TOKENGUARD_SCAN_KEY"] = "not a key"


def settings(repo: Repository) -> None:
    place = Path(os.environ["XDG_CONFIG_HOME"]) / "tokenguard" / "config.toml"
    place.parent.mkdir(parents=True)
    place.write_text('[scan]\nknown_tokens_note = "always"\n')


def no_note_yet(repo: Repository) -> None:
    (Path(os.environ["XDG_STATE_HOME"]) / "tokenguard" / "scan" / "note").unlink()


def a_keyring(repo: Repository) -> None:
    (Path(os.environ["XDG_STATE_HOME"]) / "tokenguard" / "scan" / "keyring").write_text("scan-0\n")


def a_workflow(repo: Repository) -> None:
    repo.stage(".github/workflows/a.yml", "on: pull_request_target\njobs: {}\n")


@pytest.mark.parametrize(
    "change",
    [findings, a_baseline, demands, a_submodule, a_missing_object, much, many, a_key, settings, no_note_yet,
     a_keyring, a_workflow],
)  # fmt: skip
def test_what_is_unusual_is_left_to_the_scan(repo, monkeypatch, capfd, change):
    monkeypatch.setenv("TOKENGUARD_SCAN_KEY", "")
    repo.stage("app.py", CLEAN)
    change(repo)
    code, output, asked = by_hook([], monkeypatch, capfd)
    assert asked
    if change is no_note_yet:
        assert "note: known tokens not searched for" in output
        change(repo)
    assert (code, output) == by_scan([], capfd)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--strict"],
        ["-q"],
        ["--own-only"],
        ["nowhere.py"],
        ["."],
        ["--profile", "strict"],
        ["--history"],
        ["../work/README.md"],
    ],
)
def test_options_and_other_names_are_left_to_the_scan(repo, monkeypatch, capfd, arguments):
    repo.stage("app.py", CLEAN)
    code, output, asked = by_hook(arguments, monkeypatch, capfd)
    assert asked
    assert (code, output) == by_scan(arguments, capfd)


def test_before_the_first_commit_and_outside_of_a_repository(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    repository = Repository(tmp_path / "work")
    repository.stage("app.py", CLEAN)
    monkeypatch.chdir(repository.path)
    full_scan.scanned([])
    capfd.readouterr()
    code, output, asked = by_hook([], monkeypatch, capfd)
    assert (code, output) == by_scan([], capfd)
    assert (code, asked) == (0, False)
    monkeypatch.chdir(tmp_path)
    assert by_hook([], monkeypatch, capfd)[::2] == (2, True)


def test_a_branch_named_as_the_empty_tree_of_another_hash_is_not_compared_with(tmp_path, monkeypatch):
    work = tmp_path / "work"
    done = subprocess.run(["git", "init", "-q", "--object-format=sha256", str(work)], check=False)
    if done.returncode:
        pytest.skip("this git knows one hash only")
    repository = Repository.__new__(Repository)
    repository.path = work
    repository.stage("app.py", leak())
    repository.commit("first")
    commit = repository.git("rev-parse", "HEAD").strip()
    repository.git("update-ref", "refs/heads/4b825dc642cb6eb9a060e54bf8d69288fbee4904", commit)
    repository.git("checkout", "-q", "--orphan", "other")
    monkeypatch.chdir(work)
    assert [name for name, _ in staged_blobs([], os.environ) or ()] == ["app.py"]


def test_without_an_output_it_fails_as_a_scan_does(repo, monkeypatch):
    repo.stage("app.py", CLEAN)
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdout", None)
        code = hook.run([])
    assert code == 70


def test_a_file_in_a_folder_is_read_from_there(repo, monkeypatch, capfd):
    repo.stage("sub/app.py", leak())
    monkeypatch.chdir(repo.path / "sub")
    assert by_hook(["app.py"], monkeypatch, capfd)[::2] == (1, True)
    assert staged_blobs(["app.py"], os.environ) == [("app.py", (repo.path / "sub/app.py").read_bytes())]


def test_git_that_fails_or_is_missing_is_left_to_the_scan(repo, monkeypatch):
    repo.stage("app.py", CLEAN)
    assert staged_blobs([], os.environ | {"PATH": "relative"}) is None
    assert staged_blobs([], os.environ | {"GIT_DIR": "/nowhere"}) is None
    monkeypatch.setattr(os, "posix_spawn", lambda *_, **__: (_ for _ in ()).throw(OSError))
    assert staged_blobs([], os.environ) is None


@pytest.mark.usefixtures("unmeasured")
def test_it_loads_next_to_nothing(repo):
    repo.stage("app.py", CLEAN)
    code = "import sys\nfrom tokenguard.precommit.hook import run\nrun([])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "tokenguard.detection.clean_text_base64" not in done.stderr.split()
    assert (
        loaded & {"re2", "msgspec", "json", "subprocess", "pathlib", "enum", "typing", "re", "urllib", "ahocorasick_rs"}
        == set()
    )
    assert done.stdout == "scanned 1 file, 39 bytes: 0 findings\n"


@pytest.mark.parametrize("content", [None, b"#" * 65_537, b"[scan]\n"])
def test_a_clean_commit_reads_no_large_settings(repo, tmp_path, content):
    """A file that is no plain one, or too large, is for the scan, which says what is wrong with it."""
    assert clean_commit.summary_of_clean([], os.environ) != ""
    place = tmp_path / "config" / "tokenguard" / "config.toml"
    place.parent.mkdir(parents=True)
    place.mkdir() if content is None else place.write_bytes(content)
    assert clean_commit.summary_of_clean([], os.environ) == ""


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="POSIX only")
@pytest.mark.usefixtures("unmeasured")
def test_a_git_that_fails_is_seen_where_the_parent_ignores_its_children(tmp_path):
    repository = Repository(tmp_path / "work")
    repository.stage("app.py", leak())  # no HEAD: the first question to git fails
    code = "from tokenguard.precommit.hook import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository.path,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
