"""A team's own rules in CEL: what they may ask, what they may not grow into, and that unknown is never a pass."""

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_policy_rules import DAY, DONE, GOOD, NOW
from tokenguard.domain.document import Document
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.policy import own_rules
from tokenguard.policy.catalogue import MAX_CONDITION
from tokenguard.policy.context import InventoryContext
from tokenguard.policy.evaluation import assess
from tokenguard.policy.expression import MAX_ADDITIONS, MAX_COMMAS, MAX_MACROS, compiled
from tokenguard.policy.expression import activation as own_rules_activation
from tokenguard.policy.loader import load_policy
from tokenguard.policy.model import Severity
from tokenguard.policy.own_rules import OwnRules
from tokenguard.policy.record_fields import SORTS, facts
from tokenguard.policy.rule_answer import NotEvaluable, Violated

HEAD = "format: 1\nname: own\nrules: []\nown_rules:\n"
RULE = "  - {{id: {id}, severity: error, why: w, source: s, fix: f, says: it is wrong, holds: '{holds}'{more}}}\n"


def policy(holds: str, *, applies: str = "", more: str = "", name: str = "own-one"):
    extra = (f", applies: '{applies}'" if applies else "") + more
    text = HEAD + RULE.format(id=name, holds=holds.replace("'", "''"), more=extra)
    return load_policy(text.encode(), source="p.yaml", judge=compiled)


def asked(holds: str, record=GOOD, *, applies: str = "", journal=DONE):
    return said(policy(holds, applies=applies), Document(record=record, journal=journal)).get("own-one")


def said(made, document):
    """Of each rule: what kind of answer it is, or why nobody can say; nothing of those that hold."""
    answers = OwnRules(made).answers(document, NOW)
    return {rule.id: each.reason if isinstance(each, NotEvaluable) else type(each) for rule, each in answers}


CASES = [
    ('record.environment == "prod"', {}, None),
    ('record.environment == "prod"', {"environment": "dev"}, Violated),
    ('record.owner == "video"', {"owner": ""}, "not recorded: owner"),
    ('record.environment == "prod" || record.owner == "x"', {"owner": ""}, None),
    ('record.environment != "prod" && record.owner == "x"', {"owner": ""}, Violated),
    ("record.owner == record.deputy", {"owner": "", "deputy": ""}, "not recorded: owner, deputy"),
    ('"owner" in record.known', {"owner": ""}, Violated),
    ('"owner" in record.known', {}, None),
    ('"record.notes" == record.owner', {}, Violated),
    ("record.age_days < 11", {}, None),
    ("record.age_days < 10", {}, Violated),
    ("record.age_days < 11", {"rotated_at": None}, "not recorded: age_days"),
    ("record.due_in_days >= 3", {"due_at": NOW + 3 * DAY}, None),
    ("record.due_in_days >= 3", {}, "not recorded: due_in_days"),
    ('record.permissions.all(p, p.endsWith(":read"))', {}, None),
    ('record.permissions.all(p, p.endsWith(":read"))', {"permissions": ("a:write",)}, Violated),
    ("record.permissions.size() > 0", {"permissions": ()}, "not recorded: permissions"),
    ("record.consumers.size() < 2", {}, None),
    ("record.consumers.size() < 2", {"consumers": None}, "not recorded: consumers"),
    ('record.verdict == "alive" && record.scope_right', {}, None),
    ("record.scope_right", {"seen": None}, "not recorded: scope_right"),
    ('record.scope_kind == "drive" && record.scope_id == "d1"', {}, None),
    ("!record.rotating", {}, None),
    ("10 / (record.age_days - 10) > 0", {}, "it cannot be evaluated"),
    ("9223372036854775807 + record.age_days > 0", {}, "it cannot be evaluated"),
    ('record.name.matches("^video/[a-z]+/upload$")', {}, None),
    ('record.name.matches("^(a+)+$")', {}, Violated),
    ('record.notes != "https://acme.com" && size("//") == 2', {"notes": "n"}, None),
    ("record.name.matches(record.notes)", {"notes": "("}, "it cannot be evaluated"),
]  # fmt: skip


@pytest.mark.parametrize(("holds", "changes", "expected"), CASES)
def test_a_condition_holds_is_violated_or_cannot_be_said(holds, changes, expected):
    assert asked(holds, replace(GOOD, **changes)) == expected


def test_a_rule_is_asked_of_those_it_applies_to():
    assert asked("false", applies='record.environment == "prod"') is Violated
    assert asked("false", applies='record.environment == "dev"') is None
    assert asked("false", replace(GOOD, owner=""), applies='record.owner == "x"') == "not recorded: owner"
    assert asked("true", replace(GOOD, owner=""), applies='record.owner == "x"') is None


def test_every_field_that_is_documented_is_there_and_has_its_type():
    full = replace(
        GOOD, account="a", scope_name="s", base_url="u", label="l", notes="n", due_at=NOW,
        location=replace(GOOD.location, url="x"), consumers=(Consumer(ConsumerKind.PERSON, "ops"),),
    )  # fmt: skip
    found = facts(Document(record=full, journal=DONE), NOW)
    types = {"text": str, "texts": list, "number": int, "yes/no": bool}
    assert {name.removeprefix("record."): type(fact) for name, fact in found.items()} == {
        name: types[sort] for name, sort in SORTS.items()
    }


BAD = {
    "unknown name": 'record.ownr == "x"',
    "a record as a whole": "record == record",
    "a mapping's way": 'record["owner"] == "x"',
    "incompatible types": "record.owner == 3",
    "no condition": "record.owner",
    "half a condition": "1 +",
    "nothing": " ",
    "a pattern that is none": 'record.owner.matches("(")',
    "a pattern that is too large": 'record.owner.matches("((a{100}){100}){100}")',
    "a function that is not there": 'record.owner.lowerAscii() == "x"',
    "nested too deeply": "(" * 100 + "true" + ")" * 100,
    "too long": "true" + " && true" * (MAX_CONDITION // 8),
    "too many macros": " && ".join(["record.known.exists(k, true)"] * (MAX_MACROS + 1)),
    "too many additions": "1" + "+1" * (MAX_ADDITIONS + 1) + " > 0",
    "too many commas": "1 in [" + "1," * (MAX_COMMAS + 1) + "1]",
    "a comment": "true // or not",
    "a comment that would swallow a bracket": "true //",
    "a bracket too many": "true) || (true",
    "an escape": '"\x1b" == record.name',
}


@pytest.mark.parametrize("holds", BAD.values(), ids=BAD)
def test_what_is_no_condition_is_refused_with_line_and_column(holds):
    text = HEAD + RULE.format(id="a", holds=holds.replace("'", "''"), more="")
    with pytest.raises(InputError, match=r"^p\.yaml:\d+:\d+: ") as caught:
        load_policy(text.encode(), source="p.yaml", judge=compiled)
    assert "\n" not in caught.value.message
    assert "<input>" not in caught.value.message


def test_text_in_a_condition_counts_for_nothing():
    assert asked('record.notes != "++++++++++,exists(map(filter(all(exists("', replace(GOOD, notes="x")) is None


SHAPES = {
    "id of a known rule": RULE.format(id="unused", holds="true", more=""),
    "id twice": RULE.format(id="a", holds="true", more="") * 2,
    "id that is not a word": RULE.format(id="A b", holds="true", more=""),
    "no condition": "  - {id: a, severity: error, why: w, source: s, fix: f, says: x}\n",
    "nothing to say": "  - {id: a, severity: error, why: w, source: s, fix: f, holds: 'true'}\n",
    "a parameter": RULE.format(id="a", holds="true", more=", days: 3"),
    "a list": "  - []\n",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_a_rule_that_is_not_whole_is_refused(text):
    with pytest.raises(InputError, match=r"^p\.yaml:\d+:\d+: "):
        load_policy((HEAD + text).encode(), source="p.yaml")


def test_it_is_reported_overridden_and_waived_like_any_other():
    more = (
        "overrides:\n  - {rule: a, environment: dev, severity: note}\n  - {rule: a, environment: test, severity: 'off'}\n"
        "waivers:\n  - {rule: a, token: video/app/upload, owner: video, reason: r, until: 2027-01-01}\n"
    )
    made = load_policy((HEAD + RULE.format(id="a", holds="false", more="") + more).encode(), source="p")
    other = replace(GOOD, name="video/b/c", environment="dev", provider_id="x", fingerprint="c" * 32)
    third = replace(other, name="video/b/d", environment="test")
    found = assess(made, InventoryContext([Document(record=each) for each in (GOOD, other, third)], NOW))
    assert [(each.rule, each.severity, each.token, each.text) for each in found.violations] == [
        ("a", Severity.NOTE, "video/b/c", "it is wrong")
    ]
    assert [each.violation.token for each in found.waived] == ["video/app/upload"]


def test_rules_together_say_what_each_says_alone():
    """Also where one of them cannot be computed, and where tokens know different fields."""
    conditions = [holds.replace("'", "''") for holds, _, _ in CASES]
    made = load_policy(
        (HEAD + "".join(RULE.format(id=f"r{n}", holds=holds, more="") for n, holds in enumerate(conditions))).encode(),
        source="p", judge=compiled,
    )  # fmt: skip
    records = [replace(GOOD, **changes) for _, changes, _ in CASES]
    for record in records:
        together = said(made, Document(record=record, journal=DONE))
        for rule, (holds, _, _) in zip(made.rules, CASES, strict=True):
            assert together.get(rule.id) == asked(holds, record), holds


def test_tokens_that_are_alike_where_it_matters_are_asked_once(monkeypatch):
    rules = OwnRules(policy('record.environment == "prod" && record.permissions.size() == 1'))
    asked_for = []
    monkeypatch.setattr(own_rules, "activation", lambda found: asked_for.append(found) or own_rules_activation(found))
    dev = replace(GOOD, environment="dev")
    records = [
        GOOD,
        replace(GOOD, name="video/other"),
        dev,
        replace(dev, permissions=("a", "b")),
        replace(dev, permissions=()),
    ]
    answers = [[type(each) for _, each in rules.answers(Document(record=record), NOW)] for record in records]
    assert answers == [[], [], [Violated], [Violated], [Violated]]
    assert len(asked_for) == 4


def test_a_later_layer_replaces_it(monkeypatch, tmp_path):
    from tokenguard.policy import loader

    (tmp_path / "base.yaml").write_text(HEAD + RULE.format(id="a", holds="false", more=""))
    monkeypatch.setattr(loader, "_PACKAGED", (tmp_path,))
    text = "format: 1\nname: x\nextends: base\nown_rules:\n" + RULE.format(id="a", holds="true", more="")
    made = load_policy((text + RULE.format(id="b", holds="true", more="")).encode(), source="p")
    assert [(rule.id, rule.holds) for rule in made.rules] == [("a", "true"), ("b", "true")]


def test_when_their_time_is_used_up_nobody_can_say():
    now = iter([0.0, 0.0, own_rules.BUDGET + 1])
    rules = OwnRules(policy('record.owner != ""'), clock=lambda: next(now))
    assert list(rules.answers(Document(record=GOOD), NOW)) == []
    ((_, answer),) = rules.answers(Document(record=replace(GOOD, owner="other")), NOW)
    assert isinstance(answer, NotEvaluable)


_ROWS = ",".join(["x"] * 29)
HEAVY = [
    '["' + "a" * 500 + f'"].map(x, [{_ROWS}]).map(x, [{_ROWS}]).all(x, x == x)',
    '["' + "a" * 500 + '"].map(x, x+x+x+x).map(x, x+x+x).map(x, x+x+x+x) == ["b"]',
    "record.known.exists(a, record.known.exists(b, record.known.exists(c, a + b + c == '!')))",
    'record.notes.matches("(a?){100}a{100}") || record.notes.matches("(.*)(.*)(.*)(.*)[^a]$")',
]


def test_the_heaviest_conditions_that_are_allowed_end_soon_and_stay_small():
    """In a process of its own, which may take 5 seconds and 1 GB of addresses more than it has when it begins."""
    if sys.platform != "linux":
        pytest.skip("NOT TESTED: the limits of a process are Linux's")
    code = """
import resource
from tests.unit.test_policy_own_rules import GOOD, HEAVY, asked, replace
asked("true")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
spent = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), resource.RLIM_INFINITY))
resource.setrlimit(resource.RLIMIT_CPU, (spent + 5, spent + 5))
for holds in HEAVY:
    asked(holds, replace(GOOD, notes="a" * 200))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="record.nmow()[]{}\"'+-*/&|!=<>?:, 0a\n", max_size=60))
def test_any_text_is_a_condition_or_refused(text):
    with contextlib.suppress(InputError):
        compiled(text)


def test_without_the_library_the_error_says_what_to_install(monkeypatch, words):
    from tokenguard.policy import expression

    expression._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    with pytest.raises(InputError) as caught:
        policy("true")
    words(caught.value)
    assert "cel-expr-python" in caught.value.hint
    expression._environment.cache_clear()
