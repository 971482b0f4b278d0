"""Least-privilege policies for external fields: what a rotator needs at each adopted field."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tokenguard.domain.field_address import AwsField, VaultField, parse_field
from tokenguard.errors import InputError

_PATTERN = re.compile(r"[*+\"\\{}$]")
_ACTIONS = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")


def adopted_policies(locations: Sequence[str]) -> dict[str, str]:
    """The policy for adopted places, by kind of server: HCL for a Vault, JSON for AWS; InputError for no address."""
    addresses = [parse_field(each) for each in locations]
    found = {
        "rotator of adopted fields (Vault)": _on_vault(each for each in addresses if isinstance(each, VaultField)),
        "rotator of adopted fields (AWS)": _on_aws([each for each in addresses if isinstance(each, AwsField)]),
    }
    return {role: text for role, text in found.items() if text}


def policy_on_vault(policy: str, locations: Sequence[str]) -> str:
    """A policy with what these fields need besides; InputError for an address, or one that is not on a Vault."""
    addresses = [parse_field(each) for each in locations]
    if any(isinstance(each, AwsField) for each in addresses):
        raise _elsewhere("vault://")
    added = _on_vault(each for each in addresses if isinstance(each, VaultField))
    return f"{policy}\n# External fields that it writes.\n{added}" if added else policy


def policy_on_aws(policy: str, locations: Sequence[str]) -> str:
    """A policy with what these fields need besides; InputError for an address, or one that is not on AWS."""
    addresses = [parse_field(each) for each in locations]
    if any(isinstance(each, VaultField) for each in addresses):
        raise _elsewhere("aws://")
    if not addresses:
        return policy
    document = json.loads(policy)
    added = json.loads(_on_aws([each for each in addresses if isinstance(each, AwsField)]))
    return json.dumps({**document, "Statement": [*document["Statement"], *added["Statement"]]}, indent=2)


def _elsewhere(kind: str) -> InputError:
    return InputError(
        f"the jobs of this store can write to {kind} fields only, and `fields` lists another kind",
        hint=f"list {kind} addresses only; other destinations of a job need their own credential",
    )


def _on_vault(addresses: Iterable[VaultField]) -> str:
    paths = sorted({_exact(f"{each.mount}/data/{each.path}") for each in addresses})
    return "".join(f'path "{path}" {{ capabilities = ["read", "patch"] }}\n' for path in paths)


def _exact(path: str) -> str:
    """The path, if a policy takes it for itself and for nothing more."""
    if _PATTERN.search(path):
        raise InputError(
            "an address contains a character with a special meaning in policies",
            hint='a policy can only name entries whose path has none of * + " \\ { } $',
        )
    return path


def _on_aws(addresses: Sequence[AwsField]) -> str:
    if not addresses:
        return ""
    resources = sorted({_resource(each) for each in addresses})
    statement: dict[str, Any] = {
        "Sid": "AdoptedFields",
        "Effect": "Allow",
        "Action": [f"secretsmanager:{action}" for action in _ACTIONS],
        "Resource": resources,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def _resource(address: AwsField) -> str:
    if address.secret.startswith("arn:"):
        return address.secret
    return f"arn:aws:secretsmanager:{address.region}:*:secret:{address.secret}-??????"
