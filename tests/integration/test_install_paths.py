"""Each documented way to install tokenguard, from nothing: an empty environment, and at its end the demo or a commit.

The sources are a wheel, an sdist, and a bare clone of this repository with a tag, as a code host would serve it.
"""

import ast
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.fakes.git_repository import Repository, leak
from tests.integration.hook_runners import BIN, Clone, documented, runner

ROOT = Path(__file__).parents[2]
TAG = "v0-installed-by-a-test"
_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
}
_UNREACHABLE = re.compile(r"(?i)name resolution|network is unreachable|timed out|connection (?:refused|reset)")


def home():
    """The person's own home, whose settings of pip say where the index is."""
    return pwd.getpwuid(os.getuid()).pw_dir


@cache
def settings_for_uv():
    """The same settings for uv, which pip's file means nothing to."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, env={**os.environ, "HOME": home()}, capture_output=True, text=True, check=True)
    found = dict(line.partition("=")[::2] for line in listed.stdout.splitlines())
    known = {_UV.get(name.rpartition(".")[2]): " ".join(ast.literal_eval(text).split()) for name, text in found.items()}
    return {name: text for name, text in known.items() if name}


def call(*command, cwd, check=True, **environ):
    """Run it with nothing of this environment but where the index is."""
    kept = {name: text for name, text in os.environ.items() if name.startswith("PIP_") or name in {"LANG", "TMPDIR"}}
    base = {
        "HOME": home(), "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=kept | settings_for_uv() | base | environ, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    if done.returncode and _UNREACHABLE.search(said) and os.environ.get("CI") != "true":
        pytest.skip("NOT TESTED: the package index cannot be reached")
    assert not check or done.returncode == 0, said
    return done


class Machine:
    """An empty home, an environment without packages, and a place for programs."""

    def __init__(self, directory):
        self.home, self.environment = directory / "home", directory / "environment"
        self.home.mkdir(mode=0o700)
        self.python = self.environment / "bin" / "python"

    def pip(self, *arguments):
        if not self.python.exists():
            venv.create(self.environment, with_pip=True)
        call(self.python, "-m", "pip", "install", "--quiet", *arguments, cwd=self.home)

    def demo(self, programs):
        done = call(Path(programs) / "tokenguard", "demo", cwd=self.home, HOME=str(self.home), PATH="/usr/bin:/bin")
        assert "no token's value was in any output above" in done.stdout, done.stdout


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a bare clone with a tag."""
    if not (ROOT / ".git").exists():
        pytest.skip("NOT TESTED: this is no clone, so there is nothing to tag")
    bare = tmp_path_factory.mktemp("served") / "tokenguard.git"
    call("git", "clone", "--quiet", "--bare", ROOT, bare, cwd=bare.parent)
    call("git", "tag", TAG, cwd=bare)
    return f"file://{bare}"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_a_built_distribution_is_installed_with_its_dependencies_and_runs_the_demo(dist, kind, machine):
    machine.pip(*dist.glob(kind))
    machine.demo(machine.environment / "bin")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pip_installs_from_a_git_address_at_a_tag_and_runs_the_demo(served, machine):
    (line,) = re.findall(
        r'`pip install ("tokenguard-governance @ git\+https://\S+@\w+")`', (ROOT / "README.md").read_text()
    )
    machine.pip(re.sub(r"https://\S+@\w+", f"{served.replace('///', '//localhost/')}@{TAG}", line.strip('"')))
    machine.demo(machine.environment / "bin")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_uv_installs_it_as_a_tool_from_a_git_address_at_a_tag(served, machine, tmp_path):
    uv = str(Path(sys.executable).with_name("uv"))
    environ = {name: str(tmp_path / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "UV_CACHE_DIR")}
    source = f"tokenguard-governance @ git+{served}@{TAG}"
    call(uv, "tool", "install", "--quiet", "--python", sys.executable, source, cwd=tmp_path, **environ)
    machine.demo(tmp_path / "UV_TOOL_BIN_DIR")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("program", ["pre-commit", "prek"])
def test_the_hook_is_installed_from_a_git_address_at_a_tag_and_judges_commits(served, program, tmp_path):
    (text,) = documented(ROOT / "docs/quickstart-developer.md")[:1]
    text = text.replace("ADDRESS-OF-THIS-REPOSITORY", served).replace("THE-RELEASE-YOU-USE", TAG)
    found = runner(program)
    clone = Clone(tmp_path / "work", found, text, forks=False)
    cache = str(tmp_path / "cache")
    call(found, "install-hooks", cwd=clone.repository.path, PRE_COMMIT_HOME=cache, PREK_HOME=cache)
    assert "Passed" in clone.git("commit", "-m", "configuration")
    clone.repository.stage("app.py", leak())
    assert "Autoposting API Key" in clone.refused("commit", "-m", "leak")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_hook_is_installed_by_hash_as_the_page_says_and_judges_commits(dist, tmp_path):
    page = (ROOT / "docs/scanning.md").read_text().partition("### Installing the hook by hash")[2]
    script, configuration = (
        re.search(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1] for kind in ("sh", "yaml")
    )
    work, own = Repository(tmp_path / "work"), tmp_path / "home"
    (own / ".local" / "bin").mkdir(parents=True)
    (wheel,) = dist.glob("*.whl")
    digest = call("sha256sum", wheel, cwd=tmp_path).stdout.split()[0]
    work.write(".tokenguard/requirements.txt", (ROOT / "requirements/base.txt").read_bytes())
    work.write("tokenguard.txt", f"tokenguard-governance @ file://{wheel}#sha256={digest}\n")
    call("sh", "-e", "-c", script.replace("~/", f"{own}/"), cwd=work.path)
    who = {f"GIT_{each}_{key}": "a@example.com" for each in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    given = {"PATH": f"{own}/.local/bin:{BIN}:/usr/bin:/bin", "PRE_COMMIT_HOME": str(tmp_path / "cache"), **who}
    assert call("sh", "-c", "command -v tokenguard-hook", cwd=work.path, **given).stdout.startswith(str(own))
    call(runner("pre-commit"), "install", cwd=work.path, **given)
    work.stage(".pre-commit-config.yaml", configuration)
    call("git", "commit", "-q", "-m", "configuration", cwd=work.path, **given)
    work.stage("app.py", leak())
    done = call("git", "commit", "-m", "leak", cwd=work.path, check=False, **given)
    said = done.stdout + done.stderr
    assert (done.returncode, "exit code: 1" in said, "Autoposting API Key" in said) == (1, True, True), said


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_steps_of_the_action_install_their_own_revision_and_judge_a_change(tmp_path):
    install, run = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    work = Repository(tmp_path / "work")
    work.write("tokens.yaml", "version: 1\ntokens: {}\n")
    work.commit("first")
    temp = tmp_path / "temp"
    temp.mkdir()
    bash = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
    given = {"RUNNER_TEMP": str(temp), "SOURCE": str(ROOT), "GITHUB_OUTPUT": str(temp / "out")}
    given |= {"GITHUB_STEP_SUMMARY": str(temp / "summary"), "COMMAND": "check", "MANIFEST": "tokens.yaml"}
    given |= {"BASE": "HEAD", "RUNNER_CONFIG": "", "BEFORE": "", "XDG_STATE_HOME": str(tmp_path / "state")}
    call(*bash, install["run"], cwd=work.path, **given)
    call(*bash, run["run"], cwd=work.path, **given)
    work.write("app.py", leak())
    work.commit("leak")
    done = call(*bash, run["run"], cwd=work.path, check=False, **given)
    assert (done.returncode, "app.py:1" in done.stdout) == (1, True), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_script_of_the_gitlab_component_installs_a_hashed_wheel_and_judges_a_commit(dist, tmp_path):
    _, body = yaml.safe_load_all((ROOT / "pipelines/gitlab-component.yml").read_text())
    place = f"/tmp/tokenguard-{secrets.token_hex(6)}"

    def here(text):
        return text.replace("/tmp/tokenguard", place)

    (wheel,) = dist.glob("*.whl")
    (digest,) = call("sha256sum", wheel, cwd=tmp_path).stdout.split()[:1]
    work = Repository(tmp_path / "work")
    given = {"TOKENGUARD": f"tokenguard-governance @ file://{wheel}#sha256={digest}"}
    given |= {"REQUIREMENTS": str(ROOT / "requirements/base.txt"), "XDG_STATE_HOME": str(tmp_path / "state")}
    try:
        for line in body["tokenguard-install"]["script"]:
            call("sh", "-e", "-c", here(line), cwd=work.path, **given)
        *_, unpack, path = body[".tokenguard"]["before_script"]
        work.write("app.py", leak())
        script = "\n".join(map(here, (unpack, path, "tokenguard --version", "tokenguard scan . --no-input")))
        done = call("sh", "-e", "-c", script, cwd=work.path, check=False, **given)
        assert (done.returncode, "app.py:1" in done.stdout) == (1, True), done.stdout + done.stderr
    finally:
        shutil.rmtree(place, ignore_errors=True)
        Path(f"{place}.txt").unlink(missing_ok=True)


def instructions(path):
    """The instructions of a container file, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", path.read_text())
    return [line.split(" ", 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_steps_of_the_container_file_install_it_and_run_the_demo(machine, tmp_path):
    """Without an engine: what COPY lists is copied, and what RUN says is run, in the stage that builds."""
    source, stage = tmp_path / "source", "build"
    source.mkdir()
    for word, rest in instructions(ROOT / "pipelines/Containerfile"):
        if word == "FROM" and " AS " not in rest:
            stage = "result"
        if stage != "build":
            continue
        if word == "COPY":
            *names, target = rest.split()
            for name in names:
                copied = ROOT / name
                put = source / target / (name if target == "./" else "")
                shutil.copytree(copied, put, dirs_exist_ok=True) if copied.is_dir() else shutil.copy(copied, put)
        elif word == "RUN":
            call("sh", "-e", "-c", rest.replace("/opt/tokenguard", str(machine.environment)), cwd=source)
    machine.demo(machine.environment / "bin")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_container_file_builds_where_there_is_an_engine(tmp_path):
    engine = next((each for each in ("docker", "podman") if shutil.which(each)), None)
    if engine is None or call(engine, "info", cwd=tmp_path, check=False).returncode:
        pytest.skip("NOT TESTED: no container engine runs here, so no image was built")
    name = f"tokenguard-test-{secrets.token_hex(4)}"
    call(engine, "build", "--file", "pipelines/Containerfile", "--tag", name, ".", cwd=ROOT)
    try:
        assert "Usage" in call(engine, "run", "--rm", name, cwd=tmp_path).stdout
    finally:
        call(engine, "rmi", name, cwd=tmp_path)


def test_an_editor_has_one_program_that_judges_a_file_from_the_wheel_alone(dist, tmp_path):
    """The cheap one: what the wheel holds, beside the dependencies of this environment."""
    import sysconfig

    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", *dist.glob("*.whl"), cwd=tmp_path)  # fmt: skip
    site = Path(
        call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).stdout.strip()
    )
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    work = Repository(tmp_path / "work")
    file = work.path / "app.py"
    work.stage("app.py", leak())
    hook = tmp_path / "env" / "bin" / "tokenguard-hook"
    done = call(hook, "--", file, cwd=file.parent, check=False, HOME=str(tmp_path))
    assert (done.returncode, "Autoposting API Key" in done.stdout) == (1, True), done
    work.stage("app.py", "x = 1\n")
    assert call(hook, "--", file, cwd=file.parent, HOME=str(tmp_path)).returncode == 0
