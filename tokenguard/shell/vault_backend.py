"""A Vault or OpenBao as a store's backend: its roles, its login."""

from collections.abc import Iterator

from tokenguard.domain.diagnosis import Diagnosis, Level, passed_check
from tokenguard.errors import ExitCode, InputError
from tokenguard.ports.store import underlying_store
from tokenguard.ports.store_backend import JOBS_ON_VAULT, CreatedStore, LoginAbilities
from tokenguard.provisioning.server_setup.declared import JobRole
from tokenguard.provisioning.server_setup.vault_setup import role_of
from tokenguard.shell.backend_context import BackendContext
from tokenguard.shell.vault_store import make_vault, policies
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.policies import VaultStoreRole
from tokenguard.stores.vault.standing import READS_RECORDS, READS_TRAILS
from tokenguard.stores.vault.store import VaultStore

_FIT = {"rotator": "mount, policy, login and its lifetime are sufficient for a rotation"}


class VaultBackend:
    """Implements `StoreBackend`."""

    most_jobs = JOBS_ON_VAULT
    shared = True
    roles_need_account = False

    def __init__(self, context: BackendContext) -> None:
        self._context = context

    def create(self, recovery_file: str | None, *, sandbox: bool, anew: bool) -> CreatedStore:
        """Create the store; there is no recovery code, since the Vault's own keys open it."""
        if recovery_file is not None:
            raise InputError(
                "a store on a Vault has no recovery code", hint="Vault's own unseal and recovery keys protect it"
            )
        context, url = self._context, self._context.store_url
        store = make_vault(
            url, context.vault_of(url), context.settings, context.environ, context.clock, sandbox=sandbox, anew=anew
        )
        store.close()
        return CreatedStore(url=store.url, store_id=store.store_id, recovery="")

    def monthly_cost(self, tokens: int) -> str:  # noqa: ARG002 - the port's signature
        """A Vault has no price by the token."""
        return ""

    def role_policies(self) -> dict[str, str]:
        """The policy of each role."""
        return policies(self._context.store_url)

    def job_roles(self, system: str, account: str) -> tuple[str, str]:  # noqa: ARG002 - the port's signature
        """The names of the roles."""
        place = VaultAddress.parse(self._context.store_url)
        planner, rotator = (role_of(place.mount, place.prefix, part) for part in JobRole)
        return planner, rotator

    def server_address(self) -> str | None:
        """As the runner's configuration names it; empty if nothing does."""
        found = self._context.vault_of(self._context.store_url)
        return found.address if found else ""

    def abilities(self) -> LoginAbilities:
        """What the login's role may do."""
        store = underlying_store(self._context.store)
        if not isinstance(store, VaultStore):
            return LoginAbilities()
        role = store.role
        return LoginAbilities(
            rotates=role is VaultStoreRole.ROTATOR, trails=role in READS_TRAILS, records=role in READS_RECORDS
        )

    def health(self) -> Iterator[Diagnosis]:
        """Mount, policy and login, as far as Vault can be checked without writing."""
        store = underlying_store(self._context.store)
        if not isinstance(store, VaultStore):
            return
        found = store.problems()
        for problem in found:
            yield Diagnosis(
                check="vault", level=Level.FAIL, text=problem.message, hint=problem.hint, exit_code=ExitCode.UNREACHABLE
            )
        if not found:
            yield passed_check(
                "vault", _FIT.get(store.role, (f"sufficient for the role {store.role}, which does not rotate tokens"))
            )
