"""Renders a set-up for a Vault or OpenBao: mount, policies, login methods, roles, audit device, in their order."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.provisioning.server_setup.declared import JobRole, Jobs, Pods, ServerSetup

_PLAIN = re.compile(r"[a-z0-9.]+", re.ASCII)
_TTL = 900
"""Seconds that a job's login lasts; it is renewed while the job runs, up to the longest."""
_LONGEST_TTL = 7_200
_LEEWAY = 60
"""Seconds by which the clocks of issuer and server may differ."""
_METADATA = {
    "github": {"actor": "actor", "run_id": "run_id", "workflow_ref": "workflow_ref", "sha": "sha"},
    "gitlab": {"user_login": "actor", "pipeline_id": "run_id", "ref_path": "ref", "sha": "sha"},
}


@unique
class ServerObjectKind(StrEnum):
    """What a server can hold."""

    MOUNT = "mount"
    POLICY = "policy"
    METHOD = "login method"
    ISSUER = "issuer"
    ROLE = "role"
    AUDIT = "audit device"

    @property
    def fixed(self) -> bool:
        """Whether an existing foreign resource of that name is never changed."""
        return self in {ServerObjectKind.MOUNT, ServerObjectKind.METHOD, ServerObjectKind.AUDIT}


class Resource(Frozen, frozen=True, kw_only=True):
    """One thing on the server, as it should be."""

    kind: ServerObjectKind
    name: str
    path: str
    """Where the API reads and writes it, without `v1/`."""
    wanted: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How people are told of it."""
        return f"{self.kind} {self.name}"


def resources(setup: ServerSetup, *, mount: str, prefix: str, policies: Mapping[str, str]) -> Iterator[Resource]:
    """Everything that a store and its pipeline need, each after what it needs itself.

    Args:
        setup: who may log in.
        mount: of the store.
        prefix: of the store.
        policies: the text of each role's policy, by the role's name.
    """
    yield _resource(ServerObjectKind.MOUNT, mount, "sys/mounts", {"type": "kv", "options": {"version": "2"}})
    team = slug(mount, prefix)
    for role, text in policies.items():
        yield _resource(ServerObjectKind.POLICY, f"{team}-{role}", "sys/policies/acl", {"policy": text})
    for jobs in setup.jobs:
        yield from _login(setup, jobs, team)
    if setup.pods is not None:
        yield from _pods(setup, setup.pods, team)
    if setup.audit_file:
        device = {"type": "file", "options": {"file_path": setup.audit_file}}
        yield _resource(ServerObjectKind.AUDIT, "tokenguard", "sys/audit", device)


def slug(mount: str, prefix: str) -> str:
    """A name for a store that servers accept everywhere; policies there know no capital letters."""
    plain = "-".join(part.lower().replace("/", "-") for part in (mount, prefix) if part)
    if _PLAIN.fullmatch(mount) and (not prefix or _PLAIN.fullmatch(prefix)):
        return f"tg-{plain}"
    place = hashlib.sha256(f"{mount}\0{prefix}".encode()).hexdigest()
    return f"tg-{plain}-{place[:6]}"  # two places must not share one policy


def method_of(system: str) -> str:
    """Where the login method of a CI system or of Kubernetes is mounted."""
    return f"tokenguard-{system}"


def role_of(mount: str, prefix: str, part: JobRole) -> str:
    """The role with which a job logs in."""
    return f"{slug(mount, prefix)}-{part}"


def _login(setup: ServerSetup, jobs: Jobs, team: str) -> Iterator[Resource]:
    method = method_of(jobs.system)
    yield _resource(ServerObjectKind.METHOD, method, "sys/auth", {"type": "jwt"})
    issuer = {"oidc_discovery_url": jobs.issuer, "bound_issuer": jobs.issuer}
    yield Resource(kind=ServerObjectKind.ISSUER, name=method, path=f"auth/{method}/config", wanted=issuer)
    for part in JobRole:
        wanted = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [setup.audience],
            "bound_claims_type": "string",
            "bound_claims": dict(jobs.claims(part)),
            "claim_mappings": _METADATA[jobs.system],
            "expiration_leeway": _LEEWAY,
            "not_before_leeway": _LEEWAY,
            "clock_skew_leeway": _LEEWAY,
            **_token(f"{team}-{part}"),
        }
        yield _resource(ServerObjectKind.ROLE, f"{team}-{part}", f"auth/{method}/role", wanted)


def _pods(setup: ServerSetup, pods: Pods, team: str) -> Iterator[Resource]:
    method = method_of("kubernetes")
    yield _resource(ServerObjectKind.METHOD, method, "sys/auth", {"type": "kubernetes"})
    cluster = {"kubernetes_host": pods.host}
    if pods.certificate:
        cluster["kubernetes_ca_cert"] = pods.certificate
    yield Resource(kind=ServerObjectKind.ISSUER, name=method, path=f"auth/{method}/config", wanted=cluster)
    wanted = {
        "bound_service_account_names": [pods.account],
        "bound_service_account_namespaces": [pods.namespace],
        "audience": setup.audience,
        **_token(f"{team}-{JobRole.ROTATOR}"),
    }
    yield _resource(ServerObjectKind.ROLE, f"{team}-{JobRole.ROTATOR}", f"auth/{method}/role", wanted)


def _token(policy: str) -> dict[str, Any]:
    return {
        "token_policies": [policy],
        "token_no_default_policy": True,
        "token_ttl": _TTL,
        "token_max_ttl": _LONGEST_TTL,
        "token_type": "service",
    }


def _resource(kind: ServerObjectKind, name: str, below: str, wanted: Mapping[str, Any]) -> Resource:
    return Resource(kind=kind, name=name, path=f"{below}/{name}", wanted=wanted)
