"""Three OpenBao nodes that share one Raft log, on loopback ports; what is killed comes up again with the data it had."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from tests.integration.openbao import free_port

BINARY = Path(sys.executable).with_name("bao")
_PATIENCE = 90.0
"""Seconds for anything that the nodes have to agree about."""
_CONFIG = """\
disable_mlock = true
api_addr = "http://127.0.0.1:{api}"
cluster_addr = "http://127.0.0.1:{cluster}"
listener "tcp" {{
  address = "127.0.0.1:{api}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_disable = true
}}
storage "raft" {{
  path = "{data}"
  node_id = "{name}"
  performance_multiplier = 1
  autopilot_reconcile_interval = "500ms"
  autopilot_update_interval = "500ms"
{joins}}}
seal "static" {{
  current_key_id = "one"
  current_key = "file://{key}"
}}
"""


class Node:
    """One of the three."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.api_port, self.cluster_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.api_port}"
        self._directory = directory / name
        self._directory.mkdir(mode=0o700)
        (self._directory / "data").mkdir(mode=0o700)
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, others: list["Node"], key: Path) -> None:
        joins = "".join(f'  retry_join {{ leader_api_addr = "{each.url}" }}\n' for each in others)
        text = _CONFIG.format(
            api=self.api_port, cluster=self.cluster_port, data=self._directory / "data", name=self.name, key=key,
            joins=joins,
        )  # fmt: skip
        (self._directory / "node.hcl").write_text(text)

    def start(self) -> None:
        with (self._directory / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARY, "server", f"-config={self._directory / 'node.hcl'}"], stdout=log, stderr=log,
                cwd=self._directory, start_new_session=True,
                env={"HOME": str(self._directory), "PATH": os.environ.get("PATH", ""), "GOGC": "400"},
            )  # fmt: skip

    def kill(self) -> None:
        """At once, as when the machine loses its power."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def runs(self) -> bool:
        return self._process is not None


class Cluster:
    """`kill_active` and `revive` are what a test does to it; `urls` is what a configuration would name."""

    def __init__(self, directory: Path) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        key = directory / "seal.key"
        key.write_bytes(secrets.token_bytes(32))
        key.chmod(0o600)
        self.nodes = [Node(directory, f"node{number}") for number in range(3)]
        for node in self.nodes:
            node.configure([each for each in self.nodes if each is not node], key)
        self.root_token = ""

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        _until(lambda: self._health(first) in {200, 501}, "the first node answers")
        made = self.ask(first, "POST", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        self.root_token = made.json()["root_token"]
        _until(lambda: self._health(first) == 200, "the first node leads")
        # by default a new node has to be well for ten seconds before it gets a vote
        self.ask(first, "POST", "sys/storage/raft/autopilot/configuration", {"server_stabilization_time": "1s"})
        self.wait_until_whole()
        self.ask(self.active(), "POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        for node in self.nodes:
            _until(lambda node=node: self.ask(node, "GET", "secret/config").ok, f"{node.name} knows the mount")

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()
        self._session.close()

    def kill_active(self) -> Node:
        node = self.active()
        node.kill()
        return node

    def revive(self) -> None:
        """Start whoever is down, and wait until all three have a voice again."""
        for node in self.nodes:
            if not node.runs:
                node.start()
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        _until(self._whole, "all three nodes are voters that follow one leader")

    def active(self) -> Node:
        """The node that leads; waits for an election."""
        return _until(
            lambda: next((node for node in self.nodes if node.runs and self._health(node) == 200), None),
            "somebody leads",
        )

    def ask(
        self, node: Node, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> requests.Response:
        head = {**({"X-Vault-Token": self.root_token} if self.root_token else {}), **(headers or {})}
        return self._session.request(method, f"{node.url}/v1/{path}", json=body, headers=head, timeout=10)

    def _health(self, node: Node) -> int:
        with contextlib.suppress(requests.RequestException):
            return self._session.get(f"{node.url}/v1/sys/health", timeout=2).status_code
        return 0

    def _whole(self) -> bool:
        if sorted(self._health(node) for node in self.nodes) != [200, 429, 429]:
            return False
        state = self.ask(self.active(), "GET", "sys/storage/raft/autopilot/state")
        servers = (state.json().get("data") or {}).get("servers") or {} if state.ok else {}
        return len(servers) == len(self.nodes) and all(
            each["status"] in {"leader", "voter"} and each["healthy"] for each in servers.values()
        )


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Three nodes that live as long as the block."""
    with tempfile.TemporaryDirectory(prefix="raft-") as directory:
        made = Cluster(Path(directory))
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _until(look: Callable[[], Any], what: str) -> Any:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"in {_PATIENCE:.0f} seconds it did not come true that {what}")
