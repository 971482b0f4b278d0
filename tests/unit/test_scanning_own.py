"""The team's own tokens among what the rules find: told once, and never passed over in a later version of a file."""

import base64
import json
import random
import secrets
from collections.abc import Callable

import pytest

from tests.fakes.disguises import COVERED as DISGUISES
from tests.fakes.disguises import dump
from tests.fakes.token_examples import example
from tests.unit.test_detection_own import index, usable
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import Possible, TextMatch, Unscanned
from tokenguard.domain.finding import FindingKind, Origin
from tokenguard.domain.profile import Profile
from tokenguard.frozen import replace
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import Stages, matches_of, scan
from tokenguard.scanning.skip_unchanged import Passing
from tokenguard.token_formats.table import FORMATS

ORIGIN = Origin(commit="1" * 40, author_date="")


def stages(value: str, *, rules: bool = True) -> Stages:
    known = index(value)
    return Stages(own=lambda data: scan_own(known, data), rules=rules)


def wrapped(value: str) -> list[str]:
    return base64.encodebytes(b"x" * 30 + value.encode()).decode().split()


TOLD_ONCE: dict[str, Callable[[str], str]] = {
    "as it is": lambda t: f'password = "{t}"\n',
    "base64": lambda t: f'password = "{base64.b64encode(t.encode()).decode()}"\n',
    "base64 with padding": lambda t: f'key = "{base64.b64encode(b"x" + t.encode()).decode()}"\n',
    "base64 of json": lambda t: f'auth = "{base64.b64encode(json.dumps({"t": t}).encode()).decode()}"\n',
    "basic auth in a url": lambda t: f'url = "https://user:{t}@example.net/"\n',
    "hex": lambda t: f'secret = "{t.encode().hex()}"\n',
    "percent": lambda t: f'password = "{DISGUISES["percent"](t)}"\n',
    "escapes": lambda t: f'password: "{DISGUISES["json escapes"](t)}"\n',
    "joined": lambda t: f'password = "{t[:24]}" + "{t[24:]}"\n',
    "joined over lines": lambda t: f'password = ("{t[:24]}"\n  "{t[24:]}")\n',
    "wrapped in quotes": lambda t: "key = (" + "\n".join(f'"{part}"' for part in wrapped(t)) + ")",
    "a block of YAML": lambda t: "password: |\n  " + "\n  ".join(wrapped(t)),
}  # fmt: skip


@pytest.mark.parametrize("written", TOLD_ONCE)
@pytest.mark.parametrize("shape", ["autoposting", "letters", "descript"])
def test_an_own_token_that_a_rule_finds_too_is_told_once_as_own(shape: str, written: str) -> None:
    value = usable(shape)
    found = list(matches_of(TOLD_ONCE[written](value).encode(), "a.yaml", stages(value)))
    assert [each.kind for each in found if isinstance(each, TextMatch)] in ([FindingKind.OWN], [FindingKind.OWN] * 2), (
        found
    )


@pytest.mark.parametrize(("identifier", "rule"), [("github-token", "GitHub Token"), ("gitlab-token", "GitLab Token")])
def test_a_token_of_which_a_rule_takes_a_part_only_is_told_once_as_own(identifier: str, rule: str) -> None:
    value = example(next(kind for kind in FORMATS if kind.id == identifier), 3)
    found = list(matches_of(f"t={value}\n".encode(), "a.env", stages(value)))
    assert [(each.kind, each.facts["rule"]) for each in found if isinstance(each, TextMatch)] == [
        (FindingKind.OWN, rule)
    ]


def test_what_else_found_it_is_a_fact() -> None:
    value = "sk-social-" + secrets.token_hex(32)
    (found,) = matches_of(f'password = "{value}"\n'.encode(), "a.py", stages(value))
    assert isinstance(found, TextMatch)
    assert "Secret Keyword" in found.facts["rule"].split(", ")
    assert found.facts["vendor"] == "Autoposting API Key"


@pytest.mark.parametrize("beside", ['password = "q8Zk2LmWv5Rt9YbN4cXp7HdT"', 'secret = "q8Zk2LmWv5Rt9YbN4cXp7HdT0aKe"'])
def test_another_secret_beside_an_own_token_is_still_told(beside: str) -> None:
    value = usable("letters")
    for text in (f'{beside}; y = "{value}"\n', f'y = "{base64.b64encode(value.encode()).decode()}"\n{beside}\n'):
        kinds = {each.kind for each in matches_of(text.encode(), "a.py", stages(value)) if isinstance(each, TextMatch)}
        assert kinds == {FindingKind.OWN, FindingKind.RULE}, text


def test_a_part_of_a_token_on_another_line_is_another_finding() -> None:
    value = usable("letters")
    text = f'y = "{value}"\n\npassword = "{value[:20]}"\n'
    found = {
        each.kind: each.line for each in matches_of(text.encode(), "a.py", stages(value)) if isinstance(each, TextMatch)
    }
    assert found == {FindingKind.OWN: 1, FindingKind.RULE: 3}


def test_very_many_tokens_and_findings_are_each_told_once() -> None:
    """Told apart by their lines: each against each other they would take minutes."""
    values = [usable("letters") for _ in range(400)]
    known = index(*values)
    text = "".join(f'password = "{value}"\nother = "sk-social-{secrets.token_hex(32)}"\n' for value in values * 5)
    report = scan([Blob(path="a.py", data=text.encode())], Stages(own=lambda data: scan_own(known, data)))
    kinds = [each.kind for each in report.findings]
    assert (kinds.count(FindingKind.OWN), kinds.count(FindingKind.RULE) + kinds.count(FindingKind.EXTRA)) == (
        2000,
        2000,
    )


def test_a_short_word_that_a_disguise_happens_to_hold_is_another_finding() -> None:
    value = usable("letters")
    text = f'password = "{value[5:9]}"; x = "{value}"\n'
    every = replace(stages(value), profile=Profile.STRICT)
    kinds = {each.kind for each in matches_of(text.encode(), "a.py", every) if isinstance(each, TextMatch)}
    assert kinds == {FindingKind.OWN, FindingKind.RULE}


def deep_noise() -> bytes:
    """Base64 that can be read in several ways, each of which can again: more than is followed."""
    return base64.encodebytes((b"V" * 600 + b"\n") * 30)


@pytest.mark.parametrize("disguise", ["base64", "wrapped base64", "hex", "percent", "json escapes", "joined", "utf-16"])
def test_no_noise_before_a_disguised_token_hides_it(disguise: str) -> None:
    value = usable("letters")
    written = DISGUISES[disguise](value)
    data = deep_noise() + b"\n\n" + (written if isinstance(written, bytes) else written.encode())
    found = list(scan_own(index(value), data))
    assert any(isinstance(each, TextMatch) for each in found)


def test_where_nesting_is_given_up_the_report_says_so() -> None:
    value = usable("letters")
    report = scan([Blob(path="a.txt", data=b"x\n" + deep_noise())], stages(value, rules=False))
    assert [(each.reason, each.line) for each in report.skipped] == [("nested-disguises", 2)]
    assert [each for each in scan_own(index(value), b"V" * 9_000) if isinstance(each, Unscanned)] == []


def spread(value: str) -> str:
    return 'x = "' + ('" +' + " " * 600 + '"').join(value) + '"'


def escaped_twice(value: str) -> str:
    once = "".join(f"\\U{ord(char):08x}" for char in value * 5)
    return "".join(f"\\U{ord(char):08x}" for char in once)


@pytest.mark.parametrize("rules", [True, False])
@pytest.mark.parametrize("write", [*DISGUISES.values(), spread, escaped_twice], ids=[*DISGUISES, "spread", "twice"])
def test_the_version_that_makes_a_token_whole_is_not_passed_over(
    write: Callable[[str], str | bytes], rules: bool
) -> None:
    value = usable("letters")
    written = write(value)
    data = b"calm = 1\n" * 3 + (written if isinstance(written, bytes) else written.encode()) + b"\ncalm = 2\n"
    found = [each.facts["token"] for each in scan_own(index(value), data)]
    source = random.Random(5)
    for at in [source.randrange(30, len(data) - 12) for _ in range(6)]:
        broken = data[:at] + b"(,)" + data[at:]
        if [each.facts["token"] for each in scan_own(index(value), broken)] == found:
            continue
        versions = [Blob(path="a.txt", data=each, origin=ORIGIN) for each in (b"first\n", broken, data)]
        judged = list(Passing(stages(value, rules=rules)).judged(versions))
        assert Possible.OWN in judged[-1][1], at


def test_no_more_of_a_long_run_is_looked_at_than_a_value_takes(monkeypatch):
    """A copy of the rest of the run for each of its places would take hours for 20 MB in one line."""
    values = [f"tgcanary{secrets.token_hex(16)}" for _ in range(3)]
    own, asked = index(*values), []
    look = own._at
    monkeypatch.setattr(own, "_at", lambda text: asked.append(len(text)) or look(text))
    run = b"a" * 600 + b"".join(value.encode() + b"b" * 600 for value in values)
    assert len(list(own.hits(run + b"\n" + values[0].encode()))) == 4
    assert set(asked) == {len(values[0])}


@pytest.mark.parametrize("style", ["xxd", "hexdump", "od"])
def test_a_hex_dump_is_told_once_whatever_stands_in_its_text(style: str) -> None:
    """Its first line names the variable, beside the first characters of the token."""
    for name in (b"API_TOKEN=", b"A=", b"PASSWORD=", b"export DB_SECRET_KEY=", b"x\n\n\n\n\n\n\nPASSWORD="):
        value = usable("letters")
        written = dump(value, style, name)
        found = list(matches_of(written.encode(), "a.txt", stages(value)))
        assert [each.kind for each in found if isinstance(each, TextMatch)] == [FindingKind.OWN], written
