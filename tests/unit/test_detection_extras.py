"""Stage C: every row of the table finds its examples, and nothing else."""

import random
import re
import string
import uuid

import pytest

from tests.fakes.token_examples import example
from tokenguard.detection import token_matcher
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.match import Confidence
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import pieces
from tokenguard.token_formats.token_format import TokenFormat

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


def surroundings(kind: TokenFormat) -> tuple[str, str]:
    """The words without which the format says too little."""
    if kind.names:
        return f"{kind.names[0]}_value = ", ""
    return "", f"  # {kind.near[0]}" if kind.near else ""


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.id)
def test_each_format_finds_every_one_of_its_shapes_by_name(kind: TokenFormat) -> None:
    name, comment = surroundings(kind)
    for number, template in enumerate(kind.shapes):
        value = example(kind, number, template)
        path = ".github/workflows/app.yml" if kind.only_ci else "src/app.py"
        for text in (f'{name}"{value}"{comment}', f"{name}'{value}'{comment}\n", f"x\n{name}{value}{comment}"):
            assert kind.type in found(text, path), (template, len(value))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind.stands_alone], ids=lambda kind: kind.id)
def test_a_format_leaves_longer_words_of_the_same_characters_alone(kind: TokenFormat) -> None:
    """One character before it, or behind a shape of fixed length: it is another word."""
    value = example(kind, 3, kind.shapes[0])
    before = "Z" if "A-Z" in kind.left else "z"
    assert kind.type not in found(f'"{before}{value}"'), value
    if all(isinstance(piece, str) or piece.least == piece.most for piece in pieces(kind.shapes[0])):
        assert kind.type not in found(f'"{value}zz9"')
        assert not any(kind.type == each for each in found(f'"{value[:-1]}"'))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind.names or kind.near], ids=lambda kind: kind.id)
def test_a_format_that_needs_words_is_silent_without_them(kind: TokenFormat) -> None:
    assert kind.type not in found(f'x = "{example(kind, 5)}"')


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind.checksum], ids=lambda kind: kind.id)
def test_a_token_without_its_checksum_is_of_low_confidence(kind: TokenFormat) -> None:
    value = example(kind, 7, kind.shapes[-1] if kind.checksum.startswith("gitlab") else kind.shapes[0])
    wrong = value[:-1] + ("a" if value[-1] != "a" else "b")
    if kind.checksum.startswith("gitlab") and value.count(".") != 2:
        value = example(kind, 7, next(each for each in kind.shapes if each.count(".") == 2))
        wrong = value[:-1] + ("a" if value[-1] != "a" else "b")
    for text, sure in ((value, Confidence.HIGH), (wrong, Confidence.LOW)):
        (match,) = scan_extras(f'"{text}"', "a.txt")
        assert (match.type, match.confidence) == (kind.type, sure)


@pytest.mark.parametrize(
    "text",
    [
        "dx_bearer_token:dx_secret_token",
        "hdx_secret_{uuid}",
        "dx_secret_{hex:32}",
        "dsc_your_token_here",
        "risk-social-{alnum:64}",
        "sk-social-{alnum:12}",
        "map_live_{alnum:24} autoposting",
        "glptt-{alnum:20}",
        "glagent-{alnum:20}",
        "hvs.{alnum:10}",
        "eyJ{alnum:20}",
        "DESCRIPT_API_TOKEN=${{{{ secrets.DESCRIPT_API_TOKEN }}}}",
        'DESCRIPT_API_TOKEN = os.environ["DESCRIPT_API_TOKEN_PRODUCTION"]',
        "DESCRIPT_API_TOKEN=your-descript-api-token-here",
        "DESCRIPT_API_TOKEN: video/publisher/prod/upload-token",
    ],
)
def test_near_misses_are_left_alone(text: str) -> None:
    assert found(filled(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "export DESCRIPT_API_TOKEN={alnum:40}",
        "ENV DESCRIPT_API_KEY {alnum:40}",
        '"AUTOPOSTING_API_KEY": "{alnum:40}"',
    ],
)
def test_a_value_of_a_known_variable_is_found_whatever_its_shape(text: str) -> None:
    assert "Token in a known variable" in found(filled(text))


def test_a_word_that_ends_like_the_beginning_of_a_token_is_not_its_first_half() -> None:
    assert found(filled("idx_bearer_{uuid}:dx_secret_{uuid}")) == ["Descript API Token (half)"]


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
    for kind in FORMATS:
        if kind.stands_alone:
            text = f'"log": "first{white}{example(kind, 1)}{white}last"'
            assert kind.type in found(text), text


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


def repeated() -> dict[str, list[tuple[TokenFormat, str]]]:
    """The characters of which one several times is the literal that a shape is found by, and these shapes."""
    found: dict[str, list[tuple[TokenFormat, str]]] = {}
    for kind in FORMATS:
        for template in kind.shapes:
            standing = token_matcher._standing(kind, template)
            if standing is not None and len(set(standing[0])) == 1:
                found.setdefault(standing[0][0], []).append((kind, template))
    return found


def test_a_run_of_one_character_is_not_asked_about_at_each_place(monkeypatch):
    asked = []
    found = token_matcher._Standing.found
    monkeypatch.setattr(
        token_matcher._Standing, "found", lambda clue, *place: (asked.append(clue), found(clue, *place))[1]
    )
    for letter in repeated():
        asked.clear()
        assert not list(scan_extras(letter * 100_000, "a.txt"))
        assert len(asked) < 40_000, letter


def test_a_token_beside_a_long_run_of_one_character_is_found():
    for letter, formats in repeated().items():
        for kind, template in formats:
            run, token = letter * 9_000, example(kind, 1, template)
            given = f"{kind.names[0]} = {token}" if kind.names else token
            text = f"{run} {given}\n{run}\n{given} {run}"
            spans = [text[each.start : each.end] for each in token_matcher.token_spans(text) if each.kind is kind]
            assert spans.count(token) == 2, kind.id
