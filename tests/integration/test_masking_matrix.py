"""Real libraries: what their sinks get with tokenguard is what they get without it, but for the value."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARIES = [
    "standard", "dict_config", "structlog_native", "structlog_console", "structlog_stdlib", "loguru", "json_logger", "rich",
    "django", "sentry", "opentelemetry", "flask", "fastapi", "uvicorn", "gunicorn", "runserver", "celery",
    "pytest", "clients", "futures", "asyncio_debug", "warned", "processes",
]  # fmt: skip
_MASK = re.compile(r"\[tokenguard:[0-9a-f]{8}\]|%5Btokenguard%3A[0-9a-f]{8}%5D")
_VARIES = (
    (re.compile(r"0x[0-9a-f]+|&#x27;"), "ADDRESS"),
    (
        re.compile(
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]?\d*(?:\+00:00|Z)?|\d\d/\w{3}/\d{4}[: ]\d\d:\d\d:\d\d|\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d"
        ),
        "TIME",
    ),
    (re.compile(r'"(?:timestamp|elapsed|repr|seconds|time|id)": *(?:"[^"]*"|[\d.]+|\{[^}]*\})'), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+|port=\d+|[(\[]\d{2,}[)\]]|pid: \d+|\d{8}T\d{6}Z|\d+:[A-Z]\w+"), "PLACE"),
    (re.compile(r"[0-9a-f]{64}|[0-9a-f-]{36}|(?<=[a-z])\d{12,}"), "ID"),
)


def sinks_of(library, mode, value, place):
    folder = place / mode
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.matrix_program", library, mode],
        cwd=ROOT, capture_output=True, check=False, timeout=90,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "V": value, "PLACE": str(folder), "HOME": str(place), "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert mode == "plain" or value not in done.stderr.decode()
    return [text.replace(str(folder), "FOLDER") for text in json.loads(done.stdout)]


def normalised(text, value):
    text = _MASK.sub("MASK", text.replace(value, "MASK"))
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return re.sub(r"[\s─]+", " ", text)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_writes_the_same_but_for_the_value(library, tmp_path):
    value = f"tgcanary_{secrets.token_hex(18)}"
    plain = sinks_of(library, "plain", value, tmp_path)
    masked = sinks_of(library, "masked", value, tmp_path)
    assert value in "".join(plain)
    assert value not in "".join(masked)
    assert not any(value[at : at + 16] in "".join(masked) for at in range(9, len(value) - 16))
    assert "withheld" not in "".join(masked)
    assert [normalised(each, value) for each in masked] == [normalised(each, value) for each in plain]
