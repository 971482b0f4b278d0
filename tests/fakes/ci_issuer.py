"""An issuer of identities on loopback: what GitHub and GitLab are for their jobs, with the key set that servers fetch."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.fakes.loopback import Loopback

AUDIENCE = "tokenguard"
GITHUB: Mapping[str, Any] = {
    "sub": "repo:acme@9919/tokens@4711:environment:tokens", "repository": "acme/tokens", "repository_id": "4711",
    "repository_owner_id": "11", "ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true",
    "environment": "tokens", "event_name": "push", "actor": "alex", "run_id": "1",
    "workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/heads/main",
    "job_workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/heads/main",
}  # fmt: skip
"""What GitHub says of a job on the protected branch, in the environment `tokens`."""
PULL_REQUEST: Mapping[str, Any] = {
    **{name: each for name, each in GITHUB.items() if name != "environment"},
    "sub": "repo:acme@9919/tokens@4711:pull_request", "ref": "refs/pull/7/merge", "event_name": "pull_request",
    "ref_protected": "false", "workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/pull/7/merge",
    "job_workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/pull/7/merge",
}  # fmt: skip
GITLAB: Mapping[str, Any] = {
    "sub": "project_path:acme/tokens:ref_type:branch:ref:main", "project_id": "42", "project_path": "acme/tokens",
    "namespace_id": "7", "ref": "main", "ref_type": "branch", "ref_protected": "true", "environment": "tokens",
    "environment_protected": "true", "pipeline_source": "push", "user_login": "alex", "pipeline_id": "1",
    "ci_config_ref_uri": "gitlab.example.org/acme/tokens//.gitlab-ci.yml@refs/heads/main",
}  # fmt: skip
MERGE_REQUEST: Mapping[str, Any] = {
    **{name: each for name, each in GITLAB.items() if not name.startswith("environment")},
    "sub": "project_path:acme/tokens:ref_type:branch:ref:topic", "ref": "topic", "ref_protected": "false",
    "pipeline_source": "merge_request_event",
    "ci_config_ref_uri": "gitlab.example.org/acme/tokens//.gitlab-ci.yml@refs/heads/topic",
}  # fmt: skip


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Issuer(Loopback):
    """`with Issuer() as issuer:` serves discovery, keys, and the endpoint at which GitHub's jobs ask."""

    claims: Mapping[str, Any] = field(default_factory=lambda: GITHUB)
    """Of the job that asks."""
    asked: list[str] = field(default_factory=list)
    """For which audiences a job has asked."""
    failures: list[int] = field(default_factory=list)
    """Statuses of the next answers to jobs."""

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.request_token = f"tgcanary-{secrets.token_hex(12)}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Bound", (_Handler,), {"issuer": self})

    @property
    def job(self) -> dict[str, str]:
        """What GitHub's runner sets for a job with `id-token: write`; its paths do hold two slashes."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/run//idtoken/1/2?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token,
        }

    def signed(self, claims: Mapping[str, Any] | None = None, **more: Any) -> str:
        """A token of now; `more` replaces claims, and None takes one out."""
        now = int(time.time())
        times = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
            "jti": secrets.token_hex(8),
        }
        content = {**times, **(self.claims if claims is None else claims), **more}
        body = {name: each for name, each in content.items() if each is not None}
        parts = ({"alg": "ES256", "typ": "JWT", "kid": "one"}, body)
        if (config := body.get("ci_config_ref_uri")) is not None:
            body["ci_config_ref_uri"] = config.replace("gitlab.example.org", self.url.removeprefix("http://"))
        text = ".".join(_text(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_text(r.to_bytes(32) + s.to_bytes(32))}"

    def verified(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this issuer signed; None for any other."""
        text, _, signature = token.rpartition(".")
        try:
            raw = base64.urlsafe_b64decode(signature + "==")
            given = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
            self._key.public_key().verify(given, text.encode(), ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return None
        return json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))

    def answer(self, target: str, credential: str) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(target)
        if parts.path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if parts.path == "/keys":
            point = self._key.public_key().public_numbers()
            x, y = (_text(each.to_bytes(32)) for each in (point.x, point.y))
            return 200, {
                "keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256", "x": x, "y": y}]
            }
        if self.failures:
            return self.failures.pop(0), {}
        query = parse_qs(parts.query)
        if (
            credential != f"Bearer {self.request_token}"
            or parts.path != "/run//idtoken/1/2"
            or query.get("api-version") != ["2.0"]
        ):
            return 401, {}
        self.asked += query["audience"]
        return 200, {"count": 1, "value": self.signed(aud=query["audience"][0])}


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        status, body = self.issuer.answer(self.path, self.headers.get("Authorization", ""))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass
