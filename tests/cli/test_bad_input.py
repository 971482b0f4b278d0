"""Bad input: the exit code of design, one `error:`, one `hint:`, nothing written, nothing echoed."""

from pathlib import Path

import pytest

from tokenguard.shell.argv import refuse_values

NAME = "video/app/prod/upload"
SECRET = "tgcanary-3ch0"  # short of what the argument check knows, so that the real code is reached
ADD = ["add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "p"]

NAMES = ["", "/", "a//b", "/a", "a/", "A/b", "a b", "a/../b", "a/.b", "-a", "a\x1b[31m", "a\u202eb", "ä", "a" * 64,
         "a/b/c/d/e/f/g", "a\n", "a\0b", "a:b", "a#b", "*", "a/_b", "%41"]  # fmt: skip
SCOPES = ["drive", ":", "drive:", ":x", "Drive:x", "drive:a b", "drive:../x", "drive:x\n", "drive:\x1b", "a" * 40 + ":x",
          "drive:" + "x" * 129, "drive:é"]  # fmt: skip
SEGMENTS = ["Prod", "prod/eu", "a b", "-x", "x\x07", "x" * 64, ".x", "prod\n"]
TEXTS = ["x" * 201, "a\nb", "a\x1b[2Jb", "a\u202eb", "a\u200bb", "a\x00b", "a\x9bb"]
DATES = [
    "tomorrow",
    "2026-13-01",
    "2026-02-30",
    "26-01-01",
    "2026-1-1",
    "2026-01-01T00:00",
    "0000-01-01",
    "\uff12\uff10\uff12\uff16-01-01",
]
PERMISSIONS = ["", "a b", "-x", "x" * 81, "a\x1b", "é"]
CONSUMERS = ["x", "dotenv:", "dotenv:a.env", "dotenv:a.env#", "dotenv:a.env#1X", "dotenv:#X", "ftp:x", "command:A b",
             "person:", "person: ", "command:../x", "dotenv:a\x1b.env#X", "dotenv:/nonexistent/a.env#X"]  # fmt: skip
LOCATIONS = ["x", "vault://kv/a#b", "aws://eu/x", "local:///x", "://", "github://a b", "GITHUB://a", "github://a\x1b"]
VALUES = {
    "empty": b"",
    "line end": b"\n",
    "short": b"abcdefg",
    "long": b"x" * 4097,
    "space": b"abcd efgh",
    "two lines": b"abcdefgh\nabcdefgh\n",
    "control": b"abcdefgh\x1b",
    "NUL": b"abcd\0efgh",
    "zero width": "abcdefgh\u200b".encode(),
    "nbsp": "abcd\u00a0efgh".encode(),
    "not text": b"\xff\xfe\xfdabcdefgh",
    "half a pair": b"dx_bearer_abcdefgh",
    "other half": b"dx_secret_abcdefgh",
    "pair without its colon": b"dx_bearer_abcdefghdx_secret_abcdefgh",
    "megabytes": b"x" * 5_000_000,
}

CASES = [
    *(("add", name, *ADD[2:], "--stdin") for name in NAMES),
    *((*ADD, "--scope", scope, "--stdin") for scope in SCOPES),
    *((*ADD, option, text, "--stdin") for option in ("--env", "--owner", "--provider") for text in SEGMENTS),
    *((*ADD, option, text, "--stdin") for option in ("--purpose", "--made-by", "--notes") for text in TEXTS),
    *((*ADD, "--due", text, "--stdin") for text in DATES),
    *((*ADD, "--permission", "ok", "--permission", text, "--stdin") for text in PERMISSIONS),
    *((*ADD, "--deliver", text, "--stdin") for text in CONSUMERS),
    *((*ADD, "--adopt", text, "--stdin") for text in LOCATIONS),
    (*ADD, "--deliver", "person:x", "--no-consumers", "--stdin"),
    (*ADD, "--stdin", "--from-env", "X"),
    (*ADD, "--from-env", "NOT_SET_ANYWHERE"),
    (*ADD, "--from-file", "missing"),
    (*ADD, "--from-file", "."),
    (*ADD, "--issue", "--stdin"),
    (*ADD, "--kind", "oauth_grant", "--stdin"),
    (*ADD, "--kind", "nonsense", "--stdin"),
    ("add", NAME),
    ("add",),
    (*ADD[:2], "--provider", "fake", "--stdin"),
    (*ADD[:2], *ADD[4:], "--stdin"),
    ("show",), ("show", "no/such"), ("show", "a", "b"), ("show", "A"),
    ("edit", "no/such", "--owner", "x"), ("retire", "no/such"), ("verify", "no/such"), ("verify",),
    ("list", "--state", "lost"), ("list", "--within", "-1"), ("list", "--within", "x"), ("list", "stray"),
    ("audit",), ("audit", "nonsense"), ("audit", "log", "--since", "yesterday"), ("audit", "log", "--op", "x"),
    ("audit", "log", "no/such"), ("audit", "verify", "stray"),
    *((*words, "") for words in (("plan",), ("apply",), ("drift",), ("fmt",), ("setup",), ("import",), ("upkeep",),
                                 ("store", "backup"), ("store", "restore"), ("approve", "sha256:0"))),
    *((*words, "") for words in (
        ("respond", "--code"), ("respond", "--stdin", "--output"), ("metrics", "--output"), ("upkeep", "--metrics"), ("report", "--output"),
        ("audit", "bundle", "a", "--key-file", "k", "--create-key", "--output"), ("audit", "bundle", "a", "--key-file"), ("audit", "export", "--output"),
        ("provider", "new", "x", "--output"), ("offboard", "kim", "--plan", "--output"), ("store", "add-slot", "--key-file"))),
    ("import",), ("import", "missing.csv"), ("import", "x.env", "--file-format", "yaml"), ("import", "x.env", "--prefix", "A b"),
    ("nonsense",), ("--nonsense",), ("--format", "yaml", "list"), ("list", "--format"), ("list", "--store"),
    ("rotate",), ("rotate", "no/such"), ("rotate", "A"), ("rotate", "--plan"), ("rotate", "--abort"),
    ("rotate", "a", "--due"), ("rotate", "--due", "--all-of", "drive:x"), ("rotate", "--all-of", "drive"),
    ("rotate", "a", "--resume", "--abort"), ("rotate", "a", "--plan", "--resume"), ("rotate", "--due", "--resume"),
    ("rotate", "a", "--compromised", "--resume"), ("rotate", "a", "--compromised", "--accept-outage"),
    ("rotate", "a", "--reason", "x" * 201), ("rotate", "a", "--reason", "a\x1bb"), ("rotate", "a", "--reason", "a\nb"),
    ("runbook",), ("runbook", "no/such"), ("runbook", "A"), ("runbook", "a", "b"),
    ("sandbox", "--port", "-1"), ("sandbox", "--port", "65536"), ("sandbox", "--port", "x"),
    ("list", "--scope", "drive"), ("list", "--owner", "A b"), ("list", "--env", "Prod"), ("list", "--provider", "a/b"),
    ("store",), ("store", "nonsense"), ("completion",), ("completion", "tcsh"), ("init", "stray"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", [case for case in CASES if case not in {("audit",), ("store",)}])
def test_arguments_that_are_not_acceptable(cli, arguments):
    cli.refused(*arguments, stdin="a-value-of-a-token")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("group", ["audit", "store"])
def test_a_group_without_a_command_shows_its_help_and_fails(cli, group):
    answer = cli(group)
    assert (answer.code, answer.out) == (2, "")
    assert "Commands:" in answer.err


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("source", ["stdin", "file"])
def test_values_that_no_token_has(cli, tmp_path, value, source):
    where = tmp_path / "value"
    where.write_bytes(value)
    cli.refused(*ADD, *(["--stdin"] if source == "stdin" else ["--from-file", "value"]), stdin=value)


POSITIONS = [
    ("add", SECRET.upper()),
    (*ADD, SECRET),
    (*ADD, "--scope", SECRET),
    (*ADD, "--env", f"{SECRET}!"),
    (*ADD, "--due", SECRET),
    (*ADD, "--kind", SECRET),
    (*ADD, "--deliver", f"command:{SECRET}!"),
    (*ADD, "--adopt", SECRET),
    (*ADD, "--permission", f"{SECRET}!"),
    (*ADD, "--from-env", SECRET),
    (SECRET,),
    (f"--{SECRET}",),
    (f"--store={SECRET}", "list"),
    ("list", "--state", SECRET),
    ("list", f"--format={SECRET}"),
    ("audit", "log", "--since", SECRET),
    ("audit", SECRET),
    ("completion", SECRET),
    ("show", f"{SECRET}!"),
    ("list", f"--due={SECRET}"),
    ("list", "--within", SECRET),
    ("list", "--scope", SECRET),
    ("list", "--owner", f"{SECRET}!"),
    ("list", "--provider", f"{SECRET}!"),
    ("rotate", f"{SECRET}!"),
    ("rotate", "--all-of", SECRET),
    ("rotate", NAME, f"--{SECRET}"),
    ("verify", f"{SECRET}!"),
    ("retire", f"{SECRET}!"),
    ("edit", f"{SECRET}!", "--owner", "x"),
    ("edit", NAME, "--rename", f"{SECRET}!"),
    ("runbook", f"{SECRET}!"),
    ("import", "x.env", "--file-format", SECRET),
    ("import", "x.env", "--prefix", f"{SECRET}!"),
    ("store", SECRET),
    ("store", "add-slot", SECRET),
    ("sandbox", "--port", SECRET),
]


@pytest.mark.parametrize("arguments", POSITIONS)
def test_what_was_typed_in_the_wrong_place_is_not_shown(cli, arguments):
    """T01: people paste values where a name belongs; the complaint must not repeat them."""
    if any(argument.startswith("--store") for argument in arguments):
        cli.store = None
    error = cli.refused(*arguments)
    assert SECRET.lower() not in error.lower()


STORES = ["local://relative", "local://", "local:///", "local:///a/../b", "local:///a\0b", "nonsense", "local:/x",
          "vault://", "vault:///x", "vault://kv/../x", "aws://", "aws:///x", "aws://eu central/x",
          "aws://eu-central-1/../x", "file:///x", "http://127.0.0.1/", "://", "sqlite:///x"]  # fmt: skip


@pytest.mark.parametrize("url", STORES)
@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_store_that_is_none(cli, url, how):
    cli.store = None
    if how == "environment":
        cli.environ["TOKENGUARD_STORE"] = url
    cli.refused("list", *(["--store", url] if how == "option" else []))


def test_a_store_that_is_not_there(cli, tmp_path, words):
    cli.store = None
    words(cli.refused("list", "--store", f"local://{tmp_path}/none"))
    assert not (tmp_path / "none").exists()


RANDOM = "aB3" * 12
"""As long and as mixed as a key: an organisation's id at some providers, or somebody's secret."""


@pytest.mark.parametrize("option", ["--scope", "--scope-name", "--account", "--label", "--made-by", "--deputy"])
@pytest.mark.parametrize("how", ["{} {}", "{}={}"])
def test_a_long_random_id_is_taken_where_ids_belong(option, how):
    value = f"org:{RANDOM}" if option == "--scope" else RANDOM
    refuse_values(["add", NAME, *how.format(option, value).split(" ")])
    refuse_values(["import", f"/srv/{RANDOM}/tokens.csv"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", RANDOM),
        ("add", NAME, "--notes", f"the key is {RANDOM}"),
        ("add", NAME, "--from-env", RANDOM),
        ("add", NAME, "--owner", RANDOM),
        ("add", NAME, "--token", RANDOM),
        ("add", NAME, f"--token={RANDOM}"),
        ("add", NAME, "--stdin", RANDOM),
        ("add", NAME, "--scope", "org:x", RANDOM),
        ("add", NAME, "--scope=org:x", RANDOM),
        ("add", NAME, "--scope", f"sk-social-{RANDOM}"),
        ("add", NAME, "--account", f"tgcanary-{RANDOM}"),
        ("add", NAME, "--from-file", f"/srv/sk-social-{RANDOM}"),
    ],
)
def test_it_is_refused_where_a_value_may_have_been_meant(cli, arguments):
    assert RANDOM not in cli.refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("sandbox", "--port", "99999"), "use a whole number from 0 to 65535"),
        (("sandbox", "--port", "x"), "use a whole number from 0 to 65535"),
        (("scan", "--max-pragmas", "-1"), "use a whole number of at least 0"),
    ],
)
def test_a_number_out_of_range_is_told_its_range(cli, arguments, hint):
    assert cli(*arguments).err.splitlines()[-1] == f"hint: {hint}"


@pytest.mark.parametrize(
    "command",
    [
        ("report",), ("runbook", NAME), ("metrics",), ("offboard", "kim@acme.example"), ("scan", "."),
        ("audit", "checkpoint"), ("audit", "bundle", NAME), ("provider", "new", "acme"),
        ("respond", "--stdin", "--reach", "log"), ("env", "-t", NAME, "--format", "systemd"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_hyphen_is_no_name_of_an_output_file(cli, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = cli(*command, "--output", "-")
    assert (answer.code, answer.err.count("error: "), answer.err.count("hint: ")) == (2, 1, 1), answer
    assert not list(tmp_path.iterdir())
