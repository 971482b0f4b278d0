"""A team's own plug-ins and filters find and drop what they do under detect-secrets itself, and nobody else brings any."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core import scan as ds
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import Settings, cache_bust, get_settings, transient_settings

from tokenguard.detection import detect_secrets_adapter
from tokenguard.detection.match import TextMatch, Unscanned
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.scanning import team_rules
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.scanning.team_rules import TeamFiles, TeamRules

PLUGIN = """
import re
from detect_secrets.plugins.base import RegexBasedDetector

class TicketDetector(RegexBasedDetector):
    secret_type = "Team Ticket"
    denylist = [re.compile(r"ticket-[0-9a-f]{12}")]

class QuotedDetector(RegexBasedDetector):
    secret_type = "Team Quoted"
    denylist = [re.compile(r'= "quoted-[0-9a-f]{8}"')]

class EveryLineDetector(RegexBasedDetector):
    secret_type = "Team Word"
    denylist = [re.compile(r"(?i)plain[a-z]+word")]
"""
FILTER = """
def is_known(secret): return secret.endswith("00")
def is_noted(line): return "harmless" in line
def is_of(filename, secret): return filename.endswith("skipped.py")
def is_short(secret, plugin): return len(secret) < 4
def is_rebuilt(line): return '"rebuilt' in line
def surrounds(context): return "nothing to see" in str(context.target_line)
"""
NAMES = ("is_known", "is_noted", "is_of", "is_short", "is_rebuilt", "surrounds")


def random_hex(length: int) -> str:
    return secrets.token_hex(length)[:length]


def files(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Names and texts of many kinds, each with what only the team's plug-ins find and with what the filters drop."""
    lines = [
        f'password = "{random_hex(20)}"', f'password = "{random_hex(18)}00"', f"see ticket-{random_hex(12)} for it",
        f"ticket-{random_hex(10)}00 is done", "a PlainOldWord here", f'api_key = "{random_hex(24)}"  # harmless',
        f"ticket-{random_hex(12)}  # pragma: allowlist secret", "nothing to see ticket-0123456789ab", "x = 1",
        f'client = Client(key="{random_hex(40)}")', f"token: ticket-{random_hex(12)}",
    ]  # fmt: skip
    bodies = {
        "a.py": "\n".join(lines), "b.txt": "\n".join(reversed(lines)), "skipped.py": "\n".join(lines), "empty.py": "",
        "c.yaml": f"a:\n  password: {random_hex(20)}00\n  text: |\n    ticket-{random_hex(12)}\n    more\nb: ticket-{random_hex(12)}\n",
        "d.ini": f"[one]\npassword = {random_hex(20)}\nt = ticket-{random_hex(12)}\n", "e.cfg": f"key = ticket-{random_hex(12)}\n",
        "f.conf": f"password = {random_hex(20)}00\nnote = plainoldword\n", "yarn.lock": "\n".join(lines), "g.md": "plainnewword",
        "h.settings": f"note = quoted-{random_hex(8)}\n", "i.yaml": f"password: rebuilt{random_hex(20)}\nother: 1\n",
    }  # fmt: skip
    for name, text in bodies.items():
        (tmp_path / name).write_text(text)
        yield str(tmp_path / name), text


@pytest.fixture
def team(tmp_path: Path) -> Iterator[TeamFiles]:
    (tmp_path / "team_plugin.py").write_text(PLUGIN)
    (tmp_path / "team_filter.py").write_text(FILTER)
    place = tmp_path / "team_filter.py"
    yield TeamFiles(plugins=(tmp_path / "team_plugin.py",), filters=tuple(f"{place}::{name}" for name in NAMES))
    restore()


def restore() -> None:
    """detect-secrets keeps settings for the process; other tests look at it too."""
    cache_bust()
    get_settings().set(Settings())
    get_mapping_from_secret_type_to_class.cache_clear()


def theirs(team: TeamFiles, path: str) -> list[tuple[str, str, int]]:
    """What detect-secrets itself finds with its own plug-ins and the team's."""
    restore()
    own = [{"name": each.__name__} for each in get_mapping_from_secret_type_to_class().values()]
    custom = [
        {"name": name, "path": f"file://{team.plugins[0]}"}
        for name in ("TicketDetector", "QuotedDetector", "EveryLineDetector")
    ]
    get_mapping_from_secret_type_to_class.cache_clear()
    known = [{"path": each} for each in Settings().filters]
    config = {
        "plugins_used": [*own, *custom],
        "filters_used": [*known, *({"path": f"file://{each}"} for each in team.filters)],
    }
    with transient_settings(config):
        found = [(secret.type, secret.secret_hash, secret.line_number) for secret in ds.scan_file(path)]
    return sorted(found)


def ours(rules: TeamRules, path: str, text: str) -> list[tuple[str, str, int]]:
    found = matches_of(text.encode(), path, Stages(team=rules, profile=Profile.DETECT_SECRETS))
    return sorted(
        (each.type, hashlib.sha1(each.value.reveal().encode()).hexdigest(), each.line)
        for each in found
        if isinstance(each, TextMatch) and each.kind.value == "rule"
    )


def test_the_same_is_found_and_dropped_as_by_detect_secrets_itself(tmp_path: Path, team: TeamFiles) -> None:
    texts = list(files(tmp_path))
    expected = {path: theirs(team, path) for path, _ in texts}
    assert {kind for found in expected.values() for kind, _, _ in found} > {
        "Team Ticket",
        "Team Word",
        "Team Quoted",
        "Secret Keyword",
    }
    restore()
    rules = TeamRules(team)
    assert {path: ours(rules, path, text) for path, text in texts} == expected


def test_a_plug_in_without_filters_and_filters_without_a_plug_in(tmp_path: Path, team: TeamFiles) -> None:
    text = f'password = "{random_hex(18)}00"\nticket-{random_hex(12)}\n'
    kinds = {kind for kind, _, _ in ours(TeamRules(TeamFiles(plugins=team.plugins)), "a.py", text)}
    assert kinds - {"Hex High Entropy String"} == {"Secret Keyword", "Team Ticket"}
    restore()
    assert ours(TeamRules(TeamFiles(filters=team.filters)), "a.py", text) == []


PATTERNS = (
    "should_exclude_secret=^[0-9a-f]+00$", "should_exclude_secret=^rebuilt", "should_exclude_line=# *harmless", "should_exclude_file=skipped|x::y",
)  # fmt: skip


def test_patterns_drop_what_they_drop_in_detect_secrets_itself(tmp_path: Path, team: TeamFiles) -> None:
    texts = list(files(tmp_path))
    named = TeamFiles(plugins=team.plugins, filters=tuple(f"detect_secrets.filters.regex.{each}" for each in PATTERNS))
    rules = TeamRules(named)
    found = {path: ours(rules, path, text) for path, text in texts}
    restore()
    config = {
        "plugins_used": [{"name": each.__name__} for each in get_mapping_from_secret_type_to_class().values()],
        "filters_used": [
            *({"path": each} for each in Settings().filters),
            {"path": "detect_secrets.filters.regex.should_exclude_secret", "pattern": ["^[0-9a-f]+00$", "^rebuilt"]},
            {"path": "detect_secrets.filters.regex.should_exclude_line", "pattern": ["# *harmless"]},
            {"path": "detect_secrets.filters.regex.should_exclude_file", "pattern": ["skipped|x::y"]},
        ],
    }
    detect_secrets_adapter.forget_patterns()
    with transient_settings(config):
        expected = {
            path: sorted((each.type, each.secret_hash, each.line_number) for each in ds.scan_file(path))
            for path, _ in texts
        }
    detect_secrets_adapter.forget_patterns()
    assert {path: [each for each in rows if not each[0].startswith("Team")] for path, rows in found.items()} == expected
    assert sum(map(len, expected.values())) < sum(
        len(ours(TeamRules(TeamFiles(plugins=team.plugins)), *each)) for each in texts
    )


def test_a_filter_that_never_ends_drops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team_rules, "_SECONDS", 0.05)
    rules = TeamRules(TeamFiles(filters=("detect_secrets.filters.regex.should_exclude_line=(a+)+$",)))
    try:
        assert ours(rules, "a.py", f'password = "{random_hex(20)}" {"a" * 60}!\n')
    finally:
        restore()


BAD = {
    "no pattern": ((), ("detect_secrets.filters.regex.should_exclude_line",)), "empty pattern": ((), ("detect_secrets.filters.regex.should_exclude_line=",)),
    "broken pattern": ((), ("detect_secrets.filters.regex.should_exclude_line=(",)), "unknown with a pattern": ((), ("detect_secrets.filters.regex.nothing=x",)),
    "missing": ((), ("nowhere.py::x",)), "no such function": ((), ("team_filter.py::nothing",)), "no place": ((), ("is_known",)),
    "network": ((), ("detect_secrets.filters.common.is_ignored_due_to_verification_policies",)),
    "unknown": ((), ("detect_secrets.filters.nowhere.nothing",)), "no plug-in": (("team_filter.py",), ()),
    "not Python": (("broken.py",), ()), "raises": (("raising.py",), ()), "writable": (("open.py",), ()), "directory": (("",), ()),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_trusted_or_loaded_is_bad_input(tmp_path: Path, team: TeamFiles, case: str) -> None:
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "raising.py").write_text("raise RuntimeError('tgcanary-of-a-plugin')")
    (tmp_path / "open.py").write_text(PLUGIN)
    (tmp_path / "open.py").chmod(0o666)
    plugins, filters = BAD[case]
    located = tuple(
        each if each.startswith("detect_secrets") or "::" not in each else f"{tmp_path}/{each}" for each in filters
    )
    with pytest.raises(InputError) as caught:
        TeamRules(TeamFiles(plugins=tuple(tmp_path / each for each in plugins), filters=located))
    assert "tgcanary" not in caught.value.message + caught.value.hint


def test_a_plug_in_that_fails_on_a_line_ends_the_scan_without_showing_the_line(tmp_path: Path) -> None:
    failing = PLUGIN.replace(
        'denylist = [re.compile(r"ticket',
        'def analyze_string(self, string): raise KeyError(string)\n    denylist = [re.compile(r"ticket',
    )
    (tmp_path / "team_plugin.py").write_text(failing)
    try:
        rules = TeamRules(TeamFiles(plugins=(tmp_path / "team_plugin.py",)))
        with pytest.raises(InputError) as caught:
            list(rules.finds("tgcanary-on-a-line\n", "a.py", also=False))
    finally:
        restore()
    assert "tgcanary" not in caught.value.message + caught.value.hint


def test_a_plug_in_that_never_ends_is_given_up_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = PLUGIN.replace(
        'denylist = [re.compile(r"ticket',
        'def analyze_string(self, string):\n        while True: pass\n    denylist = [re.compile(r"ticket',
    )
    (tmp_path / "team_plugin.py").write_text(endless)
    monkeypatch.setattr("tokenguard.scanning.team_rules._SECONDS", 0.2)
    try:
        found = list(TeamRules(TeamFiles(plugins=(tmp_path / "team_plugin.py",))).finds("x\n", "a.py", also=False))
    finally:
        restore()
    assert found == [Unscanned(line=1, reason="team-rules-out-of-time")]
