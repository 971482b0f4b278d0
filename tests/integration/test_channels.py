"""36 ways in which a Python process lets a value out: which of them each kind of installation covers."""

import base64
import json
import os
import subprocess
import sys
import urllib.parse
from functools import cache
from pathlib import Path

import pytest

from tests.integration.channel_names import AWKWARD, CHANNELS, value_of

ROOT = Path(__file__).parents[2]
MODES = {"nothing": "not installed", "default": "`install()`", "stdio": "`stdio=True`", "helper": '`fds="helper"`'}
GUIDE = ROOT / "docs" / "redaction.md"


@cache
def output_of(mode, sink):
    Path(sink).write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.channels_program", mode, sink],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONWARNINGS": "always", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.stdout + done.stderr + Path(sink).read_bytes()


def forms_of(number):
    if number == 24:
        return [urllib.parse.quote(AWKWARD, safe=""), json.dumps(AWKWARD)[1:-1], repr(AWKWARD)[1:-1]]
    if number == 23:
        return [base64.b64encode(value_of(23).encode()).decode()[:40]]
    if number == 3:
        return [value_of(3), value_of(3).removeprefix("tgcanary_")]
    return [value_of(number)]


@pytest.fixture(scope="module")
def leaks(tmp_path_factory):
    place = tmp_path_factory.mktemp("sinks")
    return {
        mode: {
            number
            for number in CHANNELS
            if any(form.encode() in output_of(mode, str(place / mode)) for form in forms_of(number))
        }
        for mode in MODES
    }


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    place = tmp_path_factory.mktemp("outputs")
    return {mode: output_of(mode, str(place / mode)) for mode in MODES}


def test_without_us_every_channel_leaks(leaks):
    assert leaks["nothing"] == set(CHANNELS)
    assert len(CHANNELS) == 36


@pytest.mark.parametrize("number", CHANNELS)
def test_a_channel_is_covered_where_the_guide_says_so(leaks, number):
    covered = [mode for mode in MODES if number not in leaks[mode]]
    by_default = number not in {15, 16, 17, 18, 30, 33}
    with_stdio = number not in {17, 18}
    assert covered == ["default"] * by_default + ["stdio"] * with_stdio + ["helper"]


def test_how_many_are_covered(leaks):
    assert {mode: len(CHANNELS) - len(leaks[mode]) for mode in MODES} == {
        "nothing": 0,
        "default": 30,
        "stdio": 34,
        "helper": 36,
    }


@pytest.mark.parametrize("mode", MODES)
def test_the_program_says_as_much_as_without_us(outputs, mode):
    for number in set(CHANNELS) - {12, 20, 30, 31, 33, 36, 39}:
        assert f"c{number:02d}".encode() in outputs[mode], number
    assert b"RuntimeError: c29" in outputs[mode]


def table(leaks):
    rows = ["| channel | " + " | ".join(MODES.values()) + " |", "|---" * (len(MODES) + 1) + "|"]
    rows += [
        f"| {name} | " + " | ".join("leaks" if number in leaks[mode] else "masked" for mode in MODES) + " |"
        for number, name in CHANNELS.items()
    ]
    rows.append("| **masked** | " + " | ".join(f"**{len(CHANNELS) - len(leaks[mode])}**" for mode in MODES) + " |")
    return "\n".join(rows)


def test_the_table_in_the_guide_is_what_was_measured(leaks):
    """On a difference, WRITE_DOCS=1 writes the table anew."""
    begin, end = "<!-- channels -->\n", "\n<!-- /channels -->"
    text = GUIDE.read_text()
    head, _, rest = text.partition(begin)
    old, _, tail = rest.partition(end)
    if os.environ.get("WRITE_DOCS"):
        GUIDE.write_text(head + begin + table(leaks) + end + tail)
    else:
        assert old == table(leaks)
