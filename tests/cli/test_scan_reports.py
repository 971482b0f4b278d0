"""Reports for code hosts and build servers: stable fingerprints, no doubles, paths from the top; -o, -q, and the note."""

import json
import re
import secrets
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tokenguard.precommit import hook


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    return repository


def sarif(cli, *arguments: str) -> dict:
    return cli("scan", *arguments, "--format", "sarif").document["runs"][0]


def hashes(run: dict) -> list[str]:
    return [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]


def test_fingerprints_survive_moved_lines_and_folders_and_change_with_the_token(cli, repo, monkeypatch):
    first, second = leak(), f"password = '{secrets.token_hex(12)}'\n"
    repo.write("deep/app.py", first + second + first)
    before = hashes(sarif(cli))
    assert len(set(before)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}:[1-9]", each) for each in before)
    repo.write("deep/app.py", f"# more\n\n{first}{first}# between\n{second}")
    assert sorted(hashes(sarif(cli))) == sorted(before)
    monkeypatch.chdir(repo.path / "deep")
    assert sorted(hashes(sarif(cli))) == sorted(hashes(sarif(cli, "app.py"))) == sorted(before)
    repo.git("add", "-A")
    assert sorted(hashes(sarif(cli, "--staged"))) == sorted(before)
    repo.write("deep/app.py", leak() + second)
    assert set(hashes(sarif(cli))) - set(before)
    assert len(set(hashes(sarif(cli))) & set(before)) == 1


@pytest.mark.parametrize("folder", [".", "deep"])
@pytest.mark.parametrize("as_format", ["sarif", "junit", "github"])
def test_paths_are_those_of_the_repository_from_any_folder(cli, repo, monkeypatch, folder, as_format):
    repo.write("deep/a b.py", leak())
    repo.write("deep/broken.zip", b"PK\x03\x04 and nothing else")
    monkeypatch.chdir(repo.path / folder)
    targets = [
        [],
        [str(repo.path / "deep")],
        ["a b.py", "broken.zip"] if folder == "deep" else ["deep/a b.py", "deep/broken.zip"],
    ]
    for arguments in targets:
        shown = cli("scan", *arguments, "--format", as_format).out
        for name in ("a b.py", "broken.zip"):
            written = name.replace(" ", "%20") if as_format == "sarif" else name
            assert f"deep/{written}" in shown, arguments
        assert str(repo.path) not in shown
        assert "../" not in shown


def test_a_line_is_one_case_and_one_annotation_whatever_was_found_on_it(cli, repo):
    value = secrets.token_hex(20)
    repo.write("a.py", f'password = "{value}"; other_password = "{secrets.token_hex(20)}"\n{leak()}')
    answer = cli("scan", "--profile", "detect-secrets", "--format", "json")
    assert len(answer.document["findings"]) > 2
    suite = ET.fromstring(cli("scan", "--profile", "detect-secrets", "--format", "junit").out)
    names = [each.get("name") for each in suite.iter("testcase")]
    assert names == ["a.py:1", "a.py:2"]
    assert "Secret Keyword; Hex High Entropy String" in suite.find("testcase/failure").get(
        "message"
    ) or "Hex High Entropy String; Secret Keyword" in suite.find("testcase/failure").get("message")
    lines = cli("scan", "--profile", "detect-secrets", "--format", "github").out.splitlines()
    assert [line.partition(",")[0:1][0] for line in lines if line.startswith("::error")] == ["::error file=a.py"] * 2


def test_cases_of_a_history_have_names_of_their_own(cli, repo):
    for _ in range(3):
        repo.write("a.py", leak())
        repo.commit("again")
    suite = ET.fromstring(cli("scan", "--history", "--format", "junit").out)
    names = [each.get("name") for each in suite.iter("testcase")]
    assert len(names) == len(set(names)) == 3


def test_sarif_says_how_grave_it_is_and_how_to_end_it(published, repo, tmp_path):
    published("fingerprints", "pull", str(tmp_path / "bundle"))
    repo.write("a.py", f"x = '{published.value}'\n{leak()}password = '{secrets.token_hex(12)}'\n")
    run = sarif(published)
    rules = {each["id"]: each for each in run["tool"]["driver"]["rules"]}
    scores = {name.partition("/")[0]: float(each["properties"]["security-severity"]) for name, each in rules.items()}
    assert scores["own"] > 9.0 > scores["extra"] > 7.0 > scores["rule"] >= 4.0
    assert all("How to end it: " in each["help"]["text"] for each in rules.values())
    assert "tokenguard rotate" in rules["extra/autoposting-api-key"]["help"]["text"]
    assert "tokenguard respond" in next(each for name, each in rules.items() if name.startswith("own/"))["help"]["text"]
    assert published.value not in json.dumps(run)
    assert {each["level"] for each in run["results"]} <= {"error", "warning"}


@pytest.mark.parametrize("as_format", ["text", "json", "sarif", "junit", "github"])
def test_a_report_is_written_to_a_file_and_text_to_the_terminal(cli, repo, as_format):
    repo.write("a.py", leak())
    for _ in range(2):  # an earlier report is replaced
        answer = cli("scan", "a.py", "-o", "report", "--format", as_format)
        assert answer.code == 1
        assert answer.out.startswith("a.py:1:10: extra: ")
    text = (repo.path / "report").read_text()
    assert "a.py" in text
    assert (as_format == "text") == text.startswith("a.py:1:10")
    assert cli("scan", "a.py", "--output", "report", "-q", "--format", as_format).out.count("\n") == 4


def test_a_file_that_is_no_report_is_not_replaced(cli, repo):
    repo.write("a.py", leak())
    for as_format in ("text", "json", "sarif", "junit", "github"):
        answer = cli("scan", "a.py", "-o", "a.py", "--format", as_format)
        assert answer.code == 2
    cli.refused("scan", "-o", "nowhere/report")
    cli.refused("scan", "-o", ".")
    assert (repo.path / "a.py").read_text().startswith("connect(")


def test_quiet_says_nothing_but_findings(cli, repo, capfd):
    repo.stage("a.py", "x = 1\n")
    assert (cli("scan", "-q").out, cli("scan", "--quiet").err) == ("", "")
    assert (hook.run(["-q"]), capfd.readouterr().out) == (0, "")
    repo.stage("a.py", leak())
    for shown in (cli("scan", "-q").out, (hook.run(["--quiet"]), capfd.readouterr().out)[1]):
        assert shown.startswith("a.py:1:10: extra: ")
        assert "note:" not in shown
        assert "scanned" not in shown


def test_that_known_tokens_are_not_searched_is_said_once_and_again_after_they_were(
    published, repo, tmp_path, capfd, monkeypatch
):
    key = published.environ.pop("TOKENGUARD_SCAN_KEY")
    note = "note: known tokens not searched for: no scan key"
    assert note in published("scan").out
    assert hook.run([]) == 0
    assert note not in capfd.readouterr().out + published("scan").out + published("scan", "--history").out
    assert published("scan", "--format", "json").document["notes"] == [note.removeprefix("note: ")]
    published.environ["TOKENGUARD_SCAN_KEY"] = key
    assert "note: known tokens not searched for: no bundle was pulled" in published("scan").out
    published("fingerprints", "pull", str(tmp_path / "bundle"))
    assert "note:" not in published("scan").out
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert note in published("scan").out
    published.environ["TOKENGUARD_SCAN_KEY"] = key
    assert "note:" not in published("scan").out
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert note in published("scan").out
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    assert note in published("scan").out, "where nothing can be kept it is said each time"


@pytest.mark.parametrize(("frequency", "shown"), [("always", [1, 1]), ("never", [0, 0]), ("once", [1, 0])])
def test_the_note_can_be_switched(cli, repo, tmp_path, monkeypatch, capfd, frequency, shown):
    (tmp_path / "config.toml").write_text(f"[scan]\nknown_tokens_note = '{frequency}'\n")
    (tmp_path / "config.toml").chmod(0o600)
    monkeypatch.setenv("TOKENGUARD_CONFIG", str(tmp_path / "config.toml"))
    counts = [(hook.run([]), capfd.readouterr().out.count("note: "))[1] for _ in range(2)]
    assert counts == shown
    cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")
    assert cli("scan").out.count("note: ") == shown[1]
    (tmp_path / "config.toml").write_text("[scan]\nknown_tokens_note = 'sometimes'\n")
    assert hook.run([]) == 2
