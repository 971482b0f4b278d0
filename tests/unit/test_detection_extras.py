"""Stage C: every row of the table finds its examples, and nothing else."""

import base64
import random
import re
import string
import uuid

import pytest

from tokenguard.detection.extra_rules import RULES, ExtraRule
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.regex_set import regex

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "digit": string.digits,
    "base32": string.ascii_uppercase + "234567",
}


def filled(template: str, seed: int = 7) -> str:
    """A template with its {uuid}, {alnum:N}, {hex:N}… replaced by random characters made now."""
    source = random.Random(seed)

    def make(found: re.Match[str]) -> str:
        if found.group(1) == "uuid":
            return str(uuid.UUID(int=source.getrandbits(128), version=4))
        return "".join(source.choice(ALPHABETS[found.group(1)]) for _ in range(int(found.group(2))))

    return re.sub(
        r"\{(\w+)(?::(\d+))?\}",
        lambda found: make(found) if found.group(1) in (*ALPHABETS, "uuid") else found.group(),
        template,
    )


def found(text: str, path: str = ".github/workflows/app.yml") -> list[str]:
    return [match.type for match in scan_extras(text, path)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.type)
def test_each_rule_finds_its_examples_and_its_anchor_is_in_them(rule: ExtraRule) -> None:
    assert rule.examples
    for number, template in enumerate(rule.examples):
        text = filled(template, number)
        assert rule.type in found(text), template
        assert regex(rule.anchor).search(text.encode())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.type)
def test_each_rule_leaves_its_near_misses_alone(rule: ExtraRule) -> None:
    for number, template in enumerate(rule.not_examples):
        assert rule.type not in found(filled(template, number)), template


def test_a_whole_descript_token_is_one_finding_not_three() -> None:
    assert found(filled("x = 'dx_bearer_{uuid}:dx_secret_{uuid}'")) == ["Descript API Token"]


@pytest.mark.parametrize(
    "line",
    [
        "DESCRIPT_API_TOKEN=dx_bearer_{uuid}:dx_secret_{uuid}",
        'DESCRIPT_API_TOKEN="dx_bearer_{uuid}:dx_secret_{uuid}"',
        'token = "dx_bearer_{uuid}:dx_secret_{uuid}"',
        '{{"descript": "dx_bearer_{uuid}:dx_secret_{uuid}"}}',
        "Authorization: Bearer dx_bearer_{uuid}:dx_secret_{uuid}",
        'curl -H "Authorization: Bearer dx_bearer_{uuid}:dx_secret_{uuid}" https://descriptapi.com/v1/status',
        "2026-11-01 INFO calling with dx_bearer_{uuid}:dx_secret_{uuid} ok",
    ],
)
def test_a_descript_token_is_found_in_all_seven_placements_that_other_scanners_miss(line: str) -> None:
    assert "Descript API Token" in found(filled(line))


@pytest.mark.parametrize("white", ["\\n", "\\r\\n", "\\t"])
def test_white_space_as_json_writes_it_does_not_hide_what_follows(white: str) -> None:
    for rule in RULES:
        if not rule.near and not rule.only_ci:
            text = f'"log": "first{white}{filled(rule.examples[0])}{white}last"'
            assert rule.type in found(text), text


def test_a_word_that_is_part_of_a_longer_one_is_left_alone_after_a_backslash_too() -> None:
    assert found(filled("C:\\xsk-social-{alnum:64}")) == []


def test_positions_count_lines_and_characters_from_one() -> None:
    (match,) = scan_extras(filled("é\n  sk-social-{alnum:64}\n"), "a.txt")
    assert (match.line, match.column) == (2, 3)


@pytest.mark.parametrize(
    ("query", "kind", "lifetime"),
    [
        ("X-Amz-Date=20261101T000000Z&X-Amz-Expires=86400&X-Amz-Signature={hex:64}", "S3", "24 h, until 2026-11-02 00:00"),
        ("x-amz-date=20261101T000000Z&x-amz-expires=3600&x-amz-security-token=t&x-amz-signature={hex:64}", "S3", "1 h at most, until 2026-11-01 01:00"),
        ("X-Goog-Date=20261101T000000Z\\u0026X-Goog-Expires=43200\\u0026X-Goog-Signature={hex:64}", "GCS", "12 h, until 2026-11-01 12:00"),
        ("AWSAccessKeyId=x&amp;Expires=1793491200&amp;Signature={alnum:28}", "S3 v2", "until 2026-11-01 00:00"),
        ("GoogleAccessId=x&Expires=1793491200&Signature={alnum:60}", "GCS v2", "until 2026-11-01 00:00"),
        ("Expires=1793491200&Signature={alnum:60}&Key-Pair-Id=K", "CloudFront", "until 2026-11-01 00:00"),
        ("sv=2026-01-01&st=2026-11-01T00:00:00Z&se=2026-11-03T00:00:00Z&sr=b&sp=r&sig={alnum:43}%3D", "Azure SAS", "48 h, until 2026-11-03 00:00"),
        ("sv=2026-01-01&sr=b&si=policy&sig={alnum:43}%3D", "Azure SAS", "unknown"),
    ],
)  # fmt: skip
def test_a_presigned_url_is_found_with_its_lifetime(query: str, kind: str, lifetime: str) -> None:
    (match,) = scan_extras(filled(f'"https://bucket.example.net/a.mp4?{query}"'), "log.txt")
    assert (match.type, match.facts["lifetime"]) == (f"Pre-signed URL ({kind})", lifetime)


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.example.net/a?X-Amz-Expires=60&X-Amz-Signature=...",
        "https://bucket.example.net/a?sig=short&sv=1",
        "https://bucket.example.net/a?signature=abc",
        "ftp://bucket.example.net/a?sv=1&sig=abcdefghijklmnopqrstuv",
    ],
)
def test_documentation_of_presigned_urls_is_left_alone(url: str) -> None:
    assert found(url) == []


def test_a_hostile_megabyte_is_no_work() -> None:
    """Nothing here may be quadratic: each of these ends within the run's own timeout with room to spare."""
    for piece in (
        "dx_bearer_",
        "sk-social-",
        "https://a?",
        "eyJ" * 30 + ".",
        "DESCRIPT_API_TOKEN=",
        "&sig=&Signature=",
    ):
        found(piece * (1_000_000 // len(piece)))


def test_base64_is_not_stage_c() -> None:
    """What is encoded is found by fingerprints, not by shapes."""
    assert found(base64.b64encode(filled("dx_bearer_{uuid}:dx_secret_{uuid}").encode()).decode()) == []
