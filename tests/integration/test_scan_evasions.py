"""The evasions of the threat model, T19 to T24, that `test_hook.py` does not hold: what a hostile repository may try.

| threat | in test_hook.py | here |
|---|---|---|
| T19 code by a baseline | - | every way in |
| T20 code by the working directory | the hook | the command, `python -m`, configuration by the working directory |
| T21 reversible tags | - | a dictionary against a committed baseline and a pulled bundle |
| T22 staged is not working tree, encodings, attributes, names | 35 cases | 14 more |
| T23 FIFO, device, submodule | staged | in the working tree, huge, looping, deep |
| T24 names | 11 names | random ones, all at once |
| git's own | monitor, hooks, filters, pagers, lazy fetch | another working tree, sparse and partial clones, replaced objects |
"""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.git_repository import Repository, leak
from tests.integration.hook_runners import command, hook
from tokenguard.detection.known_token_index import OwnIndex, tag_of
from tokenguard.detection.rules import scan_rules
from tokenguard.detection.value_coverage import covered
from tokenguard.domain.profile import Profile
from tokenguard.scanning.baseline_file import new_baseline, read_baseline
from tokenguard.scanning.baseline_matching import Recorder
from tokenguard.scanning.find_baseline import NAME
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scanner import Stages, Suppressor

BIN = Path(sys.executable).parent
HOOK, COMMAND = str(BIN / "tokenguard-hook"), str(BIN / "tokenguard")
"""With their own start, for what it may be made to do; the other tests have `hook()` and `command()`."""


def sprung(repo: Repository) -> bool:
    return (repo.path / "sprung").exists()


def trap(repo: Repository) -> str:
    """Python that shows that it ran."""
    return f"open({str(repo.path / 'sprung')!r}, 'w')\n"


# ---- T19


def test_t19_a_baseline_of_the_repository_runs_nothing_whoever_reads_it(repo: Repository) -> None:
    evil = f"file://{repo.path}/evil.py"
    programs = {"filters_used": [{"path": f"{evil}::run"}], "plugins_used": [{"name": "Evil", "path": evil}]}
    baseline = {"version": "1.5.0", "results": {"a.py": []}, "custom_plugin_paths": ["evil.py"], **programs}
    repo.stage(".secrets.baseline", json.dumps(baseline))
    repo.stage("evil.py", trap(repo) + "def run(secret): return True\n")
    repo.stage("a.py", f"import x\npassword = '{secrets.token_hex(12)}'\n" + leak())
    assert repo.run(HOOK).returncode == 1
    assert repo.run(HOOK, "--baseline", ".secrets.baseline").returncode == 2
    assert repo.run(COMMAND, "scan", "--baseline", ".secrets.baseline").returncode == 2
    assert repo.run(COMMAND, "baseline", "import", ".secrets.baseline").returncode == 1
    assert list(scan_rules((repo.path / "a.py").read_text(), str(repo.path / "a.py"), Profile.DETECT_SECRETS))
    assert not sprung(repo)


# ---- T20

PLANTED = ("yaml", "click", "requests", "ssl", "json", "re2", "msgspec", "detect_secrets", "cryptography", "sitecustomize", "usercustomize")  # fmt: skip


@pytest.mark.parametrize("program", [[HOOK], [COMMAND, "scan"], [sys.executable, "-P", "-m", "tokenguard", "scan"]])
def test_t20_what_lies_in_the_working_directory_is_not_imported(repo: Repository, program: list[str]) -> None:
    for name in PLANTED:
        repo.stage(f"{name}.py", trap(repo))
    (repo.path / "evil.pth").write_text(f"import os; {trap(repo)}")
    repo.stage("a.yaml", f"a: &a [{secrets.token_hex(16)}]\n" + leak())
    assert repo.run(*program).returncode == 1
    assert not sprung(repo)


def test_t20_no_configuration_is_taken_from_the_working_directory(repo: Repository) -> None:
    evil = "[scan]\nnames = true\ndetect_secrets_plugins = ['evil.py']\n[commands.x]\nargv = ['./evil.sh']\n"
    for name in (
        "config.toml",
        "tokenguard.toml",
        ".config/tokenguard/config.toml",
        "tokenguard/config.toml",
        "pyproject.toml",
    ):
        repo.write(name, evil)
    repo.stage("evil.py", trap(repo))
    repo.stage("a.py", leak())
    assert repo.run(HOOK).returncode == 1
    assert not sprung(repo)


# ---- T21


def test_t21_a_committed_baseline_costs_a_slow_hash_for_each_guess_and_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text('password = "summer-2026-x1"\n')
    recorder = Recorder(new_baseline(), RootPaths(root=tmp_path, base=tmp_path), datetime.now(UTC))
    ScanJob(stages=Stages(profile=Profile.STRICT), suppressor=recorder).paths([Path("a.py")])
    Path(NAME).write_bytes(recorder.content([Path("a.py")]).written())
    content = read_baseline(Path(NAME))
    tags, salt = {entry.tag for entry in content.entries}, content.salts[0]
    assert tags
    for fast in (hashlib.sha1, hashlib.sha256, hashlib.blake2b, hashlib.md5):
        for guess in (b"summer-2026-x1", salt + b"summer-2026-x1", b"summer-2026-x1" + salt):
            assert not any(fast(guess).hexdigest().startswith(tag) for tag in tags)
    slow = hashlib.scrypt(hashlib.sha256(salt + b"summer-2026-x1").digest(), salt=salt, n=1 << 12, r=8, p=1, dklen=6)
    assert slow.hex() in tags, "this is the only way, and it takes 4 MB and milliseconds each"


def test_t21_a_bundle_is_not_open_to_a_dictionary_because_nothing_guessable_is_in_it() -> None:
    words = [
        "password",
        "hunter2",
        "correct-horse-battery-staple",
        "Winter2026!",
        "tokenguard-" * 4,
        "a1" * 20,
        "0123456789abcdef" * 2,
    ]
    key = secrets.token_bytes(32)
    assert not [word for word in words if covered(word)]
    value = "sk-social-" + secrets.token_hex(32)
    tag, anchor, length = tag_of(key, value)
    stolen = json.dumps({"tag": tag, "anchor": anchor, "length": length, "key": base64.b64encode(key).decode()})
    assert not any(part in stolen for part in (value[10:20], value[-8:]))
    assert len(OwnIndex(key, [], "")) == 0


# ---- T22


def link(repo: Repository) -> None:
    (repo.path / "a").symlink_to(leak().strip())
    repo.git("add", "a")


def hidden(flag: str):
    def stage(repo: Repository) -> None:
        repo.stage("a.py", leak())
        repo.git("update-index", flag, "a.py")
        repo.write("a.py", "x = 1\n")

    return stage


def attributes(line: str, encoding: str = "utf-8"):
    def stage(repo: Repository) -> None:
        repo.stage(".gitattributes", f"{line}\n")
        repo.stage("a.py", leak().encode(encoding))

    return stage


TRICKS = {
    "the target of a link": link, "assumed unchanged": hidden("--assume-unchanged"), "skipped in the working tree": hidden("--skip-worktree"),
    "generated": attributes("* linguist-generated"), "vendored": attributes("* linguist-vendored export-ignore"),
    "no diff": attributes("*.py -diff -text binary"), "another encoding": attributes("*.py working-tree-encoding=UTF-16", encoding="utf-16"),
    "ident and eol": attributes("*.py ident eol=crlf"), "merge driver": attributes("*.py merge=ours"),
    "executable": lambda repo: (repo.stage("a.py", leak()), repo.git("update-index", "--chmod=+x", "a.py")),
    "ignored": lambda repo: (repo.stage(".gitignore", "*\n"), repo.stage("a.py", leak())),
    "after a form feed": lambda repo: repo.stage("a.py", "\f" * 50 + leak()),
    "after many lines": lambda repo: repo.stage("a.py", "x = 1\n" * 50_000 + leak()),
    "packed": lambda repo: repo.stage("a.gz", __import__("gzip").compress(leak().encode())),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_t22_no_trick_hides_what_is_about_to_be_committed(repo: Repository, trick: str) -> None:
    TRICKS[trick](repo)
    done = repo.run(hook())
    assert done.returncode == 1, done.stdout
    assert "Autoposting API Key" in done.stdout


# ---- T23


def test_t23_nothing_in_a_working_tree_makes_a_scan_wait_or_run_out_of_memory(repo: Repository) -> None:
    os.mkfifo(repo.path / "pipe")
    with (repo.path / "huge.bin").open("wb") as file:
        file.truncate(1 << 30)
    (repo.path / "one").symlink_to("two")
    (repo.path / "two").symlink_to("one")
    (repo.path / "loop").symlink_to(".")
    (repo.path / "device").symlink_to("/dev/zero")
    (repo.path / ("d/" * 200)).mkdir(parents=True)
    repo.write("d/" * 200 + "a.py", leak())
    done = repo.run(command(), "scan", "--format", "json")
    skipped = {each["path"]: each["reason"] for each in json.loads(done.stdout)["scanned"]["skipped"]}
    assert skipped == {"huge.bin": "too-large"}
    assert done.returncode == 1
    for path in ("pipe", "device"):
        assert repo.run(command(), "scan", path, "--strict").returncode == 1


@pytest.mark.parametrize("opening", ['["password", ', "- ", '{"password": '])
def test_t23_nested_collections_of_yaml_do_not_fill_the_stack(repo: Repository, opening: str) -> None:
    """The parser is in C, where a full stack ends the process."""
    repo.write("deep.yaml", opening * 100_000 + '"password": "k9"\n')
    repo.write("a.py", leak())
    repo.git("add", "-A")
    for line in ([command(), "scan", "--format", "json"], [hook()]):
        done = repo.run(*line)
        assert done.returncode == 1
        assert "a.py" in done.stdout


def test_t23_a_link_to_a_directory_is_followed_where_it_is_named_only(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.py").write_text(leak())
    (repo.path / "link").symlink_to(tmp_path / "outside")
    assert repo.run(command(), "scan", ".").returncode == 0
    assert repo.run(command(), "scan", "link").returncode == 1


def test_t22_a_working_tree_elsewhere_hides_no_file_of_the_folder(repo: Repository) -> None:
    (repo.path.parent / "elsewhere").mkdir()
    repo.write("new.py", leak())
    repo.write("README.md", leak())
    repo.git("config", "core.worktree", str(repo.path.parent / "elsewhere"))
    above = repo.run(command(), "scan", "--format", "json", str(repo.path))
    for done in (repo.run(command(), "scan", "--format", "json", "."), above):
        assert done.returncode == 1, done.stderr
        assert {Path(each["path"]).name for each in json.loads(done.stdout)["findings"]} == {"new.py", "README.md"}
    assert repo.run(command(), "baseline", "update").returncode == 0
    assert not list((repo.path.parent / "elsewhere").iterdir())


@pytest.mark.parametrize("above_is_a_repository", [False, True], ids=["a folder", "a repository"])
def test_a_working_tree_above_the_repository_is_neither_listed_nor_written(
    repo: Repository, above_is_a_repository: bool
) -> None:
    """A repository that was unpacked below others' files, and whose configuration claims them."""
    above = repo.path.parent
    if above_is_a_repository:
        subprocess.run(["git", "init", "-q", above], check=True)
    (above / "theirs.py").write_text(leak())
    repo.write("ours.py", leak())
    repo.git("config", "core.worktree", "../..")
    found = repo.run(command(), "scan", "--format", "json", ".")
    assert {each["path"] for each in json.loads(found.stdout)["findings"]} == {"ours.py"}
    names = {each.name for each in above.iterdir()}
    for words in (
        ("agent", "install", "claude-code", "--project", "--yes"),
        ("--store", "vault://secret/x", "init", "--ci", "github"),
        ("doctor", "--install-hook"),
    ):
        assert repo.run(command(), "--no-input", *words).returncode == 2, words
    assert {each.name for each in above.iterdir()} - names <= {"state"}


# ---- T24

ODD = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."} and not name.lower().startswith(".git") and len(name.encode()) < 200
)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(ODD, min_size=20, max_size=40, unique=True))
def test_t24_no_name_hides_a_file_or_acts_on_a_terminal(tmp_path_factory, names: list[str]) -> None:
    repository = Repository(tmp_path_factory.mktemp("names") / "work")
    for name in names:
        repository.write(name, leak())
    repository.git("add", "-f", "-A")
    for program in ([hook()], [command(), "scan", "--format", "junit"]):
        done = repository.run(*program)
        assert done.stdout.count("Autoposting API Key") >= len(names), program
        assert not [char for char in done.stdout if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0]


# ---- git's own


def test_a_configured_working_tree_or_a_bare_repository_hides_nothing(repo: Repository, tmp_path: Path) -> None:
    repo.stage("a.py", leak())
    for key, value in (
        ("core.bare", "true"),
        ("core.worktree", "/"),
        ("core.sparseCheckout", "true"),
        ("core.preloadIndex", "x"),
    ):
        repo.git("config", key, value)
        assert repo.run(hook()).returncode in {1, 2}, key
        assert repo.run(command(), "scan", ".").returncode in {1, 2}, key
        repo.run("git", "config", "--unset", key)


def test_a_replaced_object_is_seen_as_it_is_pushed(repo: Repository) -> None:
    repo.stage("a.py", leak())
    evil = repo.git("hash-object", "-w", "a.py").strip()
    repo.write("b.py", "x = 1\n")
    fine = repo.git("hash-object", "-w", "b.py").strip()
    repo.git("replace", evil, fine)
    assert repo.run(hook()).returncode == 1
    repo.git("commit", "-qm", "leak", "--no-verify")
    assert repo.run(hook(), "--history").returncode == 1


def test_a_damaged_index_is_an_error_and_no_pass(repo: Repository) -> None:
    repo.stage("a.py", leak())
    (repo.path / ".git" / "index").write_bytes(b"garbage")
    for program in ([hook()], [command(), "scan", "."], [command(), "scan", "--staged"]):
        done = repo.run(*program)
        assert (done.returncode, done.stderr.count("error: ")) == (2, 1), program


def test_a_submodule_with_its_own_traps_is_said_and_not_entered(repo: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.write("a.py", leak())
    inner.commit("leak")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.path), "inner")
    (repo.path / "trap.sh").write_text(f"#!/bin/sh\ntouch '{repo.path / 'sprung'}'\n")
    (repo.path / "trap.sh").chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", str(repo.path / "trap.sh")], cwd=repo.path / "inner", check=True)
    repo.git("config", "submodule.recurse", "true")
    repo.git("config", "submodule.inner.update", f"!{repo.path / 'trap.sh'}")
    (repo.path / "sprung").unlink(missing_ok=True)
    assert "not scanned: inner (submodule)" in repo.run(hook()).stdout
    assert repo.run(hook(), "--strict").returncode == 1
    assert "not scanned: inner (submodule)" in repo.run(command(), "scan", ".").stdout
    assert not sprung(repo)


def test_a_partial_clone_of_a_hostile_remote_fetches_nothing(repo: Repository, tmp_path: Path) -> None:
    """What is missing is said; git would run the remote's program, or ask the network, to get it."""
    repo.write("big.txt", "x" * 5000)
    repo.commit("big")
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    url = f"file://{repo.path}"
    subprocess.run(
        ["git", "clone", "-q", "--no-checkout", "--filter=blob:none", url, clone], check=True, capture_output=True
    )
    (tmp_path / "trap.sh").write_text(f"#!/bin/sh\ntouch '{repo.path / 'sprung'}'\nexec git-upload-pack \"$@\"\n")
    (tmp_path / "trap.sh").chmod(0o755)
    subprocess.run(["git", "config", "remote.origin.uploadpack", tmp_path / "trap.sh"], cwd=clone, check=True)
    done = subprocess.run([hook(), "--history"], cwd=clone, capture_output=True, text=True, check=False)
    assert "missing-object" in done.stdout
    assert (
        subprocess.run([hook(), "--history", "--strict"], cwd=clone, capture_output=True, check=False).returncode == 1
    )
    assert not sprung(repo)


def test_without_a_suppressor_nothing_is_passed_over(repo: Repository) -> None:
    """What the baseline at the top of the repository silences is counted, and a switch ignores the file."""
    repo.stage("a.py", leak())
    repo.run(command(), "baseline", "update", "a.py")
    assert repo.run(hook(), "--no-baseline").returncode == 1
    for options in ([], ["--baseline", NAME]):
        done = repo.run(hook(), *options)
        assert done.returncode == 0
        assert "1 known to the baseline" in done.stdout
    assert not Suppressor().knows(None, "a.py")
