"""Least privilege as data: the IAM policy of each role, exactly for the calls that the store makes."""

import json
from enum import StrEnum, unique
from typing import Any

from tokenguard.ports.shared_item import Item
from tokenguard.stores.aws.event_archive import BLOCK
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.projection import DOCUMENT

_Statement = dict[str, Any]
_GET, _CREATE = "secretsmanager:GetSecretValue", "secretsmanager:CreateSecret"
_READ = (_GET, "secretsmanager:DescribeSecret")
_REPLACE = ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage")
_WRITE = (*_REPLACE, "secretsmanager:TagResource", "secretsmanager:UntagResource")
_END = ("secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy")
_RESTORE = (
    "secretsmanager:RestoreSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:CancelRotateSecret",
)
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
    """Approves plans and operations: what a planner may, and writes approvals, which no other role may; no value."""
    BREAK_GLASS = "break-glass"
    """Makes the store, restores what is scheduled for deletion. For a session of an hour, by two people."""


def policy(role: AwsStoreRole, place: AwsPlace) -> str:
    """The IAM policy of a role as JSON, for the store at `place`."""
    return json.dumps({"Version": "2012-10-17", "Statement": _Statements(place).of(role)}, indent=2)


class _Statements:
    """The statements of all policies of one store."""

    def __init__(self, place: AwsPlace) -> None:
        self._place = place
        self._arn = arn = f"arn:aws:secretsmanager:{place.region}:*:secret:"
        self._below = f"{arn}{place.prefix}/*"
        self._header = f"{arn}{place.header}-??????"
        self._approvals = f"{arn}{place.shared(Item.APPROVALS)}*"
        self._outbox = f"{arn}{place.shared(Item.OUTBOX)}*"
        self._requests = f"{arn}{place.shared(Item.REQUESTS)}*"
        self._shared = f"{arn}{place.shared('*')}"

    def of(self, role: AwsStoreRole) -> list[_Statement]:
        """Those of one role."""
        below, reading = self._below, self._documents()
        return {
            AwsStoreRole.CI_READER: self._live_values(),
            AwsStoreRole.INVENTORY: [*reading, _allow("Shared", [_GET], self._shared)],
            AwsStoreRole.SCANNER: [
                _allow("Shared", [_GET], [self._header, self._shared]),
                _deny("NotTheOutbox", [_GET], [self._outbox, self._requests]),
            ],
            AwsStoreRole.PUBLISHER: self._publishing(),
            AwsStoreRole.PLANNER: reading,
            AwsStoreRole.APPROVER: [
                *reading,
                _allow("Approvals", [_CREATE, *_READ, *_WRITE], self._approvals),
                _allow("Requests", [*_READ], self._requests),
            ],
            AwsStoreRole.ROTATOR: self._rotating(),
            AwsStoreRole.BREAK_GLASS: [_list(), _allow("Everything", [_CREATE, *_RESTORE, *_READ, *_WRITE], below)],
        }[role]

    def _documents(self) -> list[_Statement]:
        """Read every document and no value."""
        return [
            _list(),
            _allow("Describe", ["secretsmanager:DescribeSecret"], self._below),
            _allow("States", [_GET], self._below, stages=_STATES),
            _allow("Store", [_GET], self._header),
        ]

    def _live_values(self) -> list[_Statement]:
        live = _allow("LiveValues", [_GET], self._below, stages=("AWSCURRENT",))
        return [live, _deny("NotTheStoreItself", [_GET], self._header)]

    def _rotating(self) -> list[_Statement]:
        """Write every token, requests and the outbox; a lease is a tag of the store's own secret."""
        published = [
            f"{self._arn}{self._place.shared(item)}*" for item in (Item.POLICY, Item.FINGERPRINTS, Item.SCAN_KEY)
        ]
        return [
            _list(),
            _allow("Tokens", [_CREATE, *_READ, *_WRITE], self._below),
            self._unapproved(),
            _deny("SharingIsPublishers", [_CREATE, *_WRITE, *_END], published),
            _deny("TheStoreItself", [*_REPLACE, *_END], self._header),
        ]

    def _publishing(self) -> list[_Statement]:
        return [
            _list(),
            _allow("Values", [*_READ], self._below),
            _allow("Shared", [_CREATE, *_WRITE], self._shared),
            self._unapproved(),
            _deny("OutboxIsRotators", [_CREATE, *_WRITE, *_END], [self._outbox, self._requests]),
        ]

    def _unapproved(self) -> _Statement:
        return _deny("ApprovalsAreApprovers", [_CREATE, *_WRITE, *_END], self._approvals)


def _deny(sid: str, actions: list[str], resource: str | list[str]) -> _Statement:
    return {**_allow(sid, actions, resource), "Effect": "Deny"}


def _allow(sid: str, actions: list[str], resource: str | list[str], *, stages: tuple[str, ...] = ()) -> _Statement:
    statement: _Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    if stages:
        matched = "StringLike" if any("*" in stage for stage in stages) else "StringEquals"
        statement["Condition"] = {matched: {"secretsmanager:VersionStage": list(stages)}}
    return statement


def _list() -> _Statement:
    return _allow("List", ["secretsmanager:ListSecrets", "sts:GetCallerIdentity"], "*")
