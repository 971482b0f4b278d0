"""`init --ci`: what a repository needs for its pipeline, shown before, accepted, never over something else."""

import subprocess

import pytest
import yaml

from tests.fakes.command_line import FakeTty

FILES = {
    ".github/workflows/tokens.yml", ".gitignore", ".pre-commit-config.yaml", ".tokenguard.toml", ".tokenguard/ci.toml",
    ".tokenguard/policy.yaml", ".tokenguard/requirements.txt", "server.yaml", "tokens.yaml",
}  # fmt: skip
STORE = "vault://kv/video"


@pytest.fixture
def repository(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.environ = {"NO_COLOR": "1", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    cli.store = None
    git("init", "-q", "-b", "main")
    git("remote", "add", "origin", "https://github.com/acme/tokens.git")
    return tmp_path


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, capture_output=True, timeout=20)


def init(cli, *arguments):
    return cli("--store", STORE, "init", "--ci", *arguments)


def files_in(folder):
    return {
        str(each.relative_to(folder))
        for each in folder.rglob("*")
        if each.is_file() and ".git" not in each.relative_to(folder).parts[:1]
    }


def test_it_shows_a_diff_and_writes_what_was_accepted_once(cli, repository, words):
    cli.tty = FakeTty("yes")
    answer = init(cli)
    assert answer.code == 0, answer
    assert files_in(repository) == FILES
    shown = {line.removeprefix("+++ ").strip() for line in answer.out.splitlines() if line.startswith("+++ ")}
    assert shown == FILES
    before = {name: (repository / name).read_bytes() for name in FILES}
    again = init(cli, "--yes")
    assert again.code == 0
    words(again)
    assert {name: (repository / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize(("answers", "code"), [(("no",), 3), ((), 130)])
def test_nothing_is_written_that_was_not_accepted(cli, repository, answers, code):
    cli.tty = FakeTty(*answers)
    assert init(cli).code == code
    assert files_in(repository) == set()


def test_nobody_to_ask_is_exit_3_with_the_diff(cli, repository):
    answer = init(cli, "--no-input")
    assert (answer.code, "+++ tokens.yaml" in answer.out) == (3, True), answer
    assert files_in(repository) == set()


def test_what_is_there_stays_and_ignored_lines_are_added(cli, repository):
    (repository / "tokens.yaml").write_text("version: 1\ntokens: {}\n")
    (repository / ".gitignore").write_text("build/\n.env")
    answer = init(cli, "--yes", "--format", "json")
    fates = {each["path"]: each["fate"] for each in answer.document["files"]}
    assert (fates["tokens.yaml"], fates[".gitignore"], fates["server.yaml"]) == ("left", "extend", "create")
    assert (repository / "tokens.yaml").read_text() == "version: 1\ntokens: {}\n"
    assert (repository / ".gitignore").read_text() == "build/\n.env\n.env.*\n!.env.example\n*.env\n"


@pytest.mark.parametrize("link", [".github", ".tokenguard", ".github/workflows", "tokens.yaml", "server.yaml"])
def test_no_link_leads_out_of_the_repository(cli, repository, tmp_path_factory, link):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_text("")
    (repository / link).parent.mkdir(exist_ok=True)
    (repository / link).symlink_to(outside / "file" if link.endswith(".yaml") else outside)
    answer = init(cli, "--yes")
    assert (answer.code, answer.err.count("error: ")) == (2, 1), answer
    assert [each.name for each in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == ""
    assert not (repository / ".gitignore").exists(), "nothing is written if not all can be"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sandbox"], "does not create a store"),
        (["--print-policy"], "does not create a store"),
        (["--repository", 'a"b/c', "--yes"], "not plain text"),
        (["--branch", "a\nb", "--yes"], "not plain text"),
        (["--requirement", "x'y", "--yes"], "not plain text"),
        (["bitbucket"], "--ci is not valid"),
    ],
)
def test_bad_input_is_one_error_and_nothing_written(cli, repository, arguments, words):
    answer = init(cli, *(arguments if arguments[0] == "bitbucket" else ["github", *arguments]))
    assert (answer.code, words in answer.err) == (2, True), answer
    assert files_in(repository) == set()


def test_where_no_pipeline_can_be_it_says_what_to_do(cli, repository, tmp_path_factory, monkeypatch, words):
    words(cli("--store", "local:///x", "init", "--ci", "github"))
    words(cli("--store", STORE, "init", "--yes"))
    git("remote", "set-url", "origin", "https://example.org/x.git")
    assert "which CI" in init(cli).err
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    words(init(cli, "github"))


@pytest.mark.parametrize(
    ("remote", "path"),
    [
        ("https://github.com/acme/tokens.git", "acme/tokens"),
        ("https://user:tgcanary-password@github.com/acme/tokens", "acme/tokens"),
        ("git@github.com:acme/tokens.git", "acme/tokens"),
        ("ssh://git@github.com:22/acme/tokens.git", "acme/tokens"),
        ("https://github.com/acme/$(id)", "OWNER/NAME"),
        ("github", "OWNER/NAME"),
    ],
)
def test_the_remote_says_which_repository_and_nothing_else_of_it_is_written(cli, repository, remote, path):
    git("remote", "set-url", "origin", remote)
    assert init(cli, "github", "--yes").code == 0
    server = yaml.safe_load((repository / "server.yaml").read_text())
    assert server["github"]["repository"] == path
    assert all("tgcanary" not in (repository / name).read_text() for name in FILES)


def test_a_number_that_nobody_filled_in_is_asked_for_by_setup(cli, repository):
    answer = init(cli, "--yes")
    assert "repository's number" in answer.err
    refused = cli("--store", STORE, "setup")
    assert (refused.code, "server.yaml:6:3: github.repository_id" in refused.err, "gh api" in refused.err) == (
        2,
        True,
        True,
    ), refused


def test_the_pipeline_that_is_written_is_clean_by_our_own_rules(cli, repository):
    assert init(cli, "--yes", "--repository-id", "4711").code == 0
    assert cli("fmt", "--check").code == 0
    assert cli("policy", "lint", ".tokenguard/policy.yaml").code == 0
    assert cli("policy", "lint", ".tokenguard.toml").code == 0
    assert cli("scan", ".").code == 0


@pytest.mark.parametrize(
    ("system", "store"),
    [("gitlab", STORE), ("github", "aws://eu-central-1/video"), ("gitlab", "aws://eu-central-1/video")],
)
def test_every_system_and_kind_of_store_has_its_files(cli, repository, system, store):
    answer = cli(
        "--store", store, "init", "--ci", system, "--yes", "--repository-id", "42", "--aws-account", "123456789012"
    )
    assert answer.code == 0, answer
    config = (repository / ".tokenguard/ci.toml").read_text()
    assert ("[aws]" in config, "TOKENGUARD_ID_TOKEN" in config) == (store.startswith("aws"), system == "gitlab")
    if system == "github" and store.startswith("aws"):
        refused = cli.refused("--store", store, "setup", "--emit", "terraform")
        assert "gh api repos/OWNER/NAME --jq .owner.id" in refused
        file = repository / "server.yaml"
        file.write_text(file.read_text().replace("github_owner_id: 0", "github_owner_id: 9919"))
    emitted = cli("--store", store, "setup", "--emit", "terraform")
    assert emitted.code == 0, emitted
    if store.startswith("aws"):
        pipeline = ".gitlab-ci.yml" if system == "gitlab" else ".github/workflows/tokens.yml"
        for role in emitted.document["resource"]["aws_iam_role"].values():
            assert f"arn:aws:iam::123456789012:role/{role['name']}" in (repository / pipeline).read_text()


def test_every_part_of_a_file_that_is_shown_is_escaped(cli, repository):
    (repository / ".gitignore").write_text("a\x1b[31m\n")
    answer = init(cli, "--no-input")
    assert "\x1b" not in answer.out


def test_a_template_never_holds_what_was_not_filled_in(cli, repository):
    for system in ("github", "gitlab"):
        assert init(cli, system, "--yes").code == 0
    for name in files_in(repository):
        text = (repository / name).read_text()
        assert "@REQ" not in text, name
        assert "@PLANNER" not in text, name


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_no_job_installs_what_a_public_index_has_under_this_name(cli, repository, system):
    """A job has an identity that may rotate: what it installs is said by a person, or nothing is installed."""
    pipeline = {"github": ".github/workflows/tokens.yml", "gitlab": ".gitlab-ci.yml"}[system]
    answer = init(cli, system, "--yes")
    assert "--requirement" in answer.err
    for name in (pipeline, ".pre-commit-config.yaml"):
        wanted = [line for line in (repository / name).read_text().splitlines() if "tokenguard-governance @" in line]
        assert wanted, name
        assert all(".invalid/" in line for line in wanted), name
        assert "tokenguard-governance==" not in (repository / name).read_text()
        (repository / name).unlink()
    given = "tokenguard-governance @ git+https://github.com/acme/tokenguard@0123456789abcdef0123456789abcdef01234567"
    answer = init(cli, system, "--yes", "--requirement", given)
    assert (answer.code, "--requirement" in answer.err) == (0, False), answer
    assert all(f'"{given}"' in (repository / name).read_text() for name in (pipeline, ".pre-commit-config.yaml"))


@pytest.mark.parametrize(
    ("requirement", "pinned"),
    [
        (f"tokenguard-governance @ https://files.example.org/t.whl#sha256={'ab' * 32}", True),
        (f"tokenguard-governance==1.0.0 --hash=sha256:{'ab' * 32}", True),
        (f"tokenguard-governance @ git+https://git.example.org/t@{'ab' * 20}", True),
        (f"git+https://git.example.org/t@{'ab' * 20}", True),
        ("tokenguard-governance==1.0.0", False),
        ("tokenguard-governance @ https://files.example.org/t.whl", False),
        (f"tokenguard-governance @ https://files.example.org/t.whl#sha256={'ab' * 31}", False),
        (f"tokenguard-governance @ https://files.example.org/t.whl#md5={'ab' * 16}", False),
        ("tokenguard-governance @ git+https://git.example.org/t@main", False),
        (f"tokenguard-governance @ git+https://git.example.org/t@{'ab' * 20}-branch", False),
    ],
)
def test_a_requirement_that_says_not_which_bytes_is_told(cli, repository, requirement, pinned):
    answer = init(cli, "github", "--yes", "--requirement", requirement)
    assert (answer.code, "without a hash" in answer.err) == (0, not pinned), answer
    hook = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    assert hook["additional_dependencies"] == [requirement.partition(" --hash")[0]]


@pytest.mark.parametrize(("image", "told"), [("", True), ("python:3.13", True), (f"python@sha256:{'ab' * 32}", False)])
def test_an_image_that_is_not_given_by_its_digest_is_told(cli, repository, image, told):
    answer = init(cli, "gitlab", "--yes", *(["--image", image] if image else []))
    assert (answer.code, "by digest" in answer.err) == (0, told), answer
    (included,) = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["include"]
    assert included["inputs"]["image"] == (image or "python:3.12")
