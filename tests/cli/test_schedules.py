"""Schedules: what `init --schedule` renders is valid by another parser, and runs with one operation stuck in the store."""

import base64
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_notify import configured, ops, receiver  # noqa: F401 - fixtures
from tests.cli.test_upkeep import due, live, stuck
from tests.fakes.command_line import FakeTty
from tokenguard.domain.names import token_name
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.provisioning.schedules import ScheduledRun, cron_jobs, cron_lines, start_time, systemd_units

ROOT = Path(__file__).parents[2]
ON_VAULT = {
    "store": "vault://kv/audio",
    "address": "https://vault.example.net",
    "role": "tg-kv-audio-rotator",
    "image": "",
}
RUN = ScheduledRun(
    program="/opt/token guard/bin/tokenguard", store="vault://kv/100%25", user="ops", manifest="/srv/50% $HOME/tokens.yaml",
    environ={"TOKENGUARD_CONFIG": '/etc/a "b" \\c/config.toml'},
)  # fmt: skip
"""Every character that one of the languages gives a meaning."""


def unit(text: str) -> dict[str, list[str]]:
    """The settings of a unit."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def started(text: str) -> list[str]:
    """The words that systemd starts, read as systemd.service(5) says."""
    (line,) = unit(text)["ExecStart"]
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def crontab(text: str) -> list[tuple[list[str], str]]:
    """Fields and command of each line, read as crontab(5) says: an unescaped % ends the command."""
    found = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        *fields, command = line.split(" ", 5)
        assert all(re.fullmatch(r"\*(/\d+)?|\d+(,\d+)*", each) for each in fields), line
        command = re.split(r"(?<!\\)%", command)[0]
        found.append((fields, command.replace("\\%", "%")))
    return found


def test_units_start_exactly_the_words_and_variables_that_are_meant():
    units = systemd_units(RUN)
    assert started(units["tokenguard-upkeep.service"]) == list(RUN.upkeep)
    assert started(units["tokenguard-notify.service"]) == list(RUN.notify)
    (variable,) = shlex.split(unit(units["tokenguard-upkeep.service"])["Environment"][0])
    assert variable == f"TOKENGUARD_CONFIG={RUN.environ['TOKENGUARD_CONFIG']}"


@pytest.mark.parametrize(
    ("changes", "private"),
    [
        ({}, True),
        ({"store": "local:///home/ops/tmp/store"}, True),
        ({"store": "local:///tmp/store"}, False),
        ({"environ": {"TOKENGUARD_KEY_FILE": "/var/tmp/key"}}, False),
        ({"manifest": "/tmp/tokens.yaml"}, False),
    ],
    ids=["elsewhere", "a folder of that name", "store", "key", "manifest"],
)
def test_a_unit_sees_the_files_below_tmp_that_it_names(changes: dict[str, Any], private: bool):
    assert ("PrivateTmp" in unit(systemd_units(replace(RUN, **changes))["tokenguard-upkeep.service"])) is private


@pytest.mark.skipif(shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="no systemd here")
def test_systemd_accepts_the_units(tmp_path):
    program = tmp_path / "tokenguard"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name, text in systemd_units(
        replace(RUN, program=str(program), user="root", windows=("mon-fri 22:00-23:00",))
    ).items():
        (tmp_path / name).write_text(text)
    files = sorted(map(str, [*tmp_path.glob("*.timer"), *tmp_path.glob("*.service")]))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "tokenguard" in line]
    assert (done.returncode, ours) == (0, [])
    when = unit((tmp_path / "tokenguard-upkeep.timer").read_text())["OnCalendar"][0]
    assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode == 0


def test_a_crontab_starts_exactly_the_words_and_variables_that_are_meant():
    (_, upkeep), (_, notify) = crontab(cron_lines(RUN)["tokenguard.crontab"])
    variable = f"TOKENGUARD_CONFIG={RUN.environ['TOKENGUARD_CONFIG']}"
    assert shlex.split(upkeep) == [variable, *RUN.upkeep]
    assert shlex.split(notify) == [variable, *RUN.notify]


def test_without_a_receiver_notify_is_not_scheduled():
    run = replace(RUN, notifies=False)
    assert sorted(systemd_units(run)) == ["tokenguard-upkeep.service", "tokenguard-upkeep.timer"]
    assert len(crontab(cron_lines(run)["tokenguard.crontab"])) == 1
    template = (ROOT / "pipelines/cronjob.yaml").read_text()
    *_, upkeep, notify = yaml.safe_load_all(cron_jobs(template, windows=(), **ON_VAULT)["tokenguard-cronjobs.yaml"])
    assert "suspend" not in upkeep["spec"]
    assert notify["spec"]["suspend"] is True


def test_cron_jobs_are_two_that_differ_in_name_time_and_command():
    template = (ROOT / "pipelines/cronjob.yaml").read_text()
    account, config, *jobs = yaml.safe_load_all(cron_jobs(template, windows=(), **ON_VAULT)["tokenguard-cronjobs.yaml"])
    assert (account["kind"], config["kind"]) == ("ServiceAccount", "ConfigMap")
    assert 'url = "vault://kv/audio"' in config["data"]["config.toml"]
    assert 'role = "tg-kv-audio-rotator"' in config["data"]["config.toml"]
    told = []
    for job in jobs:
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert (pod["restartPolicy"], pod["automountServiceAccountToken"]) == ("Never", False)
        assert (job["spec"]["timeZone"], job["spec"]["concurrencyPolicy"]) == ("Etc/UTC", "Forbid")
        told.append((job["metadata"]["name"], job["spec"]["schedule"], container["command"][1]))
    assert told == [("tokenguard-upkeep", "17 4 * * *", "upkeep"), ("tokenguard-notify", "*/10 * * * *", "notify")]


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((), (4, 17, ())),
        (("02:00-05:00",), (4, 17, ())),
        (("mon-fri 22:00-23:00",), (22, 2, (0, 1, 2, 3, 4))),
        (("sat 00:00-01:00",), (0, 2, (5,))),
        (("tue 03:00-04:00", "thu 03:00-04:00"), (3, 2, (1, 3))),
    ],
)
def test_upkeep_starts_inside_the_windows_of_the_policy(windows, expected):
    at = start_time(windows)
    assert (at.hour, at.minute, at.days) == expected


def test_a_policy_that_is_never_open_has_no_start():
    with pytest.raises(InputError):
        start_time(("never",))


BAD = [
    {**ON_VAULT, "image": "images.example.org/tokenguard:latest"},
    {**ON_VAULT, "address": 'https://x"\nevil: y'},
    {**ON_VAULT, "role": "a'b"},
]


@pytest.mark.parametrize("given", BAD)
def test_what_would_break_out_of_the_manifest_is_refused(given):
    with pytest.raises(InputError):
        cron_jobs((ROOT / "pipelines/cronjob.yaml").read_text(), windows=(), **given)


@pytest.mark.parametrize("text", ["a\nExecStart=/bin/evil", "a\x00b", "a\rb"])
def test_a_line_break_in_a_path_is_refused(text):
    for render in (systemd_units, cron_lines):
        with pytest.raises(InputError):
            render(replace(RUN, manifest=text))


# ---- run with one operation stuck in the store


def commands(cli, scheduler):
    files = {
        each["path"]: each["text"]
        for each in cli("init", "--schedule", scheduler, "--format", "json").document["files"]
    }
    if scheduler == "systemd":
        return [started(files[f"tokenguard-{each}.service"]) for each in ("upkeep", "notify")]
    return [
        [word for word in shlex.split(command) if "TOKENGUARD_" not in word]
        for _, command in crontab(files["tokenguard.crontab"])
    ]


@pytest.mark.parametrize("configuration", [None, "[notify]"])
def test_a_schedule_without_routes_starts_no_command_that_fails(cli, configured, configuration):  # noqa: F811
    if configuration is not None:
        configured(configuration)
    answer = cli("init", "--schedule", "cron")
    (_, upkeep), *others = crontab(answer.out)
    assert others == []
    assert "no route is configured, so `notify` is not scheduled" in answer.err
    assert cli(*[word for word in shlex.split(upkeep) if "TOKENGUARD_" not in word][1:]).code == 0


@pytest.mark.parametrize("scheduler", ["systemd", "cron"])
def test_a_scheduled_run_does_the_rest_and_tells_of_a_stuck_operation(cli, ops, scheduler):  # noqa: F811
    cli.approver = False
    stuck(cli, "a/stuck")
    old = due(cli, "b/due")
    upkeep, notify = commands(cli, scheduler)
    assert upkeep[0].endswith("/tokenguard")
    assert cli(*upkeep[1:]).code == 3
    assert live(cli, "b/due") != old
    assert cli.store.find(token_name("a/stuck")).document.busy
    assert ("waiting", "a/stuck") in ops.events
    assert cli(*notify[1:]).code == 0
    assert len(ops.events) == len(set(ops.events))


def test_what_is_rendered_opens_the_store_from_an_empty_environment(tmp_path, monkeypatch, capfd):
    """As cron starts it: only HOME and a short PATH, in another directory."""
    from tests.integration.page import Page

    monkeypatch.chdir(tmp_path)
    key, config = tmp_path / "the key", tmp_path / "50% config.toml"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    config.write_text("[notify]\n")
    for file in (key, config):
        file.chmod(0o600)
    page = Page(
        "recovery.md", tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store", TOKENGUARD_KEY_FILE=str(key),
        TOKENGUARD_CONFIG=str(config),
    )  # fmt: skip
    page.line("tokenguard init --no-input")
    page.line("tokenguard init --schedule cron --into .")
    lines = crontab((tmp_path / "tokenguard.crontab").read_text())
    for _, command in lines[:1]:
        done = subprocess.run(
            ["sh", "-c", command], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_options_and_places_that_do_not_fit(cli, tmp_path):
    cli.refused("init", "--schedule", "anacron")
    cli.refused("init", "--schedule", "kubernetes")
    cli.refused("init", "--schedule", "cron", "--ci", "github")
    cli.refused("init", "--schedule", "cron", "--sandbox")
    cli.refused("init", "--into", str(tmp_path))
    cli.refused("init", "--schedule", "cron", "--into", str(tmp_path / "none"))
    (tmp_path / "tokenguard.crontab").write_text("mine\n")
    cli.refused("init", "--schedule", "cron", "--into", str(tmp_path))
    assert (tmp_path / "tokenguard.crontab").read_text() == "mine\n"
    assert cli("init", "--schedule", "systemd", "--into", str(tmp_path)).code == 0
    assert cli("init", "--schedule", "systemd", "--into", str(tmp_path)).code == 0


def test_plan_and_report_show_windows_freezes_and_the_daily_maximum(cli, tmp_path):
    limits = {"windows": ["sat 02:00-03:00"], "freezes": ["2026-12-20..2027-01-05"], "most": 7}
    override = {"rule": "unattended-rotation", "token": "a/*", **limits}
    policy = {"format": 1, "name": "team", "extends": "default", "overrides": [override]}
    (tmp_path / "team.yaml").write_text(json.dumps(policy))
    config = tmp_path / "config.toml"
    config.write_text(f'[policy]\nfile = "{tmp_path}/team.yaml"\n')
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    due(cli, "a/b")
    for tty in (None, FakeTty()):
        cli.tty = tty
        plan = cli("rotate", "--due", "--plan")
        assert plan.code == 0
        assert "outside the policy's windows): a/b" in plan.err
    (said,) = cli("report", "--format", "json").document["remarks"]
    assert said == (
        "unattended rotations of a/* begin in the windows sat 02:00-03:00 (UTC); "
        "not in the freezes 2026-12-20..2027-01-05; at most 7 in 24 hours"
    )
    assert "sat 02:00-03:00" in cli("report").out
