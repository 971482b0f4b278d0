"""Which server a place is on: the configuration says it, a record only pins it, and nothing is asked of another one."""

import json

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.clients.aws.region_client import AwsSettings
from tokenguard.clients.aws.secret_field import SecretField
from tokenguard.clients.vault.entry_field import KvField
from tokenguard.domain.field_address import parse_field
from tokenguard.domain.token import Consumer, ConsumerKind, Custody, Location
from tokenguard.errors import InputError
from tokenguard.provisioning.adopted_policies import adopted_policies
from tokenguard.settings import AwsConfig, Settings, VaultConfig
from tokenguard.shell.field_servers import ConfiguredPlaces
from tokenguard.shell.wiring import Wiring

FIRST, SECOND = "https://vault-1.example.org:8200", "https://vault-2.example.org:8200"
ON_VAULT, ON_AWS = "vault://kv/app#token", "aws://eu-central-1/app#token"


def places(endpoint: str = "", **vault: object) -> ConfiguredPlaces:
    config = (
        VaultConfig(**{"address": FIRST, "credential": "env:LOGIN", **vault}) if vault.get("address") != "" else None
    )
    settings = Settings(aws=AwsConfig(endpoint=endpoint))
    return ConfiguredPlaces(settings, config, {"LOGIN": "tgcanary-login"}, FakeClock())


def test_a_location_is_pinned_to_the_configured_server():
    assert places().pinned(ON_VAULT) == Location(Custody.ADOPTED, ON_VAULT, FIRST)
    assert places(namespace="teams/video").pinned(ON_VAULT).server == f"{FIRST}/teams/video"
    assert places().pinned(ON_AWS) == Location(Custody.ADOPTED, ON_AWS, "")
    assert places(endpoint="https://vpce.example.org").pinned(ON_AWS).server == "https://vpce.example.org"


def test_one_spelling_is_pinned():
    assert places().pinned("vault://k%76/%61pp#to%6Ben").url == ON_VAULT


def test_a_place_on_the_pinned_server_is_found_without_asking_it():
    assert isinstance(places().of(Location(Custody.ADOPTED, ON_VAULT, FIRST)), KvField)
    assert isinstance(places().of(Location(Custody.ADOPTED, ON_AWS)), SecretField)


def test_any_node_of_the_cluster_will_do():
    either = places(others=(SECOND,))
    assert isinstance(either.of(Location(Custody.ADOPTED, ON_VAULT, SECOND)), KvField)
    assert either.pinned(ON_VAULT).server == FIRST


@pytest.mark.parametrize("server", ["", SECOND, f"{FIRST}/teams/video", "http://127.0.0.1:8200"])
def test_another_server_is_refused(server, words):
    with pytest.raises(InputError) as caught:
        places().of(Location(Custody.ADOPTED, ON_VAULT, server))
    words(caught.value)
    assert f"--adopt '{ON_VAULT}'" in caught.value.hint


def test_another_endpoint_of_aws_is_refused(words):
    with pytest.raises(InputError) as caught:
        places(endpoint="https://vpce.example.org").of(Location(Custody.ADOPTED, ON_AWS))
    words(caught.value)


def test_a_consumer_is_looked_for_on_the_pinned_server_alone(words):
    on_vault = Consumer(ConsumerKind.VAULT, "//kv/app#token", FIRST)
    assert isinstance(places().of(on_vault), KvField)
    assert isinstance(places(address=SECOND, others=(FIRST,)).of(on_vault), KvField)
    assert isinstance(places().of(Consumer(ConsumerKind.AWS, "//eu-central-1/app#token")), SecretField)
    for elsewhere in (places(address=SECOND), places(namespace="teams/video")):
        with pytest.raises(InputError) as caught:
            elsewhere.of(on_vault)
        words(caught.value)
        assert f"--deliver '{ON_VAULT}'" in caught.value.hint
    with pytest.raises(InputError) as caught:
        places(endpoint="https://vpce.example.org").of(Consumer(ConsumerKind.AWS, "//eu-central-1/app#token"))
    words(caught.value)


def test_a_consumer_without_a_server_on_record_is_refused_in_words_of_its_own(words):
    with pytest.raises(InputError) as caught:
        places().of(Consumer(ConsumerKind.VAULT, "//kv/app#token"))
    words(caught.value)
    assert f"--deliver '{ON_VAULT}'" in caught.value.hint


def test_which_servers_there_are_is_known_without_a_login():
    found = places(credential="env:NOTHING", others=(SECOND,), namespace="video")
    assert found.servers(ConsumerKind.VAULT) == (f"{FIRST}/video", f"{SECOND}/video")
    assert found.servers(ConsumerKind.AWS) == ("",)
    with pytest.raises(InputError, match="NOTHING"):
        found.of(Consumer(ConsumerKind.VAULT, "//kv/app#token", f"{FIRST}/video"))


def test_without_a_vault_in_the_configuration_there_are_no_places_on_one(words):
    nowhere = places(address="")
    with pytest.raises(InputError) as caught:
        nowhere.pinned(ON_VAULT)
    words(caught.value)
    assert nowhere.pinned(ON_AWS).server == ""
    nowhere.close()


@pytest.mark.parametrize("ci", ["true", ""])
def test_where_the_policy_says_so_ci_lets_no_stored_login_in_for_places_either(tmp_path, ci):
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: ours\nextends: default\nrules:\n  - {id: ci-long-lived-key, severity: error}\n"
    )
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\nurl = "local://{tmp_path}/store"\n[policy]\nfile = "policy.yaml"\n'
        f'[vault]\naddress = "{FIRST}"\ncredential = "env:LOGIN"\n'
    )
    config.chmod(0o600)
    environ = {"TOKENGUARD_CONFIG": str(config), "LOGIN": "tgcanary-login", "CI": ci}
    found = Wiring(environ=environ).places
    if not ci:
        assert isinstance(found.of(Location(Custody.ADOPTED, ON_VAULT, FIRST)), KvField)
        return
    with pytest.raises(InputError, match="ci-long-lived-key"):
        found.of(Location(Custody.ADOPTED, ON_VAULT, FIRST))


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"])
def test_regions_of_every_partition_of_aws_are_addresses(region):
    assert parse_field(f"aws://{region}/app#token").url == f"aws://{region}/app#token"
    assert AwsSettings(region=region).region == region


@pytest.mark.parametrize("region", ["eu", "EU-central-1", "eu-central-1.evil.test", "localhost", "eu-central-1x"])
def test_what_is_no_region_never_becomes_a_host(region):
    with pytest.raises(InputError):
        parse_field(f"aws://{region}/app#token")
    with pytest.raises(InputError):
        AwsSettings(region=region)


ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"


@pytest.mark.parametrize("name", ["app-AbC123", "video/app@v2-000000", "a-b-c-ZZZZZZ"])
def test_a_secret_of_another_account_is_addressed_by_its_complete_arn(name):
    url = f"aws://eu-central-1/{ARN}{name}#token"
    address = parse_field(url)
    assert (address.secret, address.field, address.url) == (ARN + name, "token", url)
    document = json.loads(adopted_policies([url])["rotator of adopted fields (AWS)"])
    assert document["Statement"][0]["Resource"] == [ARN + name]


@pytest.mark.parametrize(
    "arn",
    [
        f"{ARN}app",  # AWS may find another secret, or none
        f"{ARN}app-AbC12",
        f"{ARN}app-AbC123:extra",
        f"{ARN}*-AbC123",
        f"{ARN}-AbC123",
        ARN.replace("eu-central-1", "us-east-1") + "app-AbC123",
        ARN.replace("111122223333", "1111") + "app-AbC123",
        ARN.replace("secretsmanager", "ssm") + "app-AbC123",
        ARN.replace("arn:aws:", "arn:evil:") + "app-AbC123",
    ],
)
def test_another_arn_is_no_address(arn):
    with pytest.raises(InputError):
        parse_field(f"aws://eu-central-1/{arn}#token")
