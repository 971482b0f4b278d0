"""A runbook says what is on record, what to type and what to expect, and nothing in a record can subvert it."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.fakes.clock import FakeClock
from tokenguard.domain.document import Document
from tokenguard.domain.journal import Journal, Mode, OldValue, Quarantined, Stage
from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, Verdict
from tokenguard.domain.names import Label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.markdown import block, code, exact, plain, table
from tokenguard.ports.provider import Capabilities, Guide, Method
from tokenguard.providers.autoposting import Autoposting
from tokenguard.providers.descript import Descript
from tokenguard.providers.manual import Manual
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.report.rotation_runbook import runbook
from tokenguard.rotation.prompts import create_task, revoke_task
from tokenguard.text import safe_text
from tokenguard.views.runbook_page import page

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NAME = "video/publisher/prod/upload"
CONSUMERS = (
    Consumer(ConsumerKind.DOTENV, "/srv/app/.env#DESCRIPT_API_TOKEN"),
    Consumer(ConsumerKind.COMMAND, "deploy"),
    Consumer(ConsumerKind.PERSON, "on-call"),
)
RECORD = Record(
    name=token_name(NAME),
    provider="descript",
    state=RecordState.ACTIVE,
    scope=Scope("drive", "8c1f2a"),
    scope_name="Marketing",
    permissions=("upload",),
    environment="prod",
    purpose="publishes the weekly show",
    owner="video-team",
    made_by="Alice",
    account="alice@example.invalid",
    deputy="Bob",
    consumers=CONSUMERS,
    base_url="https://api.example.invalid/v1",
    rotated_at=NOW - timedelta(days=30),
    label="publisher-upload-abcd2345-1",
    hint="dx_…9f",
    seen=Observation(verdict=Verdict.ALIVE, at=NOW - timedelta(hours=1), reason="http-200"),
)
GUIDED = Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=True, verifies_scope=True)
BY_API = Capabilities(mint=Method.API, revoke=Method.API, probe=True)
BLIND = Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=False)


class Vendor:
    name = "descript"
    base_url = "https://api.example.invalid/v1"

    def __init__(self, capabilities):
        self.capabilities = capabilities

    def guide(self):
        return Guide(
            "https://web.example.invalid > Settings > API tokens",
            ("Create a token named {label} for {scope_name} ({scope})", "Copy it"),
            ("Find {label} ({hint})", "Click Revoke"),
        )


def written(record=RECORD, capabilities=GUIDED, due_at=NOW + timedelta(days=60), **document):
    return runbook(
        Document(record=record, **document),
        provider=Vendor(capabilities),
        due_at=due_at,
        now=NOW,
        store_url="local:///srv/store",
    )


def journal(stage, mode=Mode.PLANNED, **more):
    old = OldValue(label=Label("old-1"), live_version=1, fingerprint=None)
    return Journal(
        id="0" * 32, mode=mode, stage=stage, epoch=1, holder="h/1/x", opened_at=NOW, updated_at=NOW, old=old, **more
    )


@pytest.mark.parametrize(
    "fact",
    [
        "video-team", "Alice", "`alice@example.invalid`", "Bob", "`drive:8c1f2a` Marketing", "`upload`", "prod",
        "publishes the weekly show", "2026-10-23", "2027-01-21", "alive (`http-200`), 2026-11-22 08:00 UTC",
        "`dotenv:/srv/app/.env#DESCRIPT_API_TOKEN`", "`command:deploy`", "`person:on-call`",
        "tokenguard --store local:///srv/store rotate video/publisher/prod/upload --compromised --reason",
        "rotate video/publisher/prod/upload --plan", "rotate video/publisher/prod/upload --resume",
        "verify video/publisher/prod/upload", "audit verify", "Create a token named LABEL for Marketing (drive:8c1f2a)",
        "Find publisher-upload-abcd2345-1 `(dx_…9f)`", "Settings > API tokens", "3 times over 60 seconds", "After 24 hours",
        "| 0 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 130 |", "- Deputy: Bob",
    ],
)  # fmt: skip
def test_a_runbook_tells(fact):
    assert fact in written()


def test_planned_replaces_before_it_revokes_and_compromised_revokes_first():
    planned, compromised = written().split("## Planned rotation")[1].split("## Compromised rotation")
    compromised = compromised.split("## Where to click")[0]
    assert planned.index("You create a token") < planned.index("You hand the value") < planned.index("You revoke")
    assert compromised.index("You revoke") < compromised.index("You create a token")


def test_a_provider_with_an_api_needs_no_clicks():
    text = written(capabilities=BY_API)
    assert "Where to click" not in text
    assert "tokenguard creates a token at the provider" in text
    assert "admin credential" in text


def test_a_provider_that_cannot_be_asked_is_said_to_prove_nothing():
    text = written(capabilities=BLIND)
    assert "the exit code stays 5" in text
    assert "refused 3 times" not in text


def test_a_provider_that_ends_the_old_token_by_itself_is_said_to_cause_an_outage():
    assert "**this provider revokes the old token" in written(capabilities=replace(GUIDED, overlap=False))


def test_a_provider_that_gives_no_tokens_is_said_to():
    assert "issues no new tokens" in written(capabilities=replace(GUIDED, mint=Method.NEVER))


def test_undeclared_consumers_stop_a_planned_rotation_and_only_that():
    text = written(replace(RECORD, consumers=None))
    assert "**No consumers declared.**" in text
    assert text.count("stops here (exit 3)") == 1
    assert "inform possible users now" in text
    assert "read it from the store" in written(replace(RECORD, consumers=()))


def test_what_is_missing_is_said_to_be_missing():
    text = written(Record(name=RECORD.name, provider="descript"), due_at=None)
    assert "Missing in the record: owner, scope, purpose, environment" in text
    assert "- Owner: **not recorded**" in text


def test_a_grant_without_a_value_is_ended_at_the_vendor():
    text = written(replace(RECORD, kind=CredentialKind.OAUTH_GRANT))
    assert "## How to revoke it" in text
    assert "## Planned rotation" not in text
    assert "Click Revoke" in text
    assert "**Create**" not in text


PROOF = DeathProof(grade=DeathGrade.PROVISIONAL, first_at=NOW, last_at=NOW, samples=3, control=True)
ALARMS = [
    ({"journal": journal(Stage.STORED, waiting_for="*storm*")}, "Waiting: `*storm*`"),
    ({"journal": journal(Stage.REVOKED)}, "is not proven. Assume the token still works"),
    ({"journal": journal(Stage.OPEN, Mode.COMPROMISED)}, "is not proven. Assume the token still works"),
    (
        {
            "quarantine": (
                Quarantined(
                    label=Label("o"),
                    fingerprint=None,
                    provider_id="",
                    provider_label="",
                    proof=PROOF,
                    probe_due_at=NOW,
                    alive_again=True,
                ),
            )
        },
        "recorded as gone is alive",
    ),
]


@pytest.mark.parametrize(("state", "alarm"), ALARMS)
def test_what_is_wrong_now_comes_first(state, alarm):
    text = written(**state)
    assert alarm in text.split("## Decide")[0]


@pytest.mark.parametrize("words", [("rotate",), ("rotate", "--compromised"), ("retire",)])
def test_each_command_is_on_the_first_screen_and_can_be_pasted(words):
    screen = written(journal=journal(Stage.REVOKE_INTENDED)).splitlines()[:24]
    verb, *more = words
    assert (
        f"`{' '.join(['tokenguard --store local:///srv/store', verb, 'video/publisher/prod/upload', *more])}`"
        in "\n".join(screen)
    )


def test_the_end_of_a_grant_is_on_the_first_screen():
    grant = replace(RECORD, kind=CredentialKind.OAUTH_GRANT)
    assert any("retire video/publisher/prod/upload" in line for line in written(grant).splitlines()[:24])


def test_nothing_wrong_means_no_alarm():
    assert "Read this first" not in written(journal=journal(Stage.DONE))


def test_an_overdue_or_retired_token_says_so():
    assert "21 days ago" in written(due_at=NOW - timedelta(days=21))
    assert "retired" in written(replace(RECORD, state=RecordState.RETIRED)).split("## Owner")[0]


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](https://evil.invalid)", "![x](//evil.invalid/x)",
    "<https://evil.invalid>", "[a]: https://evil.invalid", "# heading", "> quote", "- item", "1. one", "```sh", "~~~",
    "`code", "``", "|cell|", "a\n\n# b", "a\r\nb", "\x1b[2Jx", "\u202eevil", "&lt;b&gt;", "*b*", "__b__", "~~s~~", "$x$",
    "javascript:alert(1)", "a\\", "\\", "===", "---", "\ud800", "\u2028x", "'; rm -rf /", "$(id)", "{label}", "{0.__class__}",
]  # fmt: skip


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, tuple(attrs)))


def tags_of(text):
    parser = Tags()
    parser.feed(text)
    return parser.seen


def hostile_record(text):
    return replace(
        RECORD, scope_name=text, permissions=(text,), environment=text, purpose=text, owner=text, made_by=text,
        account=text, deputy=text, consumers=(Consumer(ConsumerKind.PERSON, text),), base_url=text, label=text, hint=text,
        seen=replace(RECORD.seen, reason=text),
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_record_changes_no_tag_of_the_page(text):
    """Same shape as an innocent record; only whether a word stands in code may differ."""
    shape = [tag for tag in tags_of(page(NAME, written(hostile_record("innocent")))) if tag[0] != "code"]
    assert [tag for tag in tags_of(page(NAME, written(hostile_record(text)))) if tag[0] != "code"] == shape


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_record_cannot_reach_a_terminal_or_start_a_line(text):
    innocent = written(hostile_record("innocent"))
    text = written(hostile_record(text))
    assert text.replace("\n", "").isprintable()
    assert len(text.splitlines()) == len(innocent.splitlines())
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in innocent.splitlines() if line.startswith("#")
    ]


def test_a_store_address_is_quoted_for_the_shell():
    text = runbook(
        Document(record=RECORD), provider=Vendor(GUIDED), due_at=None, now=NOW, store_url="local:///a b/$(id)`x`"
    )
    assert "--store 'local:///a b/$(id)`x`' rotate" in text


def test_markup_in_the_markdown_itself_stays_text():
    """The second line of defence: a runbook's own writer lets none through."""
    text = page(NAME, "a <b>b</b>\n\n<script>x()</script>\n\n[c](javascript:x) ![d](http://192.0.2.1/d) <http://e>\n")
    assert {tag for tag, _ in tags_of(text)}.isdisjoint({"a", "b", "img", "script"})
    assert "&lt;script&gt;" in text


def test_the_page_can_load_and_run_nothing():
    text = page("<b>", written())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text) or [""]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "&lt;b&gt;" in text
    assert not {tag for tag, _ in tags_of(text)} & {"script", "a", "img", "link", "iframe", "form", "object"}
    assert "http-equiv" in text
    assert "@media print" in text
    assert '<h2 id="read-first">' in page(NAME, written(due_at=NOW - timedelta(days=1)))


@pytest.mark.parametrize("make", [Descript, Autoposting, lambda _, clock: Manual(clock)])
@pytest.mark.parametrize("scope_name", ["", "Marketing"])
@pytest.mark.parametrize("scope", [None, Scope("drive", "8c1f2a")])
@pytest.mark.parametrize("label", ["", "a-label"])
@pytest.mark.parametrize("hint", ["", "sk-...x7y9"])
def test_steps_leave_out_what_is_not_on_record_and_say_nothing_twice(make, scope_name, scope, label, hint):
    provider = make(ProviderSettings(), FakeClock())
    record = replace(RECORD, scope=scope, scope_name=scope_name)
    creating = create_task(provider, record, "a-label").steps
    revoking = revoke_task(provider, record, label=label, hint=hint, made_at=NOW, why="").steps
    for step in (*creating, *revoking[not label :]):
        assert not re.search(r"not on record|no hint|not known|  |[({] ?[)}]| [,.)]", step), step
        assert step.count("8c1f2a") <= 1, step
    assert all(scope_name in "\n".join(steps) for steps in (creating, revoking))
    assert all(("8c1f2a" in "\n".join(steps)) or not scope or scope_name for steps in (creating, revoking))
    assert (label or "2026-11-22") in "\n".join(revoking)


_MARKS = st.text(alphabet=" `\\*_[]()<>|~$@&#!:/-+=.1aw\u00a0é", max_size=40)


@given(_MARKS | st.text(max_size=60))
def test_text_from_outside_is_text_or_code_and_says_what_it_said(text):
    rules = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    children = rules.parseInline("x " + plain(text))[0].children
    assert {child.type for child in children} <= {"text", "code_inline", "text_special"}
    said = "".join(child.content for child in children).replace("`", "")
    assert said.split() == ["x", *safe_text(text, one_line=True).replace("`", "").split()]
    assert "\n" not in plain(text) + exact(text) + code(text)


@pytest.mark.parametrize(("text", "written"), [
    ("org:org_2911bd", "org:org_2911bd"),
    ("R&D, < 3 days", "R&D, `<` 3 days"),
    ("alex@example.invalid asks", "`alex@example.invalid` asks"),
    ("see https://a.example/b_c", "see `https://a.example/b_c`"),
    ("code and output: `tokenguard scan`, `check` here", "code and output: `tokenguard scan`, `check` here"),
    ("(`init --print-policy`).", "(`init --print-policy`)."),
    ("a`b c` d", "a\\`b c\\` d"),
    ("`a|b` *c*", "\\`a\\|b\\` `*c*`"),
    ("1. first", "`1.` first"),
    ("# head", "`#` head"),
    ("C# and #", "C# and #"),
])  # fmt: skip
def test_names_can_be_read_without_a_renderer(text, written):
    assert plain(text) == written


@given(_MARKS | st.text(max_size=60))
def test_escaped_text_never_starts_a_block(text):
    if plain(text):
        tokens = MarkdownIt("commonmark").enable("table").parse(plain(text))
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_a_block_ends_where_it_ends(lines):
    tokens = MarkdownIt("commonmark").parse(block(lines) + "\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@given(_MARKS | st.text(max_size=40))
def test_a_cell_stays_one_cell(text):
    tokens = MarkdownIt("commonmark").enable("table").parse(table(("a", "b"), [(exact(text), plain(text))]))
    assert sum(token.type == "td_open" for token in tokens) == 2
