"""The Place contract over a real OpenBao, the strict Secrets Manager and the fake in memory."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.place_suite import PlaceContract
from tests.fakes import vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.memory_places import MemoryPlace, MemoryPlaces
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, client
from tests.fakes.vault_proxy import Answer, Cut, VaultProxy
from tests.fakes.world import canary
from tests.integration.openbao import OpenBao
from tokenguard.clients.aws.secret_field import SecretField
from tokenguard.clients.aws.secrets import Secrets
from tokenguard.clients.vault.entry_field import KvField
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import VaultError
from tokenguard.domain.field_address import AwsField, VaultField
from tokenguard.domain.secret import Secret
from tokenguard.errors import Conflict, InputError, Unfinished, Unreachable
from tokenguard.ports.external_fields import ExternalField

_numbers = itertools.count()


class TestPlaceInMemory(PlaceContract):
    forgets = True

    @pytest.fixture(autouse=True)
    def _world(self) -> None:
        self.places = MemoryPlaces()
        self.url = "vault://kv/app"

    def put(self, fields: dict[str, Any]) -> None:
        self.places.put(self.url, **fields)

    def remove(self) -> None:
        self.places.remove(self.url)

    def fields(self) -> dict[str, Any]:
        return self.places.fields(self.url)

    def place(self, field: str = "token") -> ExternalField:
        return MemoryPlace(self.places, f"{self.url}#{field}")


class TestVaultPlace(PlaceContract):
    @pytest.fixture(autouse=True)
    def _world(self, openbao: OpenBao) -> Iterator[None]:
        self.server = openbao
        self.path = f"their apps/ü+{next(_numbers)}/prod"
        self.connection = vault_stores.connection(openbao.url, openbao.root_token)
        yield
        self.connection.close()

    def put(self, fields: dict[str, Any]) -> None:
        self.server.api("POST", f"secret/data/{self.path}", {"data": fields})

    def remove(self) -> None:
        self.server.api("DELETE", f"secret/data/{self.path}")

    def fields(self) -> dict[str, Any]:
        return self.server.api("GET", f"secret/data/{self.path}").json()["data"]["data"]

    def place(self, field: str = "token", url: str = "") -> KvField:
        connection = vault_stores.connection(url, self.server.root_token) if url else self.connection
        return KvField(KvMount(connection, "secret"), VaultField(mount="secret", path=self.path, field=field))

    @pytest.mark.parametrize("after", [True, False])
    def test_a_reply_that_was_lost_is_made_up_for(self, after):
        self.put({"token": canary(), "zone": "eu"})
        new = canary()
        with VaultProxy(self.server.port) as proxy:
            place = self.place(url=proxy.url)
            held = place.read()
            cut: list[int] = []

            def fault(number: int, asked: object) -> Cut | None:
                if asked.method != "PATCH" or cut:
                    return None
                cut.append(number)
                return Cut(after=after)

            proxy.fault = fault
            place.replace(held.version, Secret(new))
        assert cut
        assert self.fields() == {"token": new, "zone": "eu"}
        assert int(self.place().read().version) == int(held.version) + 1

    def test_nothing_of_the_other_fields_is_sent(self):
        self.put({"token": canary(), "other": "tgcanary-neighbour"})
        with VaultProxy(self.server.port) as proxy:
            place = self.place(url=proxy.url)
            place.replace(place.read().version, Secret(canary()))
            assert [asked.method for asked in proxy.asked if "/data/" in asked.path] == ["GET", "PATCH", "GET"]

    @pytest.mark.parametrize("able", ['"read"', '"read", "create", "update"'])
    def test_a_login_that_may_not_patch_is_told_what_its_policy_lacks(self, able):
        self.put({"token": canary()})
        token = self.server.new_token(
            f'path "secret/data/*" {{ capabilities = [{able}] }}\n'
            'path "auth/token/lookup-self" { capabilities = ["read"] }'
        )
        connection = vault_stores.connection(self.server.url, token)
        place = KvField(KvMount(connection, "secret"), VaultField(mount="secret", path=self.path, field="token"))
        held = place.read()
        with pytest.raises(VaultError) as caught:
            place.replace(held.version, Secret(canary()))
        assert '"patch"' in caught.value.hint
        assert f"secret/data/{self.path}" in caught.value.hint
        assert self.place().read().version == held.version
        connection.close()

    def test_a_server_without_patch_is_said_to_be_one(self):
        self.put({"token": canary()})
        with VaultProxy(self.server.port) as proxy:
            proxy.fault = lambda _, asked: Answer(405) if asked.method == "PATCH" else None
            place = self.place(url=proxy.url)
            with pytest.raises(VaultError):
                place.replace(place.read().version, Secret(canary()))


class TestAwsPlace(PlaceContract):
    @pytest.fixture(autouse=True)
    def _world(self, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        self.aws = fake_aws
        self.name = f"their/app-{next(_numbers)}"

    def put(self, fields: dict[str, Any]) -> None:
        self.put_text(json.dumps(fields))

    def put_text(self, text: str) -> None:
        if self.name in self.aws.service.shelf.secrets:
            self._call("PutSecretValue", SecretId=self.name, SecretString=text)
        else:
            self._call("CreateSecret", Name=self.name, SecretString=text)

    def remove(self) -> None:
        self._call("DeleteSecret", SecretId=self.name)

    def fields(self) -> dict[str, Any]:
        return json.loads(self.text())

    def text(self) -> str:
        return self._call("GetSecretValue", SecretId=self.name)["SecretString"]

    def _call(self, operation: str, **params: Any) -> Any:
        token = {"ClientRequestToken": f"{next(_numbers):032d}"} if operation[:3] in {"Put", "Cre"} else {}
        return self.aws.service.call(operation, {**params, **token})

    def place(self, field: str = "token") -> SecretField:
        secrets = Secrets(client(self.aws), FakeClock())
        return SecretField(secrets, AwsField(region=self.aws.region, secret=self.name, field=field))

    def test_every_other_byte_stays(self):
        text = '{ "b" : 1.10,\n\t"token":"tgcanary-old" , "big":123456789012345678901234567890 }\n'
        self.put_text(text)
        self.place().replace(self.place().read().version, Secret("tgcanary-new"))
        assert self.text() == text.replace("tgcanary-old", "tgcanary-new")

    def test_a_whole_text_is_a_place_too(self):
        self.put_text("tgcanary-whole")
        held = self.place("").read()
        assert held.text.reveal() == "tgcanary-whole"
        self.place("").replace(held.version, Secret("tgcanary-other"))
        assert self.text() == "tgcanary-other"

    def test_the_former_version_is_the_previous_one_and_no_label_of_ours_stays(self):
        self.put({"token": "tgcanary-old"})
        held = self.place().read()
        self.place().replace(held.version, Secret("tgcanary-new"))
        kept = self.aws.service.shelf.secrets[self.name]
        assert kept.holder("AWSPREVIOUS").id == held.version
        assert kept.labels == {"AWSCURRENT", "AWSPREVIOUS"}

    @pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecretVersionStage"])
    def test_a_reply_that_was_lost_is_made_up_for(self, operation):
        self.put({"token": canary(), "zone": "eu"})
        held = self.place().read()
        new = canary()
        self.aws.fail(operation, drops=True, acts=True)
        try:
            self.place().replace(held.version, Secret(new))
        except Unreachable:  # a client that asks once: the caller looks, and does it again
            self.place().replace(self.place().read().version, Secret(new))
        assert self.fields() == {"token": new, "zone": "eu"}

    @pytest.mark.parametrize("sign", [{"rotation_enabled": True}, {"owning_service": "rds"}, {"type": "partner"}])
    def test_what_others_rotate_is_left_to_them(self, sign):
        self.put({"token": canary()})
        held = self.place().read()
        for name, value in sign.items():
            setattr(self.aws.service.shelf.secrets[self.name], name, value)
        with pytest.raises(Unfinished):
            self.place().replace(held.version, Secret(canary()))
        assert self.place().read() == held

    def test_a_pending_rotation_of_somebody_else_is_not_disturbed(self):
        self.put({"token": canary()})
        held = self.place().read()
        self._call("PutSecretValue", SecretId=self.name, SecretString="theirs", VersionStages=["AWSPENDING"])
        with pytest.raises(Unfinished):
            self.place().replace(held.version, Secret(canary()))
        assert self.place().read() == held

    def test_a_pending_label_that_stayed_on_the_current_version_disturbs_nobody(self):
        self.put({"token": canary()})
        held = self.place().read()
        self.aws.service.shelf.secrets[self.name].versions[held.version].stages.add("AWSPENDING")
        self.place().replace(held.version, Secret("tgcanary-new"))
        assert self.fields() == {"token": "tgcanary-new"}

    def test_a_secret_that_would_grow_too_large_is_left_alone(self):
        self.put({"token": "tgcanary-x", "bulk": "b" * 65_490})
        held = self.place().read()
        with pytest.raises(InputError):
            self.place().replace(held.version, Secret("tgcanary-" + "y" * 60))
        assert self.place().read() == held

    def test_a_binary_secret_is_refused(self):
        self._call("CreateSecret", Name=self.name, SecretBinary="dGdjYW5hcnk=")
        with pytest.raises(InputError):
            self.place().read()

    @pytest.mark.parametrize("text", ["plain", "[]", '{"token": "a", "token": "b"}'])
    def test_what_is_no_object_has_no_field(self, text):
        self.put_text(text)
        with pytest.raises(InputError):
            self.place().read()

    @pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecretVersionStage", "DescribeSecret"])
    def test_a_permission_that_is_missing_changes_nothing(self, operation):
        self.put({"token": canary()})
        held = self.place().read()
        self.aws.fail(operation, "AccessDeniedException")
        with pytest.raises(Unreachable):
            self.place().replace(held.version, Secret(canary()))
        assert self.place().read() == held

    def test_a_strangers_move_in_the_middle_is_a_conflict(self):
        self.put({"token": canary()})
        held = self.place().read()
        secrets = Secrets(client(self.aws), FakeClock())
        write = secrets.write

        def overtaken(*arguments: Any, **options: Any) -> None:
            write(*arguments, **options)
            self.put({"token": "tgcanary-theirs"})

        secrets.write = overtaken  # type: ignore[method-assign]
        place = SecretField(secrets, AwsField(region=self.aws.region, secret=self.name, field="token"))
        with pytest.raises(Conflict):
            place.replace(held.version, Secret(canary()))
        assert self.fields() == {"token": "tgcanary-theirs"}


class TestAwsPlaceOfAnotherAccount(TestAwsPlace):
    """AWS finds a secret of another account by its complete ARN only."""

    def put_text(self, text: str) -> None:
        kept = self.aws.service.shelf.secrets
        if self.name not in kept:
            super().put_text(text)
            shared = kept.pop(self.name)
            self.name = shared.arn = shared.arn.replace(":000000000000:", ":111122223333:")
            kept[self.name] = shared
        else:
            self._call("PutSecretValue", SecretId=self.name, SecretString=text)

    def test_its_name_alone_finds_nothing(self):
        self.put({"token": canary()})
        assert self.place().read() is not None
        self.name = self.name.rpartition(":secret:")[2][:-7]
        assert self.place().read() is None
