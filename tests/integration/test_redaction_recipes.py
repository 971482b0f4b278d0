"""The guide's recipes for CI and for log pipelines: their shell lines run as they stand, by a runner that is played."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.exec_world import NAME, world
from tests.integration.forked_commands import program

GUIDE = (Path(__file__).parents[2] / "docs/redaction.md").read_text()
ANOTHER = "video/publisher/prod/upload"
PRINTS = 'echo "says $DESCRIPT_API_TOKEN"; echo "err $DESCRIPT_API_TOKEN" >&2\n'


def blocks(product, language):
    """The code under a product's name."""
    section = re.search(rf"^\*\*{product}.*?(?=^\*\*|^## )", GUIDE, re.DOTALL | re.MULTILINE)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def machine(tmp_path):
    """A directory with the programs that a recipe names, and how to run a line in it."""
    programs = {
        "publish.sh": PRINTS,
        "server": PRINTS,
        "tokenguard": f'exec {program("tokenguard")} "$@"\n',
        "fluent-bit": 'test "$1 $2" = "-c fluent-bit.yaml" && cat\n',
    }
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
        (tmp_path / name).chmod(0o755)

    def run(line, **more):
        line = line.replace(ANOTHER, NAME).replace("/var/log", str(tmp_path))
        done = subprocess.run(
            ["sh", "-ec", line], cwd=tmp_path, capture_output=True, check=False, timeout=60,
            env=world().environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | more,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return (done.stdout + done.stderr).decode()

    run.place = tmp_path
    return run


def test_github_knows_every_form_before_the_first_use(machine):
    first, second = (step["run"] for step in yaml.safe_load(blocks("GitHub Actions", "yaml")[0]))
    passed = machine.place / "env"
    passed.touch()
    said = machine(first, GITHUB_ACTIONS="true", GITHUB_ENV=str(passed))
    masks = [line.removeprefix("::add-mask::") for line in said.splitlines() if line.startswith("::add-mask::")]
    variable, _, value = re.fullmatch(r"(\w+)<<(\w+)\n(.*)\n\2\n", passed.read_text()).groups()
    output = machine(second, **{variable: value})
    assert world().value in output
    for mask in sorted(masks, key=len, reverse=True):
        output = output.replace(mask, "***")
    assert output.count("***") == 2
    assert world().value not in output


CI = {
    "GitLab": lambda: yaml.safe_load(blocks("GitLab", "yaml")[0])["publish"]["script"],
    "Jenkins": lambda: re.findall(r"sh '([^']*)'", blocks("Jenkins", "groovy")[0]),
    "Buildkite": lambda: [step["command"] for step in yaml.safe_load(blocks("Buildkite", "yaml")[0])["steps"]],
}


@pytest.mark.parametrize("runner", CI)
def test_a_runner_gets_masked_output(machine, runner):
    (line,) = CI[runner]()
    output = machine(line)
    assert world().value not in output
    assert len(re.findall(r"(?:says|err) \[tokenguard:\w+\]", output)) == 2


def test_any_program_is_masked_by_the_lines_of_the_guide(machine):
    """Its output, what is piped from it, and the files that it writes."""
    section = GUIDE.partition("## Mask any program")[2].partition("\n## ")[0]
    started, piped, files = re.findall(r"^\$ (.*)$", section, re.MULTILINE)
    output = machine(started)
    output += machine(f"{piped} || test $? = 1", DESCRIPT_API_TOKEN=world().value)
    (machine.place / "test.sh").write_text(
        f"#!/bin/sh\nmkdir -p reports\n{PRINTS}echo $DESCRIPT_API_TOKEN > reports/junit.xml\n"
    )
    (machine.place / "test.sh").chmod(0o755)
    output += machine(files)
    assert len(re.findall(r"(?:says|err) \[tokenguard:\w+\]", output)) == 6
    reports = output + (machine.place / "leaks.json").read_text() + (machine.place / "reports/junit.xml").read_text()
    assert world().value not in reports
    assert re.search(r"^\[tokenguard:\w+\]$", (machine.place / "reports/junit.xml").read_text())


@pytest.fixture
def pulled(machine):
    """The environment of a pipeline's machine: the team's list and its key, no store."""
    published = machine(
        "tokenguard fingerprints publish bundle --key-file publisher.key --create-key --public-code publish.sh"
    )
    bare = {
        "TOKENGUARD_SCAN_KEY": re.search(r"TOKENGUARD_SCAN_KEY=(\S+)", published)[1],
        "TOKENGUARD_STORE": "",
        "TOKENGUARD_KEY_FILE": "/dev/null",
        "DESCRIPT_API_TOKEN": world().value,
    }
    machine("tokenguard fingerprints pull bundle", **bare)
    return bare


@pytest.mark.parametrize("product", ["Fluent Bit", r"OpenTelemetry Collector"])
def test_a_log_pipeline_reads_masked_lines(machine, pulled, product):
    output = machine(blocks(product, "sh")[0], **pulled)
    log = machine.place / "server.log"
    read = log.read_text() if log.exists() else output
    assert world().value not in output + read
    assert len(re.findall(r"^(?:says|err) \[tokenguard:\w+\]$", read, re.MULTILINE)) == 2


def test_the_configuration_of_the_pipelines_names_only_what_it_declares():
    bit = yaml.safe_load(blocks("Fluent Bit", "yaml")[0])
    assert bit["pipeline"]["inputs"][0]["parser"] == bit["parsers"][0]["name"]
    assert bit["pipeline"]["outputs"][0]["match"] == bit["pipeline"]["inputs"][0]["tag"]
    assert re.compile(bit["parsers"][0]["regex"].replace("?<", "?P<")).match("a line")["log"] == "a line"
    collector = yaml.safe_load(blocks("OpenTelemetry Collector", "yaml")[0])
    logs = collector["service"]["pipelines"]["logs"]
    assert set(logs["receivers"]) == set(collector["receivers"])
    assert set(logs["exporters"]) == set(collector["exporters"])
    assert collector["receivers"]["filelog"]["include"][0] in blocks("OpenTelemetry Collector", "sh")[0]
