"""Adopting, rotating and importing what teams already keep on a Vault: a real OpenBao, from a store there or at home."""

import base64
import itertools
import json
import secrets
from collections import Counter

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.fakes.vault_proxy import Answer, Cut, VaultProxy
from tests.integration.openbao import OpenBao
from tokenguard.errors import ExitCode
from tokenguard.sandbox.sandbox_server import Sandbox

_numbers = itertools.count()
_READS = {"GET", "LIST"}


EITHER = pytest.mark.parametrize("cli", ["vault", "local"], indirect=True)
"""The record's own store: on the same Vault, or on the runner's disk."""


@pytest.fixture
def cli(request, openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    on_vault = getattr(request, "param", "local") == "vault"
    url = f"vault://secret/home{next(_numbers)}" if on_vault else f"local://{tmp_path}/store"
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    cli = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=url, environ={"TOKENGUARD_KEY_FILE": str(key)})
    made = cli("init", *(["--sandbox"] if on_vault else []))
    assert made.code == 0, made
    return cli


class Theirs:
    """A mount of others."""

    def __init__(self, server: OpenBao) -> None:
        self.server = server
        self.mount = server.new_mount()

    def put(self, path: str, **fields: object) -> str:
        self.server.api("POST", f"{self.mount}/data/{path}", {"data": fields})
        return f"vault://{self.mount}/{path}"

    def label(self, path: str, **labels: str) -> None:
        self.server.api("POST", f"{self.mount}/metadata/{path}", {"custom_metadata": labels})

    def get(self, path: str) -> dict[str, object]:
        return self.server.api("GET", f"{self.mount}/data/{path}").json()["data"]["data"]

    def version(self, path: str) -> int:
        return self.server.api("GET", f"{self.mount}/metadata/{path}").json()["data"]["current_version"]


@pytest.fixture
def theirs(openbao) -> Theirs:
    return Theirs(openbao)


def _fields(sandbox: Sandbox) -> tuple[str, ...]:
    scope = f"org:{sandbox.info.org_id}"
    return (
        "--provider", "autoposting", "--scope", scope, "--env", "prod", "--owner", "video", "--purpose", "posting",
        "--no-consumers",
    )  # fmt: skip


def adopt(cli, sandbox, url: str, name: str = NAME):
    return cli("add", name, *_fields(sandbox), "--adopt", url)


@EITHER
def test_a_life_in_somebody_elses_entry(cli, sandbox, theirs):
    old = _value(sandbox)
    url = theirs.put("apps/publisher", url="https://api.example.org", retries=3, autoposting_key=old, nested={"a": [1]})
    assert adopt(cli, sandbox, f"{url}#autoposting_key").code == 0
    assert theirs.version("apps/publisher") == 1
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    there = theirs.get("apps/publisher")
    new = there.pop("autoposting_key")
    assert there == {"url": "https://api.example.org", "retries": 3, "nested": {"a": [1]}}
    assert new != old
    assert theirs.version("apps/publisher") == 2
    assert new in cli("env", "-t", f"{NAME}=KEY").out
    assert cli("verify", NAME).code == 0
    assert cli("audit", "verify").code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    assert cli("retire", NAME, "--yes").code == 0


@EITHER
def test_a_location_that_a_manifest_declares_is_taken_over_and_rotated_in_place(cli, sandbox, theirs, tmp_path):
    old = _value(sandbox)
    url = f"{theirs.put('app', token=old, zone='eu')}#token"
    manifest = tmp_path / "tokens.yaml"
    fields = {
        "provider": "autoposting", "scope": f"org:{sandbox.info.org_id}", "environment": "prod", "owner": "video",
        "purpose": "posting", "consumers": [], "location": url,
    }  # fmt: skip
    manifest.write_text(json.dumps({"version": "1", "tokens": {NAME: fields}}))
    digest = cli("plan", str(manifest), "--format", "json").document["digest"]
    answer = cli("apply", str(manifest), "--digest", digest)
    assert answer.code == 0, answer
    assert (theirs.get("app"), theirs.version("app")) == ({"token": old, "zone": "eu"}, 1)
    assert cli("plan", str(manifest), "--exit-code").code == 0
    assert cli("rotate", NAME).code == 0
    assert theirs.get("app")["token"] != old
    assert cli("drift", str(manifest), "--ask-consumers").code == 0
    theirs.put("app", token=old, zone="eu")
    drifted = cli("drift", str(manifest), "--ask-consumers", "--format", "json")
    assert (drifted.code, [each["rule"] for each in drifted.document["drift"]]) == (1, ["consumer-differs"])


@EITHER
def test_a_strangers_write_in_the_middle_is_seen_and_the_rotation_goes_on_after_it(cli, sandbox, theirs):
    old = _value(sandbox)
    url = theirs.put("app", token=old, zone="eu")
    assert adopt(cli, sandbox, f"{url}#token").code == 0
    with VaultProxy(cli.server.port) as proxy:
        cli.address = proxy.url
        assert cli("edit", NAME, "--adopt", f"{url}#token").code == 0

        def stranger(_number: int, asked: object) -> None:
            if asked.method == "PATCH" and theirs.version("app") == 1:
                theirs.put("app", token="tgcanary-theirs-1", zone="us")

        proxy.fault = stranger
        answer = cli("rotate", NAME)
        assert answer.code == 3, answer
        assert "another writer" in answer.error
        assert theirs.get("app") == {"token": "tgcanary-theirs-1", "zone": "us"}
        theirs.put("app", token=old, zone="us")
        assert cli("rotate", NAME, "--resume").code == 0
        there = theirs.get("app")
        assert there["zone"] == "us"
        assert there["token"] not in {old, "tgcanary-theirs-1"}


@pytest.mark.parametrize(
    "fault",
    [Cut(after=True), Cut(after=False), Answer(503), Answer(412)],
    ids=["lost after", "lost before", "503", "412"],
)
def test_a_publish_without_a_reply_is_settled_by_looking(cli, sandbox, theirs, fault):
    url = theirs.put("app", token=_value(sandbox), zone="eu")
    with VaultProxy(cli.server.port) as proxy:
        cli.address = proxy.url
        assert adopt(cli, sandbox, f"{url}#token").code == 0
        met: list[int] = []

        def once(number: int, asked: object) -> object:
            if asked.method != "PATCH" or met:
                return None
            met.append(number)
            return fault

        proxy.fault = once
        assert cli("rotate", NAME).code == 0
        assert met
        assert theirs.version("app") == 2
        assert theirs.get("app")["zone"] == "eu"


@EITHER
def test_a_permission_that_is_lost_is_named_and_comes_back(cli, sandbox, theirs):
    url = theirs.put("app", token=_value(sandbox))
    assert adopt(cli, sandbox, f"{url}#token").code == 0
    root = cli.server.root_token
    cli.token = cli.server.new_token(
        'path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }\n'
        'path "sys/*" { capabilities = ["read", "update"] }\npath "auth/token/*" { capabilities = ["read", "update"] }\n'
        f'path "{theirs.mount}/data/*" {{ capabilities = ["read"] }}'
    )
    answer = cli("rotate", NAME)
    assert answer.code == 4, answer
    assert f'path "{theirs.mount}/data/app" {{ capabilities = ["read", "patch"] }}' in answer.err
    assert theirs.version("app") == 1
    cli.token = root
    assert cli("rotate", NAME, "--resume").code == 0
    assert theirs.version("app") == 2


def keep(theirs, path: str, time: str) -> None:
    theirs.server.api("POST", f"{theirs.mount}/metadata/{path}", {"delete_version_after": time})


def ends_at(theirs, path: str) -> str:
    return theirs.server.api("GET", f"{theirs.mount}/data/{path}").json()["data"]["metadata"]["deletion_time"]


def test_an_entry_that_will_delete_itself_is_not_adopted(cli, sandbox, theirs):
    keep(theirs, "apps/publisher", "1h")
    url = theirs.put("apps/publisher", key=_value(sandbox))
    refused = adopt(cli, sandbox, f"{url}#key")
    assert refused.code == ExitCode.USAGE
    assert "delete_version_after" in refused.error
    assert cli("list", "--format", "json").document["tokens"] == []
    keep(theirs, "apps/publisher", "0s")
    theirs.put("apps/publisher", key=theirs.get("apps/publisher")["key"])
    assert adopt(cli, sandbox, f"{url}#key").code == ExitCode.OK


@EITHER
def test_what_deletes_itself_is_not_served_to_consumers_when_the_old_token_ends(cli, sandbox, theirs):
    old = _value(sandbox)
    url = theirs.put("apps/publisher", key=old)
    assert adopt(cli, sandbox, f"{url}#key").code == ExitCode.OK
    keep(theirs, "apps/publisher", "1h")
    for line in (("rotate", NAME), ("rotate", NAME, "--resume"), ("rotate", "--resume")):
        answer = cli(*line)
        assert answer.code == ExitCode.UNFINISHED, (line, answer.err)
        assert "delete-version-after=0s" in answer.err, line
        assert sandbox.world.alive(old), line
    keep(theirs, "apps/publisher", "0s")
    assert cli("rotate", NAME, "--resume").code == ExitCode.OK
    assert ends_at(theirs, "apps/publisher") == ""
    assert not sandbox.world.alive(old)


def test_a_consumers_entry_that_deletes_itself_is_not_said_to_have_the_token(cli, sandbox, theirs):
    keep(theirs, "apps/consumer", "1h")
    url = theirs.put("apps/consumer", key="none yet")
    fields = [each for each in _fields(sandbox) if each != "--no-consumers"]
    made = cli("add", NAME, *fields, "--issue", "--deliver", f"{url}#key")
    assert made.code == ExitCode.UNFINISHED
    assert cli("rotate", "--resume").code == ExitCode.UNFINISHED
    keep(theirs, "apps/consumer", "0s")
    assert cli("rotate", "--resume").code == ExitCode.OK
    assert ends_at(theirs, "apps/consumer") == ""


def test_a_mount_without_versions_is_told_as_that(cli, sandbox, openbao):
    mount = f"plain{next(_numbers)}"
    openbao.api("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "1"}})
    openbao.api("POST", f"{mount}/publisher", {"key": _value(sandbox)})
    refused = adopt(cli, sandbox, f"vault://{mount}/publisher#key")
    assert refused.code == ExitCode.USAGE
    assert "not KV version 2" in refused.error


def test_a_deleted_entry_stops_a_rotation_and_not_a_retirement(cli, sandbox, theirs):
    url = theirs.put("app", token=_value(sandbox))
    assert adopt(cli, sandbox, f"{url}#token").code == 0
    cli.server.api("DELETE", f"{theirs.mount}/data/app")
    assert cli("rotate", NAME).code == 3
    assert cli("env", "-t", NAME).code == 2
    assert cli("retire", NAME, "--yes").code == 0


def test_another_server_than_the_pinned_one_hears_nothing(cli, sandbox, theirs, words):
    url = theirs.put("app", token=_value(sandbox))
    assert adopt(cli, sandbox, f"{url}#token").code == 0
    with VaultProxy(cli.server.port) as proxy:
        cli.address = proxy.url
        answer = cli("rotate", NAME)
        assert answer.code == 2, answer
        words(answer)
        assert not [asked for asked in proxy.asked if theirs.mount in asked.path]


@EITHER
def test_printed_policies_are_enough_for_an_adopted_place(cli, sandbox, theirs):
    url = theirs.put("app", token=_value(sandbox), zone="eu")
    printed = cli("init", "--print-policy", "--adopt", f"{url}#token", "--format", "json").document["policies"]
    rest = printed.get("rotator", 'path "auth/token/lookup-self" { capabilities = ["read"] }\n')
    cli.token = cli.server.new_token(rest + printed["rotator of adopted fields (Vault)"])
    assert adopt(cli, sandbox, f"{url}#token").code == 0
    assert cli("rotate", NAME).code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    assert cli("retire", NAME, "--yes").code == 0
    assert theirs.get("app")["zone"] == "eu"


def _value(sandbox: Sandbox) -> str:
    """A key that somebody made by hand."""
    return sandbox.world.create_key(f"by-hand-{next(_numbers)}", ["posts:write"]).secret.reveal()


@pytest.fixture
def tree(sandbox, theirs) -> dict[str, str]:
    """What a team has: the same value in three places, another, things that are not tokens, a deleted entry."""
    shared, alone = _value(sandbox), _value(sandbox)
    theirs.put("video/publisher/prod", token=shared, zone="eu")
    theirs.label("video/publisher/prod", owner="video", env="prod")
    theirs.put("video/backup job/prod", api_key=shared)
    theirs.put("web/site", autoposting_token=shared, session_key=alone, password="tgcanary-pass", note="hello there")
    theirs.put("web/plain", user="alice", url="https://example.org", number=7)
    theirs.put("web/gone", token=_value(sandbox))
    theirs.server.api("DELETE", f"{theirs.mount}/data/web/gone")
    return {"shared": shared, "alone": alone}


@EITHER
def test_an_import_adopts_each_value_once_and_only_reads(cli, theirs, tree):
    before = {path: theirs.version(path) for path in ("video/publisher/prod", "video/backup job/prod", "web/site")}
    with VaultProxy(cli.server.port) as proxy:
        cli.address = proxy.url
        planned = cli("import", "--from", f"vault://{theirs.mount}", "--dry-run", "--format", "json")
        assert planned.code == 1, planned
        assert cli("list", "--format", "json").document["tokens"] == []
        answer = cli("import", "--from", f"vault://{theirs.mount}", "--format", "json")
        asked = Counter(each.method for each in proxy.asked if each.path.startswith(theirs.mount))
    cli.address = ""
    assert answer.code == 1, answer
    assert set(asked) <= _READS, "the source was written to"
    document = answer.document
    assert [(each["name"], each["state"], each["provider"]) for each in document["added"]] == [
        ("video/backup-job/prod", "unclaimed", "autoposting"),
        ("web/site/session-key", "unclaimed", "autoposting"),
    ]
    assert {**document, "dry_run": True} == planned.document
    assert document["added"][0]["also"] == [
        f"vault://{theirs.mount}/video/publisher/prod#token", f"vault://{theirs.mount}/web/site#autoposting_token"
    ]  # fmt: skip
    assert [each["place"] for each in document["unreadable"]] == [f"vault://{theirs.mount}/web/gone"]
    assert before == {path: theirs.version(path) for path in before}
    for value in tree.values():
        assert value not in answer.out + answer.err + planned.out + planned.err
    shared = cli("show", "video/backup-job/prod", "--format", "json").document
    assert (shared["owner"], shared["environment"]) == ("video", "prod")
    assert shared["location"] == {
        "custody": "adopted",
        "url": f"vault://{theirs.mount}/video/backup%20job/prod#api_key",
        "server": proxy.url,
    }
    assert shared["consumers"] == document["added"][0]["also"]


def test_an_import_done_twice_is_the_same_as_once(cli, theirs, tree):
    assert cli("import", "--from", f"vault://{theirs.mount}").code == 1
    once = cli("list", "--format", "json").document["tokens"]
    again = cli("import", "--from", f"vault://{theirs.mount}", "--format", "json")
    assert len(again.document["duplicate"]) == 2
    assert again.document["added"] == []
    assert cli("list", "--format", "json").document["tokens"] == once
    theirs.put("web/new", token=_value(cli.sandbox))
    third = cli("import", "--from", f"vault://{theirs.mount}/web", "--format", "json")
    assert [each["name"] for each in third.document["added"]] == ["web/new"]


def test_what_was_imported_can_be_rotated_when_it_is_claimed(cli, sandbox, theirs, tree):
    assert cli("import", "--from", f"vault://{theirs.mount}/web").code == 1
    name = "web/site/session-key"
    assert cli(
        "edit", name, "--owner", "web", "--scope", f"org:{sandbox.info.org_id}", "--env", "prod", "--purpose", "x",
        "--no-consumers",
    ).code == 0  # fmt: skip
    answer = cli("rotate", name)
    assert answer.code == 0, answer
    there = theirs.get("web/site")
    assert there.pop("session_key") != tree["alone"]
    assert there == {"autoposting_token": tree["shared"], "password": "tgcanary-pass", "note": "hello there"}


def test_every_place_of_a_value_has_the_new_one_before_the_old_one_ends(cli, sandbox, theirs, tree):
    assert cli("import", "--from", f"vault://{theirs.mount}").code == 1
    name = "video/backup-job/prod"
    assert cli("edit", name, "--owner", "v", "--scope", f"org:{sandbox.info.org_id}", "--purpose", "x").code == 0
    answer = cli("rotate", name)
    assert answer.code == 0, answer
    new = theirs.get("video/backup job/prod")["api_key"]
    assert sandbox.world.alive(new)
    assert not sandbox.world.alive(tree["shared"])
    assert theirs.get("video/publisher/prod") == {"token": new, "zone": "eu"}
    site = theirs.get("web/site")
    assert (site["autoposting_token"], site["session_key"]) == (new, tree["alone"])


def test_only_what_has_the_label_is_looked_at(cli, theirs, tree):
    answer = cli("import", "--from", f"vault://{theirs.mount}", "--tag", "owner=video", "--format", "json")
    assert answer.code == 0, answer
    assert [each["name"] for each in answer.document["added"]] == ["video/publisher/prod"]


def test_what_may_not_be_read_is_counted_and_named(cli, theirs, tree):
    rest = 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }\n'
    rest += 'path "sys/*" { capabilities = ["read", "update"] }\npath "auth/token/*" { capabilities = ["read", "update"] }\n'
    mount = theirs.mount
    cli.token = cli.server.new_token(
        f'{rest}path "{mount}/metadata/" {{ capabilities = ["list"] }}\n'
        f'path "{mount}/metadata/web/*" {{ capabilities = ["list"] }}\n'
        f'path "{mount}/data/web/site" {{ capabilities = ["read"] }}'
    )
    answer = cli("import", "--from", f"vault://{mount}", "--format", "json")
    assert answer.code == 1, answer
    assert len(answer.document["added"]) == 2
    unreadable = {each["place"]: each["reason"] for each in answer.document["unreadable"]}
    assert unreadable == {
        f"vault://{mount}/video/": "denied", f"vault://{mount}/web/gone": "denied", f"vault://{mount}/web/plain": "denied",
    }  # fmt: skip


def test_a_store_of_tokenguard_is_not_walked_into(cli):
    team = f"vault://secret/team{next(_numbers)}"
    assert cli("init", "--sandbox", url=team).code == 0
    assert cli("add", NAME, *_fields(cli.sandbox), "--issue", url=team).code == 0
    answer = cli("import", "--from", team, "--format", "json")
    assert answer.code == 0, answer
    assert [(each["place"], each["reason"]) for each in answer.document["skipped"]] == [
        (f"{team}/", "a store of tokenguard")
    ]
    assert answer.document["added"] == []


@pytest.mark.parametrize("address", ["vault://no-such-mount", "vault://secret/nothing/here"])
def test_nothing_at_an_address_is_an_error_and_no_success(cli, address, words):
    answer = cli("import", "--from", address)
    assert answer.code == 2
    words(answer)


def test_an_interrupted_import_goes_on_under_the_same_names(cli, theirs, tree, monkeypatch):
    from tokenguard.rotation.engine import Engine

    add = Engine.add

    def dies(self, record, value, **more):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "add", dies)
    assert cli("import", "--from", f"vault://{theirs.mount}").code == 130
    monkeypatch.setattr("tokenguard.inventory.admission.declare_consumers", _interrupt)
    assert cli("import", "--from", f"vault://{theirs.mount}").code == 130
    monkeypatch.undo()
    assert add is Engine.add
    assert cli("import", "--from", f"vault://{theirs.mount}").code == 1
    tokens = cli("list", "--format", "json").document["tokens"]
    assert [each["name"] for each in tokens] == ["video/backup-job/prod", "web/site/session-key"]
    shown = cli("show", "video/backup-job/prod", "--format", "json").document
    assert len(shown["consumers"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("file.csv", "--from", "vault://kv"), ("--from", "vault://"), ("--from", "kv/app"), ("--from", "https://x/y"),
     ("--from", "vault://kv/app#token"), ("--from", "vault://kv/../x"), ("--from", "aws://nowhere/x"),
     ("--from", "vault://kv", "--tag", "team"), ("--from", "vault://kv", "--file-format", "csv"), ("--tag", "a=b", "f.csv"),
     ("--from", "vault://kv", "--prefix", "No Name")],
    ids=json.dumps,
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_asked(cli, arguments):
    answer = cli("import", *arguments)
    assert answer.code == 2, answer
    assert answer.err.count("error: ") == answer.err.count("hint: ") == 1


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
