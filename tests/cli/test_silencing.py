"""How a refusal says what silences it, and comments in every syntax that do."""

import secrets
import subprocess
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.precommit import hook
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.silencing import silencing

COMMENTS = {
    "a.py": "# {}", "a.yaml": "# {}", "a.yml": "# {}", "a.toml": "# {}", "a.sh": "# {}", "a.rb": "# {}", "Dockerfile": "# {}", "a.tf": "# {}", ".env": "# {}",
    "a.js": "// {}", "a.go": "// {}", "a.java": "/* {} */", "a.css": "/* {} */", "a.c": "/* {} */", "a.sql": "-- {}", "a.lua": "-- {}", "a.hs": "-- {}",
    "a.html": "<!-- {} -->", "a.xml": "<!-- {} -->", "a.md": "<!-- {} -->", "a.ini": "; {}", "a.cfg": "; {}", "a.lisp": ";; {}", "a.asm": "; {}",
    "a.bat": "REM {}", "a.cmd": ":: {}", "a.vim": '" {}', "a.tex": "% {}", "a.erl": "%% {}", "a.vb": "' {}", "a.f90": "! {}", "a.properties": "! {}",
    "a.ps1": "<# {} #>", "a.j2": "{{# {} #}}", "a.hbs": "{{{{!-- {} --}}}}", "a.erb": "<%# {} %>", "a.ml": "(* {} *)", "a.pas": "{{ {} }}", "a.rst": ".. {}",
    "a.jsx": "{{/* {} */}}", "a.proto": "// {}", "a.m4": "dnl {}", "a.adoc": "//// {}", "a.json5": "// {}", "a.f": "C     {}",
}  # fmt: skip


def mixed() -> str:
    """24 hex digits, never too few different ones to be a finding."""
    return "".join(secrets.SystemRandom().sample("0123456789abcdef", 16)) + secrets.token_hex(4)


LINES = {
    "shape": lambda: leak().rstrip(),
    "rule": lambda: f'password = "{mixed()}"',
    "assigned": lambda: f'curl -H "X-Api-Key: {mixed()}Zq7{mixed()}"',
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    return repository


@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_on_the_line_before_silences_in_every_syntax(cli, tmp_path, name):
    before, beside = (COMMENTS[name].format(f"pragma: allowlist {what}") for what in ("nextline secret", "secret"))
    for kind, line in LINES.items():
        text, contents = line(), (f"{before}\n{{}}\n", f"{before}\n\n{{}}\n", f"{{}}  {beside}\n")
        for content, found in zip(contents, (False, True, False), strict=True):
            (tmp_path / name).write_text(content.replace("{}", text))
            document = cli("scan", name, "--format", "json").document
            assert (bool(document["findings"]), document["allowed"]) == (found, int(not found)), (kind, content)


def test_the_hook_says_how_to_silence_and_what_applies(repo, capfd, words):
    repo.stage("app.py", f'{leak()}password = "{secrets.token_hex(12)}"\n')
    for arguments in ([], ["--strict"]):
        assert hook.run(arguments) == 1
        words(capfd.readouterr().out)
    assert hook.run(["--help"]) == 0
    words(capfd.readouterr().out)


def test_a_known_token_is_only_revoked_or_waived(published, repo, tmp_path, words):
    published("fingerprints", "pull", str(tmp_path / "bundle"))
    repo.stage("app.py", f"connect({published.value})\n")
    words(published("scan", "--staged"))
    repo.stage("app.py", f"connect({published.value})\n{leak()}")
    words(published("scan", "--staged"))


@pytest.mark.parametrize("reach", [each for each in Reach if each is not Reach.TRANSCRIPT])
@pytest.mark.parametrize("kinds", [("own",), ("rule",), ("own", "rule"), ("revoked",), ("own", "revoked", "extra"), ()])
@pytest.mark.parametrize("strict", [False, True])
def test_two_lines_at_most_and_never_a_way_that_has_no_effect(reach, kinds, strict):
    findings = [
        Finding(
            kind=FindingKind.OWN if kind == "revoked" else FindingKind(kind), type="t", path="-a b.py", line=3, column=1,
            facts={"state": kind} if kind == "revoked" else {},
        )
        for kind in kinds
    ]  # fmt: skip
    lines = list(silencing(Report(files=1, bytes=1, findings=tuple(findings), strict=strict), reach))
    text = "\n".join(lines)
    others = {"rule", "extra"} & {*kinds}
    assert len(lines) == (2 if kinds else 0)
    assert ("baseline accept" in text) == (
        bool(others) and reach in {Reach.WORKTREE, Reach.STAGED, Reach.COMMITTED, Reach.PUSHED}
    )
    assert ("pragma" in text) == (bool(others) and reach not in {Reach.COMMITTED, Reach.PUSHED})
    assert ("waive" in text) == ("own" in kinds)
    if "baseline accept" in text:
        assert "'./-a b.py:3'" in text


def test_what_a_refusal_proposes_works(cli, repo, capfd):
    repo.stage("dir with space/-a.py", leak())
    assert hook.run([]) == 1
    shown = capfd.readouterr().out
    command = shown.partition("run `")[2].partition("`")[0].replace("TEXT", "because")
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    assert cli(*words.stdout.splitlines()[1:]).code == 0
    assert hook.run([]) == 0


def test_a_link_is_scanned_as_git_keeps_it_also_under_strict(cli, repo, tmp_path):
    (repo.path / "dangling").symlink_to("nowhere")
    (repo.path / "device").symlink_to("/dev/zero")
    (repo.path / "folder").symlink_to(".")
    repo.git("add", "-A")
    assert cli("scan", "--strict").code == cli("scan", "--staged", "--strict").code == hook.run(["--strict"]) == 0
    (repo.path / "evil").symlink_to(leak().strip())
    repo.git("add", "-A")
    assert cli("scan", "--strict").code == cli("scan", "--staged").code == hook.run([]) == 1
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "link").symlink_to("elsewhere")
    assert cli("scan", str(outside), "--strict").code == 0


def test_an_untracked_file_gets_a_hint_that_helps(repo, capfd, words):
    repo.write("new.py", "x = 1\n")
    assert hook.run(["new.py"]) == 2
    words(capfd.readouterr().err)
    assert hook.run(["nowhere.py"]) == 2
    words(capfd.readouterr().err)
