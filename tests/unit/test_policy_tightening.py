"""`.tokenguard.toml`: a repository may ask for more than the organisation's policy, and for nothing less or else."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.git_repository import Repository
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.compare_strictness import loosens
from tokenguard.policy.loader import default_policy, load_policy, packaged_policy
from tokenguard.policy.model import Override, RuleSelector, Severity
from tokenguard.policy.repository_overrides import MAX_BYTES, ScanDemands, Tightening, read_tightening, tightened
from tokenguard.scanning.git import Git
from tokenguard.scanning.repository_settings import repository_settings, settings_of

GOOD = b"""\
[scan]
strict = true
require_own = true
max_pragmas = 3
profile = "detect-secrets"

[policy]
fail_on = "warning"

[policy.rules.maximum-age]
days = {prod = 30, qa = 20}

[policy.rules.no-consumer]
severity = "error"
"""


def rule(text: str, policy=None):
    made = read_tightening(f"[policy.rules.{text}\n".encode())
    return tightened(policy or default_policy(), made).rule(made.rules[0].rule)


def test_everything_that_is_asked_for_is_read():
    found = read_tightening(GOOD)
    assert found.scan == ScanDemands(strict=True, require_own=True, max_pragmas=3, profile=Profile.DETECT_SECRETS)
    assert found.fail_on is Severity.WARNING
    policy = tightened(default_policy(), found)
    age = policy.rule("maximum-age")
    assert [age.limit(name).days for name in ("prod", "qa", "staging", "x")] == [30, 20, 180, 90]
    assert policy.rule("no-consumer").severity is Severity.ERROR


def test_nothing_asked_for_changes_nothing():
    assert read_tightening(b"") == Tightening()
    assert tightened(default_policy(), Tightening()) == default_policy()


STRICTER = {
    "fewer days": ("unused]\ndays = 60", "days", 60),
    "the same days": ("unused]\ndays = 90", "days", 90),
    "more quiet days": ("quiet-consumers]\ndays = 8", "days", 8),
    "more segments": ("descriptive-name]\nsegments = 3", "segments", 3),
    "fewer tokens": ("tokens-per-scope]\nmost = 9", "most", 9),
    "more fields": ("responsible-people]\nfields = ['account']", "fields", ("made_by", "deputy", "account")),
    "more people": ("person-left]\npeople = ['ann']", "people", ("ann",)),
    "more warnings": ("maximum-age]\nwarn = [60]", "warn", (60, 30, 14, 7, 1)),
    "a context": ("one-drive-per-context]\ncontexts = {a = ['env:dev']}", "contexts", {"a": ("env:dev",)}),
    "a purpose's permissions": ("least-privilege]\npermissions = {a = ['x:read']}", "permissions", {"a": ("x:read",)}),
}


@pytest.mark.parametrize(("text", "name", "expected"), STRICTER.values(), ids=STRICTER)
def test_a_stricter_parameter_is_taken(text, name, expected):
    assert rule(text).parameters[name] == expected


LOOSER = {
    "more days": "unused]\ndays = 91",
    "more days for one environment": "maximum-age]\ndays = {prod = 91}",
    "more days than all others get": "maximum-age]\ndays = {qa = 91}",
    "more days for all others": "maximum-age]\notherwise = 91",
    "fewer quiet days": "quiet-consumers]\ndays = 6",
    "fewer segments": "descriptive-name]\nsegments = 1",
    "more tokens": "tokens-per-scope]\nmost = 11",
    "a lesser severity": "maximum-age]\nseverity = 'warning'",
}


@pytest.mark.parametrize("text", LOOSER.values(), ids=LOOSER)
def test_asking_for_less_is_refused(text, words):
    with pytest.raises(InputError) as caught:
        rule(text)
    words(caught.value)


def test_a_permission_that_the_organisation_does_not_allow_is_asking_for_less():
    policy = packaged_policy("autoposting")
    assert rule("least-privilege]\npermissions = {schedule = ['posts:read']}", policy).lists("permissions")[
        "schedule"
    ] == ("posts:read",)
    with pytest.raises(InputError):
        rule("least-privilege]\npermissions = {schedule = ['brands:write']}", policy)


@pytest.mark.parametrize("base", ["default", "strict", "descript", "autoposting", "ci"])
def test_what_a_policy_says_itself_is_never_asking_for_less(base):
    for each in packaged_policy(base).rules:
        for name in CATALOGUE[each.id].parameters:
            assert not loosens(each.id, name, each.parameters, each.parameters), (each.id, name)


def test_a_rule_that_the_policy_leaves_out_can_be_switched_on():
    policy = load_policy(b"format: 1\nname: few\nrules: []\n", source="p.yaml")
    assert rule("unused]\ndays = 60", policy).severity is Severity.WARNING
    off = load_policy(b"format: 1\nname: few\nextends: default\nrules: [{id: unused, severity: 'off'}]\n", source="p")
    assert rule("unused]\nseverity = 'note'", off).severity is Severity.NOTE


def test_an_override_of_the_policy_does_not_undo_it():
    softer = Override(
        rule="maximum-age",
        match=RuleSelector(environment="dev"),
        severity=Severity.NOTE,
        parameters={"days": {"dev": 400}},
    )
    policy = replace(default_policy(), overrides=(softer,))
    found = tightened(policy, read_tightening(b"[policy.rules.maximum-age]\nseverity = 'error'\ndays = {dev = 100}\n"))
    (override,) = found.overrides
    assert (override.severity, override.parameters["days"]["dev"]) == (Severity.ERROR, 100)
    assert found.rule("maximum-age").limit("dev") == timedelta(days=100)


BAD = {
    "a store": (b"[store]\nurl = 'local:///x'\n", 1),
    "a command": (b"\n[commands.x]\nargv = ['x']\n", 2),
    "a waiver": (b"[policy]\n[[policy.waivers]]\nrule = 'orphan'\n", 2),
    "an override": (b"[policy]\noverrides = []\n", 2),
    "another base": (b"[policy]\n\nextends = 'default'\n", 3),
    "a rule off": (b"[policy.rules.orphan]\nseverity = 'off'\n", 2),
    "a rule unknown": (b"[scan]\n\n[policy.rules.nothing]\n", 3),
    "a parameter unknown": (b"[policy.rules.unused]\n# why\ndays = 3\nhours = 3\n", 4),
    "a switch off": (b"[scan]\nstrict = false\n", 2),
    "a switch as number": (b"[scan]\nrequire_own = 1\n", 2),
    "unknown profile": (b'[scan]\nprofile = "strictest"\n', 2),
    "a profile that is not text": (b"[scan]\nprofile = 1\n", 2),
    "a list of profiles": (b'[scan]\nprofile = ["default"]\n', 2),
    "pragmas negative": (b"[scan]\nmax_pragmas = -1\n", 2),
    "pragmas huge": (b"[scan]\nmax_pragmas = 9999999999999999\n", 2),
    "everything excluded": (b"[scan]\nexclude = [\n  '**',\n]\n", 2),
    "fail on nothing": (b"[policy]\nfail_on = 'off'\n", 2),
    "a fraction": (b"[policy.rules.unused]\ndays = 1.5\n", 2),
    "a date": (b"[policy.rules.unused]\ndays = 2026-01-01\n", 2),
    "zero days": (b"[policy.rules.unused]\n\n\ndays = 0\n", 4),
    "rules a list": (b"[[policy.rules]]\nid = 'unused'\n", 1),
    "a table missing": (b"policy = 1\n", 1),
    "a key twice": (b"[scan]\nstrict = true\nstrict = true\n", 3),
    "not TOML": (b"[scan]\nstrict: true\n", 2),
    "not UTF-8": (b"[scan]\n\xff\n", 2),
    "NUL": (b"[scan]\n\0\n", 2),
    "deep": (b"a = " + b"[" * 5_000, 1),
    "deep and whole": (b"a = " + b"[" * 20 + b"]" * 20, 1),
    "too large": (b"#" * (MAX_BYTES + 1), 1),
    "an integer without end": (b"[scan]\nmax_pragmas = " + b"9" * 4_000, 2),
}


@pytest.mark.parametrize(("data", "line"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_with_its_line(data, line):
    with pytest.raises(InputError) as caught:
        read_tightening(data)
    assert caught.value.message.startswith(f".tokenguard.toml:{line}: "), caught.value.message
    assert "\n" not in caught.value.message


@given(st.binary(max_size=120) | st.text(max_size=120).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(InputError):
        assert isinstance(read_tightening(data), Tightening)


class TestWhereItIsRead:
    @pytest.fixture
    def repository(self, tmp_path):
        return Repository(tmp_path / "repository")

    def test_a_repository_without_it_asks_for_nothing(self, repository):
        repository.write("a/b.txt", "x")
        repository.commit("one")
        assert repository_settings(Git(repository.path)) == Tightening()
        assert repository_settings(Git(repository.path), base="main") == Tightening()

    def test_it_is_read_from_the_top_also_for_a_directory_within(self, repository):
        repository.write(".tokenguard.toml", GOOD)
        repository.write("a/.tokenguard.toml", "[store]")
        assert repository_settings(Git(repository.path / "a")) == read_tightening(GOOD)

    def test_a_change_cannot_take_away_what_its_base_asks_for(self, repository):
        repository.write(".tokenguard.toml", GOOD)
        repository.commit("one")
        repository.git("checkout", "-q", "-b", "change")
        repository.write(".tokenguard.toml", "")
        repository.commit("two")
        git = Git(repository.path)
        assert repository_settings(git) == Tightening()
        assert repository_settings(git, base="main") == read_tightening(GOOD, source="main:.tokenguard.toml")

    @pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "main:a", ""])
    def test_a_base_that_is_no_revision_is_refused(self, repository, base):
        repository.write("a", "x")
        repository.commit("one")
        if base:
            with pytest.raises(InputError):
                repository_settings(Git(repository.path), base=base)

    def test_links_and_other_things_in_its_place_are_refused(self, repository, tmp_path, words):
        (tmp_path / "elsewhere").write_bytes(GOOD)
        (repository.path / ".tokenguard.toml").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InputError, match="a link"):
            settings_of(repository.path)
        repository.commit("a link")
        with pytest.raises(InputError) as caught:
            repository_settings(Git(repository.path), base="main")
        words(caught.value)
        (repository.path / ".tokenguard.toml").unlink()
        (repository.path / ".tokenguard.toml").mkdir()
        with pytest.raises(InputError):
            settings_of(repository.path)

    def test_one_that_is_too_large_in_the_base_is_refused(self, repository):
        repository.write(".tokenguard.toml", "#" * (MAX_BYTES + 1))
        repository.commit("large")
        with pytest.raises(InputError, match="larger"):
            repository_settings(Git(repository.path), base="HEAD")
