"""The fake on a loopback port: signatures looked at, faults on demand, every request on record."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.ci_issuer import claims_of
from tests.fakes.loopback import Loopback
from tests.fakes.secrets_manager import security_tokens
from tests.fakes.secrets_manager.security_tokens import ACCOUNT, REQUEST_ID
from tests.fakes.secrets_manager.service import SecretsManager
from tests.fakes.secrets_manager.state import Refused

REGION = "eu-central-1"
KEY_ID = "AKIATGCANARY00000000"
_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/\d{8}/([a-z0-9-]+)/(secretsmanager|sts)/aws4_request, "
    r"SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}"
)


@dataclass
class Fault:
    """What happens to the next calls of one operation."""

    operation: str
    code: str = ""
    """The error that is answered; empty: none."""
    message: str = "a text that must not be quoted: tgcanary-foreign-text"
    status: int = 400
    times: int = 1
    after: int = 0
    """So many calls of the operation pass first."""
    acts: bool = False
    """The call takes effect all the same."""
    drops: bool = False
    """The connection closes without a reply."""


@dataclass
class FakeAws(Loopback):
    """`with FakeAws() as aws:` serves Secrets Manager and STS at `aws.url`."""

    region: str = REGION
    arn: str = f"arn:aws:sts::{ACCOUNT}:assumed-role/rotator/session"
    expired: set[str] = field(default_factory=set)
    """Access keys whose session has expired."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    denies: Callable[[str, dict[str, Any]], bool] | None = None
    """Whether the policy of the login in use denies a call."""
    trusts: Callable[[str, str], bool] = lambda _role, _identity: False
    """Whether a role lets an identity take it."""

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """An empty region, without faults and without a record of requests."""
        self.service = SecretsManager(self.region)
        self.faults: list[Fault] = []
        self.denies = None
        self.requests.clear()
        self.expired.clear()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Bound", (_Handler,), {"aws": self})

    @property
    def counts(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.requests)

    def fail(self, operation: str, code: str = "", **how: Any) -> Fault:
        """Let the next call of `operation` fail so; returns the fault, which can be lifted by `times = 0`."""
        fault = Fault(operation, code, **how)
        self.faults.append(fault)
        return fault

    def answer(self, operation: str, params: dict[str, Any]) -> tuple[dict[str, Any] | None, Fault | None]:
        """Do what is asked, unless a fault stands before it."""
        self.requests.append((operation, params))
        if self.denies is not None and self.denies(operation, params):
            raise Refused("AccessDeniedException")
        fault = self._fault(operation)
        if fault is not None and not fault.acts:
            return None, fault
        return self.service.call(operation, params), fault

    def _fault(self, operation: str) -> Fault | None:
        for fault in self.faults:
            if fault.operation in {operation, "*"} and fault.times:
                if fault.after:
                    fault.after -= 1
                    return None
                fault.times -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    aws: FakeAws
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent in one piece

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if "Authorization" not in self.headers and b"Action=AssumeRoleWithWebIdentity" in body:
            self._assume({name: each[0] for name, each in parse_qs(body.decode()).items()})
            return
        try:
            service = self._signed()
            if service == "sts":
                self._identity(body)
                return
            operation = self.headers.get("X-Amz-Target", "").removeprefix("secretsmanager.")
            answer, fault = self.aws.answer(operation, json.loads(body))
        except Refused as refused:
            self._error(refused.code, refused.message, refused.status)
            return
        if fault is not None and fault.drops:
            self.close_connection = True
        elif fault is not None and fault.code:
            self._error(fault.code, fault.message, fault.status)
        else:
            self._send(200, json.dumps(answer).encode(), "application/x-amz-json-1.1")

    def _signed(self) -> str:
        """Which service the request is signed for."""
        found = _SIGNATURE.fullmatch(self.headers.get("Authorization", ""))
        if found is None or not self.headers.get("X-Amz-Date"):
            raise Refused("MissingAuthenticationTokenException", status=403)
        if found[1] in self.aws.expired:
            raise Refused("ExpiredTokenException")
        if found[2] != self.aws.region:
            raise Refused("InvalidSignatureException", status=403)
        return found[3]

    def _identity(self, body: bytes) -> None:
        operation = parse_qs(body.decode()).get("Action", [""])[0]
        self.aws.requests.append((operation, {}))
        fault = self.aws._fault(operation)
        if fault is not None or operation != "GetCallerIdentity" or operation not in security_tokens.OPERATIONS:
            text = security_tokens.refusal(fault.code if fault else "InvalidAction", "no")
            self._send(403, text.encode(), "text/xml")
            return
        self._send(200, security_tokens.caller_identity(self.aws.arn).encode(), "text/xml")

    def _assume(self, asked: dict[str, str]) -> None:
        """The one call that needs no signature: an identity for a session."""
        self.aws.requests.append(("AssumeRoleWithWebIdentity", {"role": asked["RoleArn"]}))
        known = "AssumeRoleWithWebIdentity" in security_tokens.OPERATIONS
        if not known or not self.aws.trusts(asked["RoleArn"], asked["WebIdentityToken"]):
            text = security_tokens.refusal("AccessDenied", "tgcanary-foreign-text")
            self._send(403, text.encode(), "text/xml")
            return
        text = security_tokens.session(asked, claims_of(asked["WebIdentityToken"]))
        self._send(200, text.encode(), "text/xml")

    def _error(self, code: str, message: str, status: int) -> None:
        self._send(status, json.dumps({"__type": code, "message": message}).encode(), "application/x-amz-json-1.1")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", REQUEST_ID)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
