"""Baselines: moving is not new, replacing is; nothing of a value in the file; a former baseline is only data."""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.errors import InputError
from tokenguard.scanning.baseline_file import new_baseline, parse_baseline, read_baseline
from tokenguard.scanning.baseline_matching import Recorder
from tokenguard.scanning.detect_secrets_baseline import DetectSecretsImporter, read_detect_secrets
from tokenguard.scanning.find_baseline import find_suppressor
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scanner import Stages, Suppressor
from tokenguard.token_formats.checksum import with_github_checksum


def github() -> str:
    return with_github_checksum("ghp_", secrets.token_hex(15))


def pem() -> str:
    return (
        "-----BEGIN RSA PRIVATE KEY-----\n"
        + "\n".join(secrets.token_hex(32) for _ in range(4))
        + "\n-----END RSA PRIVATE KEY-----\n"
    )


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


NOW = datetime(2026, 11, 29, tzinfo=UTC)
HEAD = f"# tokenguard baseline 3 salt={'0' * 32}\n"
LINE = "rule\tSecret Keyword\ta.py\t000000000000"


def here() -> RootPaths:
    return RootPaths(root=Path(), base=Path())


def suppressor(baseline: Path) -> Suppressor:
    return find_suppressor([Path()], base=Path(), now=NOW, given=baseline)


def accept(path: Path) -> Path:
    recorder = Recorder(new_baseline(), here(), NOW)
    ScanJob(stages=Stages(), suppressor=recorder).paths([path])
    file = path.parent / "baseline"
    file.write_bytes(recorder.content([path]).written())
    return file


def findings(path: Path, baseline: Path) -> list[str]:
    return [
        finding.type for finding in ScanJob(stages=Stages(), suppressor=suppressor(baseline)).paths([path]).findings
    ]


def test_what_was_accepted_is_passed_over_wherever_it_moves_in_its_file(tree: Path) -> None:
    file = Path("a.py")
    text = f'a = "{github()}"\npassword = "{secrets.token_hex(12)}"\n'
    file.write_text(text)
    baseline = accept(file)
    assert findings(file, baseline) == []
    file.write_text("# more\n\n" + "\n".join(reversed(text.splitlines())))
    assert findings(file, baseline) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: f'a = "{github()}"\n',
        lambda: f"{github()} in a sentence\n",
        pem,
        lambda: f'password = "{secrets.token_hex(12)}"\n',
    ],
)
def test_a_replaced_token_is_a_new_finding(tree: Path, make) -> None:
    """detect-secrets lets a replaced GitHub token or private key through: it remembers `ghp` and the header."""
    file = Path("a.py")
    file.write_text(make())
    baseline = accept(file)
    assert findings(file, baseline) == []
    file.write_text(make())
    assert findings(file, baseline)


def test_the_file_is_sorted_and_says_nothing_of_values_lines_or_times(tree: Path) -> None:
    values = [secrets.token_hex(12) for _ in range(5)]
    file = Path("a b\n.py")
    file.write_text("".join(f'password{number} = "{value}"\n' for number, value in enumerate(values)))
    content = accept(file).read_text()
    rows = content.splitlines()[1:]
    assert rows == sorted(rows)
    assert all(
        row.startswith(("rule\tHex High Entropy String\ta b%0A.py\t", "rule\tSecret Keyword\ta b%0A.py\t"))
        for row in rows
    )
    for value in values:
        assert value not in content
        assert hashlib.sha1(value.encode()).hexdigest() not in content


def test_two_files_give_the_same_value_different_tags(tree: Path) -> None:
    file = Path("a.py")
    file.write_text(f'password = "{secrets.token_hex(12)}"\n')
    first = read_baseline(accept(file)).entries
    second = read_baseline(accept(file)).entries
    assert {entry.type for entry in first} == {entry.type for entry in second}
    assert not {entry.tag for entry in first} & {entry.tag for entry in second}


@pytest.mark.parametrize("content", ["", "{}", "# tokenguard baseline 2 salt=00", "\x00" * 100, LINE, "<<<<<<< HEAD\n"])
def test_a_file_of_another_kind_is_bad_input_and_not_an_empty_baseline(tree: Path, content: str) -> None:
    Path("baseline").write_text(content)
    with pytest.raises(InputError, match="not a tokenguard baseline"):
        suppressor(Path("baseline"))


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("<<<<<<< HEAD", 1), ("=======", 1), (">>>>>>> side", 1), ("||||||| 1234567", 1), ("own\tx\ta.py\t000000000000", 1),
        ("x", 2), ("rule\tx\ta.py", 12), ("rule\tx\ta.py\tABCDEF000000", 13), ("rule\tx\ta.py\t0000", 13), (f"{LINE}\t2026-13-01\tx", 39),
        (f"{LINE}\t-\t\x1b[2J", 41), (f"{LINE}\t-\t{'x' * 201}", 41), (f"{LINE}\t-", 40), (f"{LINE}\t-\tx\ty", 44), ("# a comment", 12),
        (f"{LINE}\t2026-12-01\t\N{RIGHT-TO-LEFT OVERRIDE}", 50),
    ],
)  # fmt: skip
def test_a_damaged_line_is_bad_input_with_its_place(row: str, column: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_baseline(f"{HEAD}{LINE}\n{row}\n".encode(), source="baseline")
    assert caught.value.message.startswith(f"baseline:3:{column}: ")
    assert caught.value.hint
    kept = parse_baseline(f"{HEAD}{LINE}\n{row}\n".encode(), source="baseline", both_sides=True)
    assert (len(kept.entries), kept.damaged) == (1, int(column != 1 or "\t" in row))


def test_former_files_and_windows_line_ends_are_read(tree: Path) -> None:
    former = HEAD.replace("baseline 3", "baseline 2") + LINE + "\n"
    assert parse_baseline(former.encode(), source="x") == parse_baseline(f"{HEAD}{LINE}".encode(), source="x")
    assert parse_baseline(former.replace("\n", "\r\n").encode(), source="x").entries[0].tag == "0" * 12


def test_a_file_with_the_salt_of_each_finding_is_refused() -> None:
    heads = "".join(f"# tokenguard baseline 3 salt={secrets.token_hex(16)}\n" for _ in range(9))
    with pytest.raises(InputError, match="salts"):
        parse_baseline(heads.encode(), source="baseline")


def test_the_baselines_of_two_branches_are_one_after_a_merge(tree: Path) -> None:
    """Each branch made its own, with its own salt: git's union merge puts both into one file."""
    both = b""
    for name in ("a.py", "b.py"):
        Path(name).write_text(f'password = "{secrets.token_hex(12)}"\n')
        both += accept(Path(name)).read_bytes()
    Path("baseline").write_bytes(both)
    assert findings(Path("a.py"), Path("baseline")) == findings(Path("b.py"), Path("baseline")) == []


def test_what_moves_with_its_file_stays_accepted_and_a_copy_does_not(tree: Path) -> None:
    Path("a.py").write_text(f'password = "{secrets.token_hex(12)}"\n')
    baseline = accept(Path("a.py"))
    Path("b.py").write_text(Path("a.py").read_text())
    assert findings(Path("b.py"), baseline)
    Path("a.py").unlink()
    assert findings(Path("b.py"), baseline) == []


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    for content in (data, HEAD.encode() + data, f"{HEAD}{LINE}\t".encode() + data):
        try:
            found = parse_baseline(content, source="baseline")
        except InputError:
            continue
        assert parse_baseline(found.written(), source="again").entries == tuple(sorted(set(found.entries)))


def test_a_missing_baseline_is_bad_input(tree: Path) -> None:
    with pytest.raises(InputError):
        suppressor(Path("nowhere"))


def former(**extra: object) -> Path:
    value, real = secrets.token_hex(12), secrets.token_hex(12)
    Path("a.py").write_text(f'password = "{value}"\nsecret = "{real}"\nauth_key = "{secrets.token_hex(12)}"\n')
    entries = [
        {"type": "Secret Keyword", "hashed_secret": hashlib.sha1(value.encode()).hexdigest(), "line_number": 9},
        {"type": "Secret Keyword", "hashed_secret": hashlib.sha1(real.encode()).hexdigest(), "is_secret": True},
        "damaged",
    ]
    Path("former").write_text(json.dumps({"results": {"a.py": entries}, **extra}))
    return Path("former")


def test_a_former_baseline_is_taken_over_without_what_its_audit_called_real(tree: Path) -> None:
    known, real = read_detect_secrets(former())
    recorder = DetectSecretsImporter(here(), NOW, known)
    report = ScanJob(stages=Stages(), suppressor=recorder).paths([Path("a.py")])
    assert (len(recorder.entries), real) == (1, 1)
    assert sorted(finding.line for finding in report.findings if finding.type == "Secret Keyword") == [2, 3]


def test_a_former_baseline_runs_no_code_that_it_names(tree: Path) -> None:
    Path("evil.py").write_text("open('sprung', 'w')\n")
    evil = f"file://{Path('evil.py').absolute()}"
    file = former(plugins_used=[{"name": "Evil", "path": evil}], filters_used=[{"path": f"{evil}::filter"}])
    known, _ = read_detect_secrets(file)
    ScanJob(stages=Stages(), suppressor=DetectSecretsImporter(here(), NOW, known)).paths([Path("a.py")])
    assert not Path("sprung").exists()


def test_without_a_baseline_nothing_is_passed_over(tree: Path) -> None:
    Path("a.py").write_text(f'password = "{secrets.token_hex(12)}"\n')
    assert ScanJob(stages=Stages(), suppressor=Suppressor()).paths([Path("a.py")]).findings


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("", "delete it"),
        (" \n\n", "delete it"),
        ('{"results": {}}', "baseline import"),
        ("version: 3\n", "restore it from git"),
    ],
)
def test_the_hint_for_a_file_that_is_no_baseline_is_about_what_it_holds(content, hint):
    """An empty file is none of detect-secrets, so that `baseline import` would refuse it too."""
    with pytest.raises(InputError) as caught:
        parse_baseline(content.encode(), source="b")
    assert hint in caught.value.hint
    assert ("baseline import" in caught.value.hint) == content.startswith("{")
