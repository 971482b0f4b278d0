"""Resolves external fields with this runner's configuration; records only pin the server."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokenguard.domain.field_address import AwsField, AwsFolder, VaultField, VaultFolder, parse_field
from tokenguard.domain.token import Consumer, ConsumerKind, Custody, Location
from tokenguard.errors import InputError
from tokenguard.ports.clock import Clock
from tokenguard.ports.external_fields import ExternalField
from tokenguard.ports.secret_listing import SecretListing
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.ci_job import in_ci

if TYPE_CHECKING:  # hvac and boto3 are loaded on use
    from tokenguard.clients.aws.secrets import Secrets
    from tokenguard.clients.vault.connection import VaultConnection


class ConfiguredPlaces:
    """Implements `ports.places.Places`; connects when a place is first asked for.

    Args:
        settings: the configuration; its `[aws]` says which endpoint.
        vault: which Vault `vault://` means.
        environ: where `env:VARIABLE` looks.
        clock: times leases and pauses.
        keyless: whether logins with what lives for ever are refused, as they are for a store.
    """

    def __init__(
        self,
        settings: Settings,
        vault: VaultConfig | None,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        keyless: bool = False,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._environ = environ
        self._clock = clock
        self._keyless = keyless
        self._connection: VaultConnection | None = None
        self._regions: dict[str, Secrets] = {}

    def of(self, pinned: Location | Consumer) -> ExternalField:
        """The place of a value; InputError if its server is not the one that was pinned."""
        address = parse_field(str(pinned) if isinstance(pinned, Consumer) else pinned.url)
        if pinned.server not in self.servers(_kind_of(address)):
            raise _elsewhere(address, pinned)
        return self._at(address)

    def pinned(self, url: str) -> Location:
        """The location at an address, on the server that the configuration names; InputError if it names none."""
        address = parse_field(url)
        return Location(Custody.ADOPTED, address.url, self.servers(_kind_of(address))[0])

    def servers(self, kind: ConsumerKind) -> tuple[str, ...]:
        """What a record may pin, the usual one first; for AWS itself nothing, since its region is in the address."""
        if kind is ConsumerKind.AWS:
            return (self._settings.aws.endpoint,)
        from tokenguard.shell.vault_store import vault_nodes  # loads hvac

        namespace, nodes = vault_nodes(self._vault, self._environ)
        within = f"/{namespace}" if namespace else ""
        return tuple(f"{node}{within}" for node in nodes)

    def _at(self, address: VaultField | AwsField) -> ExternalField:
        if isinstance(address, AwsField):
            from tokenguard.clients.aws.secret_field import SecretField  # loads boto3 when it is asked

            return SecretField(self.secrets(address.region), address)
        from tokenguard.clients.vault.entry_field import KvField  # loads hvac
        from tokenguard.clients.vault.kv import KvMount

        return KvField(KvMount(self.connection(), address.mount), address)

    def vault_survey(self, folder: VaultFolder, wanted: Mapping[str, str]) -> SecretListing:
        """A walk through a mount at and below a folder; entries must have the `wanted` custom metadata."""
        from tokenguard.clients.vault.kv import KvMount  # loads hvac
        from tokenguard.clients.vault.list_entries import KvSurvey
        from tokenguard.clients.vault.vault_errors import VaultError

        self._refuse_unnamed()
        kv = KvMount(self.connection(), folder.mount)

        def is_store(path: str, names: Sequence[str]) -> bool:
            if not {"meta/", "key/"} <= set(names):
                return False
            try:
                return kv.read(f"{path}/meta/store".lstrip("/")) is not None
            except VaultError:
                return True  # what looks like a store and may not be read is not walked into

        return KvSurvey(kv, folder, wanted, is_store)

    def _refuse_unnamed(self) -> None:
        """InputError in a job of CI whose environment alone says which server; a record would have pinned one."""
        from tokenguard.shell.vault_environment import completed
        from tokenguard.shell.vault_store import unnamed_server  # loads hvac

        if in_ci(self._environ) and completed(self._vault, self._environ).by_environment:
            raise unnamed_server()

    def aws_survey(self, folder: AwsFolder, wanted: Mapping[str, str]) -> SecretListing:
        """A walk through a region's secrets of a prefix; they must have the `wanted` tags."""
        from tokenguard.clients.aws.list_secrets import SecretsSurvey  # few commands need it

        return SecretsSurvey(self.secrets(folder.region), folder, wanted)

    def connection(self) -> "VaultConnection":
        """The login at the configured Vault; InputError if none is configured, or none that may be used."""
        if self._connection is None:
            from tokenguard.clients.vault.connection import VaultConnection  # loads hvac
            from tokenguard.shell.vault_store import refuse_static, vault_settings  # the same

            where = vault_settings(self._vault, self._settings, self._environ)
            if self._keyless:
                refuse_static(where.login)
            self._connection = VaultConnection(where, self._clock)
        return self._connection

    def secrets(self, region: str) -> "Secrets":
        """Secrets Manager of a region."""
        if region not in self._regions:
            from tokenguard.clients.aws.secrets import Secrets  # few commands need it
            from tokenguard.shell.aws_store import client

            self._regions[region] = Secrets(
                client(region, self._settings, self._environ, keyless=self._keyless), self._clock
            )
        return self._regions[region]

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()


def _kind_of(address: VaultField | AwsField) -> ConsumerKind:
    return ConsumerKind.AWS if isinstance(address, AwsField) else ConsumerKind.VAULT


def _elsewhere(address: VaultField | AwsField, pinned: Location | Consumer) -> InputError:
    """Names the option that confirms a server: the one by which the place came into the record."""
    if isinstance(pinned, Location):
        how, confirm = "adopted", f"--adopt '{address.url}'"
    else:
        how, confirm = "declared", f"--deliver '{address.url}', with its other consumers"
    if isinstance(pinned, Consumer) and pinned.unpinned:
        return InputError(
            f"{address.url} was declared before records pinned the server",
            hint=f"if it is on the configured server: tokenguard edit NAME {confirm}",
        )
    return InputError(
        f"{address.url} was {how} on a server that is not the configured one",
        hint=f"if the server has moved: tokenguard edit NAME {confirm}",
    )
