"""Where the store of a world for kill -9 lies: on this machine, on a real OpenBao, on the strict fake of AWS."""

import base64
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from tests.fakes import vault_stores
from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager import stores as aws_stores
from tests.fakes.secrets_manager.server import FakeAws
from tokenguard.http.address import Address
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.local_store import make_local, open_local
from tokenguard.stores.aws.store import create_store
from tokenguard.stores.vault.layout import VaultAddress


class Home(Protocol):
    """One empty store of its own, reached without the command line that is to be killed."""

    url: str
    configuration: str
    """What a runner's configuration says of it."""
    environ: Mapping[str, str]
    """What a runner's environment holds for it."""

    def make(self) -> None: ...

    def opened(self) -> Any:
        """A handle of our own; to be closed."""
        ...


class LocalHome:
    """An embedded store below `directory`."""

    configuration = ""

    def __init__(self, directory: Path) -> None:
        self._place = directory / "store"
        self.url = f"local://{self._place}"
        key = directory / "key"
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        key.chmod(0o600)
        self.environ = {"TOKENGUARD_KEY_FILE": str(key), "TOKENGUARD_STATE_DIR": str(directory / "state")}

    def make(self) -> None:
        with patch.dict(os.environ, self.environ):  # without the slow recovery code
            make_local(self._place, self.environ, SystemClock(), None, ()).close()

    def opened(self) -> Any:
        with patch.dict(os.environ, self.environ):
            return open_local(self._place, self.environ, SystemClock(), None, moving=True)


class VaultHome:
    """A prefix of its own on a server, or on a cluster of several nodes."""

    def __init__(self, addresses: Sequence[str], token: str) -> None:
        self._place = VaultAddress(mount="secret", prefix=f"kill/{secrets.token_hex(6)}")
        self._addresses, self._token = addresses, token
        self.url = self._place.url
        self.configuration = f'[vault]\naddress = {json.dumps(addresses)}\ncredential = "env:LOGIN"\n'
        self.environ = {"LOGIN": token}

    def make(self) -> None:
        vault_stores.made(self._place, self._connection(), sandbox=True).close()

    def opened(self) -> Any:
        return vault_stores.opened(self._place, self._connection())

    def _connection(self) -> Any:
        first, *others = self._addresses
        return vault_stores.connection(first, self._token, others=tuple(map(Address.parse, others)))


class AwsHome:
    """A prefix of its own in the region of the fake."""

    environ = aws_stores.CREDENTIALS

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws
        self._place = aws_stores.place(aws, f"kill-{secrets.token_hex(6)}")
        self.url = self._place.url
        self.configuration = f'[aws]\nendpoint = "{aws.url}"\n'

    def make(self) -> None:
        with patch.dict(os.environ, self.environ):
            create_store(self._place, aws_stores.client(self._aws), FakeClock(), sandbox=True).close()

    def opened(self) -> Any:
        return aws_stores.opened(self._aws, self._place.prefix)
