"""The engine: what it masks, what it leaves alone, what it refuses."""

import base64
import copy
import pickle
import threading
from collections import Counter
from functools import cache

import pytest

from tests.fakes.token_examples import example
from tests.unit.test_redaction_forms import fresh, masker
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError
from tokenguard.redaction.known import MaskedValue, MatchSource, Needle, opaque_id
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.patterns import PATTERNS
from tokenguard.redaction.stream import StreamRedactor, redact, redact_text
from tokenguard.streams.learn_values import OwnRedactor
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import pieces

PATTERNS_ONLY = Matcher()


def test_clean_data_is_the_same_object():
    data, text = b"nothing to see here " * 20, "nothing to see here, \u00e9 and \x1b[1mbold\x1b[0m"
    assert redact(masker(fresh()), data) is data
    assert redact_text(masker(fresh()), text) is text


def test_overlapping_values_leave_no_tail():
    out = redact(masker("abcdef1XX", "f1XXghij9"), b"<abcdef1XXghij9>")
    assert out == b"<[tokenguard:id0]>"


@pytest.mark.parametrize("order", [1, -1])
def test_a_value_that_is_a_prefix_of_another_hides_neither(order):
    values = ["tgcanary_aaa111", "tgcanary_aaa111bbb222"][::order]
    out = redact_text(masker(*values), "tgcanary_aaa111bbb222 tgcanary_aaa111")
    assert "tgcanary" not in out
    assert "bbb222" not in out


def test_a_value_written_twice_without_a_gap_is_one_mask():
    value = fresh()
    assert redact_text(masker(value), value * 3) == "[tokenguard:id0]"


def test_masking_again_changes_nothing():
    matcher = Matcher.of(MaskedValue.of("team/app", Value.of(fresh(seed=4))))
    once = redact_text(matcher, f"x {fresh(seed=4)} y Bearer {fresh(seed=5)}")
    assert redact_text(matcher, once) is once


@pytest.mark.parametrize("value", ["", "short7x", "        ", "aaaaaaaaaaaa", "true", "[tokenguard:", "tokenguard"])
def test_a_value_that_would_destroy_ordinary_text_is_refused_loudly(value, words):
    with pytest.raises(InputError) as caught:
        MaskedValue.of("team/app", Value.of(value))
    words(caught.value)
    assert not value or value not in caught.value.message.replace("team/app", "") or value == "        "


def test_the_mask_shows_an_opaque_id_unless_names_are_asked_for():
    value = Value.of(fresh(seed=6))
    hidden = redact_text(Matcher.of(MaskedValue.of("team/app", value)), value.token.reveal())
    shown = redact_text(Matcher.of(MaskedValue.of("team/app", value, show_name=True)), value.token.reveal())
    assert hidden == f"[tokenguard:{opaque_id('team/app')}]"
    assert shown == "[tokenguard:team/app]"


def test_an_engine_does_not_show_or_copy_what_it_holds():
    matcher = masker(fresh())
    assert "tgcanary" not in repr(matcher)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            attempt(matcher)


def test_an_old_and_a_new_value_of_one_token_are_both_masked():
    old, new = fresh(seed=1), fresh(seed=2)
    known = [*MaskedValue.of("team/app", Value.of(old)), *MaskedValue.of("team/app", Value.of(new))]
    assert redact_text(Matcher.of(known), f"{old} {new}").count("[tokenguard:") == 2


def test_hits_are_counted_by_token_and_form_never_by_piece():
    value = fresh(seed=7)
    found = Counter()
    redact(masker(value), f"{value} {value.encode().hex()} {value}".encode(), found)
    assert {(source.name, source.form): count for source, count in found.items()} == {
        ("t/0", "raw"): 2,
        ("t/0", "hex"): 1,
    }


def test_no_value_and_no_pattern_is_an_engine_too():
    assert redact(Matcher((), ()), b"anything") == b"anything"


def test_10_000_values_are_found_and_nothing_else():
    values = [fresh(24, seed=n) for n in range(10_000)]
    matcher = Matcher((Needle(v.encode(), MatchSource(f"n{i}", f"t/{i}", "raw")) for i, v in enumerate(values)), ())
    assert redact_text(matcher, f"{values[9_999]} {fresh(24, seed=-10_001)} {values[0]}") == (
        f"[tokenguard:n9999] {fresh(24, seed=-10_001)} [tokenguard:n0]"
    )


COLOURED = {
    "grep": "{0}\x1b[01;31m\x1b[K{1}\x1b[m\x1b[K{2}",
    "rich": "\x1b[32m{0}\x1b[0m\x1b[32m-\x1b[0m{1}{2}".replace("-\x1b[0m", "\x1b[0m"),
    "zero width": "{0}\u200b{1}\ufeff{2}",
    "soft hyphen": "{0}\u00ad{1}{2}",
    "charset": "{0}\x1b(B{1}\x1b[0K{2}",
    "title in between": "{0}\x1b]0;title\x07{1}{2}",
}


@pytest.mark.parametrize("how", COLOURED)
def test_escape_sequences_inside_a_value_do_not_hide_it(how):
    value = fresh(seed=8)
    written = COLOURED[how].format(value[:12], value[12:25], value[25:])
    out = redact_text(masker(value), f"a {written} b")
    assert "[tokenguard:id0]" in out
    assert not any(value[at : at + 4] in out for at in range(len(value) - 3))


def test_escape_sequences_inside_a_mask_still_reach_the_terminal():
    value = fresh(seed=9)
    assert redact_text(masker(value), f"{value[:15]}\x1b[31m{value[15:]}\x1b[0m") == "[tokenguard:id0]\x1b[31m\x1b[0m"


def test_a_value_inside_a_terminal_title_or_link_is_masked():
    value = fresh(seed=10)
    assert redact_text(masker(value), f"\x1b]8;;https://h/?k={value}\x1b\\here\x1b]8;;\x1b\\") == (
        "\x1b]8;;https://h/?k=[tokenguard:id0]\x1b\\here\x1b]8;;\x1b\\"
    )


def shaped(start, length, alphabet="a1B2c3D4e5F6g7H8"):
    return start + (alphabet * 20)[:length]


ISSUED = {
    "descript": shaped("dx_bearer_", 36) + ":" + shaped("dx_secret_", 36),
    "autoposting": shaped("sk-social-", 32),
    "github": shaped("gh" + "p_", 36),
    "gitlab": shaped("gl" + "pat-", 20),
    "slack": shaped("xo" + "xb-", 40),
    "vault": shaped("hv" + "s.", 90),
    "jwt": shaped("ey" + "J", 30) + "." + shaped("ey" + "J", 60) + "." + shaped("", 43),
    "npm": shaped("npm" + "_", 36),
}


@pytest.mark.parametrize("name", ISSUED)
def test_an_issued_credential_is_masked_by_its_shape(name):
    assert redact_text(PATTERNS_ONLY, f"key={ISSUED[name]}, next") == f"key=[tokenguard:{name}], next"


LONG_LITERAL = [
    pytest.param(kind, template, id=f"{kind.id}-{number}")
    for kind in FORMATS
    if kind.stands_alone and kind.masked
    for number, template in enumerate(kind.shapes)
    if isinstance(pieces(template)[0], str) and len(pieces(template)[0]) >= 4
]


@pytest.mark.parametrize(("kind", "template"), LONG_LITERAL)
def test_what_a_scan_knows_by_its_shape_is_masked_too(kind, template):
    value = example(kind, 11, template)
    for text in (f"key={value}, next", f'"{value}"', f"{value}\n"):
        masked = redact_text(PATTERNS_ONLY, text)
        assert value[len(value) // 2 :] not in masked, template
        assert "[tokenguard:" in masked


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Authorization: Bearer tgcanary_0123456789abcdef", "Authorization: Bearer [tokenguard:bearer]"),
        ("authorization: Basic dXNlcjp0Z2NhbmFyeQ==", "authorization: Basic [tokenguard:basic]"),
        ("https://user:tgcanary@host/path", "https://user:[tokenguard:url-password]@host/path"),
        ("redis://:tgcanary@host:6379/0", "redis://:[tokenguard:url-password]@host:6379/0"),
        ("https://user:{tgcanary}x@host", "https://user:[tokenguard:url-password]@host"),
        ("https://user:***tgcanary@host", "https://user:[tokenguard:url-password]@host"),
        (
            "-----BEGIN RSA " + "PRIVATE KEY-----\nTgCanary0123456789TgCanary0123456789\nabcd\n-----END RSA",
            "[tokenguard:private-key]\n\n\n-----END RSA",
        ),
    ],
)
def test_a_credential_is_masked_by_what_stands_before_it(text, wanted):
    assert redact_text(PATTERNS_ONLY, text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "https://127.0.0.1:8080/a:b@c",
        "http://[::1]:8080/",
        "Bearer token is missing",
        "Basic authentication",
        "the AKIA prefix, the dx_bearer_ half, sk-social- keys",
        "ghp_ and glpat- and xoxb-",
        "eyJ is how a JWT begins",
        "2026-11-22T00:41:33Z INFO path=/v1/jobs status=200 sha=0123456789abcdef0123456789abcdef01234567",
        "user@host:path/to:thing@v2",
        "postgresql://user:***@host/db and https://user:xxxxx@host, redis://:****@host",
        'f"postgresql://{user}:{settings.password}@{host}/{name}"',
        "https://user:${PASSWORD}@host https://user:{{password}}@host https://user:%(password)s@host",
        "https://user:[REDACTED]@host https://user:$(cat)@host",
        "Authorization: Bearer xxxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert redact_text(PATTERNS_ONLY, text) is text
    for cut in range(len(text)):
        stream = StreamRedactor(PATTERNS_ONLY)
        assert stream.feed(text[:cut].encode()) + stream.feed(text[cut:].encode()) + stream.finish() == text.encode()
        assert not stream.found


@pytest.mark.parametrize(
    "unit", ["Bearer ", "://a:", "eyJ.eyJ", "://", "-----BEGIN ", "xoxb-xoxb", "\x1b]", "\x1b[1", "dx_bearer_a:"]
)
def test_hostile_repetition_ends(unit):
    """No backtracking: two hundred kilobytes of near misses is over in moments (the suite's timeout is the judge)."""
    data = (unit * (200_000 // len(unit))).encode()
    stream = StreamRedactor(PATTERNS_ONLY)
    out = stream.feed(data)
    assert stream.held <= 16_384
    assert len(out + stream.finish()) <= len(data)


def test_a_pattern_that_cannot_match_hides_no_value_that_begins_inside_it():
    assert (
        redact_text(masker("://tgcanary_1x9q", patterns=PATTERNS), "http://tgcanary_1x9q/") == "http[tokenguard:id0]/"
    )


def test_binary_data_passes_unchanged():
    data = bytes(range(256)) * 40
    assert redact(masker(fresh()), data) == data


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_base64_of_small_numbers_passes_unchanged(size, count):
    """Their zeros are the beginning of a token of Square, of AWS and of others."""
    numbers = b"".join(number.to_bytes(size, "little") for number in range(16, 16 + count * 8))
    for before in (b"", b"x", b"xy"):
        text = base64.b64encode(before + numbers)
        assert redact(PATTERNS_ONLY, text) == text


def test_lone_surrogates_survive():
    value = fresh(seed=11)
    assert redact_text(masker(value), f"\udc80{value}\ud800") == "\udc80[tokenguard:id0]\ud800"


def test_an_inline_pragma_switches_nothing_off():
    value = fresh(seed=12)
    assert value not in redact_text(masker(value), f"{value}  # pragma: allowlist secret  # noqa  # nosec")


def test_threads_share_one_engine():
    value = fresh(seed=13)
    matcher, wrong = masker(value), []

    def work():
        out = {redact_text(matcher, f"{number} {value}") for number in range(300)}
        wrong.extend(out ^ {f"{number} [tokenguard:id0]" for number in range(300)})

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong


PROMPTS = [b"Password: ", b"Are you sure [y/N]? ", b">>> ", b"Connect to https://host:", b"$ ", b"user@host:~$ "]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_appears_while_nothing_follows(prompt):
    stream = StreamRedactor(Matcher.of(MaskedValue.of("a/b", Value.of(fresh(seed=14)))))
    assert stream.feed(prompt) + stream.idle() == prompt
    assert stream.feed(b"yes\n") + stream.finish() == b"yes\n"


def test_what_was_shown_of_a_value_by_waiting_is_less_than_eight_bytes():
    value = fresh(seed=15)
    for cut in range(len(value)):
        stream = StreamRedactor(masker(value))
        shown = stream.feed(value[:cut].encode()) + stream.idle()
        assert len(shown) < 8
        assert stream.feed(value[cut:].encode()) + stream.finish() == b"[tokenguard:id0]"


def test_a_secret_object_is_never_needed_in_the_clear_by_reports():
    found = Counter()
    redact(masker(fresh(seed=16)), fresh(seed=16).encode(), found)
    assert "tgcanary" not in repr(found)
    assert "tgcanary" not in repr(MaskedValue(id="x", name="y", secret=Secret(fresh())))


@cache
def matcher_of_examples() -> list[tuple[str, Matcher]]:
    """For each format a value and the engine that knows it: an engine takes longer to make than to use."""
    values = [example(form, 1) for form in FORMATS]
    return [(value, Matcher.of(MaskedValue.of("t/0", Value.of(value)))) for value in values]


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("around", ["{}", "Authorization: Bearer {}\n", "https://user:{}@example.net/", "x={}&y=1"])
@pytest.mark.parametrize("known", [True, False])
def test_one_occurrence_is_one_masked_value_also_if_its_format_is_known_too(known, around, piece):
    """A vendor's format, a header's and a known value may all lie under one mask."""
    for form, (value, knowing) in zip(FORMATS, matcher_of_examples(), strict=True):
        data = around.format(value).encode()
        stream = StreamRedactor(knowing if known else PATTERNS_ONLY)
        out = b"".join(stream.feed(data[at : at + piece]) for at in range(0, len(data), piece)) + stream.finish()
        if b"[tokenguard:" in out:
            masks = out.count(b"[tokenguard:")
            assert sum(stream.found.values()) == masks, (form.id, out, stream.found)
            assert not known or {source.name for source in stream.found} == {"t/0"}, (form.id, stream.found)
        assert not known or b"[tokenguard:" in out


@pytest.mark.parametrize("piece", [1, 10_000])
def test_a_known_value_within_a_longer_credential_is_the_one_that_is_counted(piece):
    value = fresh(seed=11)
    data = f"Authorization: Bearer ghp_0{value}\n".encode()
    stream = StreamRedactor(Matcher.of(MaskedValue.of("t/0", Value.of(value))))
    out = b"".join(stream.feed(data[at : at + piece]) for at in range(0, len(data), piece)) + stream.finish()
    assert out.count(b"[tokenguard:") == 1
    assert [source.name for source in stream.found.elements()] == ["t/0"]


def test_a_value_that_is_recognised_by_its_fingerprint_is_counted_once_too():
    value = example(FORMATS[0], 1)
    stream = OwnRedactor([], lambda data: [("0" * 32, Secret(value))] if value.encode() in data else [])
    out = stream.feed(f"x {value} y\n".encode()) + stream.finish()
    assert (out.count(b"[tokenguard:"), [source.name for source in stream.found.elements()]) == (1, ["0" * 32])


def test_two_occurrences_are_two_values_and_so_are_two_tokens_under_one_mask():
    value = example(FORMATS[0], 1)
    found = Counter()
    redact(Matcher.of(MaskedValue.of("t/0", Value.of(value))), f"{value} {value}".encode(), found)
    assert sum(found.values()) == 2
    found.clear()
    redact(masker("abcdef1XX", "f1XXghij9"), b"<abcdef1XXghij9>", found)
    assert sum(found.values()) == 2
