"""P5: whatever a scan finds, logs, or dies of, no byte of a value is in what it writes, raw or encoded."""

import base64
import io
import json
import logging
import secrets
import string
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes.git_repository import Repository
from tokenguard.cli.error_handler import run
from tokenguard.output.formats import OutputFormat
from tokenguard.precommit import hook
from tokenguard.scanning.outputs.write_findings import FINDING_FORMATS

LETTERS = string.ascii_letters + string.digits
SHAPES = [
    'password = "{}"', "client = Client('ghp_{}')", "x: sk-social-{}", "curl -H 'Authorization: Bearer {}' -u a:{}", "AKIA{}",
    "https://user:{}@example.net/", "https://e.net/a?X-Amz-Expires=60&X-Amz-Signature={}", "DESCRIPT_API_TOKEN={}",
    'secret: "{}"  # pragma: allowlist secret', "<password>{}</password>", "export AUTOPOSTING_API_KEY='{}'",
]  # fmt: skip


def canary() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(40))


def forms(value: str) -> list[str]:
    """The value and its halves, raw and as anybody might encode them."""
    data = value.encode()
    wide = "".join(f"\\u{ord(char):04x}" for char in value)
    encoded = [base64.b64encode(data[cut:]).decode().rstrip("=")[:-2] for cut in range(3)]
    return [value[:12], value[-12:], data.hex(), data.hex()[:24], wide, quote(value[:12]), *encoded, value[::-1][:12]]


def plant(directory: Path, count: int) -> list[str]:
    """A repository with that many canaries in its files and its index."""
    values = [canary() for _ in range(count)]
    repository = Repository(directory / "work")
    for number in range(20):
        lines = [SHAPES[index % len(SHAPES)].replace("{}", value) for index, value in enumerate(values[number::20])]
        suffix = ("py", "yaml", "ini", "sh", "ipynb", "md", "env")[number % 7]
        repository.write(f"{number}.{suffix}", "\n".join(lines) + "\n")
    repository.git("add", "-A")
    return values


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    directory = tmp_path_factory.mktemp("planted")
    return directory / "work", plant(directory, 1000)


@pytest.fixture
def planted(repository: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """1,000 canaries, in a repository that is the working directory."""
    monkeypatch.chdir(repository[0])
    return repository[1]


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Enough to crash with."""
    values = plant(tmp_path, 60)
    monkeypatch.chdir(tmp_path / "work")
    return values


def check(values: list[str], *texts: str) -> None:
    shown = "\n".join(texts)
    leaked = [form for value in values for form in forms(value) if form in shown]
    assert not leaked, len(leaked)


def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Everything that any library logs, at its lowest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", 1)
    for name in ("detect-secrets", "detect_secrets", "tokenguard"):
        monkeypatch.setattr(logging.getLogger(name), "level", 1)
        monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
    return stream


@pytest.mark.parametrize("format_", FINDING_FORMATS)
def test_no_format_and_no_log_level_shows_a_value(planted, monkeypatch, capfd, format_) -> None:
    stream = logged(monkeypatch)
    assert run(["-v", "scan", "--format", format_.value]) == 1
    shown = capfd.readouterr()
    assert "findings" in shown.out or format_ in {OutputFormat.SARIF, OutputFormat.JUNIT}
    check(planted, shown.out, shown.err, stream.getvalue())


@pytest.mark.parametrize(
    "arguments", [[], ["--strict"], ["--history"], ["--commit-msg", "0.py"], ["--", "1.yaml", "2.ini"]]
)
def test_the_hook_shows_none(planted, monkeypatch, capfd, arguments) -> None:
    stream = logged(monkeypatch)
    assert hook.run(arguments) in {0, 1}
    shown = capfd.readouterr()
    check(planted, shown.out, shown.err, stream.getvalue())


CRASHES = (
    "tokenguard.detection.rules._judge", "tokenguard.detection.rules._match", "tokenguard.detection.extras._match",
    "tokenguard.detection.extras._genuine", "tokenguard.scanning.decoding._line_feeds",
    "tokenguard.scanning.outputs.findings_text.summary", "tokenguard.scanning.outputs.findings_text.advice", "tokenguard.scanning.git.Git.output",
)  # fmt: skip


@pytest.mark.parametrize(("place", "error"), list(zip(CRASHES, cycle((ValueError, MemoryError)), strict=False)))
def test_no_crash_shows_what_was_in_hand(few, monkeypatch, capfd, place, error) -> None:
    """The exception holds values in its text, its arguments and its cause, and its frames hold them too."""

    def crash(*arguments, **options):
        raise error(" ".join(few[1:4]), repr(arguments)) from KeyError(few[0])

    monkeypatch.setattr(place, crash)
    codes = {run(["-v", "scan", "--staged"]), hook.run([])}
    shown = capfd.readouterr()
    assert 70 in codes, codes
    check(few, shown.out, shown.err)


def test_a_baseline_holds_none(planted, capfd) -> None:
    assert run(["baseline", "update", "0.py", "1.yaml"]) == 0
    shown = capfd.readouterr()
    baseline = Path(".tokenguard-baseline")
    check(planted, shown.out, shown.err, baseline.read_text())
    baseline.unlink()  # later scans would find it


def test_a_report_that_names_a_value_in_its_path_is_the_only_place_of_it(planted, capfd) -> None:
    """A file's name is shown: whoever names a file after a token has published it already."""
    assert json.loads(_shown(capfd, ["scan", "--format", "json", "0.py"]))["findings"][0]["path"] == "0.py"


def _shown(capfd, arguments) -> str:
    run(arguments)
    return capfd.readouterr().out
