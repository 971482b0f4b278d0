"""Vendors' tokens that are written differently: found in most forms in which own tokens are, and nothing else there."""

import base64
import gzip
import json
import random
import string

import pytest

from tests.fakes.disguises import COVERED
from tests.fakes.possible_findings import may_hold_shapes
from tests.fakes.token_examples import example
from tests.property.test_scan_history import new_in_each
from tokenguard.detection import disguised_tokens as disguised_tokens_module
from tokenguard.detection.clean_text import is_clean
from tokenguard.detection.disguised_tokens import disguised_tokens
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.match import Possible, TextMatch, Unscanned
from tokenguard.detection.suspects import suspects
from tokenguard.scanning.decoding import decoded
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import format_by_id
from tokenguard.token_formats.token_format import TokenFormat

KINDS = (
    "github-token", "github-fine-grained-token", "gitlab-token", "anthropic-api-key", "pypi-token", "npm-token", "sendgrid-key",
    "huggingface-token", "resend-key", "deepseek-key", "pulumi-token", "replicate-token", "mailgun-key", "hubspot-token",
)  # fmt: skip
FOUND = tuple(kind for kind in map(format_by_id, KINDS) if kind is not None)
NEEDED = (
    "base64", "base64 of json", "base64 data url", "basic auth", "cloud-init", "gzip in base64", "zlib in base64", "bzip2 in base64",
    "xz in base64", "gzip in wrapped base64", "base64 of a PDF", "base64 of a zip", "array of numbers", "array of hex", "hex with colons",
    "hex with spaces", "hex with dashes", "chr calls", "numbers with spaces", "numbers one a line", "hex", "hex upper", "hex in SQL", "percent", "percent twice", "json escapes",
    "json escapes, upper", "json escapes in json", "python escapes", "octal escapes", "decimal escapes", "decimal escapes, wide", "long escapes", "entities", "entities, hex",
    "joined", "joined over lines", "joined by dots", "joined by pipes", "joined with a comment", "joined in json", "added",
    "appended", "concat", "streamed", "template literal", "shell quotes", "shell continuation", "cmd continuation",
    "zero width spaces", "zero width joiners", "word joiners", "soft hyphens", "full width",
)  # fmt: skip


def written(kind: TokenFormat, name: str) -> bytes:
    text = COVERED[name](example(kind, 5, kind.shapes[0]))
    return b"first\n" + (text if isinstance(text, bytes) else text.encode()) + b"\n"


def told(data: bytes) -> list[str]:
    return [match.type for match in scan_extras(decoded(data).text, "a.txt")]


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.id)
def test_a_token_is_found_in_other_writings(kind: TokenFormat) -> None:
    found = {name for name in COVERED if kind.type in told(written(kind, name))}
    assert [name for name in NEEDED if name not in found] == []
    assert len(found) >= 100


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.id)
def test_no_door_passes_over_a_token_in_another_writing(kind: TokenFormat) -> None:
    passed = []
    for name in COVERED:
        data = written(kind, name)
        if b"\0" in data or b"\r" in data or not told(data):
            continue
        possible = suspects([b"x = 1", data, b"y = 2"], [False] * 3).possible(1)
        if is_clean(data, "a.txt") or Possible.SHAPES not in possible or not may_hold_shapes(data, "a.txt"):
            passed.append(name)
    assert passed == []


WRAPPED = {
    "yaml": lambda lines: "data: |\n" + "".join(f"  {line}\n" for line in lines),
    "json": lambda lines: '{"content": "' + "\\n".join(lines) + '"}',
    "literals": lambda lines: "x = (\n" + "".join(f'    "{line}"\n' for line in lines) + ")\n",
    "mail": lambda lines: "\r\n".join(lines) + "\r\n",
}


@pytest.mark.parametrize("form", WRAPPED)
@pytest.mark.parametrize("width", [60, 76])
def test_a_token_in_wrapped_base64_is_found(form: str, width: int) -> None:
    kind = FOUND[0]
    value = example(kind, 9, kind.shapes[0])
    for lead in range(40, 44):
        text = base64.b64encode(("#" * lead + f"\nkey: {value}\n" + "#" * 90).encode()).decode()
        data = WRAPPED[form]([text[at : at + width] for at in range(0, len(text), width)]).encode()
        assert told(data) == [kind.type]


def test_a_finding_says_how_the_token_is_written_and_where() -> None:
    kind = FOUND[0]
    value = example(kind, 9, kind.shapes[0])
    packed = base64.b64encode(gzip.compress(f"key: {value}\n".encode())).decode()
    (match,) = scan_extras(f"# caf\u00e9\n  content: {packed}\n", "cloud.yaml")
    assert (match.line, match.column, match.facts["via"], match.value.reveal()) == (2, 12, "base64, gzip", value)
    assert match.written is not None
    assert match.written.reveal() == packed


def test_a_token_that_stands_there_as_it_is_is_told_once() -> None:
    kind = FOUND[0]
    value = example(kind, 9, kind.shapes[0])
    for text in (f'"{value}" + "x"', f"'{value}', 'def'", f"{value}\\u0020", f"a%3D{value}%26", f'["{value}", "b"]'):
        assert told(text.encode()) == [kind.type], text


BESIDE = {
    "a colour": "\x1b[33m{}\x1b[0m",
    "a colour in JSON": '{{"text": "\\u001b[38;5;124m{}\\u001b[39m"}}',
    "an escaped sign": '{{"url": "https://example.net/?a=1\\u0026b\\u003d{}"}}',
    "an escaped quote": "x = '{{\\u0022t\\u0022:\\u0022{}\\u0022}}'",
}


@pytest.mark.parametrize("place", BESIDE)
def test_a_token_right_behind_an_escape_is_found(place: str) -> None:
    for kind in FOUND:
        text = BESIDE[place].format(example(kind, 6, kind.shapes[0]))
        assert told(text.encode()) == [kind.type]
        assert suspects([text.encode()], [False]).shapes == {0}
        assert not is_clean(text.encode(), "a.txt")


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


WRAPPERS = {
    "a value of a Secret": lambda value: f"kind: Secret\ndata:\n  t: {encoded(value)}\n",
    "logins of registries": lambda value: json.dumps({"auths": {"r": {"auth": encoded(f"u:{value}")}}}),
    "a release of Helm": lambda value: (
        f"kind: Secret\ndata:\n  release: {encoded(encoded(gzip.compress(json.dumps({'t': value}).encode(), mtime=0)))}\n"
    ),
    "a command of PowerShell": lambda value: f"powershell -enc {encoded(f'$t = {value!r}; run'.encode('utf-16-le'))}\n",
    "a registry's value": lambda value: (
        '"T"=hex(2):' + ",".join(f"{each:02x}" for each in value.encode("utf-16-le")) + "\n"
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_token_is_named_and_not_the_place_it_stands_in(wrapper: str) -> None:
    for kind in FOUND:
        assert told(WRAPPERS[wrapper](example(kind, 6, kind.shapes[0])).encode()) == [kind.type]


def test_no_commit_with_a_short_token_in_base64_is_clean() -> None:
    kind = format_by_id("fireworks-key")
    assert kind is not None
    for seed in range(40):
        data = f"x({encoded(example(kind, seed))})\n".encode()
        assert told(data) == [kind.type]
        assert not is_clean(data, "a.txt")


OPERATORS = (
    " <> ",
    " .. ",
    " ++ ",
    " ^ ",
    " * ",
    " & _\n    ",
    " \\\n  ",
)  # of Elixir, Lua, Haskell, OCaml, Julia, Visual Basic and Ruby


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_token_in_literals_that_an_operator_joins_is_found(operator: str) -> None:
    for kind in FOUND:
        value = example(kind, 6, kind.shapes[0])
        text = f'x = "{value[:9]}"{operator}"{value[9:]}"\n'.encode()
        assert told(text) == [kind.type]
        assert not is_clean(text, "a.txt")


def test_beginnings_without_the_rest_are_none() -> None:
    source = random.Random(12)
    text = (
        'const u = "SG." + name + ".x", k = "hf_" + "model_name_for_the_tests_of_it", s = "re_" + "start_the_server_again";\n'
        "type Kind = 'sk_dic' | 'pk_cnic' | 'secret_key_required' | 'separate_key_of_a_server';\n"
        f"{source.randbytes(3000).hex()}\n{encoded(source.randbytes(3000))}\n{[*source.randbytes(900)]}\n"
    )
    assert told(text.encode()) == []


def harmless() -> dict[str, str]:
    source = random.Random(11)
    alnum = "".join(source.choices(string.ascii_letters + string.digits, k=36))
    return {
        "prefixes of vendors": '["ghp_", "gho_", "ghu_", "glpat-", "sk-ant-", "xoxb-"]\nPREFIX = "ghp_" + "x" * 36\n',
        "a pattern": r"r'ghp_[A-Za-z0-9]{36}|glpat-[\w\-]{20}|xox[baprs]-\d+'" + "\n",
        "a placeholder": '"ghp_" + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n"glpat-" + "your-token-goes-here"\n',
        "a path": 'import x from "git" + "/lab/path/of/a/file"\nrun("gh" "pages")\n',
        "another value": f'"{alnum[:9]}" + "{alnum[9:]}"\n{alnum.encode().hex()}\n',
        "escapes of a sentence": "".join(f"\\u{ord(each):04x}" for each in "a sentence of words, in escapes") + "\n",
        "an address": "https%3A%2F%2Fexample.net%2Fhooks%3Fx%3D1%26y%3D2\n",
        "an image": "url(data:image/png;base64," + base64.b64encode(source.randbytes(900)).decode() + ")\n",
        "compressed text": base64.b64encode(gzip.compress(b"nothing to see here, again " * 9)).decode() + "\n",
        "soft hyphens in bytes of a program": "".join(
            f"u\u00ad{each}" if at % 5 == 0 else each for at, each in enumerate(alnum)
        )
        + "\n",
        "a list of hashes": "\n".join(source.randbytes(32).hex() for _ in range(40)) + "\n",
    }


@pytest.mark.parametrize(("name", "text"), harmless().items(), ids=harmless())
def test_a_prefix_a_pattern_or_another_value_is_none(name: str, text: str) -> None:
    assert list(disguised_tokens(text.encode())) == [], name


def test_a_part_that_is_changed_alone_is_found_in_the_history() -> None:
    kind = FOUND[0]
    versions = []
    for seed in (1, 2):
        value = example(kind, seed, kind.shapes[0])
        versions.append(f'a = (\n    "{value[:20]}"\n    "{value[20:]}"\n)\n'.encode())
    mixed = versions[1].split(b"\n")
    mixed[1] = versions[0].split(b"\n")[1]
    versions.insert(1, b"\n".join(mixed))
    told_of_each = new_in_each(versions, "a.py", Stages())
    assert told_of_each == new_in_each(versions, "a.py", Stages(), whole=True)
    assert all(any(name == kind.type for _, name, _ in each) for each in (told_of_each[0], told_of_each[2]))


def test_text_made_to_keep_a_scan_busy_is_read_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands round several such places is read once."""
    from tokenguard.detection import disguised_tokens as module

    read = []
    disguises = module._disguises()
    monkeypatch.setattr(module, "readings", lambda _, data: read.append(len(data)) or iter(()))
    data = b'"ghp_" + "a"\n' * 2000
    assert list(module.disguised_tokens(data)) == []
    assert disguises is module._disguises()
    assert sum(read) <= 2 * len(data)


def test_bytes_of_a_program_are_read_nowhere() -> None:
    """In Latin-1 a soft hyphen is one byte: in programs it stands between letters by chance."""
    source = random.Random(5)
    data = decoded(bytes(source.choices(range(1, 256), k=400_000))).text.encode()
    assert sum(len(list(each.finditer(data))) for each in disguised_tokens_module._marks()) <= 5


@pytest.mark.parametrize(
    "filler", ['x = "ghp_" + "a"\n', 'x = "ghp_" + "a"\n' + "calm = 1\n" * 600], ids=["dense", "sparse"]
)
def test_where_too_much_would_have_to_be_read_the_rest_is_told_as_not_scanned(
    filler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disguised_tokens_module, "_MOST", 1 << 15)
    first, last = (written(FOUND[0], "joined").decode() for _ in range(2))
    text = first + filler * ((1 << 18) // len(filler)) + last
    found = list(scan_extras(text, "a.py"))
    assert [each.line for each in found if isinstance(each, TextMatch)] == [2]
    left_out = [each for each in found if isinstance(each, Unscanned)]
    assert [each.reason for each in left_out] == ["nested-disguises"]
    assert 2 < left_out[0].line < text.count("\n") - 2
    assert left_out[0] in list(matches_of(text.encode(), "a.py", Stages()))


def test_a_text_with_less_is_read_to_its_end() -> None:
    text = written(FOUND[0], "joined").decode() + "calm = 'é'\n" * 9_000 + written(FOUND[0], "json escapes").decode()
    found = list(scan_extras(text, "a.py"))
    assert [each.line for each in found if isinstance(each, TextMatch)] == [2, 9_004]
    assert [each for each in found if isinstance(each, Unscanned)] == []
