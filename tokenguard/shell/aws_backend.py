"""AWS Secrets Manager as a store's backend: its price, its roles, its credentials."""

from collections.abc import Iterator

from tokenguard.domain.diagnosis import Diagnosis, passed_check, warned_check
from tokenguard.errors import InputError
from tokenguard.ports.store import underlying_store
from tokenguard.ports.store_backend import CreatedStore, LoginAbilities
from tokenguard.provisioning.server_setup.declared import JobRole
from tokenguard.shell.aws_store import make_aws, policies, role_prefix
from tokenguard.shell.backend_context import BackendContext
from tokenguard.stores.aws.cost import monthly
from tokenguard.stores.aws.store import AwsStore


class AwsBackend:
    """Implements `StoreBackend`."""

    most_jobs = 1
    shared = True
    roles_need_account = True

    def __init__(self, context: BackendContext) -> None:
        self._context = context

    def create(self, recovery_file: str | None, *, sandbox: bool, anew: bool) -> CreatedStore:
        """Create the store; there is no recovery code, since the KMS key opens it."""
        if recovery_file is not None:
            raise InputError("a store on AWS has no recovery code", hint="access to its KMS key protects it")
        context = self._context
        url = context.store_url
        store = make_aws(url, context.settings, context.clock, context.environ, sandbox=sandbox, anew=anew)
        return CreatedStore(url=store.url, store_id=store.store_id, recovery="", cost=monthly(0))

    def monthly_cost(self, tokens: int) -> str:
        """AWS's list price."""
        return monthly(tokens)

    def role_policies(self) -> dict[str, str]:
        """The IAM policy of each role."""
        return policies(self._context.store_url)

    def job_roles(self, system: str, account: str) -> tuple[str, str]:
        """The ARNs of the roles."""
        name = role_prefix(self._context.store_url)
        planner, rotator = (f"arn:aws:iam::{account}:role/{name}-{system}-{part}" for part in JobRole)
        return planner, rotator

    def server_address(self) -> str | None:
        """None: the region says where it is."""
        return None

    def abilities(self) -> LoginAbilities:
        """IAM does not tell which role a login has."""
        return LoginAbilities()

    def health(self) -> Iterator[Diagnosis]:
        """The AWS identity in use, and its lifetime."""
        store = underlying_store(self._context.store)
        if isinstance(store, AwsStore) and store.secrets.client.ends_unseen:
            yield warned_check(
                "credentials",
                "they are temporary, with an expiry that AWS does not report",
                "use a profile or role that renews itself; a rotation that outlasts them can be resumed",
            )
        yield passed_check("aws", f"AWS identifies this login as {self._context.store.actor().id}")
