"""What a newer version of tokenguard wrote is refused by an exit code and the command that helps; nothing is changed."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.fakes.local_stores import added, document, edited, made, opened
from tokenguard.domain.document import REVISION, decode, encode
from tokenguard.errors import UPGRADE, ExitCode, NewerFormat, TokenguardError
from tokenguard.frozen import replace
from tokenguard.policy.loader import load_policy
from tokenguard.policy.policy_tests import read_trial
from tokenguard.ports.shared_item import Shared
from tokenguard.providers.generic.loading import describe
from tokenguard.provisioning.approval import read_approvals
from tokenguard.provisioning.request import read_requests
from tokenguard.provisioning.server_setup.server_file import read_setup
from tokenguard.scanning.baseline_file import parse_baseline
from tokenguard.scanning.bundle import read_bundle
from tokenguard.shell.organisation_policy import read_published
from tokenguard.stores.aws import codec as aws

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    store = made(tmp_path / "store")
    added(store, "video/upload")
    store.close()
    return tmp_path


def newer_document(_home):
    stored = json.loads(encode(document("video/upload")))
    decode(json.dumps({**stored, "format": 2, "record": {"unlike": ["anything", 1]}}).encode())


def newer_document_on_aws(_home):
    body = aws.TokenBody(id="0" * 32, version=1, document=replace(document("video/upload"), format=2))
    aws.unpack_state(aws.pack(body))


def newer_store_on_aws(_home):
    aws.unpack_store(aws.pack(aws.StoreBody(store_id="00", fingerprint_key=bytes(32), format=2)))


def newer_local_store(home):
    with closing(sqlite3.connect(home / "store" / "store.db")) as connection:
        connection.executescript("CREATE TABLE added (one INTEGER); PRAGMA user_version = 2;")
    opened(home / "store")


def newer_file_of_state(folder, home):
    (path,) = (home / "state" / folder).iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    opened(home / "store")


FORMATS = {
    "record": (ExitCode.UNREACHABLE, newer_document),
    "store, local": (ExitCode.UNREACHABLE, newer_local_store),
    "anchor": (ExitCode.UNREACHABLE, lambda home: newer_file_of_state("anchors", home)),
    "known place": (ExitCode.UNREACHABLE, lambda home: newer_file_of_state("places", home)),
    "store, AWS": (ExitCode.UNREACHABLE, newer_store_on_aws),
    "requests for approval": (
        ExitCode.TAMPERED,
        lambda _: read_requests(Shared("1", b'{"format":2,"requests":[]}'), ()),
    ),
    "approvals": (ExitCode.TAMPERED, lambda _: read_approvals(Shared("1", b'{"format":3,"plans":[]}'), ())),
    "policy": (ExitCode.USAGE, lambda _: load_policy(b"format: 2\nnew: key\n", source="policy.yaml")),
    "policy tests": (ExitCode.USAGE, lambda _: read_trial(b"format: 2\nnew: key\n", source="tests.yaml")),
    "published policy": (ExitCode.USAGE, lambda _: read_published(b'{"format":2,"new":1}')),
    "fingerprints": (ExitCode.USAGE, lambda _: read_bundle(b'{"format":2,"new":1}')),
    "provider file": (ExitCode.USAGE, lambda _: describe(b'format: "2"\nnew: key\n', source="acme.yaml")),
    "server file": (ExitCode.USAGE, lambda _: read_setup(b"version: 2\nnew: key\n", source="server.yaml")),
    "baseline": (
        ExitCode.USAGE,
        lambda _: parse_baseline(b"# tokenguard baseline 4 salt=00 more\n", source="baseline"),
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_newer_format_is_refused_with_the_command_that_helps(name, home):
    code, read = FORMATS[name]
    with pytest.raises(TokenguardError) as caught:
        read(home)
    assert (caught.value.exit_code, UPGRADE in caught.value.hint) == (code, True), caught.value.message


def test_the_upgrade_names_a_source_because_an_index_may_have_another_project():
    assert re.search(r"pip install '\S+ @ git\+URL@TAG'", UPGRADE)


def test_a_newer_manifest_is_refused_at_its_version(cli, tmp_path):
    (tmp_path / "tokens.yaml").write_text("version: 2\nfor_each: new\n")
    answer = cli("plan", "tokens.yaml")
    assert (answer.code, UPGRADE in answer.err, "tokens.yaml:1:1" in answer.err) == (2, True, True), answer.err


def test_the_page_lists_every_format_with_its_exit_code():
    rows = re.findall(r"^\| ([a-zA-Z, ]+) \| \d.*\| (\d) \|$", PAGE.read_text(), re.MULTILINE)
    expected = {name: str(int(code)) for name, (code, _) in FORMATS.items()}
    assert dict(rows) == expected | {"manifest": "2", "store, Vault": "4", "evidence bundle": "2"}


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "two", "\N{FULLWIDTH DIGIT ONE}", "9" * 400])
def test_what_is_no_newer_number_is_bad_input_and_not_a_reason_to_upgrade(number):
    with pytest.raises(TokenguardError) as caught:
        load_policy(f'format: "{number}"\n'.encode(), source="policy.yaml")
    assert (caught.value.exit_code, UPGRADE in caught.value.hint) == (2, False)


def test_a_document_of_a_later_revision_is_read_and_never_written(home):
    store = opened(home / "store")
    (snapshot,) = store.scan()
    later = replace(snapshot, document=replace(snapshot.document, revision=REVISION + 1))
    with pytest.raises(NewerFormat) as caught:
        edited(_Later(store), later)
    assert UPGRADE in caught.value.hint
    assert next(iter(store.scan())) == snapshot


class _Later:
    """A store whose document in place is of a later revision."""

    def __init__(self, store):
        self._store = store

    def commit(self, token, expected, after, events):
        from tokenguard.domain.document import check_still_here

        check_still_here(after, after)
        return self._store.commit(token, expected, after, events)


def test_a_document_of_a_later_revision_keeps_its_mark_when_it_is_read():
    stored = msgspec.json.decode(encode(document("video/upload")))
    found = decode(json.dumps({**stored, "revision": REVISION + 1, "unheard": 1}).encode())
    assert found.revision == REVISION + 1
    assert decode(json.dumps({**stored, "revision": 0}).encode()).revision == 0
