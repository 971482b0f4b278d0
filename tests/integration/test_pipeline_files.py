"""The pipelines that come with tokenguard: valid by their published schemas, without what a linter calls dangerous."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.forked_commands import program
from tokenguard.provisioning.bootstrap import Choice, files

ROOT = Path(__file__).parents[2]
PIPELINES = ROOT / "pipelines"
BIN = Path(sys.executable).parent


def template(name: str) -> str:
    return (PIPELINES / "repository" / name).resolve().read_text()


def rendered(system: str) -> dict[str, str]:
    choice = Choice(
        system=system, store="vault://kv/video", address="https://vault.example.org:8200", repository="acme/tokens",
        number="4711", branch="main", requirement="tokenguard-governance @ https://packages.invalid/fill-in",
        planner="tg-kv-video-planner", rotator="tg-kv-video-rotator",
    )  # fmt: skip
    return files(choice, template)


def passes(*command: str | Path) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_and_the_action_are_valid_and_hold_nothing_dangerous(tmp_path):
    workflow = tmp_path / ".github/workflows/tokens.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(rendered("github")[".github/workflows/tokens.yml"])
    passes("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    passes("check-jsonschema", "--builtin-schema", "vendor.github-actions", ROOT / "action.yml")
    passes("zizmor", "--offline", "--no-config", "--persona=pedantic", "--quiet", workflow, ROOT / "action.yml")


def test_gitlabs_files_are_valid(tmp_path):
    made = rendered("gitlab")
    _head, body = made[".gitlab/tokens.yml"].split("\n---\n")
    for name, text in (("body.yml", body), ("main.yml", made[".gitlab-ci.yml"])):
        (tmp_path / name).write_text(text)
        passes(
            "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", tmp_path / name
        )
    inputs = set(yaml.safe_load(_head)["spec"]["inputs"])
    assert set(re.findall(r"inputs\.([a-z]+)", body)) == inputs
    assert set(yaml.safe_load(made[".gitlab-ci.yml"])["include"][0]["inputs"]) <= inputs


@pytest.mark.parametrize(
    "file", [ROOT / "action.yml", PIPELINES / "repository/github-workflow.yml"], ids=lambda each: each.name
)
def test_no_script_holds_an_expression(file):
    """What an expression puts into a script is run; what it puts into a variable is not."""
    tree = yaml.safe_load(file.read_text())
    steps = (
        tree["runs"]["steps"] if "runs" in tree else [step for job in tree["jobs"].values() for step in job["steps"]]
    )
    assert not any("${{" in step.get("run", "") for step in steps)


@pytest.mark.parametrize("job", ["plan", "apply", "upkeep"])
def test_every_job_has_its_own_identity_and_no_stored_secret(job):
    text = rendered("github")[".github/workflows/tokens.yml"]
    assert "secrets." not in text
    made = yaml.safe_load(text)["jobs"][job]
    assert made["permissions"] == {"contents": "read", "id-token": "write"}


def test_the_pod_has_no_more_than_it_needs():
    account, _config, job = yaml.safe_load_all((PIPELINES / "cronjob.yaml").read_text())
    assert account["automountServiceAccountToken"] is False
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts, volumes = {each["name"] for each in container["volumeMounts"]}, {each["name"] for each in pod["volumes"]}
    assert mounts == volumes
    identity = next(each for each in pod["volumes"] if each["name"] == "identity")
    (source,) = identity["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "tokenguard"


def test_the_image_holds_what_the_package_is_built_from():
    lines = (PIPELINES / "Containerfile").read_text()
    for name in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.MULTILINE):
        for each in name.split():
            assert (ROOT / each).exists(), each
    assert "--require-hashes" in lines
    assert re.search(r"^USER \d+:\d+$", lines, re.MULTILINE), "not root"


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_our_own_workflows_are_valid_and_hold_nothing_dangerous():
    assert [each.stem for each in WORKFLOWS] == ["nightly", "release", "test"]
    passes("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    passes("zizmor", "--offline", "--no-config", "--persona=pedantic", "--quiet", *WORKFLOWS)
    forms = [each for each in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if each.stem != "config"]
    passes("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", *forms)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda each: each.stem)
def test_a_workflow_of_ours_has_no_rights_but_those_it_names_and_runs_what_there_is(file):
    tree = yaml.safe_load(file.read_text())
    assert tree["permissions"] == {}
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]) for step in _steps(tree) if "uses" in step)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {word for step in _steps(tree) for word in re.findall(r"^make ([a-z-]+)", step.get("run", ""))}
    asked |= set(tree["jobs"].get("run", {}).get("strategy", {}).get("matrix", {}).get("target", ()))
    assert asked <= targets | {"mutants"}, asked


def test_only_publishing_has_an_identity():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    assert {name for name, job in jobs.items() if "id-token" in job["permissions"]} == {"attest", "publish"}
    assert not any("make" in step.get("run", "") for name in ("attest", "publish") for step in jobs[name]["steps"])


def _steps(tree):
    return [step for job in tree["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(
    "line", ["'{}' --version", "'{}' --no-such-option", "cd / && echo text | '{}' redact", "umask 077; '{}' list 2>&1"]
)
def test_a_forked_command_answers_as_one_that_was_started(line: str, tmp_path: Path) -> None:
    """What pipelines and pages of the docs are run with."""
    started, forked = (
        subprocess.run(["bash", "-c", line.format(each)], capture_output=True, env={"HOME": str(tmp_path)}, check=False)
        for each in (BIN / "tokenguard", program("tokenguard"))
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)
    assert forked.stdout + forked.stderr
