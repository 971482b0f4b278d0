"""What jobs run is installed by hash, in a job that has no identity; nothing else of a pipeline installs anything."""

import hashlib
import re
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.integration.pipeline_jobs import Runner
from tests.integration.test_pipeline_files import rendered

GITHUB, GITLAB = ".github/workflows/tokens.yml", ".gitlab/tokens.yml"


def wheel(directory: Path, name: str) -> tuple[Path, str]:
    """A package that holds one module, and its hash."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}.py", "")
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", "")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


class Installing:
    """A repository with the pipeline, whose lock and requirement are two small packages of this machine."""

    def __init__(self, directory: Path) -> None:
        self.repository, self.temp = directory / "work", directory / "temp"
        self.temp.mkdir()
        for name, text in rendered("github").items():
            (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repository / name).write_text(text)
        (self.lock, self.lock_hash), (self.tool, self.tool_hash) = wheel(directory, "locked"), wheel(directory, "tool")

    def run(self, *, lock: str = "", requirement: str = "") -> int:
        locked = lock or f"locked @ file://{self.lock}#sha256={self.lock_hash}"
        (self.repository / ".tokenguard/requirements.txt").write_text(f"{locked}\n")
        workflow = self.repository / GITHUB
        made = yaml.safe_load(workflow.read_text())
        made["env"]["TOKENGUARD"] = requirement or f"tool @ file://{self.tool}#sha256={self.tool_hash}"
        workflow.write_text(yaml.safe_dump(made))
        found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.tool.parent)}  # a name alone would be found here
        return Runner(self.repository, self.temp, found).github("install").code


@pytest.fixture
def installing(tmp_path):
    return Installing(tmp_path)


def test_what_has_its_hash_is_installed_and_handed_over(installing):
    assert installing.run() == 0
    assert (installing.temp / "tokenguard.tar").stat().st_size
    installed = {path.stem for path in (installing.temp / "tokenguard").glob("lib/python*/site-packages/*.py")}
    assert {"locked", "tool"} <= installed


@pytest.mark.parametrize("given", [{"lock": "locked==1.0"}, {"requirement": "tool==1.0"}], ids=["locked", "tokenguard"])
def test_what_has_no_hash_is_not_installed(installing, given):
    assert installing.run(**given) != 0
    assert not (installing.temp / "tokenguard.tar").exists()


def test_the_hook_is_installed_by_hash_as_the_page_says():
    page = (Path(__file__).parents[2] / "docs/scanning.md").read_text()
    lines = re.findall(r"^\S*python -m pip --quiet install .*", page, re.MULTILINE)
    assert len(lines) == 2
    assert all("--require-hashes" in line for line in lines)


def jobs_of(system: str) -> dict[str, dict]:
    made = rendered(system)
    if system == "github":
        return yaml.safe_load(made[GITHUB])["jobs"]
    *_, body = yaml.safe_load_all(made[GITLAB])
    return {name: each for name, each in body.items() if not name.startswith(".")}


def script_of(job: dict) -> str:
    steps = [step.get("run", "") for step in job.get("steps", [])]
    return "\n".join([*steps, *job.get("before_script", []), *job.get("script", [])]).strip()


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_only_a_job_without_identity_installs(system):
    installers = 0
    for name, job in jobs_of(system).items():
        installs = re.findall(r"\bpip\b.*", script_of(job))
        identity = "id_tokens" in job or job.get("permissions", {}).get("id-token") or job.get("environment")
        assert not (installs and identity), name
        installers += bool(installs)
    assert installers == 1


def test_both_systems_install_in_the_same_way():
    github = script_of(jobs_of("github")["install"]).replace('"$RUNNER_TEMP/tokenguard.txt"', "/tmp/tokenguard.txt")
    github = github.replace('"$RUNNER_TEMP/tokenguard"', "/tmp/tokenguard")
    github = github.replace('"$RUNNER_TEMP/tokenguard/bin/python"', "/tmp/tokenguard/bin/python")
    gitlab = script_of(jobs_of("gitlab")["tokenguard-install"]).replace(
        '"$REQUIREMENTS"', ".tokenguard/requirements.txt"
    )
    assert github.splitlines()[:-1] == gitlab.splitlines()[:-1], "but for how the result is handed over"


def test_the_lock_that_is_written_is_the_one_of_this_version():
    ours = (Path(__file__).parents[2] / "requirements/base.txt").read_text()
    for system in ("github", "gitlab"):
        written = rendered(system)[".tokenguard/requirements.txt"]
        pins = re.findall(r"(?m)^[a-z].*==.*|^    --hash=.*", written)
        assert pins == re.findall(r"(?m)^[a-z].*==.*|^    --hash=.*", ours)
        assert "make lock" not in written
