"""`is_clean` never says so of a text in which a scan tells of anything, counts anything or leaves anything out."""

import random
import string

import pytest
from detect_secrets.plugins import keyword
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fakes.token_examples import example as token_of
from tests.unit.test_detection_rules import secret_lines
from tokenguard.detection import clean_text_names, clean_text_writer
from tokenguard.detection.assignments import ADDRESS_PATTERN, ASSIGNED_PATTERN
from tokenguard.detection.clean_text import MOST_BYTES, is_clean
from tokenguard.detection.clean_text_writer import alternatives
from tokenguard.detection.credential_files import NAMES as LOGIN_FILES
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.rule_table import regexes
from tokenguard.domain.profile import Profile
from tokenguard.policy.repository_names import is_watched
from tokenguard.scanning.archives import is_archive, members
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scan_budget import ScanBudget
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import FORMATS

PATHS = ("app.py", "notes.txt", "a.yaml", "setup.cfg", "run.sh", "Main.java", "noname")
PLACES = (
    "{}", '"{}"', "x = '{}'", "key: {}", "- {}", "f({!r})", "[a]\nb = {}", "a:\n  b: >-\n    {}", "curl -u me:{} https://e.net",
    "https://me:{}@example.net/x", "TOKEN={}", "export API_KEY='{}'", "Authorization: Bearer {}", "def f() -> None:\n    g({})\n",
)  # fmt: skip


def told(data: bytes, path: str) -> bool:
    every = (Profile.DEFAULT, Profile.STRICT, Profile.DETECT_SECRETS)
    return any(list(matches_of(data, path, Stages(profile=profile))) for profile in every)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.id)
def test_no_format_is_missed(kind):
    source = random.Random(kind.id)
    name = (kind.names or kind.near or ("x",))[0]
    for place in PLACES:
        text = f"# {name}\n{name}_value = {place.format(token_of(kind, source))}\n"
        for path in ("app.py", "a.yaml"):
            assert not (is_clean(text.encode(), path) and told(text.encode(), path)), text
    plain = f"{name} = {token_of(kind, source)}\n".encode()
    assert not is_clean(plain, "a.env.txt")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_rule_is_missed(data):
    pattern = data.draw(st.sampled_from([regex for _, regex in regexes()]))
    found = data.draw(st.from_regex(pattern.pattern.encode("ascii") if not pattern.flags & 2 else pattern.pattern))
    text = found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")
    for path in PATHS:
        assert not (is_clean(text, path) and told(text, path))


WORDS = st.sampled_from(
    [*keyword.DENYLIST, "api_key", "passwd", "token", "auth", "pass", "Bearer", "salt", "connection-string", "x", "value", "--user", "curl",
     "-u", "secret_name", "ENV", "--db-password", "http://", "https://a:", "@host", "sig=", "&Signature=", "pragma:",
     "name", "default", "<key>API_TOKEN</key>", "<string>", "<value>", "setenv", "set", "requirepass", "community", "mysql", "-p", "docker login", "chpasswd",
     "echo", "|", "ConvertTo-SecureString", "identified by", "auth=(", "connect(a, b,", "send", "assword:", "basic", "q{", "[[", '"""']
)  # fmt: skip
SIGNS = st.sampled_from(
    [
        " ",
        "=",
        ":",
        " = ",
        ": ",
        '"',
        "'",
        "\n",
        "\n  ",
        "(",
        ")",
        ",",
        "[s]\n",
        "- ",
        "\\n",
        "%",
        "!",
        "->",
        ">",
        "<",
        "\r\n",
        "\r",
        "#",
    ]
)
VALUES = st.text(string.ascii_letters + string.digits + "+/=_-.", min_size=1, max_size=45)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(WORDS, SIGNS, VALUES), max_size=14), st.sampled_from(PATHS))
@example(["password", " ", "!", "hunter2x"], "notes.txt")
@example(["12345678:", "AA", "b" * 33], "a.yaml")
@example(["x", "://", "a", ":", "bcdef", "@"], "notes.txt")
@example(["x", "\r", "-u", " ", "me:", "q7Tz9LkW2x"], "notes.txt")
def test_no_mixture_is_missed(parts, path):
    data = "".join(parts).encode()
    assert not (is_clean(data, path) and told(data, path))


def test_no_line_of_secrets_is_missed():
    for line in secret_lines(random.Random(7)):
        for path in PATHS:
            assert not (is_clean(line.encode(), path) and told(line.encode(), path)), line


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.from_regex(ASSIGNED_PATTERN, fullmatch=True), st.from_regex(ADDRESS_PATTERN, fullmatch=True)))
def test_literals_of_an_expression_are_in_all_that_it_matches(text):
    pattern = (
        ADDRESS_PATTERN
        if "://" in text and not any(word.decode() in text.lower() for word in clean_text_names.WORDS)
        else ASSIGNED_PATTERN
    )
    small = text.lower()
    if text.isascii():
        assert all(
            any(each in text for each in same) or any(each in small for each in folded)
            for same, folded in alternatives(pattern)
        )


def test_the_tables_are_in_step_with_formats_rules_and_assignments():
    written = clean_text_writer.written()
    assert {path: path.read_text(encoding="ascii") for path in written} == written


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(PATHS))
@example(b"BZh91AY&SY" + bytes(range(32, 127)), "a.txt")
@example(b"version https://git-lfs.github.com/spec/v1\noid x\n", "a.txt")
@example(b"x" * 257 + b"ustar", "a.txt")
@example(b"x^" + b"abc", "a.txt")
@example(b"# v2 git bundle\n", "a.txt")
def test_archives_and_bytes_that_are_no_text_are_never_clean(data, path):
    if is_clean(data, path):
        assert data.isascii()
        assert not is_archive(data)
        assert not list(members(Blob(path=path, data=data), ScanBudget()))


NAMES = st.one_of(
    st.sampled_from([".env", "a/.env.local", ".netrc", "x/.pgpass", ".kube/config", "my.kubeconfig.yaml", ".vault-token", "conf/my.cnf",
                     ".github/workflows/a.yml", "action.yaml", "x/.gitlab-ci.yml", ".gitlab/ci/x.yml", ".circleci/config.yml",
                     "azure-pipelines.yml", ".woodpecker/x.yml", ".buildkite/p.yml", ".travis.yml", ".claude.json", "mcp.json",
                     ".vscode/settings.json", ".cursor/cli.json", ".github/copilot/settings.json", "settings-security.xml", "htpasswd"]),
    st.one_of([st.from_regex(rf"(?:[a-z]/)?(?:{name})", fullmatch=True) for name in LOGIN_FILES]),
    st.text(string.ascii_lowercase + "./_-", min_size=1, max_size=12),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(NAMES)
def test_no_file_that_is_known_by_its_name_is_clean(path):
    if is_credential_file(path) or is_watched(path):
        assert not is_clean(b"x\n", path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"def main() -> None:\n    print('hello')\n",
        b"# A title\n\nSome words.\n",
        b"for key in keys:\n    pass\n",
    ],
)
def test_plain_text_is_clean(data):
    assert is_clean(data, "app.py")


@pytest.mark.parametrize(
    "data",
    [b"x" * (MOST_BYTES + 1), b"\0", "é".encode(), b"a pragma: allowlist secret", b"onCallback", b'password = "x"'],
)
def test_what_has_to_be_looked_at_is_not(data):
    assert not is_clean(data, "app.py")


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0\n  x: 1\n" + "".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 26)),
        "1: x\nk0: &k0 [x]\n" + "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 60)),
        "[DEFAULT]\n" + "".join(f"{n:x}=a\n" for n in range(2000)) + "".join(f"[{n:x}]\n" for n in range(2000)),
    ],
    ids=["merged", "repeated", "in every section"],
)
def test_a_file_whose_lines_may_take_any_time_to_rebuild_is_not_clean(text):
    assert not is_clean(f"{text}k: ACabcd {'x' * 32}\n".encode(), "a.yaml")
