"""Real libraries: what their sinks get with tokenguard is what they get without it, but for the value."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tokenguard.redaction.known import opaque_id

ROOT = Path(__file__).parents[2]
LIBRARIES = [
    "standard", "dict_config", "structlog_native", "structlog_console", "structlog_stdlib", "loguru", "json_logger", "rich",
    "django", "sentry", "opentelemetry", "flask", "fastapi", "uvicorn", "gunicorn", "runserver", "celery",
    "pytest", "clients", "futures", "asyncio_debug", "warned", "processes",
]  # fmt: skip
ONE_VALUE = {"gunicorn", "pytest", "processes"}
"""Those that start a process for each event."""
_MASK = re.compile(r"\[tokenguard:([0-9a-f]{8})\]|%5Btokenguard%3A([0-9a-f]{8})%5D")
_VARIES = (
    (re.compile(r"0x[0-9a-f]+|&#x27;"), "ADDRESS"),
    (re.compile(r"\(\d+\.\d{3}\) "), "TIME "),  # Django's log of SQL
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


def sinks_of(library, mode, values, place):
    folder = place / mode
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.matrix_program", library, mode],
        cwd=ROOT, capture_output=True, check=False, timeout=600,
        env={
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "V": ",".join(values), "PLACE": str(folder),
            "HOME": str(place), "PYTHONHASHSEED": "0",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert mode == "plain" or not any(value in done.stderr.decode() for value in values)
    return [text.replace(str(folder), "FOLDER") for text in json.loads(done.stdout)]


def normalised(text, values):
    """A sink's text in which each value, and the mask of it, has one name."""
    names = {value: f"VALUE-{number}" for number, value in enumerate(values)}
    masks = {
        opaque_id(name): f"VALUE-{number}"
        for number in range(len(values))
        for name in (f"v{number}", "V")[: 2 - bool(number)]
    }
    text = re.sub("|".join(names), lambda found: names[found[0]], text)
    text = _MASK.sub(lambda found: masks[found[1] or found[2]], text)
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return re.sub(r"[\s─]+", " ", text)


def compare(library, values, place):
    """With tokenguard a library writes the same but for the values: no event, type of exception or frame is lost."""
    plain = sinks_of(library, "plain", values, place)
    masked = sinks_of(library, "masked", values, place)
    written = "".join(masked)
    assert values[0] in "".join(plain)
    assert not any(value in written for value in values)
    assert not any(value[at : at + 16] in written for value in values for at in range(9, len(value) - 16))
    assert "withheld" not in written
    assert [normalised(each, values) for each in masked] == [normalised(each, values) for each in plain]


def canaries(count):
    return [f"tgcanary_{secrets.token_hex(18)}" for _ in range(count)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_writes_the_same_but_for_the_value(library, tmp_path):
    compare(library, canaries(2), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("library", LIBRARIES)
def test_none_of_1_000_canaries_is_in_a_sink_and_no_event_is_lost(library, tmp_path):
    compare(
        library, canaries(-(-1_000 // (len(LIBRARIES) - len(ONE_VALUE))) if library not in ONE_VALUE else 1), tmp_path
    )
