"""Baselines: moving is not new, replacing is; nothing of a value in the file; a former baseline is only data."""

import hashlib
import json
import secrets
from pathlib import Path

import pytest

from tokenguard.errors import InputError
from tokenguard.scanning.baseline_file import Recorder, new_salt, read_baseline, suppressor
from tokenguard.scanning.detect_secrets_baseline import DetectSecretsImporter, read_detect_secrets
from tokenguard.scanning.jobs import ScanJob
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


def accept(path: Path) -> Path:
    recorder = Recorder(new_salt())
    ScanJob(stages=Stages(), suppressor=recorder).paths([path])
    file = path.parent / "baseline"
    file.write_bytes(recorder.written())
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
    first = read_baseline(accept(file))[1]
    second = read_baseline(accept(file))[1]
    assert {entry.type for entry in first} == {entry.type for entry in second}
    assert not {entry.tag for entry in first} & {entry.tag for entry in second}


@pytest.mark.parametrize(
    "content",
    ["", "{}", "# tokenguard baseline 2 salt=00", "# tokenguard baseline 2 salt=" + "0" * 32 + "\n<<<<<<< HEAD\n",
     "# tokenguard baseline 2 salt=" + "0" * 32 + "\nown\tx\ta.py\t000000000000\n",
     "# tokenguard baseline 2 salt=" + "0" * 32 + "\nrule\tx\ta.py\n", "\x00" * 100],
)  # fmt: skip
def test_a_damaged_baseline_is_bad_input_and_not_an_empty_one(tree: Path, content: str) -> None:
    Path("baseline").write_text(content)
    with pytest.raises(InputError):
        suppressor(Path("baseline"))


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
    recorder = DetectSecretsImporter(new_salt(), Path(), known)
    report = ScanJob(stages=Stages(), suppressor=recorder).paths([Path("a.py")])
    assert (len(recorder.entries), real) == (1, 1)
    assert sorted(finding.line for finding in report.findings if finding.type == "Secret Keyword") == [2, 3]


def test_a_former_baseline_runs_no_code_that_it_names(tree: Path) -> None:
    Path("evil.py").write_text("open('sprung', 'w')\n")
    evil = f"file://{Path('evil.py').absolute()}"
    file = former(plugins_used=[{"name": "Evil", "path": evil}], filters_used=[{"path": f"{evil}::filter"}])
    known, _ = read_detect_secrets(file)
    ScanJob(stages=Stages(), suppressor=DetectSecretsImporter(new_salt(), Path(), known)).paths([Path("a.py")])
    assert not Path("sprung").exists()


def test_without_a_baseline_nothing_is_passed_over(tree: Path) -> None:
    Path("a.py").write_text(f'password = "{secrets.token_hex(12)}"\n')
    assert ScanJob(stages=Stages(), suppressor=Suppressor()).paths([Path("a.py")]).findings
