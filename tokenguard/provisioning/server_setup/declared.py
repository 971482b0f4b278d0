"""What `server.yaml` declares: which jobs may become planner and rotator, and where the server writes its own audit."""

from collections.abc import Mapping
from enum import StrEnum, unique

from tokenguard.frozen import Frozen


@unique
class JobRole(StrEnum):
    """What a job may be. Every other role of a store is given to people."""

    PLANNER = "planner"
    ROTATOR = "rotator"


class Jobs(Frozen, frozen=True, kw_only=True):
    """The jobs of one CI system that come from one repository."""

    system: str
    """`github` or `gitlab`."""
    issuer: str
    repository: str
    """`OWNER/NAME`, or a GitLab project's path."""
    number: str
    """The id that stays when a repository is renamed, and is never given to another one."""
    workflow: str
    """The file that defines the jobs; any other file has no rights."""
    branch: str
    environments: tuple[str, ...]
    """A rotator's job runs in one of them."""

    @property
    def ref(self) -> str:
        """The protected branch, as git names it."""
        return f"refs/heads/{self.branch}"

    def claims(self, part: JobRole) -> Mapping[str, list[str]]:
        """What an identity must say to become `part`; what it does not say is not a match."""
        return _CLAIMS[self.system](self, part)


class Pods(Frozen, frozen=True, kw_only=True):
    """A service account of a Kubernetes cluster, whose pods may become rotator."""

    host: str
    namespace: str
    account: str
    certificate: str = ""
    """Of the cluster's authority, as PEM; a server that runs in the cluster knows it."""


class ServerSetup(Frozen, frozen=True, kw_only=True):
    """One file."""

    audience: str
    jobs: tuple[Jobs, ...] = ()
    pods: Pods | None = None
    fields: tuple[str, ...] = ()
    """Addresses of what others own and a rotator writes: consumers, and values that stay where they are."""
    audit_file: str = ""
    aws_account: str = ""
    kms_key: str = ""
    github_owner: str = ""
    """The owner's id, which stands in the subject of a job's identity; empty: the subject has names only."""


def _github(jobs: Jobs, part: JobRole) -> dict[str, list[str]]:
    runs = ["push", "schedule", "workflow_dispatch"]
    if part is JobRole.PLANNER:
        return {"repository_id": [jobs.number], "event_name": ["pull_request", *runs]}
    return {
        "repository_id": [jobs.number],
        "event_name": runs,  # `pull_request_target` runs on the protected branch with what a stranger wrote
        "ref": [jobs.ref],
        "environment": list(jobs.environments),
        "workflow_ref": [f"{jobs.repository}/{jobs.workflow}@{jobs.ref}"],
    }


def _gitlab(jobs: Jobs, part: JobRole) -> dict[str, list[str]]:
    runs = ["push", "schedule", "web"]
    if part is JobRole.PLANNER:
        return {"project_id": [jobs.number], "pipeline_source": ["merge_request_event", *runs]}
    host = jobs.issuer.partition("://")[2]
    return {
        "project_id": [jobs.number],
        "pipeline_source": runs,
        "ref": [jobs.branch],
        "ref_type": ["branch"],
        "ref_protected": ["true"],
        "environment": list(jobs.environments),
        "ci_config_ref_uri": [f"{host}/{jobs.repository}//{jobs.workflow}@{jobs.ref}"],
    }


_CLAIMS = {"github": _github, "gitlab": _gitlab}
