"""Stage B equals detect-secrets 1.5.0: on its own shapes in every kind of file, on hostile lines, on this project."""

import inspect
import json
import random
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

import tokenguard
from tests.fakes.rules_oracle import oracle, ours
from tokenguard.detection import detect_secrets_adapter as gate
from tokenguard.detection import prefilter as prefilter_module
from tokenguard.detection import regex_set
from tokenguard.detection.budget import OutOfTime, limited
from tokenguard.detection.match import TextMatch, Unscanned
from tokenguard.detection.rebuilt import KNOWN_TYPES
from tokenguard.detection.rule_table import TABLE, table
from tokenguard.detection.rules import scan_rules
from tokenguard.domain.profile import Profile

PROJECT = Path(tokenguard.__file__).parents[1]
HEX, LETTERS, MIXED = (
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def some(alphabet: str, count: int, source: random.Random) -> str:
    return "".join(source.choice(alphabet) for _ in range(count))


def secret_lines(source: random.Random) -> list[str]:
    """One line, at least, for each plugin, made now."""

    def mixed(count: int) -> str:
        return some(MIXED, count, source)

    def hexa(count: int) -> str:
        return some(HEX, count, source)

    upper = some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, source)
    return [
        f'artifactory = "AKC{mixed(12)}"', f"artif-key:AP6{mixed(12)}", f"aws_key = 'AKIA{upper}'", f'aws_secret_key = "{mixed(40)}"',
        f"AccountKey={mixed(86)}==", f"https://user:{mixed(10)}@example.net/x", f"cloudant_password = '{hexa(64)}'", f"cl_key: {some(LETTERS, 24, source)}",
        f"https://acc:{hexa(64)}@acc.cloudant.com", f"M{mixed(23)}.{mixed(6)}.{mixed(27)}", f"x = 'ghp_{mixed(36)}'", f"t: glpat-{mixed(20)}",
        f"ibm_cloud_iam_api_key = '{mixed(44)}'", f"cos_hmac_secret_access_key: '{hexa(48)}'", f"mailchimp {hexa(32)}-us12",
        f"//registry.example.net/:_authToken=npm_{mixed(36)}", f"sk-{mixed(20)}T3BlbkFJ{mixed(20)}", "-----BEGIN RSA PRIVATE KEY-----", f"pypi-AgEIcHlwaS5vcmc{mixed(80)}",
        f"SG.{mixed(22)}.{mixed(43)}", f"xoxb-{some('0123456789', 12, source)}-{mixed(24)}", f"https://hooks.slack.com/services/T{mixed(8)}/B{mixed(8)}/{mixed(24)}",
        f"sl_api_key = {some(LETTERS + '0123456789', 64, source)}", f"sq0csp-{mixed(43)}", f"sk_live_{mixed(24)}", f"{some('123456789', 9, source)}:{mixed(35)}", f"AC{hexa(32)}",
        f'password = "{mixed(14)}"', f"api_key: {mixed(20)}", f"secret := {mixed(9)}", f'if ("{mixed(12)}" == my_password)', f"private_key '{mixed(12)}';",
        f'key = "{mixed(40)}"', f"digest: '{hexa(40)}'", f"key = '{mixed(30)}'  # pragma: allowlist secret", f'password = get_password("{mixed(12)}")',
        f'user_id = "{hexa(32)}"', 'password = "${PASSWORD}"', 'secret = "<your secret>"', 'key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"',
        "# pragma: allowlist nextline secret", f'password = "{mixed(16)}"', f"contraseña = '{mixed(12)}'", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + mixed(43),
    ]  # fmt: skip


SUFFIXES = ["py", "js", "go", "java", "c", "cpp", "cs", "m", "php", "tf", "swift", "cls", "sh", "txt", "md", "env", "json", "ipynb", "toml",
            "cfg", "ini", "conf", "properties", "yaml", "yml", "eyaml", "example", "html", "lock", "svg", ""]  # fmt: skip


def ini(source: random.Random) -> str:
    return "[one]\n" + "".join(
        f"{'k' * (i + 1)} = {line.partition('=')[2].strip() or line}\n"
        for i, line in enumerate(secret_lines(source))
        if "%" not in line
    )


def yaml(source: random.Random) -> str:
    rows = [
        f"k{i}: {line.partition('=')[2].strip() or json.dumps(line)}  # note"
        for i, line in enumerate(secret_lines(source))
    ]
    block = "  script: |\n    export password=" + some(MIXED, 20, source) + "\n    done\n"
    folded = f'api_key: "{some(MIXED, 10, source)}\\\n  {some(MIXED, 12, source)}"\nsecret_b: !!binary {"QUJD" * 8}\n'
    return (
        "\n".join(rows)
        + "\nnested:\n"
        + block
        + folded
        + "anchor: &a {password: "
        + some(MIXED, 16, source)
        + "}\nagain: *a\n"
    )


@pytest.mark.parametrize("shape", ["lines", "ini", "yaml", "header-less"])
def test_every_kind_of_file_gives_what_detect_secrets_gives(tmp_path: Path, shape: str) -> None:
    source = random.Random(len(shape))
    for suffix in SUFFIXES:
        text = {
            "lines": lambda: "\n".join(secret_lines(source)),
            "ini": lambda: ini(source),
            "yaml": lambda: yaml(source),
            "header-less": lambda: "".join(f"k{i}={some(MIXED, 30, source)}\n" for i in range(5)),
        }[shape]()
        (tmp_path / f"file.{suffix}".rstrip(".")).write_text(text)
    expected = oracle(sorted(tmp_path.iterdir()))
    assert sum(map(len, expected.values())) > 20
    for path, found in expected.items():
        assert ours(path) == found, path.name


def test_this_project_gives_what_detect_secrets_gives() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.toml", "*.md", "*.yaml"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    paths = [PROJECT / name for name in listed.stdout.split() if (PROJECT / name).is_file()]
    for path, found in oracle(random.Random(3).sample(paths, 25)).items():
        assert ours(path) == found, path


def test_the_pure_python_engine_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no wheel of RE2."""
    monkeypatch.setitem(sys.modules, "re2", None)
    monkeypatch.setattr("tokenguard.detection.rules.prefilter", lambda: pure)
    pure = prefilter_module.Prefilter()
    assert isinstance(pure._cores, regex_set._PythonSet)
    for suffix in ("py", "go", "yaml", "ini", "txt"):
        (tmp_path / f"a.{suffix}").write_text("\n".join(secret_lines(random.Random(5))))
    for path, found in oracle(sorted(tmp_path.iterdir())).items():
        assert ours(path) == found, path.name


def test_the_table_is_that_of_the_installed_detect_secrets() -> None:
    assert json.loads(TABLE.read_text()) == json.loads(json.dumps(table()))


def test_the_gate_knows_every_plugin_of_the_table_and_imports_no_network() -> None:
    code = (
        "import sys\nfrom tokenguard.detection import detect_secrets_adapter as oracle\n"
        "assert all(oracle.plugin(name) for name in oracle.PLUGINS)\n"
        "print(sorted({'requests', 'urllib3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert {rule["plugin"] for rule in json.loads(TABLE.read_text())["rules"]} <= gate.PLUGINS


HOSTILE = {
    "key and spaces": "key" + " " * 5_000 + "x",
    "notebook spaces": '"' + " " * 5_000 + '",',
    "a megabyte": "x=1;" * 250_000,
    "password and spaces": "password" + " " * 20_000 + "x",
    "nested quotes": "\"'" * 10_000,
    "equals": "=" * 50_000,
    "brackets": " = a[" * 5_000,
    "headers of keys": "-----BEGIN PRIVATE KEY-----" * 40_000,
}


@pytest.mark.parametrize("profile", [Profile.DETECT_SECRETS, Profile.DEFAULT])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_costs_little_and_is_looked_at(name: str, profile: Profile) -> None:
    """Each takes detect-secrets seconds to minutes; the run's own timeout stands behind this."""
    line = HOSTILE[name]
    value = secrets.token_hex(12)
    found = list(scan_rules(f'{line}\npassword = "{value}"\n', "a.txt", profile))
    assert any(not isinstance(each, Unscanned) and each.line == 2 for each in found)


def test_a_line_that_takes_too_long_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenguard.detection.rules._LINE_SECONDS", 0.05)
    found = list(scan_rules("secret=" * 60_000 + "\n", "a.cfg", Profile.DETECT_SECRETS))
    assert [(each.line, each.reason) for each in found if isinstance(each, Unscanned)] in ([(1, "hostile-line")], [])


# What a signal raises in another test tool's hook of the garbage collector is dropped, told, and raised again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_yaml_bomb_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenguard.detection.rules._REBUILD_SECONDS", 0.3)
    rows = ["a0: &a0 {password: x}"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    found = list(scan_rules("\n".join([*rows, "? key", ": explicit"]), "a.yaml", Profile.DETECT_SECRETS))
    assert Unscanned(line=1, reason="hostile-structure") in found


# What a signal raises in another test tool's hook of the garbage collector is dropped, told, and raised again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_that_runs_out_within_a_finalizer_still_ends_the_work() -> None:
    """What is raised there is dropped by Python, so one signal would be lost."""

    class Stubborn:
        def __del__(self) -> None:
            try:
                while True:
                    pass
            except OutOfTime:
                pass

    def work() -> None:
        with limited(0.05):
            Stubborn()
            while True:
                pass

    with pytest.raises(OutOfTime):
        work()


def test_the_types_that_are_known_by_name_are_those_of_detect_secrets() -> None:
    listed = re.findall(r"'(\.\w+)':", inspect.getsource(gate.filetype().determine_file_type))
    assert frozenset(listed) == KNOWN_TYPES


@pytest.mark.parametrize("value", ["calm", "sunshine", "realvalue1", "Hunter2xyz"])
@pytest.mark.parametrize(
    "text", ["password: {}", "\n  password: {}", '{{"password": {}', "password={}", "password = '{}'"]
)
@pytest.mark.parametrize("path", ["a.yml", "a.json", "a.py", "a.env", "a.txt"])
def test_a_last_line_without_a_line_feed_is_rated_as_any_other(path: str, text: str, value: str) -> None:
    last, other = (
        [
            (each.type, each.confidence)
            for each in scan_rules(written, path, Profile.STRICT)
            if isinstance(each, TextMatch)
        ]
        for written in (text.format(value), text.format(value) + "\n")
    )
    assert last == other
