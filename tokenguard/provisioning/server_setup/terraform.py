"""A set-up as Terraform's JSON, for teams that own their servers there; the same values as those that are applied."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tokenguard.provisioning.server_setup.aws_setup import AUDIENCE, AwsRole, provider_of
from tokenguard.provisioning.server_setup.declared import ServerSetup
from tokenguard.provisioning.server_setup.vault_setup import Resource, ServerObjectKind

Terraform = dict[str, Any]
"""A document of Terraform's JSON syntax."""
_KINDS = {
    ServerObjectKind.MOUNT: ("vault_mount", "path"),
    ServerObjectKind.POLICY: ("vault_policy", "name"),
    ServerObjectKind.METHOD: ("vault_auth_backend", "path"),
    ServerObjectKind.AUDIT: ("vault_audit", "path"),
    ServerObjectKind.ISSUER: ("vault_kubernetes_auth_backend_config", "backend"),
}
"""The provider's name of each kind, and of the field that names one."""


def of_vault(resources: Iterable[Resource]) -> Terraform:
    """Resources of the provider `vault`, which also speaks to OpenBao."""
    made: Terraform = {}
    methods: dict[str, Resource] = {each.name: each for each in resources if each.kind is ServerObjectKind.METHOD}
    for each in resources:
        if each.kind is ServerObjectKind.METHOD and each.wanted["type"] == "jwt":
            continue  # the provider has one resource for the method and its issuer
        kind, body = _of_resource(each, methods)
        made.setdefault(kind, {})[_label(each)] = _literal(body)
    needed = {"vault": {"source": "hashicorp/vault", "version": ">= 4.0"}}
    return {"terraform": {"required_providers": needed}, "resource": made}


def of_aws(setup: ServerSetup, roles: Iterable[AwsRole]) -> Terraform:
    """Resources of the provider `aws`."""
    made: Terraform = {"aws_iam_openid_connect_provider": {}, "aws_iam_role": {}, "aws_iam_role_policy": {}}
    for jobs in setup.jobs:
        provider = {"url": jobs.issuer, "client_id_list": [AUDIENCE]}
        made["aws_iam_openid_connect_provider"][_word(provider_of(jobs))] = provider
    for role in roles:
        label = _word(role.name)
        made["aws_iam_role"][label] = _literal(
            {"name": role.name, "assume_role_policy": role.trust, "max_session_duration": role.seconds}
        )
        reference = f"${{aws_iam_role.{label}.name}}"
        made["aws_iam_role_policy"][label] = {
            **_literal({"name": "tokenguard", "policy": role.policy}), "role": reference
        }  # fmt: skip
        if setup.kms_key:
            grant = {"key_id": setup.kms_key, "operations": list(role.key_uses)}
            made.setdefault("aws_kms_grant", {})[label] = {
                "name": role.name, "grantee_principal": f"${{aws_iam_role.{label}.arn}}", **grant
            }  # fmt: skip
    needed = {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}
    return {"terraform": {"required_providers": needed}, "resource": made}


def _of_resource(resource: Resource, methods: Mapping[str, Resource]) -> tuple[str, Terraform]:
    if resource.kind is ServerObjectKind.ROLE:
        return _role(resource, methods[resource.path.split("/")[1]])
    if resource.kind is ServerObjectKind.ISSUER and methods[resource.name].wanted["type"] == "jwt":
        return "vault_jwt_auth_backend", {"path": resource.name, "type": "jwt", **resource.wanted}
    kind, name = _KINDS[resource.kind]
    return kind, {name: resource.name, **resource.wanted}


def _role(resource: Resource, method: Resource) -> tuple[str, Terraform]:
    body = {"backend": method.name, "role_name": resource.name, **resource.wanted}
    if method.wanted["type"] != "jwt":
        return "vault_kubernetes_auth_backend_role", body
    # the provider takes lists of accepted claims as one text with commas
    body["bound_claims"] = {name: ",".join(each) for name, each in resource.wanted["bound_claims"].items()}
    return "vault_jwt_auth_backend_role", body


def _label(resource: Resource) -> str:
    method = resource.path.split("/")[1].removeprefix("tokenguard-") if resource.kind is ServerObjectKind.ROLE else ""
    return _word(f"{resource.name}-{method}" if method else resource.name)


def _word(text: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_-]", "_", text)
    return word if word[0].isalpha() else f"_{word}"


def _literal(tree: Any) -> Any:
    """Terraform fills `${` and `%{` in; nothing of ours is meant that way."""
    if isinstance(tree, dict):
        return {name: _literal(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_literal(each) for each in tree]
    return tree.replace("${", "$${").replace("%{", "%%{") if isinstance(tree, str) else tree
