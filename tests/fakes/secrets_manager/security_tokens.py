"""The operations of STS that tokenguard calls, with the XML that AWS documents."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from tokenguard.sandbox.cited_routes import CitedRoute

ACCOUNT = "000000000000"
REQUEST_ID = "00000000-0000-0000-0000-000000000000"
_REFERENCE = "https://docs.aws.amazon.com/STS/latest/APIReference/API_{}.html"
_SILENT = {"AssumeRoleWithWebIdentity": "how a trust policy is evaluated: a test says so (`FakeAws.trusts`)"}
OPERATIONS = {
    each: CitedRoute(f"POST /{each}", _REFERENCE.format(each), "2026-11-29", silent=_SILENT.get(each, ""))
    for each in ("GetCallerIdentity", "AssumeRoleWithWebIdentity")
}
"""Each is an `Action`; what is not here is not known."""

Tree = Mapping[str, Any]
"""Elements by name: texts, and further elements."""


def caller_identity(arn: str) -> str:
    """The answer to GetCallerIdentity."""
    return document_of("GetCallerIdentity", {"Arn": arn, "UserId": "AROA:session", "Account": ACCOUNT})


def session(asked: Mapping[str, str], claims: Mapping[str, object]) -> str:
    """The answer to AssumeRoleWithWebIdentity.

    Args:
        asked: the parameters of the request.
        claims: what the identity token says.
    """
    role = asked["RoleArn"].rpartition("/")[2]
    name = asked["RoleSessionName"]
    ends = datetime.now(UTC) + timedelta(hours=1)
    return document_of(
        "AssumeRoleWithWebIdentity",
        {
            "SubjectFromWebIdentityToken": str(claims.get("sub", "")),
            "Audience": str(claims.get("aud", "")),
            "AssumedRoleUser": {
                "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
                "AssumedRoleId": f"AROA:{name}",
            },
            "Credentials": {
                "SessionToken": "tgcanary-session-token",
                "SecretAccessKey": "tgcanary-session-key",
                "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "AccessKeyId": "ASIATGCANARY00000000",
            },
            "PackedPolicySize": "1",
            "Provider": str(claims.get("iss", "")),
        },
    )


def refusal(code: str, message: str) -> str:
    """The answer to a request that is refused."""
    error = {"Type": "Sender", "Code": code, "Message": message}
    return _document("ErrorResponse", {"Error": error, "RequestId": REQUEST_ID})


def document_of(operation: str, result: Tree) -> str:
    """The XML around a result."""
    return _document(
        f"{operation}Response", {f"{operation}Result": result, "ResponseMetadata": {"RequestId": REQUEST_ID}}
    )


def _document(name: str, tree: Tree) -> str:
    return f'<{name} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{_xml(tree)}</{name}>'


def _xml(tree: Tree | str) -> str:
    if isinstance(tree, str):
        return escape(tree)
    return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in tree.items())
