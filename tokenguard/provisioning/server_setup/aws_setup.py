"""Renders a set-up for AWS: who may take which role, with which policy and which use of the KMS key."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.provisioning.server_setup.declared import JobRole, Jobs, ServerSetup

AUDIENCE = "sts.amazonaws.com"
_SESSION = 3_600
"""Seconds that a job's session lasts."""
_USES = {JobRole.PLANNER: ("Decrypt",), JobRole.ROTATOR: ("Decrypt", "GenerateDataKey")}


class AwsRole(Frozen, frozen=True, kw_only=True):
    """One role that a job may take."""

    name: str
    trust: str
    """JSON: who may take it."""
    policy: str
    """JSON: what it may do."""
    key_uses: tuple[str, ...]
    """Operations with the store's KMS key, if it has one of its own."""
    seconds: int = _SESSION


def roles(setup: ServerSetup, *, name: str, policies: Mapping[str, str]) -> Iterator[AwsRole]:
    """The roles of all jobs; `name` begins their names, `policies` are those of the store by role."""
    for jobs in setup.jobs:
        for part in JobRole:
            yield AwsRole(
                name=f"{name}-{jobs.system}-{part}",
                trust=json.dumps(_trust(setup, jobs, part), indent=2),
                policy=policies[part],
                key_uses=_USES[part],
            )


def provider_of(jobs: Jobs) -> str:
    """The issuer as AWS names it."""
    return jobs.issuer.partition("://")[2]


def _trust(setup: ServerSetup, jobs: Jobs, part: JobRole) -> dict[str, Any]:
    """AWS can bind audience and subject, and nothing else of an identity."""
    provider = provider_of(jobs)
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{setup.aws_account}:oidc-provider/{provider}"},
        "Condition": {
            "StringEquals": {f"{provider}:aud": AUDIENCE},
            "StringLike": {f"{provider}:sub": _SUBJECTS[jobs.system](setup, jobs, part)},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _github(setup: ServerSetup, jobs: Jobs, part: JobRole) -> list[str]:
    """With the ids of owner and repository, which no other repository gets that is given the same name later."""
    begin = f"repo:{jobs.repository}"
    if setup.github_owner:
        owner, _, name = jobs.repository.partition("/")
        begin = f"repo:{owner}@{setup.github_owner}/{name}@{jobs.number}"
    if part is JobRole.PLANNER:
        return [f"{begin}:pull_request", f"{begin}:ref:{jobs.ref}"]
    return [f"{begin}:environment:{each}" for each in jobs.environments]


def _gitlab(_setup: ServerSetup, jobs: Jobs, part: JobRole) -> list[str]:
    begin = f"project_path:{jobs.repository}:ref_type:branch:ref:"
    return [f"{begin}{'*' if part is JobRole.PLANNER else jobs.branch}"]


_SUBJECTS = {"github": _github, "gitlab": _gitlab}
