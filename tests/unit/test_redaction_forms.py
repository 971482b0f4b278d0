"""However a value is written, none of it comes through."""

import base64
import html
import itertools
import json
import random
import shlex
import string
import subprocess
import urllib.parse
import uuid
from functools import lru_cache

import pytest

from tokenguard.domain.encodings import Encoding, base64_cores, forms, parts_of_pair, public_start
from tokenguard.domain.secret import Secret, Value
from tokenguard.redaction.known import MaskedValue
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor, redact, redact_text

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def fresh(length=32, seed=None):
    rng = random.Random(seed)
    return "tgcanary_" + "".join(rng.choice(ALPHABET) for _ in range(length))


@lru_cache(300)
def masker(*values, patterns=()):
    """What the same values were made into before, which takes most of the time; a matcher does not change."""
    return Matcher.of(
        (MaskedValue(id=f"id{n}", name=f"t/{n}", secret=Secret(v)) for n, v in enumerate(values)), patterns
    )


AWKWARD = "tgcanary/p+w=9&\"q'<é>\\$`x%~;!|(" + "aB3" * 4


def shell_printf_q(text):
    return subprocess.run(
        ["bash", "-c", 'printf %q "$1"', "-", text],
        capture_output=True,
        check=True,
        text=True,
        env={"LC_ALL": "C.UTF-8"},
    ).stdout


WRITTEN = {
    "raw": lambda text: text,
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url path": urllib.parse.quote,
    "url form": lambda text: urllib.parse.urlencode({"k": text}),
    "url lower": lambda text: (
        urllib.parse.quote(text, safe="").replace("%2B", "%2b").replace("%3C", "%3c").lower()
        if text.islower()
        else urllib.parse.quote(text, safe="")
    ),
    "url twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "json": json.dumps,
    "json utf-8": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json slash": lambda text: json.dumps(text).replace("/", "\\/"),
    "repr": repr,
    "repr in repr": lambda text: repr(repr(text)[1:-1]),
    "ascii": ascii,
    "bytes repr": lambda text: repr(text.encode()),
    "shlex": shlex.quote,
    "printf %q": shell_printf_q,
    "html": html.escape,
    "xml": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "utf-16 base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "basic auth": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "upper": str.upper,
    "lower": str.lower,
}


@pytest.mark.parametrize("value", [fresh(seed=1), AWKWARD], ids=["plain", "awkward"])
@pytest.mark.parametrize("how", WRITTEN)
def test_every_way_of_writing_a_value_is_masked(how, value):
    written = WRITTEN[how](value)
    out = redact_text(masker(value), f"before {written} after")
    assert "[tokenguard:id0]" in out
    assert out.startswith("before ")
    assert out.endswith(" after")
    body = out[7:-6].replace("[tokenguard:id0]", "")
    assert len(body) <= 12, "no more than what stood around it is left"


def test_base64_at_every_offset_leaves_nothing_in_3_564_cases():
    """Lengths 16 to 48, up to 8 bytes before, six endings, both alphabets: no byte of the value can be recovered."""
    cases = 0
    for length, before, after in itertools.product(range(16, 49), range(9), ("", "\n", " ", "\r\n", ":x", "abc")):
        value = fresh(length - 9, seed=length)
        matcher = masker(value)
        for encode, decode in (
            (base64.b64encode, base64.b64decode),
            (base64.urlsafe_b64encode, base64.urlsafe_b64decode),
        ):
            out = redact(matcher, encode(b"\x7f" * before + value.encode() + after.encode()))
            left, _, right = out.partition(b"[tokenguard:id0]")
            assert _, (length, before, after)
            assert not set(decode(left[: len(left) // 4 * 4])) & set(value.encode())
            assert len(right) <= 4 + len(after) * 2
            cases += 1
    assert cases == 3_564


@pytest.mark.parametrize("wide", [False, True], ids=["utf-8", "utf-16"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_base64_digit_that_shares_bits_with_the_value_is_masked_too(encode, wide):
    """What is left are the digits of what stood before and after, and the padding: not four bits of the value."""
    for length, before, after in itertools.product((24, 25, 26), range(4), (b"", b"\n", b":x", b"\xff\xff\xff")):
        value = fresh(length, seed=length).replace("_", "")
        data = value.encode("utf-16-le") if wide else value.encode()
        text = encode(b"\xff" * before + data + after)
        left, masked, right = redact(masker(value), text).partition(b"[tokenguard:id0]")
        start, end = 8 * before // 6, -(-8 * (before + len(data)) // 6)
        assert masked
        assert text.startswith(left)
        assert text.endswith(right)
        assert start - 1 <= len(left) <= start, (length, before, after)
        assert len(text) - end - 1 <= len(right) <= len(text) - end, (length, before, after)


def test_a_digit_before_a_value_that_begins_with_a_public_prefix_is_not_waited_for():
    """It holds bits of the prefix only; text on its way to a terminal passes at once."""
    assert StreamRedactor(masker(fresh(seed=2))).feed(b"A") == b"A"


def test_the_cores_are_what_the_value_alone_decides():
    rng = random.Random(3)
    for _ in range(200):
        data = rng.randbytes(rng.randint(8, 40))
        cores = list(base64_cores(data))
        for phase in range(3):
            text = base64.b64encode(rng.randbytes(phase) + data + rng.randbytes(rng.randint(0, 5)))
            assert cores[2 * phase] in text


def test_utf_16_and_decomposed_text_are_masked():
    value = "tgcanary_ÄßéK9x2" + "q7"
    for order in ("utf-16-le", "utf-16-be"):
        assert redact(masker(value), b"<" + value.encode(order) + b">") == b"<[tokenguard:id0]>"


def test_halves_of_a_pair_are_masked_alone_and_in_either_order():
    value = "tg_canary_0a1B2c3D4e:tg_canary_9z8Y7x6W5v"
    left, right = parts_of_pair(value)
    assert redact_text(masker(value), f"{right} {left}") == "[tokenguard:id0] [tokenguard:id0]"
    assert forms(value)[left.encode()] is Encoding.HALF


PEM = "-----BEGIN X-----\nabcDEF123456\nghiJKL789012\n-----END X-----"


@pytest.mark.parametrize(
    "written",
    [
        PEM,
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", " "),
        PEM.replace("\n", "\\n"),
        "\n".join("    " + line for line in PEM.splitlines()),
        "\n".join(f"{n}| {line}" for n, line in enumerate(PEM.splitlines())),
        "ghiJKL789012",
        base64.b64encode(PEM.encode()).decode(),
    ],
)
def test_a_value_of_several_lines_is_masked_however_its_lines_are_joined(written):
    out = redact_text(masker(PEM), written)
    assert "abcDEF123456" not in out
    assert "ghiJKL789012" not in out
    assert "[tokenguard:id0]" in out


TRUNCATED = {
    "by hand": lambda value: value[:24] + "...",
    "pydantic": lambda value: f"input_value='{value[:25]}...{value[-24:]}'",
    "reprlib": lambda value: f"{value[:19]}...{value[-14:]}",
    "tail": lambda value: "..." + value[-12:],
    "middle": lambda value: value[13:33],
    "cut line": lambda value: value[: len(value) - 3],
}


@pytest.mark.parametrize("how", TRUNCATED)
def test_what_a_truncated_display_leaves_is_masked_but_for_three_characters(how):
    for seed in range(20):
        value = fresh(40, seed=seed)
        out = redact_text(masker(value), TRUNCATED[how](value))
        secret = value[9:]
        assert not any(secret[at : at + 4] in out for at in range(len(secret) - 3)), out


@pytest.mark.parametrize("size", [15, 16, 20])
def test_fifteen_characters_from_anywhere_are_masked_but_for_three_at_each_end(size):
    """As docs/redaction.md says."""
    for seed in range(20):
        secret = fresh(40, seed=seed)[9:]
        for at in range(len(secret) - size + 1):
            out = redact_text(masker("tgcanary_" + secret), f"<{secret[at : at + size]}>")
            assert not any(secret[each : each + 4] in out for each in range(len(secret) - 3)), (at, out)


GENERATED = {
    "hex": ("0123456789abcdef", 40),
    "upper hex": ("0123456789ABCDEF", 36),
    "base36": (string.ascii_lowercase + string.digits, 40),
}


@pytest.mark.parametrize("cut", TRUNCATED)
@pytest.mark.parametrize("alphabet", [*GENERATED, "uuid"])
def test_chance_leaves_no_cut_value_of_few_kinds_of_characters_unmasked(alphabet, cut):
    """One of a hundred hex values has 20 digits among which kinds of characters hardly change."""
    source = random.Random(19)
    for _ in range(300):
        if alphabet == "uuid":
            body = str(uuid.UUID(int=source.getrandbits(128), version=4))
        else:
            body = "".join(source.choices(GENERATED[alphabet][0], k=GENERATED[alphabet][1]))
        out = redact_text(masker("tgcanary_" + body), TRUNCATED[cut]("tgcanary_" + body))
        assert not any(body[at : at + 4] in out for at in range(len(body) - 3)), (body, out)


def test_what_is_public_of_a_value_is_not_masked():
    assert public_start("sk-social-1234") == "sk-social-"
    assert (
        redact_text(masker("sk-social-" + "aB3xY9kQ2mZ7pL5w"), "keys begin with sk-social-")
        == "keys begin with sk-social-"
    )


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("sk-ant-api03-xY12", "sk-ant-api03-"),
        ("github_pat_11AB_cd", "github_pat_"),
        ("SG.abc", "SG."),
        ("dx_bearer_e539a78b-c8ef-4346-8b12-ae6ead581e57", "dx_bearer_"),
        ("dx_bearer_abcdef12-face-4346-8b12-ae6ead581e57", "dx_bearer_"),
        ("da66ee85-7555-416c-8a0a-4596278805d1", ""),
        ("sk-proj-aBcD_eFgh", "sk-proj-"),
    ],
)
def test_only_words_are_a_public_start(value, start):
    """What is taken for public is shown, so chance must not make a part of the secret look so."""
    assert public_start(value) == start


def test_words_of_a_passphrase_are_not_masked_one_by_one():
    value = "correct-horse-battery-staple"
    assert redact_text(masker(value), "a horse-battery-staple") == "a horse-battery-staple"
    assert redact_text(masker(value), value) == "[tokenguard:id0]"


def test_each_field_of_a_value_has_its_own_mask():
    value = Value({"id": Secret("tgcanary_id_01x9"), "secret": Secret("tgcanary_secret_77q")})
    matcher = Matcher.of(MaskedValue.of("team/aws", value, show_name=True), ())
    assert redact_text(matcher, "tgcanary_id_01x9/tgcanary_secret_77q") == (
        "[tokenguard:team/aws.id]/[tokenguard:team/aws.secret]"
    )
