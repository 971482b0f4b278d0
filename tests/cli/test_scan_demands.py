"""What a run is held to: comments counted and limited, strict, what a repository demands, and from which revision."""

import json
import random
import secrets
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tokenguard.precommit import hook

ALLOWED = "  # pragma: allowlist secret"
_RANDOM = random.Random(3)


def shape() -> str:
    return f"connect('sk-social-{secrets.token_hex(32)}')"


def rule() -> str:
    return f'password = "{_RANDOM.randbytes(12).hex()}"'


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    _RANDOM.seed(request.node.name)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    return repository


@pytest.mark.parametrize(
    ("lines", "allowed", "findings"),
    [
        ([rule() + ALLOWED], 1, 0), ([shape() + ALLOWED], 1, 0), ([rule() + ALLOWED, rule() + ALLOWED, shape() + ALLOWED], 3, 0),
        (["# pragma: allowlist nextline secret", rule()], 1, 0), (["x = 1" + ALLOWED, "# about pragma: allowlist secret"], 0, 0),
        ([rule(), rule() + ALLOWED], 1, 1), ([rule() + "  # pragma: whitelist secret"], 1, 0), ([rule() + "  # pragma: nothing"], 0, 1),
    ],
)  # fmt: skip
def test_every_line_that_a_comment_silences_is_counted(cli, tmp_path, lines, allowed, findings):
    (tmp_path / "a.py").write_text("\n".join(lines) + "\n")
    document = cli("scan", "a.py", "--format", "json").document
    assert (document["allowed"], bool(document["findings"])) == (allowed, bool(findings))


def test_in_utf_16_they_are_counted_too(cli, tmp_path):
    (tmp_path / "a.txt").write_bytes(f"{rule()}{ALLOWED}\n".encode("utf-16"))
    assert cli("scan", "a.txt", "--format", "json").document["allowed"] == 1


def test_strict_lets_no_comment_silence_a_vendors_token(cli, tmp_path):
    (tmp_path / "a.py").write_text(f"{shape()}{ALLOWED}\n{rule()}{ALLOWED}\n")
    assert cli("scan", "a.py").code == 0
    answer = cli("scan", "a.py", "--strict", "--format", "json")
    assert (answer.code, [each["type"] for each in answer.document["findings"]]) == (1, ["Autoposting API Key"])


def test_an_option_limits_comments_too(cli, tmp_path):
    (tmp_path / "a.py").write_text(f"{rule()}{ALLOWED}\n")
    assert cli("scan", "a.py", "--max-pragmas", "1").code == 0
    assert cli("scan", "a.py", "--max-pragmas", "0").code == 1
    cli.refused("scan", "a.py", "--max-pragmas", "-1")


def test_a_repository_limits_its_comments(cli, repo, words):
    repo.stage("a.py", f"{rule()}{ALLOWED}\n{shape()}{ALLOWED}\n")
    repo.write(".tokenguard.toml", "[scan]\nmax_pragmas = 2\n")
    assert cli("scan", "a.py").code == 0
    assert hook.run([]) == 0
    repo.write(".tokenguard.toml", "[scan]\nmax_pragmas = 1\n")
    answer = cli("scan", "a.py")
    assert answer.code == 1
    words(answer)
    assert cli("scan", "--max-pragmas", "9").code == 1, "the stricter of both counts"
    assert cli("scan").code == cli("scan", "--staged").code == hook.run([]) == 1
    (repo.path / "below").mkdir()
    assert cli("scan", "below").code == 0  # nothing in there


def test_in_a_history_comments_are_counted_and_strict_sees_through_them(cli, repo):
    repo.write("a.py", "x = 1\n" * 40)
    repo.commit("first version")
    repo.write("a.py", "x = 1\n" * 20 + f"{shape()}{ALLOWED}\n" + "x = 1\n" * 20)
    repo.commit("a shape")
    repo.write("b.py", f"{rule()}{ALLOWED}\n")
    repo.commit("a rule")
    answer = cli("scan", "--history", "--format", "json")
    assert (answer.code, answer.document["allowed"]) == (0, 2)
    assert cli("scan", "--history", "--max-pragmas", "1").code == 1
    assert [each["path"] for each in cli("scan", "--history", "--strict", "--format", "json").document["findings"]] == [
        "a.py"
    ]


def test_a_repository_may_demand_own_tokens_and_everything_scanned(cli, repo, words):
    repo.write(".tokenguard.toml", "[scan]\nrequire_own = true\n")
    words(cli.refused("scan", "README.md"))
    repo.write(".tokenguard.toml", "[scan]\nstrict = true\n")
    repo.write("broken.zip", b"PK\x03\x04 and nothing else")
    assert cli("scan").code == 1
    assert cli("scan", "--stdin", stdin=b"x").code == 0  # a stream belongs to no repository


@pytest.mark.parametrize(
    "content",
    [
        "[scan]\nstrict = false\n",
        "[scan]\nnames = true\n",
        "[scan]\ndetect_secrets_plugins = ['evil.py']\n",
        "[store]\nurl = 'x'\n",
        "]",
    ],
)
def test_a_repository_can_loosen_nothing_and_bring_no_program(cli, repo, content):
    repo.write("evil.py", "open('sprung', 'w')\n")
    repo.write(".tokenguard.toml", content)
    cli.refused("scan", "README.md")
    assert hook.run([]) == 2
    assert not (repo.path / "sprung").exists()


def test_a_build_holds_a_change_to_what_the_base_branch_demands(cli, repo):
    repo.write(".tokenguard.toml", "[scan]\nmax_pragmas = 0\n")
    repo.write("a.py", f"{rule()}{ALLOWED}\n")
    repo.commit("demands")
    repo.write(".tokenguard.toml", "")
    repo.commit("demands nothing any more")
    assert cli("scan").code == 0
    assert cli("scan", "--base", "HEAD~1").code == 1
    refusal = cli.refused("scan", "--base", "nowhere")
    assert refusal == "there is no commit nowhere in this repository"
    assert cli.refused("scan", "--since", "nowhere", "--history") == refusal
    cli.refused("scan", "--base", "--upload-pack=x")


def test_a_server_holds_a_push_to_what_its_own_branch_demands(repo):
    repo.write(".tokenguard.toml", "[scan]\nmax_pragmas = 0\n")
    repo.commit("demands")
    repo.git("clone", "-q", "--bare", ".", "../server.git")
    receiver = repo.path / "../server.git/hooks/pre-receive"
    receiver.write_text(f"#!/bin/sh\nexec '{Path(sys.executable).with_name('tokenguard-hook')}' --pre-receive\n")
    receiver.chmod(0o755)
    repo.write(".tokenguard.toml", "")
    repo.write("a.py", f"{rule()}{ALLOWED}\n")
    repo.commit("demands nothing any more")
    refused = repo.run("git", "push", "-q", "../server.git", "HEAD:main")
    assert refused.returncode != 0
    assert "comments silence 1 line, and the limit is 0" in refused.stderr


def bomb(leaves: int = 12) -> bytes:
    """Zips in zips, a few kilobytes of them, out of which come hundreds of megabytes."""

    def zipped(members: dict[str, bytes]) -> bytes:
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members.items():
                file.writestr(name, data)
        return buffer.getvalue()

    inner = zipped({f"{number}.py": b"x = 1\n" * 300_000 for number in range(leaves)})
    return zipped({f"{number}.zip": inner for number in range(leaves)})


def test_what_was_left_out_over_the_budget_fails_strict_and_a_push_and_is_named(cli, repo):
    """A commit is told; where it is the last look, what nobody has seen does not pass."""
    hook_program = Path(sys.executable).with_name("tokenguard-hook")
    repo.git("clone", "-q", "--bare", ".", "../server.git")
    receiver = repo.path / "../server.git/hooks/pre-receive"
    receiver.write_text(f"#!/bin/sh\nexec '{hook_program}' --pre-receive\n")
    receiver.chmod(0o755)
    repo.stage("a.zip", bomb())
    committed, strict = (repo.run(str(hook_program), *options) for options in ([], ["--strict"]))
    assert (committed.returncode, strict.returncode) == (0, 1)
    assert "not scanned: a.zip (archive-too-large)" in committed.stdout
    assert cli("scan", "a.zip").code == 0
    answer = cli("scan", "a.zip", "--strict", "--format", "json")
    assert answer.code == 1
    assert {"path": "a.zip", "reason": "archive-too-large"} in answer.document["scanned"]["skipped"]
    repo.commit("a bomb")
    refused = repo.run("git", "push", "-q", "../server.git", "HEAD:main")
    assert refused.returncode != 0
    assert "a.zip (archive-too-large)" in refused.stderr


def test_what_could_not_be_had_stops_no_push(repo):
    """Only what was left out over a limit does: a submodule is not content of this repository."""
    repo.git("clone", "-q", "--bare", ".", "../server.git")
    receiver = repo.path / "../server.git/hooks/pre-receive"
    receiver.write_text(f"#!/bin/sh\nexec '{Path(sys.executable).with_name('tokenguard-hook')}' --pre-receive\n")
    receiver.chmod(0o755)
    head = repo.git("rev-parse", "HEAD").strip()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},lib")
    repo.git("commit", "-q", "--no-verify", "-m", "a submodule")
    pushed = repo.run("git", "push", "../server.git", "HEAD:main")
    assert pushed.returncode == 0
    assert "lib (submodule)" in pushed.stderr


SCISSORS = "# ------------------------ >8 ------------------------\n"


def test_a_directory_that_is_named_is_scanned_also_where_git_ignores_it(cli, repo):
    """Nothing is worse than a scan that looked at nothing and said that all is well."""
    repo.write(".gitignore", "dist\n")
    repo.write("dist/below/a.py", shape())
    assert cli("scan").code == 0
    for place in ("dist", "dist/below", "dist/below/a.py"):
        assert cli("scan", place).code == 1, place


MESSAGES = {
    "plain": ("fix\n\n{}\n", 1), "clean": ("fix\n", 0), "in a comment": ("fix\n# {}\n", 1),
    "in the diff of commit -v": (f"fix\n{SCISSORS}# Do not modify it.\n# Everything below is ignored.\ndiff --git a b\n-{{}}\n", 0),
    "below lines that only look like it": (f"fix\n{SCISSORS}# Do not modify it.\n# Everything below is ignored.\n{{}}\n", 1),
    "below a line that only looks like it": (f"fix\n{SCISSORS}{{}}\n", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_of_a_commit_is_scanned(cli, tmp_path, case):
    text, code = MESSAGES[case]
    value = shape()
    (tmp_path / "MSG").write_text(text.format(value))
    answer = cli("scan", "--commit-msg", "MSG", "--format", "json")
    assert answer.code == code
    assert {each["path"] for each in answer.document["findings"]} == ({"(commit message)"} if code else set())
    assert value not in answer.out + answer.err
    assert hook.run(["--commit-msg", "MSG"]) == code


def test_a_message_that_is_not_there_is_bad_input(cli, tmp_path):
    cli.refused("scan", "--commit-msg", "nowhere")
    assert hook.run(["--commit-msg", "nowhere"]) == 2
    assert hook.run(["--commit-msg", "x", "a.py"]) == 2


def test_a_plug_in_of_the_command_line_or_of_the_configuration_is_run(cli, tmp_path):
    (tmp_path / "team.py").write_text(
        "import re\nfrom detect_secrets.plugins.base import RegexBasedDetector\n"
        "class Ticket(RegexBasedDetector):\n    secret_type = 'Team Ticket'\n    denylist = [re.compile('ticket-[0-9]{6}')]\n"
        "def drop(line): return 'fine' in line\n"
    )
    (tmp_path / "a.txt").write_text("ticket-123456\nticket-654321 is fine\n")
    try:
        given = cli("scan", "a.txt", "--detect-secrets-plugin", "team.py", "--format", "json").document
        assert [(each["type"], each["line"]) for each in given["findings"]] == [("Team Ticket", 1), ("Team Ticket", 2)]
        (tmp_path / "config.toml").write_text(
            "[scan]\ndetect_secrets_plugins = ['team.py']\ndetect_secrets_filters = ['team.py::drop']\n"
        )
        configured = cli("--config", "config.toml", "scan", "a.txt", "--format", "json").document
        assert [each["line"] for each in configured["findings"]] == [1]
    finally:
        from tests.unit.test_scanning_team_rules import restore

        restore()
    assert json.dumps(cli("scan", "a.txt", "--format", "json").document["findings"]) == "[]"


def pinned() -> str:
    return f"repos:\n- repo: x\n  rev: {secrets.token_hex(20)}  # frozen: v1\n"


def test_the_profile_is_an_option_of_scan_the_hook_and_baselines(cli, repo):
    repo.stage(".pre-commit-config.yaml", pinned())
    answer = cli("scan", "--format", "json")
    assert (answer.code, answer.document["profile"], answer.document["left_out"]) == (0, "default", 1)
    answer = cli("scan", "--profile", "detect-secrets", "--format", "json")
    assert (answer.code, answer.document["profile"], answer.document["left_out"]) == (1, "detect-secrets", 0)
    assert hook.run([]) == hook.run(["--profile", "default"]) == 0
    assert hook.run(["--profile", "detect-secrets"]) == hook.run(["--profile", "detect-secrets", "--history"]) + 1 == 1
    assert cli("baseline", "update").code == 0
    assert cli("scan", "--profile", "detect-secrets", "--baseline", ".tokenguard-baseline").code == 1
    assert cli("baseline", "update", "--profile", "detect-secrets").code == 0
    assert cli("scan", "--profile", "detect-secrets", "--baseline", ".tokenguard-baseline").code == 0


def test_a_repository_may_ask_for_the_profile_that_reports_more(cli, repo):
    repo.stage(".pre-commit-config.yaml", pinned())
    repo.write(".tokenguard.toml", '[scan]\nprofile = "detect-secrets"\n')
    assert cli("scan").code == cli("scan", "--profile", "default").code == hook.run([]) == 1
    assert cli("baseline", "update").code == 0
    assert cli("scan", "--baseline", ".tokenguard-baseline").code == 0
    repo.write(".tokenguard.toml", '[scan]\nprofile = "default"\n')
    assert cli("scan").code == 0
    command = ("scan", "--no-baseline", "--profile", "detect-secrets")
    assert cli(*command).code == 1, "a repository cannot switch it off"


@pytest.mark.parametrize("name", ["", "nothing", "strictest", "DEFAULT"])
def test_a_profile_that_there_is_not_is_bad_usage(cli, repo, name):
    cli.refused("scan", "--profile", name)
    repo.write(".tokenguard.toml", f'[scan]\nprofile = "{name}"\n')
    cli.refused("scan")
    assert hook.run([]) == 2
    (repo.path / ".tokenguard.toml").unlink()
    assert hook.run(["--profile", name]) == 2
