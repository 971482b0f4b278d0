"""Own tokens from the store to a blocked commit: publish, pull, scan, and everything a bundle must refuse."""

import base64
import json
import secrets
import string

import pytest

from tests.fakes.git_repository import Repository

LETTERS = string.ascii_letters + string.digits
NAME = "video/app/prod/upload"
FIELDS = ("--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


def value() -> str:
    return "sk-social-" + "".join(secrets.choice(LETTERS) for _ in range(64))


def added(cli, name: str = NAME, text: str = "") -> str:
    text = text or value()
    answer = cli("add", name, *FIELDS, "--stdin", stdin=text)
    assert answer.code == 0, answer
    return text


@pytest.fixture
def published(cli, tmp_path):
    """A store with one token, its bundle, and the scan key in the environment."""
    cli.value = added(cli)
    (tmp_path / "public").mkdir()
    answer = publish(cli)
    cli.environ["TOKENGUARD_SCAN_KEY"] = answer.document["scan_key"]
    return cli


def publish(cli):
    answer = cli(
        "fingerprints", "publish", "bundle", "--key-file", "keys/key", "--public-code", "public", "--format", "json"
    )
    assert answer.code == 0, answer
    return answer


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
    assert [finding["kind"] for finding in answer.document["findings"]] == ["own"]


def test_without_a_key_or_a_bundle_it_is_said_and_required_fails(published, cli):
    assert published("scan", "public", "--format", "json").document["notes"] == [
        "own-token check skipped: no bundle was pulled"
    ]
    assert published("scan", "public", "--require-own").code == 2
    assert published("scan", "public", "--own-only").code == 2
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert published("scan", "public", "--format", "json").document["notes"] == ["own-token check skipped: no scan key"]


def test_a_bundle_holds_no_name_no_owner_and_no_value(published, tmp_path):
    content = (tmp_path / "bundle").read_text()
    for word in (published.value, published.value[:16], "video", "upload", "prod"):
        assert word not in content


def test_a_replaced_token_stays_in_the_bundle_as_revoked(published, tmp_path):
    old = published.value
    snapshot = next(iter(published.store.scan()))
    published.store.withdraw(snapshot.id, published.store.read_live(snapshot.id).version)
    assert publish(published).document["version"] == 2
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.txt").write_text(old)
    answer = published("scan", "a.txt")
    assert answer.code == 1
    assert "state revoked" in answer.out
    assert "already revoked on 2026-11-01" in answer.out


def test_weak_and_public_values_are_listed_and_left_out(cli, tmp_path):
    public = value()
    added(cli, "video/app/prod/weak", "a-rather-weak-value-of-words")
    added(cli, "video/app/prod/public", public)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "module.py").write_text(f"EXAMPLE = '{public}'\n")
    document = publish(cli).document
    assert (document["not_covered"], document["public"], document["entries"]) == (
        ["video/app/prod/weak"],
        ["video/app/prod/public"],
        0,
    )


@pytest.mark.parametrize("damage", ["version", "entries", "signature", "another key", "expires"])
def test_a_bundle_that_the_publisher_did_not_sign_is_refused(published, tmp_path, damage):
    path = tmp_path / "bundle"
    content = json.loads(path.read_text())
    if damage == "another key":
        path.unlink()
        assert (
            published("fingerprints", "publish", "bundle", "--key-file", "keys/other", "--public-code", "public").code
            == 0
        )
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


def test_a_stale_bundle_is_said_and_required_fails(published, tmp_path):
    (tmp_path / "bundle").unlink()
    published.clock._start = published.clock._start.replace(year=2024)
    publish(published)
    assert published("fingerprints", "pull", "bundle").code == 0
    assert "expired on 2024-12-01" in published("scan", "public").out
    assert published("scan", "public", "--require-own").code == 2


def test_the_hook_blocks_an_own_token_that_nothing_else_would_see(published, tmp_path, monkeypatch):
    from tokenguard.precommit import hook

    published("fingerprints", "pull", "bundle")
    repository = Repository(tmp_path / "work")
    repository.stage("a.bin", published.value.encode().hex())
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("TOKENGUARD_SCAN_KEY", published.environ["TOKENGUARD_SCAN_KEY"])
    assert hook.run(["--own-only"]) == 1
    repository.stage("a.bin", "nothing")
    assert hook.run(["--own-only"]) == 0


def test_the_report_code_of_a_finding_leads_a_responder_to_the_owner(published, tmp_path):
    published("fingerprints", "pull", "bundle")
    (tmp_path / "a.txt").write_text(published.value)
    shown = published("scan", "a.txt").out
    (code,) = [line.removeprefix("  report: ") for line in shown.splitlines() if line.startswith("  report: ")]
    answer = published("respond", "--report", code, "--reach", "pushed", "--no-input")
    assert answer.code == 4, answer  # a manual provider cannot be asked
    assert NAME in answer.out
    assert published.value not in answer.out + answer.err


def test_a_responder_knows_a_disguised_value_by_the_pulled_fingerprints(published, tmp_path):
    published("fingerprints", "pull", "bundle")
    disguised = base64.b64encode(published.value.encode()).decode()
    answer = published("respond", "--stdin", "--reach", "log", "--format", "json", stdin=disguised)
    assert [each["name"] for each in answer.document["tokens"]] == [NAME]
