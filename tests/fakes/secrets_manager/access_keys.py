"""A strict loopback fake of IAM's access keys and of STS's GetCallerIdentity: signatures are verified, faults on demand."""

# ruff: noqa: N802 - the operations have the names that AWS gives them

import re
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.loopback import Loopback
from tests.fakes.secrets_manager.security_tokens import ACCOUNT, REQUEST_ID
from tokenguard.sandbox.cited_routes import CitedRoute

_REFERENCE = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_{}.html"
OPERATIONS = {
    each: CitedRoute(f"POST /{each}", _REFERENCE.format(each), "2026-11-29")
    for each in (
        "CreateAccessKey",
        "DeleteAccessKey",
        "GetAccessKeyLastUsed",
        "ListAccessKeys",
        "ListUserTags",
        "TagUser",
        "UntagUser",
        "UpdateAccessKey",
    )
}
"""Each is an `Action`; what is not here is not known."""
MOST = 2
"""Access keys of a user (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/(iam|sts)/aws4_request, SignedHeaders=([^,]*), .*"
)
_ADMIN = "admin"


class Refused(Exception):
    """An error of AWS: its code and status."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class AccessKey:
    user: str
    id: str
    secret: str
    created: datetime
    active: bool = True


@dataclass
class FakeIam(Loopback):
    """`with FakeIam() as iam:` serves IAM and STS at `iam.url`. There is an admin, and users that `user` makes."""

    keys: dict[str, AccessKey] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    drops: set[str] = field(default_factory=set)
    """The next call of these operations has its effect, and no answer."""
    fails: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The next call of these operations is refused with a code and a status, and has no effect."""
    sessions: set[str] = field(default_factory=set)
    """The session tokens that requests carried: those of roles."""
    page: int = 100

    def __post_init__(self) -> None:
        self.admin = self.user(_ADMIN)

    def reset(self) -> None:
        """No users but the admin, no faults, and no record of requests."""
        self.keys, self.tags, self.page = {self.admin.id: self.admin}, {_ADMIN: {}}, 100
        for each in (self.asked, self.drops, self.fails, self.sessions):
            each.clear()

    def user(self, name: str) -> AccessKey:
        """A user with one access key."""
        self.tags.setdefault(name, {})
        return self.make(name)

    def make(self, user: str) -> AccessKey:
        if sum(each.user == user for each in self.keys.values()) >= MOST:
            raise Refused("LimitExceeded", 409)
        made = AccessKey(
            user,
            "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
            f"tgcanary-{secrets.token_hex(16)}",
            datetime.now(UTC) + timedelta(seconds=len(self.keys)),
        )
        self.keys[made.id] = made
        return made

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Bound", (_Handler,), {"iam": self})

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.asked)

    def answer(self, service: str, caller: AccessKey, asked: dict[str, str]) -> str:
        """The result of an operation; Refused."""
        action = asked.pop("Action", "")
        if service == "sts":
            if action != "GetCallerIdentity":
                raise Refused("InvalidAction", 400)
            arn = f"arn:aws:iam::{ACCOUNT}:user/team/{caller.user}"
            return f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>"
        if action not in OPERATIONS:
            raise Refused("InvalidAction", 400)
        if caller.user != _ADMIN:
            raise Refused("AccessDenied", 403)
        if action != "GetAccessKeyLastUsed" and asked.get("UserName") not in self.tags:
            raise Refused("NoSuchEntity", 404)
        return str(getattr(self, f"_{action}")(asked))

    def _CreateAccessKey(self, asked: dict[str, str]) -> str:
        made = self.make(asked["UserName"])
        return f"<AccessKey>{_key(made)}<SecretAccessKey>{made.secret}</SecretAccessKey></AccessKey>"

    def _ListAccessKeys(self, asked: dict[str, str]) -> str:
        rows = [_key(each) for each in self.keys.values() if each.user == asked["UserName"]]
        return self._paged("AccessKeyMetadata", rows, asked)

    def _ListUserTags(self, asked: dict[str, str]) -> str:
        found = self.tags[asked["UserName"]]
        rows = [f"<Key>{escape(key)}</Key><Value>{escape(value)}</Value>" for key, value in found.items()]
        return self._paged("Tags", rows, asked)

    def _paged(self, name: str, rows: list[str], asked: dict[str, str]) -> str:
        start = int(asked.get("Marker", "0"))
        page, more = rows[start : start + self.page], start + self.page < len(rows)
        members = "".join(f"<member>{row}</member>" for row in page)
        marker = f"<Marker>{start + self.page}</Marker>" if more else ""
        return f"<{name}>{members}</{name}><IsTruncated>{str(more).lower()}</IsTruncated>{marker}"

    def _TagUser(self, asked: dict[str, str]) -> str:
        key, value = asked["Tags.member.1.Key"], asked["Tags.member.1.Value"]
        if not re.fullmatch(r"[\w\s.:/=+@-]{1,128}", key) or not re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value):
            raise Refused("InvalidInput", 400)
        self.tags[asked["UserName"]][key] = value
        return ""

    def _UntagUser(self, asked: dict[str, str]) -> str:
        self.tags[asked["UserName"]].pop(asked["TagKeys.member.1"], None)
        return ""

    def _GetAccessKeyLastUsed(self, asked: dict[str, str]) -> str:
        if asked["AccessKeyId"] not in self.keys:
            raise Refused("AccessDenied", 403)
        return "<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed>"

    def _UpdateAccessKey(self, asked: dict[str, str]) -> str:
        self._named(asked).active = asked["Status"] == "Active"
        return ""

    def _DeleteAccessKey(self, asked: dict[str, str]) -> str:
        del self.keys[self._named(asked).id]
        return ""

    def _named(self, asked: dict[str, str]) -> AccessKey:
        found = self.keys.get(asked["AccessKeyId"])
        if found is None or found.user != asked["UserName"]:
            raise Refused("NoSuchEntity", 404)
        return found


def _key(each: AccessKey) -> str:
    status = "Active" if each.active else "Inactive"
    created = each.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<UserName>{each.user}</UserName><AccessKeyId>{each.id}</AccessKeyId><Status>{status}</Status>"
        f"<CreateDate>{created}</CreateDate>"
    )


class _Handler(BaseHTTPRequestHandler):
    iam: FakeIam
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent in one piece

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = {name: each[0] for name, each in parse_qs(body.decode(), keep_blank_values=True).items()}
        asked.pop("Version", None)
        action = asked.get("Action", "")
        self.iam.asked.append(action)
        if session := self.headers.get("X-Amz-Security-Token"):
            self.iam.sessions.add(session)
        try:
            self._refuse_next(action)
            service, caller = self._signed(body)
            result = self.iam.answer(service, caller, asked)
        except Refused as refused:
            self._send(refused.status, f"<ErrorResponse><Error><Type>Sender</Type><Code>{refused.code}</Code>"
                       f"<Message>tgcanary-foreign-text</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>")  # fmt: skip
            return
        if action in self.iam.drops:
            self.iam.drops.remove(action)
            self.close_connection = True
            return
        self._send(200, f"<{action}Response><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>"
                   f"{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>")  # fmt: skip

    def _refuse_next(self, action: str) -> None:
        if action in self.iam.fails:
            raise Refused(*self.iam.fails.pop(action))

    def _signed(self, body: bytes) -> tuple[str, AccessKey]:
        """The service that the request is signed for, and the key that signed it; Refused."""
        found = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if found is None:
            raise Refused("MissingAuthenticationToken", 403)
        key = self.iam.keys.get(found[1])
        if key is None or not key.active:
            raise Refused("InvalidClientTokenId", 403)
        signed = {name: self.headers[name] for name in found[5].split(";")}
        request = AWSRequest(method="POST", url=f"{self.iam.url}{self.path}", data=body, headers=signed)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = SigV4Auth(Credentials(key.id, key.secret), found[4], found[3])
        text = auth.string_to_sign(request, auth.canonical_request(request))
        if not self.headers["Authorization"].endswith(f"Signature={auth.signature(text, request)}"):
            raise Refused("SignatureDoesNotMatch", 403)
        return found[4], key

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", REQUEST_ID)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
