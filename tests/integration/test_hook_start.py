"""What the hook costs before it does anything, and the plug-ins for those who keep detect-secrets' own hook."""

import gzip
import secrets
import subprocess
import sys
import uuid
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from detect_secrets.core import scan
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import transient_settings

from tests.fakes.git_repository import Repository
from tokenguard.precommit import detect_secrets_plugins

HEAVY = {
    "detect_secrets", "requests", "urllib3", "yaml", "cryptography", "click", "rich", "hvac", "boto3", "botocore", "argparse", "asyncio",
    "http", "ssl", "email", "dataclasses", "tarfile", "zipfile", "configparser", "logging", "multiprocessing",
}  # fmt: skip


def loaded(directory: Path, arguments: list[str]) -> set[str]:
    code = f"import sys\nfrom tokenguard.precommit.hook import run\nrun({arguments!r})\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=directory, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.usefixtures("unmeasured")
def test_a_clean_commit_loads_nothing_heavy(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work")
    repository.stage("app.py", "def main() -> None:\n    print('hello')\n")
    assert loaded(repository.path, []) & HEAVY == set()


@pytest.mark.usefixtures("unmeasured")
def test_the_hook_needs_eleven_packages_of_all_that_are_installed(tmp_path: Path) -> None:
    """docs/scanning.md names them; a commit with findings, YAML and an archive loads no other."""
    repository = Repository(tmp_path / "work")
    repository.stage("app.py", f"connect('sk-social-{secrets.token_hex(32)}')\n")
    repository.stage("a.yaml", f"a:\n  password: '{secrets.token_hex(20)}'\nb: !binary eA==\n")
    repository.stage("a.gz", gzip.compress(f"api_key = '{secrets.token_urlsafe(30)}'\n".encode()))
    owners = packages_distributions()
    found = {owner.lower().replace("_", "-") for name in loaded(repository.path, []) for owner in owners.get(name, ())}
    named = "ahocorasick-rs certifi charset-normalizer detect-secrets google-re2 idna msgspec platformdirs pyyaml requests urllib3"
    assert found - {"tokenguard-governance", "setuptools"} <= set(named.split())
    page = Path("docs/scanning.md").read_text().lower()
    assert [each for each in named.split() if each not in page] == []


@pytest.mark.usefixtures("unmeasured")
def test_help_loads_next_to_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, ["--help"]) & (HEAVY | {"re2", "msgspec", "json", "subprocess"}) == set()


@pytest.mark.parametrize(
    ("plugin", "line", "count"),
    [
        ("DescriptTokenDetector", lambda: f"dx_{'bearer'}_{uuid.uuid4()}:dx_{'secret'}_{uuid.uuid4()}", 1),
        ("DescriptTokenDetector", lambda: f"dx_{'secret'}_{uuid.uuid4()}", 1),
        ("AutopostingKeyDetector", lambda: f"sk-social-{secrets.token_hex(32)}", 1),
        ("VendorTokenDetector", lambda: f"dp.pt.{secrets.token_hex(20)}", 1),
        ("KnownVariableDetector", lambda: f"DESCRIPT_API_TOKEN={secrets.token_hex(20)}", 1),
        (
            "PresignedUrlDetector",
            lambda: f"https://e.net/a?X-Amz-Expires=60&X-Amz-Signature={secrets.token_hex(32)}",
            1,
        ),
    ],
)
def test_the_plugins_work_in_a_plain_detect_secrets_configuration(
    tmp_path: Path, plugin: str, line, count: int
) -> None:
    path = tmp_path / "app.txt"
    path.write_text(line() + "\n")
    place = f"file://{detect_secrets_plugins.__file__}"
    get_mapping_from_secret_type_to_class.cache_clear()  # it remembers the plug-ins of whoever asked first
    try:
        with transient_settings({"plugins_used": [{"name": plugin, "path": place}]}):
            assert len(list(scan.scan_file(str(path)))) == count
    finally:
        get_mapping_from_secret_type_to_class.cache_clear()
