"""Client for IAM and STS with access keys that are given, or with the runner's own identity; requests are sent once."""

from functools import cached_property
from typing import Any

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.domain.secret import Value
from tokenguard.frozen import Frozen

KEY_ID = "key_id"
"""The field of a value that names the key; `token` is its secret."""
_KEPT = 8
"""Clients that are kept, one for each key and service: AWS's SDK takes long to make one."""


class AccessKeyClients(AwsClient):
    """Asks IAM and STS as the owners of access keys, over one session of AWS's SDK."""

    @cached_property
    def _session(self) -> Any:
        import botocore.session  # slow to load

        return self._new_session(botocore.session.get_session())

    @cached_property
    def _made(self) -> list[tuple[str, Value | None, Any]]:
        return []

    def ask(self, service: str, key: Value | None, operation: str, **params: Any) -> dict[str, Any]:
        """Call one operation of a service as the owner of a key, or by AWS's default chain (None); AwsError."""
        return self._call(self._of(service, key), operation, params)

    def _of(self, service: str, key: Value | None) -> Any:
        for name, value, client in self._made:
            if name == service and value == key:
                return client
        keys = None
        if key is not None:
            keys = {"aws_access_key_id": key.field(KEY_ID).reveal(), "aws_secret_access_key": key.token.reveal()}
        client = self._client(service, keys=keys)
        self._made[:] = [*self._made[-_KEPT + 1 :], (service, key, client)]
        return client


class AccessKeyOwner(Frozen, frozen=True):
    """The owner of one key, or the runner by AWS's default chain: a profile, a web identity, an instance's role."""

    clients: AccessKeyClients
    key: Value | None

    def keys(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call one operation of IAM (`create_access_key`); AwsError."""
        return self.clients.ask("iam", self.key, operation, **params)

    def arn(self) -> str:
        """Who STS says it is; AwsError."""
        found = self.clients.ask("sts", self.key, "get_caller_identity").get("Arn")
        if not isinstance(found, str):
            raise AwsError(AwsFailure.MALFORMED)
        return found
