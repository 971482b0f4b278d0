"""What others decided about the place of a value stays as it is when the value is replaced: a table of all places."""

import copy
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.remote_deliveries import VENDORS, consumer_at, deliveries
from tests.fakes import vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, client
from tests.fakes.world import canary
from tests.integration.openbao import OpenBao
from tokenguard.clients.aws.secret_field import SecretField
from tokenguard.clients.aws.secrets import Secrets
from tokenguard.clients.vault.entry_field import KvField
from tokenguard.clients.vault.kv import KvMount
from tokenguard.delivery.field import PlaceDelivery
from tokenguard.domain.field_address import AwsField, VaultField
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError, Unfinished
from tokenguard.ports.delivery import ConsumerVerdict


@dataclass(frozen=True)
class Setting:
    """Something of others at a host, how it is set up, and how it is seen."""

    vendor: str
    prepare: Callable[[Any], None]
    see: Callable[[Any], object]


def _variable(**flags: object) -> Callable[[Any], None]:
    usual = {"key": "TOKEN", "value": "old-value-1", "masked": True, "protected": False, "raw": True}

    def prepare(host: Any) -> None:
        host.held["TOKEN", "*"] = usual | flags
        host.held["TOKEN", "prod"] = usual | {"environment_scope": "prod"}

    return prepare


def _flags(host: Any) -> object:
    mine = {name: flag for name, flag in host.held["TOKEN", "*"].items() if name != "value"}
    return mine, host.held["TOKEN", "prod"]


def _kubernetes(host: Any) -> None:
    host.held["app"] = {"OTHER": "b3RoZXI="}
    host.about["app"] = {"labels": {"team": "video"}, "annotations": {"owner": "ops"}, "type": "kubernetes.io/tls"}


def _doppler(host: Any) -> None:
    host.held |= {"TOKEN": "old", "OTHER": "other"}
    host.about["TOKEN"] = {"note": "ask ops first", "visibility": "restricted"}


def _item(host: Any) -> None:
    host.fields[1] |= {"type": "CONCEALED", "purpose": "PASSWORD", "section": {"id": "s"}, "generate": False}


def _fields(host: Any) -> object:
    return host.fields[0], {name: told for name, told in host.fields[1].items() if name != "value"}


def _github(host: Any) -> None:
    host.put("repos/acme/app/actions/secrets", "TOKEN", "old")
    host.put("repos/acme/app/actions/secrets", "OTHER", "other")
    host.put("repos/acme/app/environments/prod/secrets", "TOKEN", "of the environment")


def _other_secrets(host: Any) -> object:
    mine = ("repos/acme/app/actions/secrets", "TOKEN")
    return {place: text for place, text in host.held.items() if place != mine}


SETTINGS = {
    "gitlab: not protected": Setting("gitlab", _variable(), _flags),
    "gitlab: protected": Setting("gitlab", _variable(protected=True), _flags),
    "gitlab: expanded": Setting("gitlab", _variable(raw=False), _flags),
    "gitlab: a file": Setting("gitlab", _variable(variable_type="file"), _flags),
    "gitlab: described": Setting("gitlab", _variable(description="ask ops first"), _flags),
    "gitlab: scope": Setting("gitlab", _variable(environment_scope="*"), _flags),
    "k8s: labels, annotations, type": Setting("k8s", _kubernetes, lambda host: host.about["app"]),
    "k8s: other keys": Setting("k8s", _kubernetes, lambda host: host.held["app"]["OTHER"]),
    "doppler: note, visibility": Setting("doppler", _doppler, lambda host: host.about["TOKEN"]),
    "doppler: other secrets": Setting("doppler", _doppler, lambda host: host.held["OTHER"]),
    "onepassword: fields": Setting("onepassword", _item, _fields),
    "github: other secrets": Setting("github", _github, _other_secrets),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_delivery_to_a_host_changes_the_value_and_nothing_else(setting: Setting, tmp_path: Path):
    vendor = VENDORS[setting.vendor]
    with vendor.make() as host:
        setting.prepare(host)
        before = copy.deepcopy(setting.see(host))
        consumer, value = consumer_at(vendor, host, tmp_path), canary()
        delivery = deliveries(vendor, host).of(consumer)
        delivery.check(consumer)
        delivery.push(consumer, Value.of(value))
        assert vendor.seen(host) == value
        assert setting.see(host) == before


def test_every_kind_of_host_is_in_the_table():
    assert {setting.vendor for setting in SETTINGS.values()} == set(VENDORS)


def test_a_value_that_gitlab_would_expand_is_refused_rather_than_the_flag_changed(tmp_path: Path):
    vendor = VENDORS["gitlab"]
    with vendor.make() as host:
        _variable(raw=False)(host)
        before = copy.deepcopy(host.held)
        consumer = consumer_at(vendor, host, tmp_path)
        with pytest.raises(InputError) as caught:
            deliveries(vendor, host).of(consumer).push(consumer, Value.of("tgcanary-$HOME-value"))
        assert caught.value.hint
        assert host.held == before


def test_what_is_made_anew_is_masked_protected_and_literal(tmp_path: Path):
    vendor = VENDORS["gitlab"]
    with vendor.make() as host:
        consumer = consumer_at(vendor, host, tmp_path)
        deliveries(vendor, host).of(consumer).push(consumer, Value.of("tgcanary-$HOME-value"))
        made = host.held["TOKEN", "*"]
        assert (made["masked"], made["protected"], made["raw"]) == (True, True, True)


# ---- entries of Vault and of AWS


@pytest.mark.parametrize("ends", ["0s", "720h"])
def test_an_entry_of_a_vault_keeps_its_metadata_and_other_fields(openbao: OpenBao, ends: str):
    """Also where the server will delete the value by itself, so that the delivery is not done."""
    mount = openbao.new_mount()
    about = {
        "custom_metadata": {"owner": "ops"},
        "max_versions": 7,
        "cas_required": True,
        "delete_version_after": ends,
    }
    openbao.api("POST", f"{mount}/metadata/app", about)
    openbao.api("POST", f"{mount}/data/app", {"data": {"token": "old", "zone": "eu"}, "options": {"cas": 0}})

    def metadata() -> dict[str, Any]:
        found = openbao.api("GET", f"{mount}/metadata/app").json()["data"]
        return {name: found[name] for name in about}

    before, value = metadata(), canary()
    connection = vault_stores.connection(openbao.url, openbao.root_token)
    try:
        place = KvField(KvMount(connection, mount), VaultField(mount=mount, path="app", field="token"))
        consumer = Consumer(kind=ConsumerKind.VAULT, target=f"vault://{mount}/app#token")
        delivery = PlaceDelivery(lambda _consumer: place)
        delivery.check(consumer)
        with nullcontext() if ends == "0s" else pytest.raises(Unfinished):
            delivery.push(consumer, Value.of(value))
        assert delivery.verify(consumer, Value.of(value)) is ConsumerVerdict.EXPECTED
    finally:
        connection.close()
    assert metadata() == before
    assert openbao.api("GET", f"{mount}/data/app").json()["data"]["data"] == {"token": value, "zone": "eu"}


def test_a_secret_of_aws_keeps_tags_key_description_and_other_fields(
    fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
):
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name, text)
    asked = {
        "Name": "app", "SecretString": json.dumps({"token": "old", "zone": "eu"}), "ClientRequestToken": "0" * 32,
        "Tags": [{"Key": "team", "Value": "video"}], "Description": "ask ops first", "KmsKeyId": "alias/ops",
    }  # fmt: skip
    fake_aws.service.call("CreateSecret", asked)

    def described() -> dict[str, Any]:
        found = fake_aws.service.call("DescribeSecret", {"SecretId": "app"})
        return {name: found.get(name) for name in ("Tags", "Description", "KmsKeyId", "RotationEnabled", "Name")}

    before, value = described(), canary()
    place = SecretField(
        Secrets(client(fake_aws), FakeClock()), AwsField(region=fake_aws.region, secret="app", field="token")
    )
    consumer = Consumer(kind=ConsumerKind.AWS, target=f"aws://{fake_aws.region}/app#token")
    delivery = PlaceDelivery(lambda _consumer: place)
    delivery.check(consumer)
    fake_aws.requests.clear()
    delivery.push(consumer, Value.of(value))
    assert described() == before
    held = fake_aws.service.call("GetSecretValue", {"SecretId": "app"})["SecretString"]
    assert json.loads(held) == {"token": value, "zone": "eu"}
