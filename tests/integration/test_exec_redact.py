"""`redact` in a pipe, and `env` in each of its dialects."""

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.token_examples import example
from tests.integration.exec_world import NAME, OURS, world
from tokenguard.redaction.known import opaque_id
from tokenguard.token_formats.table import format_by_id

MASK = f"[tokenguard:{opaque_id(NAME)}]".encode()


def test_redact_masks_a_tokens_value_counts_it_and_fails_if_asked(tmp_path):
    report = tmp_path / "leaks.json"
    value = world().value.encode()
    done = world().run(
        "redact",
        "-t",
        NAME,
        "--fail-on-leak",
        "--report",
        str(report),
        stdin=b"a " + value + b" b " + value.hex().encode(),
    )
    assert (done.returncode, done.stdout) == (1, b"a " + MASK + b" b " + MASK)
    rows = json.loads(report.read_text())["leaks"]
    assert [(row["token"], row["form"], row["count"]) for row in rows] == [(NAME, "hex", 1), (NAME, "raw", 1)]
    assert report.stat().st_mode & 0o077 == 0
    assert value not in report.read_bytes()


def test_redact_and_exec_count_one_value_of_a_vendor_s_format_once(tmp_path):
    value, report = example(format_by_id("github-token"), 1), tmp_path / "leaks.json"
    (tmp_path / "gh.env").write_text(f"GH_TOKEN={value}\n")
    world().run("import", str(tmp_path / "gh.env"), check=0)
    done = world().run("redact", "-t", "imported/gh-token", "--report", str(report), stdin=value.encode(), check=0)
    assert b"masked 1 value in the output (imported/gh-token)" in done.stderr
    rows = json.loads(report.read_text())["leaks"]
    assert [(row["token"], row["form"], row["count"]) for row in rows] == [("imported/gh-token", "raw", 1)]
    printing = (sys.executable, "-c", "import os; print(os.environ['GH'])")
    done = world().run("exec", "-t", "imported/gh-token=GH", "--", *printing, check=0)
    assert b"masked 1 value in the output (imported/gh-token)" in done.stderr


def test_redact_all_knows_every_token_and_clean_input_passes_byte_by_byte():
    data = os.urandom(200_000)
    done = world().run("redact", "--all", "--fail-on-leak", stdin=data, check=0)
    assert done.stdout == data
    assert world().run("redact", "--all", stdin=world().value.encode(), check=0).stdout == MASK


def test_redact_takes_values_from_variables_and_needs_no_store():
    done = world().run(
        "redact",
        "--from-env",
        "MINE",
        stdin=b"x tgcanary_mine_7x y",
        env={"MINE": "tgcanary_mine_7x", "TOKENGUARD_STORE": "local:///nowhere"},
    )
    assert done.stdout == f"x [tokenguard:{opaque_id('MINE')}] y".encode()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--from-env", "NOT_SET"], "a variable of --from-env is not set"),
        (["--from-env", "SHORT"], "the value of SHORT cannot be masked"),
        (["-t", "no/such/token"], "there is no token named"),
        (["--report", "/no/such/directory/report"], "cannot write /no/such/directory/report"),
    ],
)
def test_redact_refuses_what_it_cannot_mask_before_it_passes_anything(arguments, why):
    done = world().run("redact", *arguments, stdin=b"text", env={"SHORT": "abc"}, check=2)
    assert not done.stdout
    assert why.encode() in done.stderr


def test_redact_shows_a_prompt_at_once_and_survives_ctrl_c():
    child = subprocess.Popen(
        [*OURS, "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=world().environ, start_new_session=True
    )
    child.stdin.write(b"Password: ")
    child.stdin.flush()
    assert os.read(child.stdout.fileno(), 100) == b"Password: "
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(b"yes\n", timeout=30)
    assert (out, child.returncode) == (b"yes\n", 0)


def test_redact_ends_quietly_when_its_reader_leaves():
    child = subprocess.Popen(
        [*OURS, "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world().environ
    )
    child.stdout.close()
    try:
        for _ in range(50):
            child.stdin.write(b"y" * 100_000)
    except BrokenPipeError:
        pass
    _, err = child.communicate(timeout=30) if not child.stdin.closed else (b"", child.stderr.read())
    assert b"Traceback" not in err
    assert child.returncode == 0


def test_masking_that_fails_stops_the_output_and_is_125():
    code = (
        "import sys\n"
        "from tokenguard.redaction.matcher import Matcher\n"
        "real = Matcher.begin\n"
        "Matcher.begin = lambda self, data: real(self, data) if b'bad' not in data else 1 / 0\n"
        "from tokenguard.cli.error_handler import run\n"
        "sys.exit(run(['redact']))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world().environ,
    )  # fmt: skip
    child.stdin.write(b"good ")
    child.stdin.flush()
    first = os.read(child.stdout.fileno(), 100)
    child.stdin.write(b"bad ")
    child.stdin.flush()
    time.sleep(0.2)
    out, err = child.communicate(b"tgcanary_later", timeout=30)
    assert (first, out, child.returncode) == (b"good ", b"", 125)
    assert b"error: masking failed, and all output from there on was withheld" in err


def test_exec_masks_files_that_the_program_writes_and_says_where(tmp_path):
    code = (
        "import os, gzip, pathlib\n"
        "value, out = os.environ['TOKEN'], pathlib.Path('reports')\n"
        "out.mkdir(exist_ok=True)\n"
        "print(value, 'Bearer ' + 'tgcanary_' * 3)\n"
        "(out / 'junit.xml').write_text(f'<a>{value}</a>{value}')\n"
    )
    done = world().exec(code, "--mask-files", "reports", cwd=tmp_path, check=0)
    assert (tmp_path / "reports" / "junit.xml").read_bytes() == b"<a>" + MASK + b"</a>" + MASK
    assert b"masked in reports/junit.xml: 2 values" in done.stderr
    assert f"({NAME} 3, recognised by format 1): 2 in stdout, 2 in files".encode() in done.stderr
    assert '"files"' in json.dumps(world().events()[-2:])
    code += "(out / 'trace.gz').write_bytes(gzip.compress(value.encode()))\n"
    done = world().exec(code, "--mask-files", "reports", cwd=tmp_path, check=125)
    assert b"not masked: reports/trace.gz: an archive that holds a value" in done.stderr
    assert '"not masked"' in json.dumps(world().events()[-3:])
    assert world().value.encode() not in (tmp_path / "reports" / "junit.xml").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [["--mask-files", "reports", "--no-mask"], ["--mask-files", "file"]],
    ids=["without masking", "no folder"],
)
def test_folders_that_cannot_be_masked_are_refused_before_the_program_starts(tmp_path, arguments):
    (tmp_path / "file").touch()
    done = world().run("exec", *arguments, "--", "echo", "ran", cwd=tmp_path, check=125)
    assert not done.stdout


@pytest.mark.parametrize("command", [["redact"], ["exec", "--", "echo", "text"]], ids=lambda command: command[0])
def test_output_that_cannot_be_written_is_not_success(command):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*OURS, *command], input=b"text\n", stdout=full, stderr=subprocess.PIPE, env=world().environ, check=False
        )
    assert done.returncode == 125
    assert b"error: not all output could be written" in done.stderr


CLOSED = {
    "output": (">&-", "echo text; exit 7", (7, b"")),
    "output, of which its program fails": (">&-", "echo text", (1, b"")),
    "a file to be read as output": ("1</dev/null", "echo text", (1, b"")),
    "errors": ("2>&-", "echo one >&2; echo two >&2; echo text", (0, b"text\n")),
    "both": (">&- 2>&-", "echo one >&2; echo text; exit 7", (7, b"")),
    "unused": (">&- 2>&-", "exit 0", (0, b"")),
}


@pytest.mark.parametrize("case", CLOSED)
def test_a_closed_stream_is_closed_for_the_program_as_without_exec(case):
    redirect, script, ended = CLOSED[case]
    plain, ours = (
        subprocess.run(
            ["sh", "-c", f"{shlex.join([*run, 'sh', '-c', script])} {redirect}"], capture_output=True, env=world().environ, check=False
        )
        for run in ([], [*OURS, "exec", "--"])
    )  # fmt: skip
    assert (plain.returncode, plain.stdout) == ended
    assert (ours.returncode, ours.stdout) == ended


@pytest.mark.parametrize(
    ("command", "code"), [(["redact"], 125), (["env", "-t", f"{NAME}=TOKEN"], 2)], ids=["redact", "env"]
)
def test_data_for_a_closed_output_is_not_success(command, code):
    script = f"{shlex.join([*OURS, *command])} >&-"
    done = subprocess.run(["sh", "-c", script], input=b"text\n", capture_output=True, env=world().environ, check=False)
    assert done.returncode == code
    assert done.stderr.startswith(b"error: ")


def test_env_for_a_shell_is_what_the_shell_reads_back():
    script = f'eval "$({shlex.join([*OURS, "env", "-t", f"{NAME}=TOKEN"])})"; printf %s "$TOKEN" | wc -c'
    done = subprocess.run(["sh", "-c", script], env=world().environ, capture_output=True, check=True)
    assert int(done.stdout) == len(world().value)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("dotenv", lambda text: re.fullmatch(r"TOKEN=(.*)\n", text)[1]),
        ("json", lambda text: json.loads(text)["TOKEN"]),
        ("gitlab", lambda text: re.fullmatch(r"TOKEN=(.*)\n", text)[1]),
    ],
)
def test_env_in_other_dialects(kind, read):
    done = world().run("env", "-t", f"{NAME}=TOKEN", "--format", kind, check=0)
    assert read(done.stdout.decode()) == world().value


def test_env_for_github_masks_every_form_before_it_writes(tmp_path):
    """A runner that reads lines as they come: every form is registered before the file is written."""
    target = tmp_path / "env"
    target.touch()
    done = world().run(
        "env",
        "-t",
        f"{NAME}=TOKEN",
        "--format",
        "github",
        env={"GITHUB_ACTIONS": "true", "GITHUB_ENV": str(target)},
        check=0,
    )
    lines = done.stdout.decode().splitlines()
    assert all(line.startswith("::add-mask::") for line in lines)
    masked = {line.removeprefix("::add-mask::").replace("%25", "%") for line in lines}
    assert {world().value, world().value.encode().hex()} <= masked
    assert len(masked) >= 8
    found = re.fullmatch(r"TOKEN<<(tokenguard_[0-9a-f]{32})\n(.*)\n\1\n", target.read_text())
    assert found[2] == world().value


def test_env_for_github_is_refused_elsewhere():
    done = world().run("env", "-t", NAME, "--format", "github", check=2)
    assert not done.stdout


def test_env_for_systemd_writes_one_private_file_for_each(tmp_path):
    place = tmp_path / "credentials"
    for _ in range(2):
        done = world().run("env", "-t", f"{NAME}=TOKEN", "--format", "systemd", "--output", str(place), check=0)
        assert not done.stdout
    assert (place / "TOKEN").read_text() == world().value
    assert (place / "TOKEN").stat().st_mode & 0o777 == 0o600
    assert '"env:systemd"' in json.dumps(world().events()[-2:])


def test_env_for_kubernetes_is_a_secret_that_kubectl_applies():
    done = world().run("env", "-t", f"{NAME}=TOKEN", "--format", "k8s", "--secret", "video/publisher.tokens", check=0)
    secret = json.loads(done.stdout)
    assert (secret["apiVersion"], secret["kind"]) == ("v1", "Secret")
    assert secret["metadata"] == {"name": "publisher.tokens", "namespace": "video"}
    assert base64.b64decode(secret["data"]["TOKEN"], validate=True).decode() == world().value
    assert '"env:k8s"' in json.dumps(world().events()[-2:])


@pytest.mark.parametrize(
    "more",
    [
        ("--format", "k8s"),
        ("--format", "k8s", "--secret", "publisher"),
        ("--format", "k8s", "--secret", "video/../kube-system"),
        ("--format", "k8s", "--secret", 'video/a",x'),
        ("--format", "json", "--secret", "video/publisher"),
    ],
)
def test_env_for_kubernetes_wants_the_name_of_a_secret(more):
    done = world().run("env", "-t", NAME, *more, check=2)
    assert not done.stdout
    assert b"NAMESPACE/NAME" in done.stderr


def test_redact_knows_the_teams_own_tokens_without_a_store(tmp_path):
    """As in a log pipeline: the machine has the bundle and the scan key, and no store at all."""
    bundle, key = tmp_path / "bundle", tmp_path / "publisher.key"
    options = ("--key-file", str(key), "--create-key", "--public-code", __file__)
    published = world().run("fingerprints", "publish", str(bundle), *options, check=0)
    scan_key = re.search(r"TOKENGUARD_SCAN_KEY=(\S+)", published.stdout.decode())[1]
    bare = {"TOKENGUARD_SCAN_KEY": scan_key, "TOKENGUARD_STORE": "local:///nowhere", "TOKENGUARD_KEY_FILE": "/dev/null"}
    world().run("fingerprints", "pull", str(bundle), env=bare, check=0)
    value = world().value
    done = world().run(
        "redact", "--own", "--fail-on-leak", stdin=f"a={value} b={value.encode().hex()}".encode(), env=bare
    )
    assert done.returncode == 1
    assert re.fullmatch(rb"a=\[tokenguard:\w+\] b=\[tokenguard:\w+\]", done.stdout)
    assert b"the leaks could not be recorded" in done.stderr
    world().run("redact", "--own", stdin=value.encode(), env={"TOKENGUARD_SCAN_KEY": scan_key}, check=0)
    trail = json.dumps(world().events()[-1:])
    assert '"leak"' in trail
    assert '"raw"' in trail
    refused = world().run("redact", "--own", stdin=b"x", check=2)
    assert not refused.stdout
