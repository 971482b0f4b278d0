"""`import --from` where CI and people keep secrets: values are copied in, places become consumers, nothing is written."""

import pytest

from tests.fakes.secret_hosts.serving import Fault
from tests.fakes.secret_hosts.vendors import VAULT_ID, Connect, Doppler, Gitlab
from tests.fakes.world import canary


def configured(cli, tmp_path, *hosts):
    config = tmp_path / "config.toml"
    path = {Gitlab: "/api/v4"}
    config.write_text(
        "".join(
            f'[destinations."{host.host}"]\ncredential = "env:T{index}"\nurl = "{host.url}{path.get(type(host), "")}"\n'
            for index, host in enumerate(hosts)
        )
    )
    config.chmod(0o600)
    cli.environ |= {"TOKENGUARD_CONFIG": str(config)}
    cli.environ |= {f"T{index}": host.credential for index, host in enumerate(hosts)}


def only_reads(host):
    return {each.method for each in host.asked} == {"GET"}


def records(cli):
    return {each.document.record.name: each.document.record for each in cli.store.scan()}


def value_of(cli, name):
    return cli.store.read_live(cli.store.find(name).id).value.token.reveal()


OPTIONS = ("--provider", "fake", "--prefix", "video/legacy")


def test_variables_of_gitlab_become_unclaimed_tokens_that_are_delivered_back(cli, tmp_path):
    token = canary()
    with Gitlab() as host:
        configured(cli, tmp_path, host)
        host.held["API_TOKEN", "prod"] = {"key": "API_TOKEN", "environment_scope": "prod", "value": token}
        host.held["LOG_LEVEL", "*"] = {"key": "LOG_LEVEL", "environment_scope": "*", "value": "debug"}
        host.held["OLD_TOKEN", "*"] = {"key": "OLD_TOKEN", "environment_scope": "*", "value": "x", "hidden": True}
        answer = cli("import", "--from", f"gitlab://{host.host}/acme/app", *OPTIONS)
        assert answer.code == 0, answer
        assert only_reads(host)
        (name,) = records(cli)
        record = records(cli)[name]
        assert [str(each) for each in record.consumers] == [f"gitlab://{host.host}/acme/app#API_TOKEN@prod"]
        assert (record.state, record.environment) == ("unclaimed", "prod")
        assert value_of(cli, name) == token
        assert token not in answer.out + answer.err
        assert "hidden" in answer.out


def test_a_project_with_more_than_a_page_of_variables_is_read_to_its_end(cli, tmp_path):
    with Gitlab() as host:
        configured(cli, tmp_path, host)
        for number in range(130):
            key = f"T{number}_API_TOKEN"
            host.held[key, "*"] = {"key": key, "environment_scope": "*", "value": canary()}
        assert cli("import", "--from", f"gitlab://{host.host}/acme/app", *OPTIONS).code == 0
        assert len(records(cli)) == 130


def test_secrets_of_a_doppler_config_are_taken_in_once(cli, tmp_path):
    token = canary()
    with Doppler(held={"API_TOKEN": "", "SAME_TOKEN": "", "DOPPLER_CONFIG": "prd"}) as host:
        host.held |= dict.fromkeys(("API_TOKEN", "SAME_TOKEN"), token)
        configured(cli, tmp_path, host)
        address = f"doppler://{host.host}/app/prd"
        for _ in range(2):
            assert cli("import", "--from", address, *OPTIONS).code == 0
            (record,) = records(cli).values()
            assert [str(each) for each in record.consumers] == [f"{address}#API_TOKEN", f"{address}#SAME_TOKEN"]
        assert only_reads(host)


def test_fields_of_1password_items_are_taken_in_and_users_names_are_not(cli, tmp_path):
    token = canary()
    with Connect() as host:
        host.fields[1]["value"] = token
        configured(cli, tmp_path, host)
        answer = cli("import", "--from", f"onepassword://{host.host}/{VAULT_ID}", *OPTIONS)
        assert answer.code == 0, answer
        (name,) = records(cli)
        assert value_of(cli, name) == token
        assert only_reads(host)


def test_what_was_imported_can_be_rotated_and_every_place_gets_the_new_value(cli, tmp_path):
    with Doppler() as host:
        made = cli.world.create("API_TOKEN")
        host.held |= {"API_TOKEN": made.value, "COPY_TOKEN": made.value}
        configured(cli, tmp_path, host)
        assert cli("import", "--from", f"doppler://{host.host}/app/prd", "--scope", "drive:d1", *OPTIONS).code == 0
        (name,) = records(cli)
        assert cli("rotate", name).code == 0
        assert set(host.held.values()) == {value_of(cli, name)} != {made.value}


def test_a_dry_run_writes_nothing_at_all(cli, tmp_path):
    with Doppler(held={"API_TOKEN": canary()}) as host:
        configured(cli, tmp_path, host)
        answer = cli("import", "--from", f"doppler://{host.host}/app/prd", "--dry-run", *OPTIONS)
        assert answer.code == 0, answer
        assert records(cli) == {}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("gitlab:acme", "not the address"),
        ("gitlab:acme/../app", "not the address"),
        ("doppler:App/prd", "not the address"),
        (f"onepassword:{VAULT_ID}", "not the address"),
        ("gitlab:acme/app", "no credential for gitlab.com"),
        ("github:acme/app", "cannot import from"),
        ("somewhere", "cannot import from"),
    ],
)
def test_what_cannot_be_a_source_is_refused(cli, address, why):
    assert why in cli.refused("import", "--from", address)


@pytest.mark.parametrize("source", ["gitlab:acme/app", "provider:fake"])
def test_a_tag_means_nothing_to_a_host_and_to_a_provider(cli, source):
    assert "--tag" in cli.refused("import", "--from", source, "--tag", "a=b")


def test_a_place_that_the_record_of_a_known_value_does_not_name_is_told(cli, tmp_path, words):
    token = canary()
    with Gitlab() as first, Doppler(held={"API_TOKEN": token}) as second:
        first.held["API_TOKEN", "*"] = {"key": "API_TOKEN", "environment_scope": "*", "value": token}
        configured(cli, tmp_path, first, second)
        answer = cli("import", "--from", f"gitlab://{first.host}/acme/app", "--format", "json", *OPTIONS)
        assert [each["also"] for each in answer.document["added"]] == [[]]
        address = f"doppler://{second.host}/app/prd"
        again = cli("import", "--from", address, "--format", "json", *OPTIONS)
        assert [each["undeclared"] for each in again.document["duplicate"]] == [[f"{address}#API_TOKEN"]]
        told = cli("import", "--from", address, *OPTIONS)
        words(told)
        assert "tokenguard edit NAME --deliver" in told.err
        assert "does not name" not in cli("import", "--from", f"gitlab://{first.host}/acme/app", *OPTIONS).out


def test_an_import_that_was_cut_off_before_it_declared_the_places_declares_them_when_repeated(
    cli, tmp_path, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    with Doppler(held={"API_TOKEN": canary()}) as host:
        configured(cli, tmp_path, host)
        command = ("import", "--from", f"doppler://{host.host}/app/prd", *OPTIONS)
        with monkeypatch.context() as patched:
            patched.setattr("tokenguard.inventory.admission.declare_consumers", interrupted)
            assert cli(*command).code == 130
        (record,) = records(cli).values()
        assert record.consumers is None
        assert cli(*command).code == 0
        (record,) = records(cli).values()
        assert [str(each) for each in record.consumers] == [f"doppler://{host.host}/app/prd#API_TOKEN"]


def test_what_can_be_no_target_of_a_delivery_is_refused_before_anything_is_written(cli, tmp_path):
    with Gitlab() as host:
        configured(cli, tmp_path, host)
        for scope in ("two words", "ünfit"):
            row = {"key": "API_TOKEN", "environment_scope": scope, "value": canary()}
            host.held["API_TOKEN", scope] = row
        answer = cli("import", "--from", f"gitlab://{host.host}/acme/app", "--format", "json", *OPTIONS)
        assert answer.code == 1, answer
        assert [each["place"].rpartition("@")[2] for each in answer.document["refused"]] == ["ünfit"]
        (record,) = records(cli).values()
        assert [str(each) for each in record.consumers] == [f"gitlab://{host.host}/acme/app#API_TOKEN@two words"]


@pytest.mark.parametrize(
    ("kind", "address", "body"),
    [
        (Gitlab, "gitlab://{host}/acme/app", {"message": "maintenance"}),
        (Gitlab, "gitlab://{host}/acme/app", ["maintenance"]),
        (Doppler, "doppler://{host}/app/prd", {"success": True}),
        (Connect, f"onepassword://{{host}}/{VAULT_ID}", {"message": "maintenance"}),
    ],
)
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(
    cli, tmp_path, monkeypatch, kind, address, body, words
):
    monkeypatch.setattr(kind, "act", lambda *_: (200, body))
    with kind() as host:
        configured(cli, tmp_path, host)
        error = cli.refused("import", "--from", address.format(host=host.host), code=4)
        words(error)


def test_how_far_a_walk_is_is_told_at_times_and_not_for_each_entry(cli, tmp_path):
    with Doppler(held={f"NAME_{number}": "x" for number in range(250)}) as host:
        configured(cli, tmp_path, host)
        answer = cli("import", "--from", f"doppler://{host.host}/app/prd", *OPTIONS)
        assert [line.strip() for line in answer.err.splitlines() if "reading" in line] == [
            f"reading doppler://{host.host}/app/prd",
            "reading: 100 entries, 0 tokens seen",
            "reading: 200 entries, 0 tokens seen",
        ]


def test_a_source_that_denies_us_is_named(cli, tmp_path):
    with Gitlab() as host:
        configured(cli, tmp_path, host)
        host.faults.append(Fault(status=403))
        assert "403" in cli.refused("import", "--from", f"gitlab://{host.host}/acme/app", code=4)
