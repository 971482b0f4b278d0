"""The 74 ways around a mask that were collected before this one was built, by number, each with its verdict."""

import base64
import gzip
import html
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.test_redaction_forms import AWKWARD, PEM, fresh, masker
from tokenguard.redaction.stream import StreamRedactor, redact, redact_text

ROOT = Path(__file__).parents[2]
VALUE = fresh(32, seed=74)
FORMS, MATCHER = "unit/test_redaction_forms.py", "unit/test_redaction_matcher.py"
LOGGING, CHANNELS = "unit/test_redaction_logging.py", "integration/test_channels.py"
STREAM, LATE = "property/test_redaction_stream.py", "integration/test_channels_late.py"


class Found(NamedTuple):
    """Nothing of the value is left, however it is written."""

    title: str
    written: tuple[str | bytes, ...]
    value: str = VALUE


class NotFound(NamedTuple):
    """It comes through, and the guide says so in these words."""

    title: str
    written: str | bytes
    documented: str


class Program(NamedTuple):
    """A process of its own, with the value in V and everything installed: it does not come through."""

    title: str
    code: str


class Proven(NamedTuple):
    """Another test is about nothing else."""

    title: str
    file: str
    test: str


def url(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def each_base64(value: str) -> tuple[bytes, ...]:
    """At every offset, with every ending, in both alphabets."""
    encoders: tuple[Callable[[bytes], bytes], ...] = (base64.b64encode, base64.urlsafe_b64encode)
    return tuple(
        encode(b"\x7f" * before + value.encode() + after)
        for encode in encoders
        for before in range(9)
        for after in (b"", b"\n", b" ", b"\r\n", b":x")
    )


WRAPPED = base64.encodebytes(b"x" * 30 + VALUE.encode())
COLUMN = "=\n".join(VALUE[at : at + 10] for at in range(0, len(VALUE), 10))
CASES: dict[int, Found | NotFound | Program | Proven] = {
    1: Proven("every split", STREAM, "test_any_split_equals_the_whole_and_the_naive_reference_in_50_000_cases_each"),
    2: Found("a beginning that repeats itself", ("xaabaabaabcaabaabaabc1",), "aabaabaabc1"),
    3: Proven("values that overlap", MATCHER, "test_overlapping_values_leave_no_tail"),
    4: Proven("a value inside another", MATCHER, "test_a_value_that_is_a_prefix_of_another_hides_neither"),
    5: Found("adjacent repeats", (VALUE * 3,)),
    6: NotFound("the end comes first", f"x {VALUE[:9]}", "fewer than fifteen characters"),
    7: Found("bytes that are not text", (bytes(range(256)) + VALUE.encode() + b"\x00\xff\xfe",)),
    8: Found("ten megabytes without a line end", (b"y" * 10_000_000 + VALUE.encode() + b"y" * 10_000,)),
    9: Proven("a prompt", MATCHER, "test_a_prompt_appears_while_nothing_follows"),
    10: NotFound("half on stdout, half on stderr", VALUE[:11], "split between standard output and standard error"),
    11: Found("lines of two processes", (f"1: {VALUE}\n2: {VALUE}\n1: {VALUE}",)),
    12: Proven("part of the mask; masking twice", MATCHER, "test_masking_again_changes_nothing"),
    13: Found("base64 at any offset", each_base64(VALUE)),
    14: Found("basic authentication", (base64.b64encode(f"user:{VALUE}".encode()), f"u:{VALUE}@h")),
    15: Found("base64 wrapped over lines", (WRAPPED,)),
    16: Found("base64 twice", (base64.b64encode(base64.b64encode(VALUE.encode())),)),
    17: Found("base64 of UTF-16", (base64.b64encode(VALUE.encode("utf-16-le")),)),
    18: Found("hexadecimal", (VALUE.encode().hex(), VALUE.encode().hex().upper())),
    19: Found("percent-encoding", (url(AWKWARD), urllib.parse.quote_plus(AWKWARD), url(url(AWKWARD))), AWKWARD),
    20: Found("JSON", (json.dumps(AWKWARD), json.dumps(AWKWARD, ensure_ascii=False).replace("/", "\\/")), AWKWARD),
    21: Found("repr", (repr(AWKWARD), repr(AWKWARD.encode()), repr(repr(AWKWARD)[1:-1])), AWKWARD),
    22: Found("HTML and XML", (html.escape(AWKWARD), html.escape(AWKWARD).replace("&#x27;", "&apos;")), AWKWARD),
    23: Found("shell quoting", (shlex.quote(AWKWARD), repr(AWKWARD).replace("\\\\", "\\")), AWKWARD),
    24: Found("Go and C literals", (json.dumps(AWKWARD, ensure_ascii=False),), AWKWARD),
    25: NotFound("soft wraps", COLUMN, "hyphenated by a table"),
    26: NotFound("compressed", gzip.compress(VALUE.encode()), "compressed"),
    27: Found("colours and links", (f"{VALUE[:9]}\x1b[1m{VALUE[9:]}", f"\x1b]8;;h/{VALUE}\x1b\\x\x1b]8;;\x1b\\")),
    28: NotFound("overwritten with backspaces", "".join(f"_\b{char}" for char in VALUE), "backspaces"),
    29: Found("characters of no width", ("\u200b".join(VALUE),)),
    30: Found("grep and diff with colours", (f"{VALUE[:12]}\x1b[01;31m\x1b[K{VALUE[12:]}\x1b[m\x1b[K",)),
    31: Proven("truncated", FORMS, "test_what_a_truncated_display_leaves_is_masked_but_for_three_characters"),
    32: NotFound("cut to eight characters", VALUE[:8] + "...", "fewer than fifteen characters"),
    33: Found("upper and lower case", (VALUE.upper(), VALUE.lower())),
    34: Found("in a URL", tuple(part.format(VALUE) for part in ("h/{}/x", "h?k={}&b", "h#{}", "https://u:{}@h"))),
    35: Found("as a key", (repr({VALUE: 1}), json.dumps({VALUE: 1}))),
    36: Found("several lines", (PEM.replace("\n", "\r\n"), PEM.replace("\n", " "), PEM.replace("\n", "\n 1| ")), PEM),
    **{
        number: Proven("a channel of the table", CHANNELS, "test_a_channel_is_covered_where_the_guide_says_so")
        for number in range(37, 53)
    },
    53: Proven("one mapping as arguments", LOGGING, "test_a_mapping_as_the_only_argument"),
    54: Proven("another text each time", LOGGING, "test_an_argument_that_changes_is_caught_on_its_way_out"),
    55: Proven("what cannot be copied", LOGGING, "test_a_lock_or_a_socket_as_argument_is_no_trouble"),
    56: Proven("a format that fails", LOGGING, "test_a_record_that_cannot_be_formatted_is_reported_without_its_arguments"),
    57: Proven("the caller's objects", LOGGING, "test_the_callers_objects_never_change"),
    58: Proven("integers", LOGGING, "test_integers_stay_integers_on_a_record_that_leaks_elsewhere"),
    59: Proven("a masker that fails", LOGGING, "test_the_engine_failing_withholds_records_and_the_program_goes_on"),
    60: Proven("a later filter", LOGGING, "test_a_filter_that_adds_a_value_after_us_does_not_get_through"),
    61: Program(
        "queues and pickles",
        "import logging.handlers, pickle, queue; q = queue.Queue(); log = logging.getLogger('q')\n"
        "log.addHandler(logging.handlers.QueueHandler(q)); log.error('%s', V, extra={'k': [V]})\n"
        "print(pickle.dumps(vars(q.get())))",
    ),
    62: Proven("fork", LATE, "test_nothing_comes_through_and_the_rest_does"),
    63: Proven("dictConfig later", LOGGING, "test_masking_survives_a_dict_config_that_comes_later"),
    64: Program("logging reloaded", "import importlib, logging; importlib.reload(logging); logging.error('%s', V)"),
    65: Program("stdout replaced", "sys.stdout = open(1, 'w', closefd=False); print(V, flush=True)"),
    66: Program("the buffer of stdout", "sys.stdout.buffer.write(V.encode()); sys.stdout.buffer.flush()"),
    67: Program("an end without warning", "sys.stdout.write(V[:20]); sys.stdout.flush(); os.write(1, V.encode()); os._exit(0)"),
    68: Program("records at the very end", "import atexit, logging; atexit.register(logging.error, '%s', V)"),
    69: Found("an inline pragma", (f"{VALUE}  # pragma: allowlist secret",)),
    70: Proven("text made to be slow", MATCHER, "test_hostile_repetition_ends"),
    71: Proven("short and plain values", MATCHER, "test_a_value_that_would_destroy_ordinary_text_is_refused_loudly"),
    72: Proven("rotated meanwhile", MATCHER, "test_an_old_and_a_new_value_of_one_token_are_both_masked"),
    73: Proven("registered late", LATE, "test_nothing_comes_through_and_the_rest_does"),
    74: Found("another masker's work", (f"*** {VALUE} ***", f"[masked]{VALUE}")),
}  # fmt: skip


BYTE_BY_BYTE = [
    NotFound("base32", base64.b32encode(VALUE.encode()), "base32"),
    NotFound("base85", base64.b85encode(VALUE.encode()), "base85"),
]


def named(kind):
    return [pytest.param(case, id=f"{number} {case.title}") for number, case in CASES.items() if type(case) is kind]


def test_there_are_74():
    assert sorted(CASES) == list(range(1, 75))


@pytest.mark.parametrize("case", named(Found))
def test_it_is_found(case):
    matcher = masker(case.value)
    for written in case.written:
        data = written if isinstance(written, bytes) else written.encode()
        out = redact(matcher, data)
        assert b"[tokenguard:id0]" in out
        left = out.replace(b"[tokenguard:id0]", b"")
        assert case.value.encode() not in left
        assert len(left) <= len(data) - len(case.value) // 2
        stream = StreamRedactor(matcher)
        half = len(data) - len(data) // 3
        assert stream.feed(data[:half]) + stream.feed(data[half:]) + stream.finish() == out


@pytest.mark.parametrize("case", [*named(NotFound), *(pytest.param(case, id=case.title) for case in BYTE_BY_BYTE)])
def test_it_is_not_found_and_the_guide_says_so(case):
    data = case.written if isinstance(case.written, bytes) else case.written.encode()
    assert redact(masker(VALUE), data) == data
    limits = (ROOT / "docs/redaction.md").read_text().partition("## What is found")[2]
    assert case.documented in " ".join(limits.split())


@pytest.mark.parametrize("case", named(Program))
def test_it_does_not_leave_a_process(case):
    value = f"tgcanary_{secrets.token_hex(18)}"
    start = "import os, sys, tokenguard; V = os.environ['V']; tokenguard.install(values={'v': V}, fds='helper', stdio=True)\n"
    done = subprocess.run(
        [sys.executable, "-c", start + case.code], capture_output=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "V": value},
    )  # fmt: skip
    assert b"[tokenguard:" in done.stdout + done.stderr, done.stderr
    assert value.encode() not in done.stdout + done.stderr
    assert value[20:].encode() not in done.stdout + done.stderr


@pytest.mark.parametrize("case", named(Proven))
def test_it_has_a_test_of_its_own(case):
    assert re.search(rf"^def {case.test}\(", (ROOT / "tests" / case.file).read_text(), re.MULTILINE)


def test_a_mask_survives_another_masker():
    once = redact_text(masker(VALUE), f"a {VALUE} b")
    assert redact_text(masker(VALUE), once.replace("a ", "*** ")) == once.replace("a ", "*** ")
