"""Least privilege for places of others: what a rotator needs at each field that it keeps, beside its store's policy."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tokenguard.domain.field_address import AwsField, VaultField, parse_field

_ACTIONS = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")


def adopted_policies(locations: Sequence[str]) -> dict[str, str]:
    """The policy for adopted places, by kind of server: HCL for a Vault, JSON for AWS; InputError for no address."""
    addresses = [parse_field(each) for each in locations]
    found = {
        "rotator of adopted fields (Vault)": _on_vault(each for each in addresses if isinstance(each, VaultField)),
        "rotator of adopted fields (AWS)": _on_aws([each for each in addresses if isinstance(each, AwsField)]),
    }
    return {role: text for role, text in found.items() if text}


def _on_vault(addresses: Iterable[VaultField]) -> str:
    paths = sorted({f"{each.mount}/data/{each.path}" for each in addresses})
    return "".join(f'path "{path}" {{ capabilities = ["read", "patch"] }}\n' for path in paths)


def _on_aws(addresses: Sequence[AwsField]) -> str:
    if not addresses:
        return ""
    resources = sorted({f"arn:aws:secretsmanager:{each.region}:*:secret:{each.secret}-??????" for each in addresses})
    statement: dict[str, Any] = {
        "Sid": "AdoptedFields",
        "Effect": "Allow",
        "Action": [f"secretsmanager:{action}" for action in _ACTIONS],
        "Resource": resources,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
