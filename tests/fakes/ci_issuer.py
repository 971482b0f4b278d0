"""An issuer of identities on loopback: what GitHub and GitLab are for their jobs, with the key set that servers fetch."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.loopback import Loopback
from tokenguard.sandbox.cited_routes import CitedRoute, is_cited

AUDIENCE = "tokenguard"
GITHUB: Mapping[str, Any] = {
    "sub": "repo:acme@9919/tokens@4711:environment:tokens", "repository": "acme/tokens", "repository_id": "4711",
    "repository_owner": "acme", "repository_owner_id": "11", "repository_visibility": "private",
    "ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true", "base_ref": "", "head_ref": "",
    "sha": "0" * 40, "environment": "tokens", "event_name": "push", "actor": "alex", "actor_id": "7",
    "run_id": "1", "run_number": "1", "run_attempt": "1", "runner_environment": "github-hosted", "workflow": "tokens",
    "workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/heads/main", "workflow_sha": "0" * 40,
    "job_workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/heads/main", "job_workflow_sha": "0" * 40,
}  # fmt: skip
"""What GitHub says of a job on the protected branch, in the environment `tokens`."""
PULL_REQUEST: Mapping[str, Any] = {
    **{name: each for name, each in GITHUB.items() if name != "environment"},
    "sub": "repo:acme@9919/tokens@4711:pull_request", "ref": "refs/pull/7/merge", "event_name": "pull_request",
    "ref_protected": "false", "workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/pull/7/merge",
    "base_ref": "main", "head_ref": "topic",
    "job_workflow_ref": "acme/tokens/.github/workflows/tokens.yml@refs/pull/7/merge",
}  # fmt: skip
GITLAB: Mapping[str, Any] = {
    "sub": "project_path:acme/tokens:ref_type:branch:ref:main", "project_id": "42", "project_path": "acme/tokens",
    "namespace_id": "7", "namespace_path": "acme", "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main",
    "ref_protected": "true", "sha": "0" * 40, "environment": "tokens", "environment_protected": "true",
    "deployment_tier": "production", "pipeline_source": "push", "pipeline_id": "1", "job_id": "1",
    "user_id": "1", "user_login": "alex", "user_email": "alex@example.org", "runner_id": 1,
    "runner_environment": "self-hosted",
    "ci_config_ref_uri": "gitlab.example.org/acme/tokens//.gitlab-ci.yml@refs/heads/main",
}  # fmt: skip
MERGE_REQUEST: Mapping[str, Any] = {
    **{name: each for name, each in GITLAB.items() if not name.startswith(("environment", "deployment"))},
    "sub": "project_path:acme/tokens:ref_type:branch:ref:topic", "ref": "topic", "ref_protected": "false",
    "ref_path": "refs/heads/topic", "pipeline_source": "merge_request_event",
    "ci_config_ref_uri": "gitlab.example.org/acme/tokens//.gitlab-ci.yml@refs/heads/topic",
}  # fmt: skip
_GITHUB_REFERENCE = "https://docs.github.com/en/actions/reference/security/oidc"
_DISCOVERY = "https://openid.net/specs/openid-connect-discovery-1_0.html"


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, whoever signed it; nothing if it is not one."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    return claims


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
    routes: ClassVar = (
        CitedRoute("GET /.well-known/openid-configuration", _DISCOVERY, "2026-11-29"),
        CitedRoute("GET /keys", _DISCOVERY, "2026-11-29", silent="the path: discovery names it (`jwks_uri`)"),
        CitedRoute(
            "GET /run//idtoken/{run}/{job}",
            _GITHUB_REFERENCE,
            "2026-11-29",
            silent="the path: the runner sets the whole address; empty segments, as real runners have them",
        ),
    )

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
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
        parts = ({"alg": "RS256", "typ": "JWT", "kid": "one"}, body)
        if (config := body.get("ci_config_ref_uri")) is not None:
            body["ci_config_ref_uri"] = config.replace("gitlab.example.org", self.url.removeprefix("http://"))
        text = ".".join(_text(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_text(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def verified(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this issuer signed; None for any other."""
        text, _, signature = token.rpartition(".")
        try:
            given = base64.urlsafe_b64decode(signature + "==")
            self._key.public_key().verify(given, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return None
        return claims_of(token)

    def answer(self, target: str, credential: str) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(target)
        if not is_cited(self.routes, "GET", parts.path.strip("/").split("/")):
            return 404, {}
        if parts.path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if parts.path == "/keys":
            public = self._key.public_key().public_numbers()
            n, e = (_text(each.to_bytes((each.bit_length() + 7) // 8)) for each in (public.n, public.e))
            return 200, {"keys": [{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "n": n, "e": e}]}
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
