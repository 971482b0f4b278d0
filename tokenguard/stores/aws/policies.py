"""Least privilege as data: the IAM policy of each role, exactly for the calls that the store makes."""

import json
from enum import StrEnum, unique
from typing import Any

from tokenguard.ports.shared_item import Item
from tokenguard.stores.aws.event_archive import BLOCK
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.projection import DOCUMENT

_READ = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
_WRITE = (
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
)
_END = ("secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy")
_STATES = (DOCUMENT, "tg-name", f"{BLOCK}*")


@unique
class AwsStoreRole(StrEnum):
    """Who uses a store."""

    CI_READER = "ci-reader"
    """A consumer: reads live values and nothing else."""
    ROTATOR = "rotator"
    """Adds, rotates, retires."""
    INVENTORY = "inventory"
    """Lists and shows every token, finds the owner of a leak; reads no value."""
    SCANNER = "scanner"
    """A developer or a build: reads the bundle of fingerprints and its key."""
    PUBLISHER = "publisher"
    """Publishes fingerprints: reads every value, writes what the team shares."""
    PLANNER = "planner"
    """Plans on a pull request: lists every token; reads no value."""
    APPROVER = "approver"
    """Approves plans: what a planner may, and writes approvals, which no other role may; reads no value."""
    BREAK_GLASS = "break-glass"
    """Makes the store, restores what is scheduled for deletion. For a session of an hour, by two people."""


def policy(role: AwsStoreRole, place: AwsPlace) -> str:
    """The IAM policy of a role as JSON, for the store at `place`."""
    below = f"arn:aws:secretsmanager:{place.region}:*:secret:{place.prefix}/*"
    header = f"arn:aws:secretsmanager:{place.region}:*:secret:{place.header}-??????"
    approvals = f"arn:aws:secretsmanager:{place.region}:*:secret:{place.shared(Item.APPROVALS)}*"
    unapproved = _deny("ApprovalsAreApprovers", ["secretsmanager:CreateSecret", *_WRITE, *_END], approvals)
    shared = f"arn:aws:secretsmanager:{place.region}:*:secret:{place.shared('*')}"
    reading = [
        _allow("List", ["secretsmanager:ListSecrets", "sts:GetCallerIdentity"], "*"),
        _allow("Describe", ["secretsmanager:DescribeSecret"], below),
        _allow("States", ["secretsmanager:GetSecretValue"], below, stages=_STATES),
        _allow("Store", ["secretsmanager:GetSecretValue"], header),
    ]
    statements: dict[AwsStoreRole, list[dict[str, Any]]] = {
        AwsStoreRole.CI_READER: [
            _allow("LiveValues", ["secretsmanager:GetSecretValue"], below, stages=("AWSCURRENT",)),
            _deny("NotTheStoreItself", ["secretsmanager:GetSecretValue"], header),
        ],
        AwsStoreRole.INVENTORY: [*reading, _allow("Shared", ["secretsmanager:GetSecretValue"], shared)],
        AwsStoreRole.SCANNER: [_allow("Shared", ["secretsmanager:GetSecretValue"], [header, shared])],
        AwsStoreRole.PUBLISHER: [
            _allow("List", ["secretsmanager:ListSecrets", "sts:GetCallerIdentity"], "*"),
            _allow("Values", [*_READ], below),
            _allow("Shared", ["secretsmanager:CreateSecret", *_WRITE], shared),
            unapproved,
        ],
        AwsStoreRole.PLANNER: reading,
        AwsStoreRole.APPROVER: [
            *reading,
            _allow("Approvals", ["secretsmanager:CreateSecret", *_READ, *_WRITE], approvals),
        ],
        AwsStoreRole.ROTATOR: [
            _allow("List", ["secretsmanager:ListSecrets", "sts:GetCallerIdentity"], "*"),
            _allow("Tokens", ["secretsmanager:CreateSecret", *_READ, *_WRITE], below),
            unapproved,
        ],
        AwsStoreRole.BREAK_GLASS: [
            _allow("List", ["secretsmanager:ListSecrets", "sts:GetCallerIdentity"], "*"),
            _allow(
                "Everything",
                [
                    "secretsmanager:CreateSecret",
                    "secretsmanager:RestoreSecret",
                    "secretsmanager:DeleteSecret",
                    "secretsmanager:ListSecretVersionIds",
                    "secretsmanager:CancelRotateSecret",
                    *_READ,
                    *_WRITE,
                ],
                below,
            ),
        ],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statements[role]}, indent=2)


def _deny(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {**_allow(sid, actions, resource), "Effect": "Deny"}


def _allow(sid: str, actions: list[str], resource: str | list[str], *, stages: tuple[str, ...] = ()) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    if stages:
        matched = "StringLike" if any("*" in stage for stage in stages) else "StringEquals"
        statement["Condition"] = {matched: {"secretsmanager:VersionStage": list(stages)}}
    return statement
