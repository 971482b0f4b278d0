"""Own tokens from the store to a blocked commit: publish, pull, scan, and everything a bundle must refuse."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest

from tests.cli.bundles import NAME, added, public_code, publish, publishing, value
from tests.fakes.command_line import FakeTty
from tests.fakes.git_repository import Repository
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import FakeIssuer
from tokenguard.domain.event import Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.token import RecordState
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.scanning import bundle
from tokenguard.scanning.publishing import ordinary_code


def test_a_pulled_bundle_finds_an_own_token_in_base64_and_names_its_owner(published, tmp_path):
    assert published("fingerprints", "pull", "bundle").code == 0
    (tmp_path / "a.txt").write_text(f"x {base64.b64encode(published.value.encode()).decode()}\n")
    answer = published("scan", "a.txt", "--names", "--format", "json")
    assert answer.code == 1
    own = [finding for finding in answer.document["findings"] if finding["kind"] == "own"]
    assert [(each["token"], each["owner"], each["as"], each["line"], each["column"]) for each in own] == [
        (NAME, "video", "base64", 1, 3)
    ]
    assert published.value not in answer.out + answer.err


def test_no_comment_and_no_baseline_silences_an_own_token(published, tmp_path):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.py").write_text(
        f"# pragma: allowlist nextline secret\nx = '{published.value}'  # pragma: allowlist secret\n"
    )
    assert published("baseline", "update", "a.py").code == 0
    answer = published("scan", "a.py", "--baseline", ".tokenguard-baseline", "--format", "json")
    assert answer.code == 1, answer
    assert [finding["kind"] for finding in answer.document["findings"]] == ["own"]


def test_an_own_token_cannot_be_accepted_at_its_place_or_in_a_review(published, tmp_path, words):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.py").write_text(f"x = '{published.value}'\npassword = 'q8Zk2LmWv5Rt9YbN4cXp7HdT0aKe'\n")
    words(published.refused("baseline", "accept", "a.py:1", "--reason", "r"))
    published.tty = FakeTty("no")
    answer = published("baseline", "review", "a.py", "--format", "json")
    assert (answer.document["accepted"], answer.document["left"]) == (0, 2)
    assert any("cannot be accepted" in line for line in published.tty.shown)
    assert not (tmp_path / ".tokenguard-baseline").exists()


@pytest.mark.parametrize("form", [str, lambda value: base64.b64encode(value.encode()).decode()])
def test_a_reason_with_another_known_token_is_refused(published, tmp_path, form):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.py").write_text("password = 'q8Zk2LmWv5Rt9YbN4cXp7HdT0aKe'\n")
    published.refused("baseline", "accept", "a.py:1", "--reason", f"as {form(published.value)}")
    assert not (tmp_path / ".tokenguard-baseline").exists()
    assert published("baseline", "accept", "a.py:1", "--reason", "of the old service").code == 0


@pytest.mark.parametrize("command", [("update",), ("import", "former.json")])
def test_what_a_rule_finds_of_an_own_token_is_in_no_baseline(published, tmp_path, command):
    """Whoever has no scan key would pass over a live token of the team."""
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.py").write_text(f'password = "{published.value}"\nother = "q8Zk2LmWv5Rt9YbN4cXp7HdT0aKe"\n')
    known = [
        {"type": kind, "hashed_secret": hashlib.sha1(value.encode()).hexdigest(), "line_number": line, "is_secret": False}
        for kind, value, line in (
            ("Secret Keyword", published.value, 1), ("Base64 High Entropy String", "q8Zk2LmWv5Rt9YbN4cXp7HdT0aKe", 2),
        )
    ]  # fmt: skip
    (tmp_path / "former.json").write_text(json.dumps({"version": "1.5.0", "results": {"a.py": known}}))
    answer = published("baseline", *command, "a.py", "--profile", "detect-secrets", "--format", "json")
    assert (answer.document["entries"], answer.document["left"]) == (1, 1)
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert published("scan", "a.py", "--baseline", ".tokenguard-baseline").code == 1


def test_a_baseline_that_cannot_be_written_is_bad_input(published, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "folder").mkdir()
    for place in ("nowhere/baseline", "folder"):
        assert published("baseline", "update", "a.py", "--baseline", place).code == 2


def test_without_a_key_or_a_bundle_it_is_said_and_required_fails(published, cli):
    assert published("scan", "public", "--format", "json").document["notes"] == [
        "known tokens not searched for: no bundle was pulled"
    ]
    assert published("scan", "public", "--require-own").code == 2
    assert published("scan", "public", "--own-only").code == 2
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert published("scan", "public", "--format", "json").document["notes"] == [
        "known tokens not searched for: no scan key"
    ]


def test_a_bundle_holds_no_name_no_owner_and_no_value(published, tmp_path):
    content = (tmp_path / "bundle").read_text()
    for word in (published.value, published.value[:16], "video", "upload", "prod"):
        assert word not in content


def test_a_replaced_token_stays_in_the_bundle_as_revoked(published, tmp_path, words):
    old = published.value
    snapshot = next(iter(published.store.scan()))
    published.store.withdraw(snapshot.id, published.store.read_live(snapshot.id).version)
    assert publish(published).document["version"] == 2
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.txt").write_text(old)
    answer = published("scan", "a.txt")
    assert answer.code == 1
    words(answer)


def test_weak_and_public_values_are_listed_and_left_out(cli, tmp_path):
    public = value()
    added(cli, "video/app/prod/weak", "a-rather-weak-value-of-words")
    added(cli, "video/app/prod/public", public)
    public_code(tmp_path)
    (tmp_path / "public" / "module.py").write_text(f"EXAMPLE = '{public}'\n")
    document = publish(cli).document
    assert (document["not_covered"], document["public"], document["entries"]) == (
        ["video/app/prod/weak"],
        ["video/app/prod/public"],
        0,
    )


def test_public_code_is_looked_through_also_where_git_would_ignore_it(cli, tmp_path):
    """An environment beside the sources is ignored, and is the very place where public code lies."""
    text = value()
    added(cli, text=text)
    repository = Repository(tmp_path / "work")
    repository.write(".gitignore", "public\n")
    repository.write("public/site-packages/module.py", f"EXAMPLE = '{base64.b64encode(text.encode()).decode()}'\n")
    answer = cli(*publishing("b", key="key", public="work/public"), "--format", "json")
    assert (answer.document["public"], answer.document["entries"]) == ([NAME], 0)


def test_public_code_that_cannot_be_read_is_no_check(published, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("empty", "nowhere"):
        published.refused(*publishing("bundle", public=place))


def test_pythons_own_library_is_public_without_being_named():
    names = {each.name for each in ordinary_code()}
    assert {"argparse.py", "ssl.py"} < names
    assert not [each for each in ordinary_code() if "site-packages" in each.parts]


@pytest.mark.parametrize("damage", ["version", "entries", "signature", "another key", "expires"])
def test_a_bundle_that_the_publisher_did_not_sign_is_refused(published, tmp_path, damage):
    path = tmp_path / "bundle"
    content = json.loads(path.read_text())
    if damage == "another key":
        path.unlink()
        assert published(*publishing("bundle", key="keys/other")).code == 0
    elif damage == "signature":
        content["signature"] = base64.b64encode(bytes(64)).decode()
        path.write_text(json.dumps(content))
    else:
        content["bundle"][damage] = {"version": 9, "entries": [], "expires": "2099-01-01T00:00:00+00:00"}[damage]
        path.write_text(json.dumps(content, separators=(",", ":")))
    assert published("fingerprints", "pull", "bundle").code == 6


def test_an_older_bundle_is_refused_after_a_newer_one(published, tmp_path):
    first = (tmp_path / "bundle").read_bytes()
    publish(published)
    assert published("fingerprints", "pull", "bundle").code == 0
    (tmp_path / "bundle").write_bytes(first)
    assert published("fingerprints", "pull", "bundle").code == 6


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"bundle":{},"signature":""}', "\x00", '{"bundle":1,"signature":"x"}']
)
def test_what_is_no_bundle_is_refused(published, tmp_path, content):
    (tmp_path / "bundle").write_text(content)
    answer = published("fingerprints", "pull", "bundle")
    assert answer.code in {2, 6}
    assert len(answer.err.splitlines()) == 2


@pytest.mark.parametrize("key", ["x", "AAAA", "é", "=" * 88])
def test_what_is_no_scan_key_is_bad_input(published, key):
    published.environ["TOKENGUARD_SCAN_KEY"] = key
    assert published("scan", "public").code == 2


def test_a_stale_bundle_is_said_and_required_fails(published, tmp_path, words):
    (tmp_path / "bundle").unlink()
    published.clock._start = published.clock._start.replace(year=2024)
    publish(published)
    published.clock._start = published.clock._start.replace(year=2026)
    assert published("fingerprints", "pull", "bundle").code == 0
    words(published("scan", "public"))
    assert published("scan", "public", "--require-own").code == 2


def test_the_hook_blocks_an_own_token_that_nothing_else_would_see(published, tmp_path, monkeypatch):
    from tokenguard.precommit import hook

    published("fingerprints", "pull", "bundle")
    repository = Repository(tmp_path / "work")
    repository.stage("a.bin", published.value.encode().hex())
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("TOKENGUARD_SCAN_KEY", published.environ["TOKENGUARD_SCAN_KEY"])
    monkeypatch.setattr(bundle, "now_utc", published.clock.now)
    assert hook.run(["--own-only"]) == 1
    repository.stage("a.bin", "nothing")
    assert hook.run(["--own-only"]) == 0


def test_the_report_code_of_a_finding_leads_a_responder_to_the_owner(published, tmp_path):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.txt").write_text(published.value)
    shown = published("scan", "a.txt").out
    (code,) = [line.removeprefix("  report: ") for line in shown.splitlines() if line.startswith("  report: ")]
    answer = published("respond", "--code", code, "--reach", "pushed", "--no-input")
    assert answer.code == 4, answer  # a manual provider cannot be asked
    assert NAME in answer.out
    assert published.value not in answer.out + answer.err


def test_a_responder_knows_a_disguised_value_by_the_pulled_fingerprints(published, tmp_path):
    published("fingerprints", "pull", "bundle")
    disguised = base64.b64encode(published.value.encode()).decode()
    answer = published("respond", "--stdin", "--reach", "log", "--format", "json", stdin=disguised)
    assert [each["name"] for each in answer.document["tokens"]] == [NAME]


def waive(cli, *more: str, until: str = "2026-11-20", name: str = NAME):
    return cli("fingerprints", "waive", name, "--owner", "video", "--reason", "an example", "--until", until, *more)


def rescanned(cli, path: str = "a.txt"):
    """Published and pulled afresh, then scanned."""
    publish(cli)
    assert cli("fingerprints", "pull", "bundle").code == 0
    return cli("scan", path, "--format", "json")


def test_a_signed_waiver_lets_a_live_token_pass_and_is_shown(published, tmp_path, words):
    (tmp_path / "a.txt").write_text(published.value)
    assert waive(published).code == 0
    answer = rescanned(published)
    assert (answer.code, answer.document["findings"]) == (0, [])
    (waived,) = answer.document["waived"]
    assert [waived[key] for key in ("state", "until", "waived_by", "reason")] == [
        "waived", "2026-11-20", "video", "an example",
    ]  # fmt: skip
    words(published("scan", "a.txt"))


def test_a_waiver_ends_by_itself_by_hand_and_with_the_value(published, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(published.value)
    waive(published)
    assert rescanned(published).code == 0
    with monkeypatch.context() as later:
        later.setattr(published.clock, "_start", datetime(2026, 11, 20, tzinfo=UTC))
        ended = published("scan", "a.txt", "--format", "json")
    assert (ended.code, ended.document["findings"][0]["waiver"]) == (1, "expired on 2026-11-20")
    assert published("fingerprints", "waive", NAME, "--end", "--format", "json").document == {
        "token": NAME,
        "ended": True,
    }
    before = published.everything()
    assert "no waiver" in published("fingerprints", "waive", NAME, "--end").out
    assert published.everything() == before
    assert rescanned(published).code == 1
    waive(published)
    snapshot = next(iter(published.store.scan()))
    other = replace(snapshot.document.record, fingerprint=Fingerprint("f" * 32))
    published.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=other), [])
    assert rescanned(published).code == 1


def test_a_waiver_is_on_record_and_shown(published):
    waive(published)
    snapshot = next(iter(published.store.scan()))
    assert published.store.history(snapshot.id)[-1].event.op is Op.WAIVE
    assert "until 2026-11-20 by video: an example" in published("show", NAME).out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--until", "2026-12-01"), 2), (("--owner", "video", "--reason", "x"), 2), (("--end", "--owner", "video"), 2),
        (("--owner", "video", "--reason", " ", "--until", "2026-12-01"), 2),
        (("--owner", "VIDEO!", "--reason", "x", "--until", "2026-12-01"), 2),
        (("--owner", "video", "--reason", "x\x1b", "--until", "2026-12-01"), 2),
        (("--owner", "video", "--reason", "x", "--until", "2026-10-01"), 2),
        (("--owner", "video", "--reason", "x", "--until", "2026-11-01"), 2),
        (("--owner", "video", "--reason", "x", "--until", "2028-01-01"), 2),
        (("--owner", "video", "--reason", "x", "--until", "soon"), 2), ((), 2),
    ],
)  # fmt: skip
def test_a_waiver_needs_owner_reason_and_a_near_end(published, given, code):
    published.refused("fingerprints", "waive", NAME, *given, code=code)


@pytest.mark.parametrize(("until", "advice"), [("2026-10-01", "a later date"), ("2028-01-01", "an earlier date")])
def test_a_waiver_s_end_is_corrected_in_the_right_direction(published, until, advice):
    error = published.refused("fingerprints", "waive", NAME, "--owner", "video", "--reason", "x", "--until", until)
    assert advice in error.answer.err


def test_a_known_live_token_in_a_file_is_not_to_be_added_to_the_store_again(published, tmp_path):
    assert published("fingerprints", "pull", "bundle").code == 0
    (tmp_path / "a.txt").write_text(f"x {published.value}\n")
    answer = published("scan", "a.txt")
    assert answer.code == 1
    assert "tokenguard add" not in answer.out
    assert "tokenguard respond --code CODE" in answer.out


def test_a_waiver_of_nobodys_token_or_of_a_retired_one_is_refused(published, words):
    published.refused("fingerprints", "waive", "no/such/token", "--end")
    snapshot = next(iter(published.store.scan()))
    gone = replace(snapshot.document.record, state=RecordState.RETIRED)
    published.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=gone), [])
    words(
        published.refused("fingerprints", "waive", NAME, "--owner", "video", "--reason", "x", "--until", "2026-11-20")
    )


def test_a_repository_can_bring_no_waiver(published, tmp_path):
    """Neither a file of that name nor a bundle without the publisher's signature."""
    publish(published)
    content = json.loads((tmp_path / "bundle").read_text())
    token = next(iter(published.store.scan())).id
    content["bundle"]["waivers"] = [{"token": token, "owner": "x", "reason": "x", "until": "2099-01-01T00:00:00+00:00"}]
    (tmp_path / "bundle").write_text(json.dumps(content, separators=(",", ":")))
    assert published("fingerprints", "pull", "bundle").code == 6


def stopped(cli, *rotate: str) -> None:
    """A rotation that stands before the old token's end."""
    assert cli("rotate", NAME, "--no-input", *rotate).code != 0


def test_what_is_replaced_but_not_proven_dead_is_still_live(cli, tmp_path, monkeypatch):
    """P3: neither the overlap of a rotation nor an unfinished revocation makes a value harmless."""
    monkeypatch.setattr("tests.fakes.world.canary", value)
    old = cli.add(NAME)
    cli.environ["TOKENGUARD_SCAN_KEY"] = publish_in(cli, tmp_path)
    monkeypatch.setattr(FakeIssuer, "revoke", refuse)
    stopped(cli)
    new = cli.store.read_live(next(iter(cli.store.scan())).id).value.token.reveal()
    assert new != old
    (tmp_path / "a.txt").write_text(f"{old}\n{new}\n")
    (tmp_path / "bundle").unlink()  # so that only the store can tell
    assert [each["state"] for each in rescanned(cli).document["findings"]] == ["live", "live"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert cli("rotate", NAME, "--resume").code == 0
    found = rescanned(cli).document["findings"]
    assert [(each["state"], each.get("since")) for each in found] == [("revoked", "2026-11-01"), ("live", None)]


@pytest.fixture
def rotated(cli, tmp_path, monkeypatch):
    """A token whose old value is revoked: the command line, the old value and the new one."""
    monkeypatch.setattr("tests.fakes.world.canary", value)
    old = cli.add(NAME)
    assert cli("rotate", NAME).code == 0
    cli.environ["TOKENGUARD_SCAN_KEY"] = publish_in(cli, tmp_path)
    return cli, old, cli.store.read_live(next(iter(cli.store.scan())).id).value.token.reveal()


@pytest.mark.parametrize("between", [",", " ", '", "new": "', "\n"])
@pytest.mark.parametrize("turned", [False, True])
def test_two_values_of_one_token_on_a_line_are_two_findings_each_with_its_state(rotated, tmp_path, between, turned):
    cli, old, new = rotated
    states = ["revoked", "live"]
    (tmp_path / "a.txt").write_text(f"{new}{between}{old}\n" if turned else f"{old}{between}{new}\n")
    found = rescanned(cli).document["findings"]
    assert [each["state"] for each in found] == (states[::-1] if turned else states)


def publish_in(cli, tmp_path) -> str:
    public_code(tmp_path)
    return publish(cli).document["scan_key"]


def refuse(*_):
    raise Unreachable("the provider is away", hint="wait")


def test_the_tags_of_another_store_are_left_as_they_are(published, tmp_path):
    (tmp_path / "a.txt").write_text(published.value)
    published.store = MemoryStore(published.clock)
    added(published, "other/app/prod/upload")
    assert [each["state"] for each in rescanned(published).document["findings"]] == ["live"]


def test_names_owner_and_drive_are_told_and_ids_where_the_store_is_out_of_reach(published, tmp_path, monkeypatch):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.txt").write_text(published.value)
    answer = published("scan", "a.txt", "--names", "--format", "json")
    (found,) = answer.document["findings"]
    assert (found["token"], found["owner"], found["scope"]) == (NAME, "video", "drive:d1")
    for format_ in ("text", "sarif", "junit", "github"):
        shown = published("scan", "a.txt", "--names", "--format", format_).out
        assert f"token {NAME}, owner video, scope drive" in shown, format_
    monkeypatch.setattr(published.store, "load", refuse)
    answer = published("scan", "a.txt", "--names", "--format", "json")
    assert answer.code == 1
    assert len(answer.document["findings"][0]["token"]) == 32
    assert answer.document["notes"] == ["names were not looked up: the provider is away"]


@pytest.mark.parametrize(
    "wrong", [{"expires": "soon"}, {"expires": "2026-12-01T00:00:00"}, {"symbols": "\u2028"}, {"format": 9}, {"waivers": [{"token": "x"}]},
              {"waivers": [{"token": "x", "owner": "a", "reason": "b", "until": "2026-12-01"}]}, {"entries": {}}, {"more": 1}],
)  # fmt: skip
def test_a_signed_bundle_of_another_make_is_bad_input_and_no_crash(published, tmp_path, wrong):
    publisher = bundle.open_publisher(tmp_path / "keys" / "key", create=False)
    body = json.dumps(json.loads((tmp_path / "bundle").read_text())["bundle"] | wrong).encode()
    signature = base64.b64encode(publisher._key.sign(b"tokenguard fingerprints 1\n" + body)).decode()
    (tmp_path / "bundle").write_bytes(b'{"bundle":' + body + b',"signature":"' + signature.encode() + b'"}')
    published.refused("fingerprints", "pull", "bundle")
